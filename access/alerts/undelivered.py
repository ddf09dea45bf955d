"""Messages that do not arrive: what is written down of a failed try, and what the rows say of those that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from access.ids import GrantId, RequestId, SlackChannel
from access.models import Alert, AlertKind, Grant, Message, MessageKind, Request, RequestStatus
from access.shared_cards import told_as

PATIENCE = timedelta(minutes=2)
"""What trying again may mend is no alert before."""
EVERYWHERE = "slack"
"""In the place of a channel or a person: no message of ours is taken, whomever it is for."""
_OF_THE_CHANNEL = frozenset({
    "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
    "not_in_channel", "channel_not_found", "is_archived", "is_ext_shared",
})  # fmt: skip
"""For these no card is taken there. Any other may be the fault of one message."""
SHOWN = 5
"""So many are named; the others are counted."""


@dataclass(frozen=True)
class DeliveryFailure:
    """Why one try failed."""

    where: str
    """The channel or the person that does not get it, or `EVERYWHERE`."""
    code: str
    """One word: Slack's own for it, where it has one."""
    permanent: bool = False
    """Only a person can mend it, so that it is told at once."""
    updates: bool = True
    """Whether it is told of a message, too, that stands there and is merely out of date."""

    @property
    def cause(self) -> str:
        return f"{self.where} {self.code}"


@dataclass(frozen=True, kw_only=True)
class WaitingMessage:
    """One that has not arrived, and what it is about."""

    kind: str
    stands: bool
    """An older state of it has been posted."""
    request: Request | None
    alert: Alert | None


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """All messages that wait for the same cause, and the oldest of them."""

    where: str
    code: str
    problem: str
    """The sentence of the newest try."""
    since: datetime
    number: int
    first: Sequence[WaitingMessage]


@dataclass(frozen=True, kw_only=True)
class NeverAsked:
    """The card of a request stands nowhere, or would not: why."""

    problem: str
    """A sentence."""
    place: str = ""
    """The channel that takes no message at all, or `EVERYWHERE`; empty where it is this message that is refused."""
    told: bool = False
    """The security team has been told."""


ARRIVED = {
    "undelivered_since": None, "undelivered_cause": "", "undelivered_where": "", "undelivered_code": "",
    "alert_at": None,
}  # fmt: skip
"""The columns of a message that waits for nothing."""


def after_failure(message: Message, failure: DeliveryFailure | None, now: datetime) -> dict[str, Any]:
    """The columns of a message whose try has just failed; without a failure it waits for something else of ours."""
    if failure is None:
        return dict(ARRIVED)
    lasts = message.undelivered_since if message.problem else None
    since = lasts or now
    values: dict[str, Any] = {
        "undelivered_since": since, "undelivered_cause": failure.cause, "undelivered_where": failure.where,
        "undelivered_code": failure.code,
    }  # fmt: skip
    if lasts is not None and message.undelivered_cause == failure.cause:
        return values  # when to alert is said, or done
    of_use = message.kind != MessageKind.HOME and (failure.updates or message.shown_version == 0)
    return values | {"alert_at": (now if failure.permanent else since + PATIENCE) if of_use else None}


def waits() -> tuple[ColumnElement[bool], ...]:
    """Of notices: those that do not arrive."""
    return col(Message.undelivered_since).is_not(None), col(Message.problem) != ""


def alerts_due(now: datetime | ColumnElement[datetime]) -> SelectOfScalar[Any]:
    """Messages of which nobody was told yet that they do not arrive, and must be."""
    return select(Message.id).where(*waits(), col(Message.alert_at) <= now)


def undelivered(session: Session, cause: str) -> Undelivered | None:
    """None: everything has arrived."""
    its = (*waits(), col(Message.undelivered_cause) == cause)
    number, since = session.exec(select(func.count(), func.min(Message.undelivered_since)).where(*its)).one()
    if since is None:
        return None
    found = session.exec(select(Message).where(*its).order_by(col(Message.undelivered_since), col(Message.id)))
    first = found.fetchmany(SHOWN)
    return Undelivered(
        where=first[0].undelivered_where, code=first[0].undelivered_code, problem=first[0].problem, since=since,
        number=number,
        first=[_waiting(session, one) for one in first],
    )  # fmt: skip


