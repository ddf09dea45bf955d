"""What `/access mine` answers: what this person waits for and holds, with the buttons to end it."""

from collections.abc import Mapping
from datetime import datetime

from access.alerts.undelivered import NeverAsked
from access.approvers import Asked
from access.durations import format_duration
from access.ids import RequestId, short
from access.models import Grant, GrantStatus, Request
from access.queries.mine import Mine
from access.words import counted
from bot import ids
from bot.views.asked import asked_people, card_link
from bot.views.blocks import Block, Element, Rendered, actions, at, button, code, context, header, mention, section
from bot.views.progress import begins_later, headline
from bot.views.undelivered import why_not_asked

_MOST = 20
"""Rows of two blocks each; a message has room for 50 blocks."""

Links = Mapping[RequestId, str]
"""Where the card of a request stands in Slack, as an address."""


def mine_list(mine: Mine, now: datetime, links: Links) -> Rendered:
    held = [holding(grant, extendable=grant.id in mine.extendable, left=_left(grant, now)) for grant in mine.grants]
    rows = held + all_waiting(mine, links) + [[by_another(one)] for one in mine.by_others]
    if not rows:
        return Rendered(
            text="Nothing is open and nothing waits",
            blocks=[section("You hold no access and wait for none. /access opens the form.")],
        )
    blocks = [header("Your access"), *(block for row in rows[:_MOST] for block in row)]
    if len(rows) > _MOST:
        rest = ", ".join(code(short(one.id)) for one in [*mine.grants, *mine.requests, *mine.by_others][_MOST:])
        blocks.append(context(f"And {counted(len(rows) - _MOST, 'more', 'more')}: {rest}"))
    waiting = len(mine.requests) + len(mine.by_others)
    return Rendered(text=f"Your access: {len(mine.grants)} held, {waiting} waiting", blocks=blocks)


def holding(grant: Grant, *, extendable: bool, left: str = "") -> list[Block]:
    """Access that is not over, with its buttons while it is open."""
    identifier = short(grant.id)
    when = ""
    if grant.status == GrantStatus.ACTIVE and grant.expires_at:
        when = f" until {at(grant.expires_at)}"
    elif begins_later(grant):
        when = f", from {at(grant.starts_at)}"
    row = section(f"*{headline(grant)}* {code(grant.entitlement)}{when}{left} – id {code(identifier)}")
    buttons = to_use(grant, f"{grant.entitlement}, {identifier}", extendable=extendable)
    return [row, actions(*buttons)] if buttons else [row]


def to_use(grant: Grant, what: str, *, extendable: bool) -> list[Element]:
    """The buttons of whoever holds access, or will; `what` it is, for screen readers."""
    if begins_later(grant):
        return [button("I don't need it", action=ids.DONE, value=grant.id, label=f"I don't need {what}")]
    if grant.status != GrantStatus.ACTIVE:
        return []
    more = [button("Extend", action=ids.EXTEND, value=grant.id, label=f"Extend {what}")] if extendable else []
    return [
        button("Show me how to connect", action=ids.CONNECT, value=grant.id, label=f"How to connect to {what}"),
        *more,
        button("I'm done", action=ids.DONE, value=grant.id, label=f"I'm done with {what}"),
    ]


def _left(grant: Grant, now: datetime) -> str:
    if grant.status != GrantStatus.ACTIVE or grant.expires_at is None:
        return ""
    return f", {format_duration(grant.expires_at - now)} left"


def all_waiting(mine: Mine, links: Links) -> list[list[Block]]:
    """A row for each request of one's own that is not decided."""
    return [
        _waiting(one, mine.asked.get(one.id), mine.not_asked.get(one.id), links.get(one.id)) for one in mine.requests
    ]


def by_another(request: Request) -> Block:
    """What another person asked, and this one would receive: only who asked can take it back."""
    asked = f"{mention(request.requester_slack)} asked for you"
    lapses = f"lapses {at(request.lapses_at)}"
    return section(f"*Waiting* {code(request.entitlement)}, {asked}, {lapses} – id {code(short(request.id))}")


def _waiting(request: Request, asked: Asked | None, not_asked: NeverAsked | None, link: str | None) -> list[Block]:
    """Who is asked or why no approver is, where its card stands, and the ways to change it and to take it back."""
    identifier = short(request.id)
    what = f"{code(request.entitlement)}, more time" if request.extends else code(request.entitlement)
    what += f" for {mention(request.subject_slack)}" if request.subject_slack != request.requester_slack else ""
    words = f"*Waiting* {what}, lapses {at(request.lapses_at)}"
    buttons = actions(
        button("Change it", action=ids.CHANGE, value=request.id, label=f"Change request {identifier}"),
        button("Take it back", action=ids.CANCEL, value=request.id, label=f"Take back request {identifier}"),
    )
    whom = f"Asked: {asked_people(asked)}" if asked and asked.approvers else ""
    if not_asked is not None:
        whom = f"Not asked yet: {why_not_asked(not_asked, request.channel)}"
    card = card_link(link, identifier) if link else ""
    said = " ".join(filter(None, (whom, card)))
    return [section("\n".join(filter(None, (f"{words} – id {code(identifier)}", said)))), buttons]
