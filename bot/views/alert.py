"""The card of an alert in the security channel and to the owners: what, since when, and what to do by hand."""

from typing import cast

from access.ids import short
from access.models import Alert, AlertKind, EntitlementRights, Grant, GrantStatus
from access.operations import ByHand, Standing
from access.operations.alerting import why_late
from access.operations.canary import NOBODY as CANARY
from access.operations.gate import UNLISTED
from access.operations.high_water import FOREIGN_MARK
from access.operations.integrity import CHANGED
from access.operations.overdue import UNWRITTEN
from access.operations.restored import UNCOMPARED
from access.operations.role_rights import subject_of
from access.operations.silence import MEMBERS, UNANSWERED
from access.operations.storms import Storm
from access.operations.timers import EMPTIED
from access.words import counted
from bot import ids
from bot.views import standing as standing_view
from bot.views import undelivered as undelivered_view
from bot.views.alert_closed import closed
from bot.views.blocks import (
    Block,
    Message,
    actions,
    at_second,
    button,
    code,
    confirmation,
    context,
    escaped,
    header,
    mention,
    note,
    preformatted,
    section,
    sentence,
)
from bot.views.rights import rights_alert

_TITLES = {
    AlertKind.OVERDUE: "Access may outlive its end",
    AlertKind.UNREMOVABLE: "Access cannot be removed",
    AlertKind.PROVIDER: "A provider is disabled",
    AlertKind.POLICY: "The access policy cannot be used",
    AlertKind.TIMEKEEPING: "No timekeeper is running",
    AlertKind.QUEUE: "Jobs wait and no worker takes them",
    AlertKind.JOBS: "Jobs were refused or failed",
    AlertKind.SWEEP: "The sweep of the database fails",
    AlertKind.TIMERS: "Redis cannot be used",
    AlertKind.DRIFT: "A target is not as we left it",
    AlertKind.LEFTOVER: "Ended access has left something behind",
    AlertKind.RIGHTS: "A role allows more than before",
    AlertKind.CANARY: "The canary failed",
    AlertKind.CLOCKS: "Clocks differ",
    AlertKind.RESTORED: "The database was restored",
    AlertKind.STANDING: standing_view.TITLE,
    AlertKind.UNDELIVERED: undelivered_view.TITLE,
}
_WHAT_TO_DO = {
    AlertKind.OVERDUE: "We keep trying until it is proven gone. If the target stays away, end it by hand.",
    AlertKind.UNREMOVABLE: "Remove the cause named above, or end it by hand. It is looked at again by itself.",
    AlertKind.PROVIDER: "Correct its settings and start the workers again. Until then nothing new is granted on it.",
    AlertKind.POLICY: "Correct the file; it is read anew by itself. Until then nothing new is granted, and what is "
    "open still ends on time.",
    AlertKind.TIMEKEEPING: "Start `countersign timekeeper`, on any host. Until then access neither starts nor ends by "
    "itself; `countersign outstanding` prints what ends it by hand.",
    AlertKind.QUEUE: "Start `countersign worker {queue}`, on any host, or see its log. What waits for more than a "
    "minute and a half is done by the timekeeper.",
    AlertKind.JOBS: "See the logs of the workers, and ask `countersign doctor`. What a lost job was to do is found by "
    "the sweep and done all the same.",
    AlertKind.SWEEP: "See the log of the timekeeper. Timers still fire; what was lost on the way is not found again "
    "before the sweep works.",
    AlertKind.TIMERS: "Bring Redis back; `countersign doctor` says what it refuses. Nothing is lost meanwhile.",
    AlertKind.DRIFT: "Find out who changed it there. What a grant of ours explains is ended by itself; anything "
    "else is left alone, for you to remove or to keep.",
    AlertKind.LEFTOVER: "It gives no access. Remove what is in the way, or type the statements if there are any below; "
    "it is looked at again each minute, and this closes when nothing is left.",
    AlertKind.RIGHTS: "Find out who gave it on the target, and why. Take it away there, or let the security team press "
    "Accept. Until then the role is still granted, and the form and the cards say what is new.",
    AlertKind.CANARY: "What fails for harmless access is likely to fail for people's: see the other alerts, and ask "
    "`countersign doctor`. The canary runs again by itself, and this closes with the next run that goes well.",
    AlertKind.CLOCKS: "Let that host and the database's keep time by NTP; `timedatectl` says whether they do. Until "
    "then nothing new is granted from there, and what is open still ends on time.",
    AlertKind.RESTORED: "Let a timekeeper and the workers run: they compare every target and end what has no record. "
    "`countersign restored` says what is left; docs/runbook.md says what is lost.",
    AlertKind.STANDING: standing_view.WHAT_TO_DO,
    AlertKind.UNDELIVERED: "`countersign doctor` says under *Messages* which, why, and what to do.",
}
_EMPTIED = (
    "Redis had lost its timers",
    "Find out who emptied it, or see that it keeps what it holds (`countersign doctor`). Nothing is lost: what was due "
    "meanwhile was found in the database. This closes when timers and rows have been compared.",
)
_FOREIGN = (
    "Redis holds what we did not write",
    "Find out who can write into Redis: change its password, and look who can reach its port. If only the job key was "
    "exchanged, nothing is to be done. This closes by itself after five minutes.",
)
_UNLISTED = (
    "What is overdue cannot be listed",
    "See why the database does not answer: `countersign doctor`, and the log of the bot. Until it can be listed, "
    "nothing new is taken; what is open still ends.",
)
_UNWRITTEN = (
    "The database cannot be written",
    "Bring it back; `countersign doctor` says what it answers. Until then end by hand what must not stay open: only a "
    "target that knows the end of access itself keeps to it.",
)
_UNANSWERED = (
    "A target cannot be looked at",
    "Bring it or the bot's way to it back: `countersign doctor` says what it answers, `countersign drift` asks it "
    "again now. What is open there ends all the same as soon as it answers; this closes with the next good look.",
)
_UNCOMPARED = (
    "A target must be compared by hand",
    "Compare it with what `countersign outstanding` prints and with the cards "
    "in Slack, and take away what has no record; docs/runbook.md says how. Then type `countersign restored --over`.",
)
_MEMBERS = (
    "Slack does not say who has left",
    "See why Slack does not answer: the log of `countersign worker tell`, and `countersign doctor`. If you know "
    "that a person has left, revoke what they hold. This closes when Slack has answered about every person.",
)
_CHANGED = (
    "A record was changed after its approval",
    "Find out who can write the database, and who did; `countersign audit verify` says whether the log holds. What was "
    "not open yet is not given. What is open ends as it was approved, at the earlier end.",
)
_OF_ITS_OWN = {
    (AlertKind.DRIFT, CHANGED): _CHANGED,
    (AlertKind.DRIFT, UNANSWERED): _UNANSWERED,
    (AlertKind.DRIFT, UNCOMPARED): _UNCOMPARED,
    (AlertKind.SWEEP, MEMBERS): _MEMBERS,
    (AlertKind.TIMERS, EMPTIED): _EMPTIED,
    (AlertKind.JOBS, FOREIGN_MARK): _FOREIGN,
    (AlertKind.SWEEP, UNLISTED): _UNLISTED,
    (AlertKind.SWEEP, UNWRITTEN): _UNWRITTEN,
}
_MANY_AT_ONCE = {
    AlertKind.OVERDUE: "Mend the target, or the bot's way to it; we keep trying until each is proven gone.",
    AlertKind.UNREMOVABLE: "Remove the cause named above; it is probably the same for all. Each is looked at again.",
    AlertKind.LEFTOVER: "None of it gives access. Remove what is in the way of tidying up; each is looked at again.",
    AlertKind.DRIFT: "Find out who changed so much there. What grants of ours explain is ended by itself; anything "
    "else is left alone.",
}
_ALL_OF_THEM = (
    "`countersign outstanding` prints every statement that ends access by hand; `countersign doctor` lists every alert."
)
_BY_HAND = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)
_MAY_BE_THERE = (GrantStatus.ACTIVATING, GrantStatus.ACTIVE, GrantStatus.REVOKING)
_MOST_STATEMENTS = 2_800
"""Characters; Slack takes 3,000 in one text."""


