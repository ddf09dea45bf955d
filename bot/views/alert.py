"""The card of an alert in the security channel and to the owners: what, since when, and what to do by hand."""

from typing import cast

from access.alerts.groups import AlertGroup
from access.grants.removed_by_hand import ByHand
from access.grants.role_rights import subject_of
from access.ids import short
from access.lifecycle import ON_TARGET
from access.models import Alert, AlertKind, EntitlementRights, Grant, GrantStatus
from access.monitor.overdue import why_late
from access.policy.canary import NOBODY as CANARY
from access.reconcile.standing_accept import Standing
from access.words import counted
from bot import ids
from bot.views import standing as standing_view
from bot.views.alert_closed import closed
from bot.views.alert_words import ALL_OF_THEM, MANY_AT_ONCE, TITLES, WHAT_TO_DO, titled
from bot.views.blocks import (
    Block,
    Rendered,
    actions,
    at_second,
    button,
    code,
    confirmation,
    context,
    header,
    mention,
    note,
    preformatted,
    section,
    sentence,
)
from bot.views.rights import rights_alert

_BY_HAND = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)
_MOST_STATEMENTS = 2_800
"""Characters; Slack takes 3,000 in one text."""


def alert_card(
    alert: Alert, grant: Grant | None, by_hand: ByHand | None = None, rights: EntitlementRights | None = None
) -> Rendered:
    """Open until its cause is gone; then it says when that was. `by_hand`: who said last that it was removed so.

    `rights`: what the role that it is about allows now.
    """
    kind = AlertKind(alert.kind)
    state = "Alert" if alert.closed_at is None else "Alert closed"
    said = f"{state}: {titled(alert)[0]}"
    blocks = [
        header(said),
        closed(alert) if alert.closed_at else sentence(_said_now(alert, kind, grant)),
        *_which(alert, kind, grant),
        *(
            _open(alert, kind, grant, by_hand)
            if alert.closed_at is None
            else [note(f"The alert said: {alert.sentence}")]
        ),
        *(rights_alert(rights) if alert.closed_at is None else []),
    ]
    about = f", {grant.entitlement} of {grant.subject}, request {short(grant.request_id)}" if grant else ""
    about = f", {subject_of(rights)}" if rights else about
    about = f", request {short(alert.subject)}" if kind == AlertKind.UNANSWERABLE else about
    return Rendered(text=f"{said}{about}", blocks=blocks)


def standing_card(alert: Alert, standing: Standing) -> Rendered:
    """Of one place: who holds something without a grant, until each is accepted or gone."""
    if alert.closed_at is not None:
        said = f"Alert closed: {standing_view.TITLE}"
        because = closed(alert, standing_view.closed_words(standing))
        blocks = [header(said), because, section(f"Resource {code(standing.resource)}")]
        return Rendered(text=f"{said}, {standing.resource}", blocks=blocks)
    said = f"Alert: {standing_view.TITLE}"
    blocks = [header(said), context(_since(alert)), *standing_view.open_blocks(standing)]
    return Rendered(text=f"{said}, {standing.number} on {standing.resource}", blocks=blocks)


def group_card(alert: Alert, group: AlertGroup) -> Rendered:
    """Of many alerts about one resource: how many are open now, until none is."""
    kind = AlertKind(alert.kind)
    about = section(f"Resource {code(group.resource)}")
    if alert.closed_at is not None:
        said = f"Alert closed: {TITLES[kind]}"
        ended = context(f"None of {counted(group.closed, 'alert', 'alerts')} of this kind is open any more.")
        return Rendered(f"{said}, all on {group.resource}", [header(said), closed(alert, ""), about, ended])
    said = f"Alert: {TITLES[kind]}"
    number, verb = counted(group.number, "alert", "alerts"), "is" if group.number == 1 else "are"
    since = f" The oldest is open since {at_second(group.oldest)}." if group.oldest else ""
    more = group.number - len(group.first)
    over = f" {counted(group.closed, 'has', 'have')} closed since this began." if group.closed else ""
    blocks = [
        header(said),
        section(f"*{number} of this kind {verb} open now.*{since}{over}"),
        about,
        *([sentence("\n".join(group.first))] if group.first else []),
        *([context(f"And {more:,} more.")] if more > 0 else []),
        context(f"{_since(alert)} This message tells of all of them and is kept up to date."),
        section(f"*What to do:* {MANY_AT_ONCE[kind]} {ALL_OF_THEM}"),
    ]
    return Rendered(text=f"{said}, {number} on {group.resource}", blocks=blocks)