def all_undelivered(session: Session) -> list[Undelivered]:
    """By cause, whether there is an alert about it yet or not."""
    causes = session.exec(
        select(Message.undelivered_cause).where(*waits()).distinct().order_by(Message.undelivered_cause)
    )
    return [found for cause in causes.all() if (found := undelivered(session, cause)) is not None]


def undelivered_facts(session: Session, alert: Alert) -> Undelivered | None:
    """What an alert of this kind shows while it is open."""
    return undelivered(session, alert.subject) if alert.kind == AlertKind.UNDELIVERED else None


def never_asked(session: Session, request: Request) -> NeverAsked | None:
    """Of a request whose card stands nowhere: it was tried, or the channel is known to take no message."""
    cards = _cards(session, request)
    if any(card.ts for card in cards):
        return None
    failed = [card for card in cards if card.problem and card.undelivered_since]
    if failed:
        return _because(session, failed[0])
    return unreachable(session, request.channel) if request.status == RequestStatus.PENDING else None


def unreachable(session: Session, channel: SlackChannel) -> NeverAsked | None:
    """Why a card would not arrive there now: an alert is open that the place takes no message, whichever it is."""
    opened = select(Alert.subject, Alert.name, Alert.variant).where(
        Alert.kind == AlertKind.UNDELIVERED, col(Alert.closed_at).is_(None)
    )
    causes = [cause for cause, where, code in session.exec(opened) if _place(where, code) in (channel, EVERYWHERE)]
    if not causes:
        return None
    waiting = select(Message).where(*waits(), col(Message.undelivered_cause).in_(causes))
    newest = session.exec(waiting.order_by(col(Message.undelivered_since).desc(), col(Message.id).desc())).first()
    return _because(session, newest) if newest else None


def why_never_asked(session: Session, request: Request) -> str:
    """A sentence for a request that lapses; empty where its approvers were asked, or may have been."""
    if any(card.ts for card in _cards(session, request)):
        return ""
    known = never_asked(session, request)
    because = known.problem if known else "Countersign was not running, or had not got to it yet."
    return f"The approvers were never asked: the card could not be posted. {because}"


def is_needless(message: Message, request: Request) -> bool:
    """A card that never arrived asks nobody any more once its request is over, or has a newer one."""
    if message.kind != MessageKind.REVIEW or not has_failed(message):
        return False
    return request.status != RequestStatus.PENDING or message.version < request.version


def has_failed(message: Message) -> bool:
    """Whether it was tried, and stands nowhere."""
    return message.ts is None and message.undelivered_since is not None


def _because(session: Session, failed: Message) -> NeverAsked:
    cause = failed.undelivered_cause
    told = select(Alert.id).where(
        Alert.kind == AlertKind.UNDELIVERED, Alert.subject == cause, col(Alert.closed_at).is_(None),
        col(Alert.delivered_at).is_not(None),
    )  # fmt: skip
    place = _place(failed.undelivered_where, failed.undelivered_code)
    return NeverAsked(problem=failed.problem, place=place, told=session.exec(told).first() is not None)


def _place(where: str | None, code: str) -> str:
    return where if where and (where == EVERYWHERE or code in _OF_THE_CHANNEL) else ""


def _cards(session: Session, request: Request) -> Sequence[Message]:
    """Those in other channels ask as well; but that they are still to come is no sign of anything."""
    first, subject = told_as(request, MessageKind.REVIEW)
    kinds = (first, told_as(request, MessageKind.ESCALATED)[0])
    cards = select(Message).filter_by(subject=subject, version=request.version).where(col(Message.kind).in_(kinds))
    return session.exec(cards.order_by(col(Message.kind) != first, col(Message.id))).all()


def _waiting(session: Session, message: Message) -> WaitingMessage:
    grant = session.get(Grant, GrantId(message.subject))
    request = session.get(Request, grant.request_id if grant else RequestId(message.subject))
    return WaitingMessage(
        kind=message.kind, stands=message.shown_version > 0, request=request, alert=session.get(Alert, message.subject)
    )
