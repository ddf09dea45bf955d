"""What `/access mine` answers: what this person waits for and holds, with the buttons to end it."""

from datetime import datetime

from access.durations import format_duration
from access.ids import short
from access.models import Grant, GrantStatus, Request
from access.operations import Mine
from bot import ids
from bot.views.blocks import Block, Message, actions, at, button, code, context, counted, header, section
from bot.views.progress import headline

_MOST = 20
"""Rows of two blocks each; a message has room for 50 blocks."""


def mine_list(mine: Mine, now: datetime) -> Message:
    rows = [holding(grant, _left(grant, now)) for grant in mine.grants] + [waiting(one) for one in mine.requests]
    if not rows:
        return Message(
            text="Nothing is open and nothing waits",
            blocks=[section("You hold no access and wait for none. /access opens the form.")],
        )
    blocks = [header("Your access"), *(block for row in rows[:_MOST] for block in row)]
    if len(rows) > _MOST:
        rest = ", ".join(code(short(one.id)) for one in [*mine.grants, *mine.requests][_MOST:])
        blocks.append(context(f"And {counted(len(rows) - _MOST, 'more', 'more')}: {rest}"))
    return Message(text=f"Your access: {len(mine.grants)} held, {len(mine.requests)} waiting", blocks=blocks)


def holding(grant: Grant, left: str = "") -> list[Block]:
    """Access that is not over, with its buttons while it is open."""
    identifier = short(grant.id)
    until = f" until {at(grant.expires_at)}" if grant.status == GrantStatus.ACTIVE and grant.expires_at else ""
    row = [section(f"*{headline(grant)}* {code(grant.entitlement)}{until}{left} – id {code(identifier)}")]
    if grant.status != GrantStatus.ACTIVE:
        return row
    what = f"{grant.entitlement}, {identifier}"
    return [
        *row,
        actions(
            button("Show me how to connect", action=ids.CONNECT, value=grant.id, label=f"How to connect to {what}"),
            button("I'm done", action=ids.DONE, value=grant.id, label=f"I'm done with {what}"),
        ),
    ]


def _left(grant: Grant, now: datetime) -> str:
    if grant.status != GrantStatus.ACTIVE or grant.expires_at is None:
        return ""
    return f", {format_duration(grant.expires_at - now)} left"


def waiting(request: Request) -> list[Block]:
    """A request of one's own that nobody has answered, with the way to take it back."""
    identifier = short(request.id)
    words = f"*Waiting* {code(request.entitlement)}, lapses {at(request.lapses_at)}"
    cancel = button("Take it back", action=ids.CANCEL, value=request.id, label=f"Take back request {identifier}")
    return [section(f"{words} – id {code(identifier)}"), actions(cancel)]
