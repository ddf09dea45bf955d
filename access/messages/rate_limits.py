"""How often Slack may be called: what it refused and what it is known to allow, where every process sees it (ADR 24).

Before a message is claimed it needs a turn at each call that it takes. A call has as many at once as Slack is known to
take, then one at a time; one that Slack refused is left alone by everybody, and then tried by a single message.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session, col, select

from access.core import Core
from access.message_kinds import Way, traits_of
from access.models import Message, MessageKind, RateLimit
from access.store import insert_all_unless_there

POST = "chat.postMessage"
UPDATE = "chat.update"
PUBLISH = "views.publish"
PERMALINK = "chat.getPermalink"
USERS_INFO = "users.info"
LONGEST = timedelta(seconds=120)
"""A call is left alone no longer than this, whatever Slack says: an alert may wait for it."""
PROBE = timedelta(seconds=10)
"""So long the one that tries may take, before another does."""
QUEUED = timedelta(minutes=5)
"""Nobody is sent further back in the queue at once: who stands there looks again."""
PASSING = timedelta(seconds=5)
"""So long waits what passes while turns are scarce, then it asks again; the state that follows does not wait for it."""
_LATE = timedelta(seconds=0.25)
"""The first calls of a burst may take so much longer to arrive than those that are counted from them."""


@dataclass(frozen=True)
class Pace:
    """`burst` calls at once, and from then on one in each `interval`."""

    burst: int
    interval: timedelta

    @property
    def credit(self) -> timedelta:
        """How much of the time in which nothing was called may be made up for."""
        return (self.burst - 1) * self.interval - _LATE


PACES: Mapping[str, Pace] = {
    POST: Pace(burst=5, interval=timedelta(seconds=1)),
    UPDATE: Pace(burst=50, interval=timedelta(minutes=1) / 50),
    PUBLISH: Pace(burst=100, interval=timedelta(minutes=1) / 100),
}
"""What Slack documents (a message a second in a channel, tiers 3 and 4); that so many may come at once is assumed, and
what is refused all the same is learned."""


@dataclass(frozen=True, order=True)
class Call:
    """What Slack counts: a method, and for posting the channel."""

    method: str
    channel: str = ""

    @property
    def id(self) -> str:
        return f"{self.method} {self.channel}".strip()


@dataclass(frozen=True)
class Limited:
    """Slack asks to come back later."""

    call: Call
    wait: timedelta

    @property
    def pause(self) -> timedelta:
        """As Slack asks, within reason."""
        return min(self.wait, LONGEST)


class Asker(Protocol):
    """A row that was claimed."""

    @property
    def id(self) -> str: ...


class Result(Protocol):
    """What came of what it asked."""

    @property
    def claimed(self) -> Asker: ...

    @property
    def healthy(self) -> bool:
        """Whether there was an answer."""
        ...

    @property
    def limited(self) -> Limited | None: ...


def wait_of(headers: Mapping[str, str]) -> timedelta:
    """`Retry-After`, in whatever case, and within reason: a second where it says nothing that can be read."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = int(said)
    except ValueError:
        seconds = 1
    return timedelta(seconds=min(max(seconds, 1), int(LONGEST.total_seconds())))


def calls_of(message: Message) -> tuple[Call, ...]:
    """What telling it takes: nothing for a page, which goes elsewhere, or for a modal that somebody looks at."""
    channel = message.destination
    match traits_of(message.kind).way:
        case Way.PAGE | Way.MODAL:
            return ()
        case Way.HOME:
            return Call(PUBLISH), Call(PERMALINK)
        case Way.DIGEST:
            return Call(POST, channel), Call(PERMALINK)
        case Way.REPLY:
            return (Call(POST, channel),)
        case Way.MESSAGE:
            return (Call(UPDATE) if message.channel and message.ts else Call(POST, channel),)


def rank(kind: str, *, stands: bool) -> int:
    """Who needs it most comes first."""
    traits = traits_of(kind)
    return traits.rank_of_update if stands and traits.rank_of_update is not None else traits.rank


_PUSHING_IN = 1
"""Up to this rank nobody queues: the next turn is theirs."""


def rank_of(message: Message) -> int:
    return rank(message.kind, stands=message.ts is not None)


def take_turns(
    session: Session, messages: Sequence[Message], now: datetime, *, passes: Callable[[Message], bool]
) -> dict[str, datetime]:  # fmt: skip
    """Takes what these need, for who needs it most first. Returns who gets no turn now, and when to come again.

    The notices are held: limits are held after them, in one order. `passes`: what this one would say is over by itself
    in a moment; while turns are scarce they are left to what lasts.
    """
    needs = {message.id: calls_of(message) for message in messages}
    limits = _held(session, {call for calls in needs.values() for call in calls}, now)
    later = dict[str, datetime]()
    for message in sorted(messages, key=lambda one: (rank_of(one), one.id)):
        its = [limits[call] for call in needs[message.id] if call in limits]
        if any(_is_scarce(limit, now) for limit in its) and passes(message):
            later[message.id] = now + PASSING
        elif all(_is_free(session, limit, message, now) for limit in its):
            for limit in its:
                _spend(limit, message, now)
        else:
            later[message.id] = max(_queue(limit, now, rank_of(message)) for limit in its)
    return later