def _which(alert: Alert, kind: AlertKind, grant: Grant | None) -> list[Block]:
    if kind == AlertKind.PROVIDER and alert.resource is not None:
        return [section(f"Resource {code(alert.resource)}")]
    if kind == AlertKind.UNANSWERABLE:
        return [section(f"Request {code(short(alert.subject))}")]
    if grant is None:
        return []
    due = f", due to end {at_second(grant.end_due_at)}" if grant.end_due_at else ""
    without = "the canary, not of a person" if grant.subject == CANARY else "an unknown person"
    holder = mention(grant.subject_slack) if grant.subject_slack else without
    return [section(f"{code(grant.entitlement)} of {holder}{due}. Grant {code(grant.id)}")]


def _said_now(alert: Alert, kind: AlertKind, grant: Grant | None) -> str:
    """Of what is late, the problem of now: it is told anew with each, and what it said when it opened grows old."""
    if kind != AlertKind.OVERDUE or grant is None or GrantStatus(grant.status) not in ON_TARGET:
        return alert.sentence
    return f"{why_late(grant)} So {grant.subject}'s {grant.entitlement} is past its end and may still be there."


def _open(alert: Alert, kind: AlertKind, grant: Grant | None, by_hand: ByHand | None) -> list[Block]:
    if grant is not None and kind == AlertKind.LEFTOVER:
        return [context(_since(alert)), section(f"*What to do:* {WHAT_TO_DO[kind]}"), *_leftover(grant)]
    to_do = [context(_since(alert)), section(f"*What to do:* {titled(alert)[1]}")]
    if grant is None or kind not in _BY_HAND:
        return to_do
    return [*to_do, *_statements(grant), *_said(by_hand, grant), *_removed_by_hand(grant)]


def _leftover(grant: Grant) -> list[Block]:
    """Cut at a sentence, and said so."""
    said = "\n".join(grant.leftover)
    return [note(said if len(said) <= _MOST_STATEMENTS else f"{said[:_MOST_STATEMENTS].rpartition('.')[0]}. …")]


def _since(alert: Alert) -> str:
    return f"Open since {at_second(alert.opened_at)}."


def _said(by_hand: ByHand | None, grant: Grant) -> list[Block]:
    """Somebody's word, and what the target answered to it."""
    if by_hand is None:
        return []
    said = f"{mention(by_hand.person)} said {at_second(by_hand.at)} that it was removed by hand."
    if not grant.problem:
        return [section(f"{said} The target is being asked.")]
    return [section(f"{said} *It is not proven gone.* Since then:"), note(grant.problem)]


def _removed_by_hand(grant: Grant) -> list[Block]:
    label = f"I removed {grant.entitlement} by hand, request {short(grant.request_id)}"
    asked = confirmation(
        "Removed by hand?",
        f"{grant.entitlement} of {grant.subject}: the target is asked at once whether it is gone. That you said so "
        "is written down.",
        yes="Yes, I removed it", no="Not yet",
    )  # fmt: skip
    return [
        actions(button("I removed it by hand", action=ids.BY_HAND, value=grant.id, label=label, confirm=asked)),
        note(
            "For the security team and the owners of the resource. The target is asked at once: if it is gone, this "
            "alert closes by itself; if it is still there, the alert stays open and says so."
        ),
    ]


def _statements(grant: Grant) -> list[Block]:
    """What ends the access by hand, as planned before it was granted. Cut at a line, and said so."""
    statements = cast("list[str]", grant.plan.get("revoke") or [])
    if not statements:
        return [note("The way to end it by hand is in the guide of this provider.")]
    shown: list[str] = []
    for statement in statements:
        if len("\n".join([*shown, statement])) > _MOST_STATEMENTS:
            return [*_pre(shown, grant), context("More statements follow; `countersign outstanding` prints them all.")]
        shown.append(statement)
    return _pre(shown, grant)


def _pre(statements: list[str], grant: Grant) -> list[Block]:
    """Below where they are to be typed, which is shown letter by letter: its names were chosen on the target."""
    where = cast("str", grant.plan.get("where") or grant.resource)
    typed = [note(f"To end it now, on {where}, as an administrator, run:"), preformatted("\n".join(statements))]
    return typed if statements else []