def alert_card(
    alert: Alert, grant: Grant | None, by_hand: ByHand | None = None, rights: EntitlementRights | None = None
) -> Message:
    """Open until its cause is gone; then it says when that was. `by_hand`: who said last that it was removed so.

    `rights`: what the role that it is about allows now.
    """
    kind = AlertKind(alert.kind)
    state = "Alert" if alert.closed_at is None else "Alert closed"
    said = f"{state}: {_titled(alert)[0]}"
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
    return Message(text=f"{said}{about}", blocks=blocks)


def standing_card(alert: Alert, standing: Standing) -> Message:
    """Of one place: who holds something without a grant, until each is accepted or gone."""
    if alert.closed_at is not None:
        said = f"Alert closed: {standing_view.TITLE}"
        because = closed(alert, standing_view.closed_words(standing))
        blocks = [header(said), because, section(f"Resource {code(standing.resource)}")]
        return Message(text=f"{said}, {standing.resource}", blocks=blocks)
    said = f"Alert: {standing_view.TITLE}"
    blocks = [header(said), context(_since(alert)), *standing_view.open_blocks(standing)]
    return Message(text=f"{said}, {standing.number} on {standing.resource}", blocks=blocks)


def storm_card(alert: Alert, storm: Storm) -> Message:
    """Of many alerts about one resource: how many are open now, until none is."""
    kind = AlertKind(alert.kind)
    about = section(f"Resource {code(storm.resource)}")
    if alert.closed_at is not None:
        said = f"Alert closed: {_TITLES[kind]}"
        ended = context(f"None of {counted(storm.closed, 'alert', 'alerts')} of this kind is open any more.")
        return Message(f"{said}, all on {storm.resource}", [header(said), closed(alert, ""), about, ended])
    said = f"Alert: {_TITLES[kind]}"
    number, verb = counted(storm.number, "alert", "alerts"), "is" if storm.number == 1 else "are"
    since = f" The oldest is open since {at_second(storm.oldest)}." if storm.oldest else ""
    more = storm.number - len(storm.first)
    over = f" {counted(storm.closed, 'has', 'have')} closed since this began." if storm.closed else ""
    blocks = [
        header(said),
        section(f"*{number} of this kind {verb} open now.*{since}{over}"),
        about,
        *([sentence("\n".join(storm.first))] if storm.first else []),
        *([context(f"And {more:,} more.")] if more > 0 else []),
        context(f"{_since(alert)} This message tells of all of them and is kept up to date."),
        section(f"*What to do:* {_MANY_AT_ONCE[kind]} {_ALL_OF_THEM}"),
    ]
    return Message(text=f"{said}, {number} on {storm.resource}", blocks=blocks)


