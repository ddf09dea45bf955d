"""Who is told that messages do not arrive: the security team by an alert, who asked by a message, and nobody twice."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.catalog import Policy
from access.errors import Refusal
from access.ids import AlertId, RequestId
from access.models import Alert, AlertKind, Notice, NoticeKind, Request, RequestStatus
from access.operations.core import Core
from access.operations.review import follow_rule
from access.operations.undelivered import ARRIVED, EVERYWHERE, waits
from access.operations.work import URGENT, WEBHOOK, Cause, Work
from access.store import compare_and_set

TIMEKEEPER = "system:timekeeper"
AT_A_TIME = 500
_CHANNEL = ("C", "G")
"""What the id of a channel begins with; a person's begins otherwise."""


def settle_undelivered(core: Core) -> None:
    """For every sweep: tells of what does not arrive, takes along what the policy sends elsewhere by now, and closes
    the alerts of which everything has arrived.

    The alerts before the notices, as where messages are written: or two could wait for each other.
    """
    policy, now = core.known_policy(), core.clock.now()
    with core.database.read() as session:
        opened = _open(session)
        if not _due(session, now, opened) and not opened:
            return
        over, elsewhere = _over(session, opened), _elsewhere(session, policy, opened)
        due = _due(session, now, opened)
    if not over and not elsewhere and not due:
        return
    channel = core.security_channel()
    with core.work(TIMEKEEPER) as work:
        for cause in sorted(over):
            work.close_alerts(cause, AlertKind.UNDELIVERED)
        fresh = _due(work.session, work.now, opened)  # some may have arrived since
        causes = {one.undelivered_cause: _cause(one) for one in fresh}
        work.open_alerts(AlertKind.UNDELIVERED, list(causes.values()), channel=channel)
        work.storms |= {opened[cause] for cause in causes.keys() & opened.keys()}
        for notice in fresh:
            if _set(work, notice, alert_at=None):
                _tell(work, notice)
    for notice in elsewhere:
        _take_along(core, policy, notice)


def stuck(alert: Any) -> Any:
    """Of an alert: a message about it does not arrive, and none has; Slack is no way to tell of it."""
    said = select(Notice.id).where(Notice.kind == NoticeKind.ALERT, col(Notice.subject) == alert)
    return said.where(*waits(), col(Notice.alert_at).is_(None)).exists()


def _open(session: Session) -> dict[str, str]:
    """The ids of the open alerts, by cause."""
    opened = select(Alert.subject, Alert.id).where(col(Alert.kind) == AlertKind.UNDELIVERED)
    return {cause: str(alert) for cause, alert in session.exec(opened.where(col(Alert.closed_at).is_(None)))}


def _due(session: Session, now: Any, opened: dict[str, str]) -> Sequence[Notice]:
    """What somebody must be told of now: it has waited long enough, or for a cause that is known."""
    late = select(Notice).where(*waits(), col(Notice.alert_at) <= now).order_by(col(Notice.alert_at))
    found = {one.id: one for one in session.exec(late.limit(AT_A_TIME))}
    if opened:
        known = _because_of(opened).where(col(Notice.alert_at).is_not(None))
        found |= {one.id: one for one in session.exec(known)}
    return [found[identifier] for identifier in sorted(found)]


def _because_of(opened: dict[str, str]) -> SelectOfScalar[Notice]:
    its = select(Notice).where(*waits(), col(Notice.undelivered_cause).in_([*opened]))
    return its.order_by(col(Notice.undelivered_cause)).limit(AT_A_TIME)


def _over(session: Session, opened: dict[str, str]) -> set[str]:
    if not opened:
        return set()
    lasting = select(Notice.undelivered_cause).where(*waits(), col(Notice.undelivered_cause).in_([*opened])).distinct()
    return opened.keys() - set(session.exec(lasting))


def alert_sentence(where: str, problem: str) -> str:
    said = {
        EVERYWHERE: "Slack takes no message from Countersign.", WEBHOOK: "Pages do not arrive.",
    }.get(where, f"Messages for {where} do not arrive.")  # fmt: skip
    return f"{said} {problem}"