def take_turn(session: Session, call: Call, by: str, now: datetime) -> datetime | None:
    """The same for what is no notice and has a pace of its own. None: it has its turn."""
    limit = _held(session, {call}, now).get(call)
    if limit is None or not limit.refused:
        return None
    if limit.until > now:
        return limit.until
    limit.until, limit.tried_by = now + PROBE, by
    return None


def note_limits(session: Session, results: Sequence[Result], now: datetime) -> None:
    """What Slack answered. After the rows of those that asked, as where turns are taken."""
    _answered(session, [one.claimed.id for one in results if one.healthy and one.limited is None], now)
    limited = {one.limited.call: one.limited for one in results if one.limited is not None}
    # Whatever else was answered: that may have been asked before the refusal.
    for call in sorted(limited):
        refuse(session, limited[call], now)


def refuse(session: Session, limited: Limited, now: datetime) -> None:
    """Slack refused this call: it is left alone as long as Slack asks."""
    _insert(session, [limited.call], now)
    limit = _held(session, {limited.call}, now)[limited.call]
    limit.until = max(limit.until, now + limited.pause)
    limit.queued_until = max(limit.queued_until, limit.until)
    limit.refused, limit.tried_by = True, None


def _answered(session: Session, ids: Sequence[str], now: datetime) -> None:
    """Where one of these tried for all, the others follow."""
    tried = select(RateLimit).where(col(RateLimit.tried_by).in_(ids)).order_by(col(RateLimit.id))
    for limit in session.exec(tried.with_for_update()):
        limit.refused, limit.tried_by, limit.until = False, None, now + _interval(limit)


def left_alone(session: Session, call: Call, now: datetime) -> datetime | None:
    """Until when nobody makes this call, because Slack refused it; None: it may be made."""
    limit = session.get(RateLimit, call.id)
    if limit is None or not limit.refused or not now < limit.until <= now + LONGEST:
        return None
    return limit.until


def note_refused(core: Core, limited: Limited) -> None:
    """For who tells no notices: the workers are to leave it alone as well."""
    with core.database.write() as session:
        refuse(session, limited, core.clock.now())


def is_left_alone(core: Core, call: Call) -> bool:
    """For who tells no notices."""
    with core.database.read() as session:
        return left_alone(session, call, core.clock.now()) is not None


def _is_free(session: Session, limit: RateLimit, message: Message, now: datetime) -> bool:
    if limit.until > now:
        return False
    return not limit.refused or rank_of(message) == 0 or not _alert_waits(session, limit, now)


def _is_scarce(limit: RateLimit, now: datetime) -> bool:
    """Whether more than half of the calls that may come at once were made."""
    pace = PACES.get(limit.method)
    return pace is not None and limit.until - (now - pace.credit) > pace.burst / 2 * pace.interval


def _alert_waits(session: Session, limit: RateLimit, now: datetime) -> bool:
    """Whether there is an alert to try with, which another worker may have in hand."""
    alerts = select(Message.id).where(Message.kind == MessageKind.ALERT, col(Message.due_at) <= now)
    stands = col(Message.ts).is_not(None)
    its = (
        alerts.where(stands) if limit.method == UPDATE else alerts.where(~stands, Message.destination == limit.channel)
    )
    return limit.method in (POST, UPDATE) and session.exec(its).first() is not None


def _spend(limit: RateLimit, message: Message, now: datetime) -> None:
    pace = PACES.get(limit.method)
    if limit.refused:
        limit.until, limit.tried_by = now + PROBE, message.id
    elif pace is not None:
        limit.until = max(limit.until, now - pace.credit) + pace.interval


def _queue(limit: RateLimit, now: datetime, its_rank: int) -> datetime:
    """When to come again."""
    # Not after the one that tries, of which will be heard sooner.
    next_turn = limit.until if limit.until > now and limit.tried_by is None else now + _interval(limit)
    if its_rank <= _PUSHING_IN:
        return next_turn
    turn = min(max(limit.queued_until, next_turn), next_turn + QUEUED)
    limit.queued_until = turn + _interval(limit)
    return turn


def _interval(limit: RateLimit) -> timedelta:
    pace = PACES.get(limit.method)
    return pace.interval if pace else timedelta(seconds=1)


def _held(session: Session, calls: set[Call], now: datetime) -> dict[Call, RateLimit]:
    """The rows of these, held until the commit; one that is not paced has a row only once Slack refused it."""
    _insert(session, [call for call in calls if call.method in PACES], now)
    rows = select(RateLimit).where(col(RateLimit.id).in_([call.id for call in calls])).order_by(col(RateLimit.id))
    held = session.exec(rows.with_for_update().execution_options(populate_existing=True)).all()
    for limit in held:
        if limit.until > now + LONGEST:  # by a clock that was wrong
            limit.until = limit.queued_until = now
    return {Call(limit.method, limit.channel): limit for limit in held}


def _insert(session: Session, calls: Iterable[Call], now: datetime) -> None:
    new = [
        {
            "id": call.id, "method": call.method, "channel": call.channel, "refused": False, "tried_by": None,
            "until": now - PACES[call.method].credit if call.method in PACES else now, "queued_until": now,
        }
        for call in sorted(calls)
    ]  # fmt: skip
    if new:
        insert_all_unless_there(session, RateLimit, new)
