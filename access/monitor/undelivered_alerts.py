"""Who is told that messages do not arrive: the security team by an alert, who asked by a message, and nobody twice."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.actors import system
from access.alerts.undelivered import ARRIVED, EVERYWHERE, waits
from access.catalog import Policy
from access.core import Core
from access.errors import Refusal
from access.ids import AlertId
from access.message_kinds import FIRST_CARDS
from access.models import Alert, AlertKind, Message, MessageKind
from access.people import People
from access.requests.review import follow_rule
from access.shared_cards import asking
from access.store import compare_and_set
from access.unit_of_work import URGENT, WEBHOOK, Cause, UnitOfWork

TIMEKEEPER = system("timekeeper")
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
        work.coalescing |= {opened[cause] for cause in causes.keys() & opened.keys()}
        for message in fresh:
            if _set(work, message, alert_at=None):
                _tell(work, message)
    for message in elsewhere:
        _take_along(core, policy, message)


def stuck(alert: Any) -> Any:
    """Of an alert: a message about it does not arrive, and none has; Slack is no way to tell of it."""
    said = select(Message.id).where(Message.kind == MessageKind.ALERT, col(Message.subject) == alert)
    return said.where(*waits(), col(Message.alert_at).is_(None)).exists()


def _open(session: Session) -> dict[str, str]:
    """The ids of the open alerts, by cause."""
    opened = select(Alert.subject, Alert.id).where(col(Alert.kind) == AlertKind.UNDELIVERED)
    return {cause: str(alert) for cause, alert in session.exec(opened.where(col(Alert.closed_at).is_(None)))}


def _due(session: Session, now: Any, opened: dict[str, str]) -> Sequence[Message]:
    """What somebody must be told of now: it has waited long enough, or for a cause that is known."""
    late = select(Message).where(*waits(), col(Message.alert_at) <= now).order_by(col(Message.alert_at))
    found = {one.id: one for one in session.exec(late.limit(AT_A_TIME))}
    if opened:
        known = _because_of(opened).where(col(Message.alert_at).is_not(None))
        found |= {one.id: one for one in session.exec(known)}
    return [found[identifier] for identifier in sorted(found)]


def _because_of(opened: dict[str, str]) -> SelectOfScalar[Message]:
    its = select(Message).where(*waits(), col(Message.undelivered_cause).in_([*opened]))
    return its.order_by(col(Message.undelivered_cause)).limit(AT_A_TIME)


def _over(session: Session, opened: dict[str, str]) -> set[str]:
    if not opened:
        return set()
    lasting = (
        select(Message.undelivered_cause).where(*waits(), col(Message.undelivered_cause).in_([*opened])).distinct()
    )
    return opened.keys() - set(session.exec(lasting))


def alert_sentence(where: str, problem: str) -> str:
    said = {
        EVERYWHERE: "Slack takes no message from Countersign.", WEBHOOK: "Pages do not arrive.",
    }.get(where, f"Messages for {where} do not arrive.")  # fmt: skip
    return f"{said} {problem}"


def _cause(message: Message) -> Cause:
    where = message.undelivered_where
    sentence = alert_sentence(where, message.problem)
    return Cause(message.undelivered_cause, sentence, variant=message.undelivered_code, name=where)


def _tell(work: UnitOfWork, message: Message) -> None:
    """Whoever must know of this one beside the alert."""
    if message.kind in FIRST_CARDS and message.ts is None:
        for request in asking(work.session, message)[:1]:  # of several on one card, one message names all
            work.tell(MessageKind.UNDELIVERED, request.id, request.requester_slack, urgency=URGENT)
            work.changed(request.id)  # one that was told of an earlier version
            work.home_changed(request.requester_slack)
    if message.kind == MessageKind.ALERT and message.destination.startswith(_CHANNEL) and work.policy is not None:
        # Their channel does not take it, so each of the security team hears of this alert alone.
        people = People(work.policy)
        for account in people.accounts(people.security()):
            work.tell(MessageKind.ALERT, message.subject, account, urgency=URGENT)


def _elsewhere(session: Session, policy: Policy | None, opened: dict[str, str]) -> list[Message]:
    """Those that the policy of now would send to another place, or not keep true where they stand."""
    if policy is None or not opened:
        return []
    found = session.exec(_because_of(opened).where(col(Message.alert_at).is_(None))).all()
    return [
        one
        for one in sorted(found, key=lambda one: one.id)
        if one.destination.startswith(_CHANNEL) and _is_elsewhere(session, policy, one)
    ]


def _is_elsewhere(session: Session, policy: Policy, message: Message) -> bool:
    if message.kind in FIRST_CARDS and message.ts is None:
        rules = {request.rule for request in asking(session, message)}  # without any, it is not tried again
        return any(rule.id in rules and rule.channel != message.destination for rule in policy.rules)
    named = {policy.security.channel, policy.digest.channel, *policy.card_channels()}
    return message.destination not in named


def _take_along(core: Core, policy: Policy | None, message: Message) -> None:
    """What nobody has read goes to the channel of now; what stood in the old one is kept true there no longer."""
    if policy is None:
        return
    if message.kind in FIRST_CARDS and message.ts is None:
        with core.database.read() as session:
            requests = asking(session, message)
        for request in requests:
            with suppress(Refusal):  # which cannot be asked by the policy of now waits for an answer, or lapses
                follow_rule(core, request.id, TIMEKEEPER)
        return
    with core.work(TIMEKEEPER) as work:
        if not _set(work, message, **ARRIVED, problem="", due_at=None):
            return
        to = _channel_now(work, policy, message)
        if to is None:
            why = "The policy does not name this channel any more."
            work.record(
                "message.given_up", message.subject, kind=message.kind, recipient=message.recipient, because=why
            )
            return
        mine = delete(Message).where(col(Message.id) == message.id, col(Message.fence) == message.fence)
        work.session.connection().execute(mine)
        work.record("message.moved", message.subject, kind=message.kind, recipient=message.recipient, to=to)
        work.tell(MessageKind(message.kind), message.subject, to, version=message.version, urgency=message.urgency)


def _channel_now(work: UnitOfWork, policy: Policy, message: Message) -> str | None:
    if message.kind == MessageKind.DIGEST:
        return policy.digest.channel
    if message.kind != MessageKind.ALERT:
        return None
    alert = work.session.get_one(Alert, AlertId(message.subject))
    return policy.security.channel if alert.closed_at is None else None


def _set(work: UnitOfWork, message: Message, **values: Any) -> bool:
    """While nobody has tried it since."""
    expected = {"fence": message.fence, "undelivered_cause": message.undelivered_cause}
    return compare_and_set(work.session, Message, message.id, expected=expected, values=values)