def _titled(alert: Alert) -> tuple[str, str]:
    """What it is called, and what to do."""
    kind, what = AlertKind(alert.kind), alert.subject.rpartition(" ")[2]  # behind the name of a resource
    title, to_do = _OF_ITS_OWN.get((kind, what), (_TITLES[kind], _WHAT_TO_DO[kind]))
    return title, to_do.replace("{queue}", escaped(what)) if kind == AlertKind.QUEUE else to_do


def _which(alert: Alert, kind: AlertKind, grant: Grant | None) -> list[Block]:
    if kind == AlertKind.PROVIDER:
        return [section(f"Resource {code(alert.subject)}")]
    if grant is None:
        return []
    due = f", due to end {at_second(grant.end_due_at)}" if grant.end_due_at else ""
    without = "the canary, not of a person" if grant.subject == CANARY else "an unknown person"
    holder = mention(grant.subject_slack) if grant.subject_slack else without
    return [section(f"{code(grant.entitlement)} of {holder}{due}. Grant {code(grant.id)}")]


def _said_now(alert: Alert, kind: AlertKind, grant: Grant | None) -> str:
    """Of what is late, the problem of now: it is told anew with each, and what it said when it opened grows old."""
    if kind != AlertKind.OVERDUE or grant is None or GrantStatus(grant.status) not in _MAY_BE_THERE:
        return alert.sentence
    return f"{why_late(grant)} So {grant.subject}'s {grant.entitlement} is past its end and may still be there."


def _open(alert: Alert, kind: AlertKind, grant: Grant | None, by_hand: ByHand | None) -> list[Block]:
    if grant is not None and kind == AlertKind.LEFTOVER:
        return [context(_since(alert)), section(f"*What to do:* {_WHAT_TO_DO[kind]}"), *_leftover(grant)]
    to_do = [context(_since(alert)), section(f"*What to do:* {_titled(alert)[1]}")]
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
