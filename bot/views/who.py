"""What `/access who` answers: each access that may be open, who holds it, until when, who approved it and why."""

from datetime import datetime

from access.durations import format_duration
from access.ids import short
from access.models import GrantStatus
from access.policy.canary import NOBODY
from access.queries.who import Inside
from access.words import counted
from bot import ids
from bot.views.blocks import (
    Block,
    Rendered,
    actions,
    at,
    button,
    code,
    context,
    header,
    mention,
    quoted,
    section,
    shortened,
)

_MOST = 15
"""Rows of three blocks each; a message has room for 50 blocks."""
_LONGEST_REASON = 200
"""Characters: the card has all of it."""


def who_list(inside: list[Inside], now: datetime) -> Rendered:
    if not inside:
        return Rendered(text="No access is open now", blocks=[section("No access is open now.")])
    said = f"{counted(len(inside), 'access is', 'accesses are')} open now"
    blocks = [header(said), *(block for one in inside[:_MOST] for block in _row(one, now))]
    if len(inside) > _MOST:
        rest = ", ".join(code(short(one.grant.id)) for one in inside[_MOST:])
        more = f"And {counted(len(inside) - _MOST, 'more', 'more')}, which end later: {rest}. "
        blocks.append(context(more[:1500] + f"{code('countersign outstanding')} lists all of them."))
    return Rendered(text=said, blocks=blocks)


def _row(one: Inside, now: datetime) -> list[Block]:
    grant = one.grant
    holder = "Canary" if grant.subject == NOBODY else mention(grant.subject_slack)
    facts = [f"*{holder}* {code(grant.entitlement)}", _until(one, now), _approved(one)]
    row = section(f"{', '.join(facts)} – id {code(short(grant.id))}")
    why = quoted("Why?", shortened(one.reason, _LONGEST_REASON))
    if grant.status == GrantStatus.REVOKING:
        return [row, why]
    label = f"Revoke {grant.entitlement} of {grant.subject}, {short(grant.id)}"
    return [
        row,
        why,
        actions(button("Revoke", action=ids.REVOKE, value=grant.id, label=label)),
    ]


def _until(one: Inside, now: datetime) -> str:
    grant = one.grant
    if grant.status == GrantStatus.REVOKING:
        return "being ended"
    if grant.status == GrantStatus.ACTIVATING or grant.expires_at is None:
        return "being opened"
    if grant.expires_at <= now:
        return f"due to end {at(grant.expires_at)}"
    return f"until {at(grant.expires_at)}, {format_duration(grant.expires_at - now)} left"


def _approved(one: Inside) -> str:
    return f"approved by {' and '.join(one.approved_by)}" if one.approved_by else "approved by the policy alone"