def _cause(notice: Notice) -> Cause:
    where, _, code = notice.undelivered_cause.partition(" ")
    return Cause(f"{where} {code}", alert_sentence(where, notice.problem))


def _tell(work: Work, notice: Notice) -> None:
    """Whoever must know of this one beside the alert."""
    if notice.kind == NoticeKind.REVIEW and notice.ts is None:
        request = work.session.get_one(Request, RequestId(notice.subject))
        if request.status == RequestStatus.PENDING and request.version == notice.version:
            work.tell(NoticeKind.UNDELIVERED, request.id, request.requester_slack, urgency=URGENT)
            work.changed(request.id)  # one that was told of an earlier version
            work.home_changed(request.requester_slack)
    if notice.kind == NoticeKind.ALERT and notice.recipient.startswith(_CHANNEL) and work.policy is not None:
        # Their channel does not take it, so each of the security team hears of this alert alone.
        for person in sorted(work.policy.members([work.policy.security.group])):
            work.tell(NoticeKind.ALERT, notice.subject, work.policy.people[person].slack, urgency=URGENT)


def _elsewhere(session: Session, policy: Policy | None, opened: dict[str, str]) -> list[Notice]:
    """Those that the policy of now would send to another place, or not keep true where they stand."""
    if policy is None or not opened:
        return []
    found = session.exec(_because_of(opened).where(col(Notice.alert_at).is_(None))).all()
    return [
        one
        for one in sorted(found, key=lambda one: one.id)
        if one.recipient.startswith(_CHANNEL) and _is_elsewhere(session, policy, one)
    ]


def _is_elsewhere(session: Session, policy: Policy, notice: Notice) -> bool:
    if notice.kind == NoticeKind.REVIEW and notice.ts is None:
        request = session.get_one(Request, RequestId(notice.subject))
        if request.status != RequestStatus.PENDING or request.version != notice.version:
            return False  # it is not tried again
        return any(rule.id == request.rule and rule.channel != notice.recipient for rule in policy.rules)
    named = {policy.security.channel, policy.digest.channel, *(rule.channel for rule in policy.rules)}
    return notice.recipient.partition(":")[0] not in named


def _take_along(core: Core, policy: Policy | None, notice: Notice) -> None:
    """What nobody has read goes to the channel of now; what stood in the old one is kept true there no longer."""
    if policy is None:
        return
    if notice.kind == NoticeKind.REVIEW and notice.ts is None:
        try:
            follow_rule(core, RequestId(notice.subject), TIMEKEEPER)
        except Refusal:
            return  # by the policy of now it cannot be asked: it waits for an answer or lapses, as any other
        return
    with core.work(TIMEKEEPER) as work:
        if not _set(work, notice, **ARRIVED, problem="", due_at=None):
            return
        to = _channel_now(work, policy, notice)
        if to is None:
            why = "The policy does not name this channel any more."
            work.record("notice.given_up", notice.subject, kind=notice.kind, recipient=notice.recipient, because=why)
            return
        mine = delete(Notice).where(col(Notice.id) == notice.id, col(Notice.fence) == notice.fence)
        work.session.connection().execute(mine)
        work.record("notice.moved", notice.subject, kind=notice.kind, recipient=notice.recipient, to=to)
        work.tell(NoticeKind(notice.kind), notice.subject, to, version=notice.version, urgency=notice.urgency)


def _channel_now(work: Work, policy: Policy, notice: Notice) -> str | None:
    if notice.kind == NoticeKind.DIGEST:
        return policy.digest.channel
    if notice.kind != NoticeKind.ALERT:
        return None
    alert = work.session.get_one(Alert, AlertId(notice.subject))
    return policy.security.channel if alert.closed_at is None else None


def _set(work: Work, notice: Notice, **values: Any) -> bool:
    """While nobody has tried it since."""
    expected = {"fence": notice.fence, "undelivered_cause": notice.undelivered_cause}
    return compare_and_set(work.session, Notice, notice.id, expected=expected, values=values)
