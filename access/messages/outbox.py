"""Words that must reach somebody: claim an untold notice, hand over what it shows, write down where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, tuple_
from sqlmodel import col, select

from access.actors import Actor, system
from access.alert_rows import open_alerts
from access.alerts.undelivered import ARRIVED, DeliveryFailure, after_failure
from access.core import Core
from access.grants.claims import pause
from access.ids import RequestId
from access.lifecycle import TRANSIENT
from access.message_kinds import CARDS, FIRST_CARDS, TOLD, Shows, Way, traits_of
from access.messages.expiry import is_expired
from access.messages.facts import AlertFacts, BatchFacts, CardFacts, Facts, facts_of, newest_grant
from access.messages.rate_limits import Limited, note_limits, rank_of, take_turns
from access.models import (
    Alert,
    AlertKind,
    GrantStatus,
    Message,
    MessageKind,
    Request,
)
from access.requests.remind import BatchReminderFacts, ReminderFacts
from access.shared_cards import asking, parts_of, told_together
from access.store import Change, compare_and_set, compare_and_set_all
from access.unit_of_work import RETOLD_AFTER, SETTLES, UnitOfWork, message_item

CLAIM = timedelta(seconds=30)


@dataclass(frozen=True)
class Claimed:
    """One message that this worker alone may send until its claim ends."""

    message: Message
    facts: Facts

    @property
    def id(self) -> str:
        return self.message.id


@dataclass(frozen=True)
class Delivery:
    """What Slack answered, or who is paged."""

    claimed: Claimed
    channel: str | None = None
    ts: str | None = None
    problem: str = ""
    limited: Limited | None = None
    """Slack counts too many of one of the calls that it takes."""
    failure: DeliveryFailure | None = None
    """With `problem`, where Slack or the way to it is the reason."""
    gone: str = ""
    """Why there is no recipient any more, so that it is not tried again; a sentence."""
    healthy: bool = True
    goes_on: bool = False
    """Another message must follow beneath this one."""


@dataclass(frozen=True)
class Outbox:
    """The core's half of the queue `tell`; the words and Slack are the workers'."""

    core: Core
    actor: Actor = system("tell")

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """The most urgent first."""
        return claim_messages(self.core, ids, TOLD)

    def commit(self, results: Sequence[Delivery]) -> None:
        with self.core.work(self.actor) as work:
            ordered = sorted(results, key=lambda one: one.claimed.id)
            _mark_delivered(work, [told for told in ordered if not told.problem and not told.gone])
            written = [told for told in ordered if _write(work, told)]
            note_limits(work.session, ordered, work.now)
        first = [told for told in written if _is_new_card(told.claimed.message)]
        if first:
            # Each on its own: other notices of the same kind are held while results are written, in another order.
            self._keep_one_row(first)
            self._lead_to_cards([told.claimed.facts for told in first])
        reminded = [told.claimed.facts for told in written if told.claimed.message.kind in _REMINDERS]
        if reminded:
            self._next_step_changed(reminded)
        self._arrived_after_all([told.claimed.message for told in results if not told.problem])

    def _keep_one_row(self, posted: Sequence[Delivery]) -> None:
        """A card that was pressed before it was written where it stands has a second row, and would be told twice."""
        second = tuple_(col(Message.subject), col(Message.recipient)).in_(
            [(told.claimed.message.subject, f"{told.channel}:{told.ts}") for told in posted]
        )
        with self.core.work(self.actor) as work:
            work.session.connection().execute(delete(Message).where(col(Message.kind).in_(FIRST_CARDS), second))

    def _lead_to_cards(self, cards: Sequence[Facts]) -> None:
        """A card that has just been posted can be opened from Homes."""
        with self.core.work(self.actor) as work:
            for request in work.session.exec(select(Request).where(col(Request.id).in_(_requests_of(cards)))):
                work.homes_changed(request)

    def _next_step_changed(self, reminders: Sequence[Facts]) -> None:
        """What said that these approvers are reminded says now who comes after them, or that the request lapses."""
        with self.core.work(self.actor) as work:
            for request in work.session.exec(select(Request).where(col(Request.id).in_(_requests_of(reminders)))):
                work.request_changed(request, passes=True)

    def _arrived_after_all(self, told: Sequence[Message]) -> None:
        """What said that these do not arrive must say that they have."""
        late = [one for one in told if one.undelivered_since is not None]
        if not late:
            return
        # On its own, as above.
        with self.core.work(self.actor) as work:
            for one in late:
                work.coalescing |= set(work.session.exec(open_alerts(one.undelivered_cause, [AlertKind.UNDELIVERED])))
                if one.kind in FIRST_CARDS and one.shown_version == 0:
                    for request in asking(work.session, one):
                        work.changed(request.id)

    def release(self, claimed: Sequence[Claimed]) -> None:
        with self.core.work(self.actor) as work:
            for one in sorted(claimed, key=lambda one: one.id):
                _set(work, one.message, due_at=work.now)


def claim_messages(core: Core, ids: Sequence[str], kinds: Sequence[MessageKind]) -> list[Claimed]:
    """Takes what is due of these kinds, with the facts as they are after the claim."""
    taken = list[Message]()
    with core.work(system("tell")) as work:
        due = select(Message).where(
            col(Message.id).in_(ids), col(Message.kind).in_(kinds), col(Message.due_at) <= work.now
        )
        held = work.session.exec(due.order_by(col(Message.id)).with_for_update()).all()
        later = take_turns(work.session, held, work.now, passes=partial(_is_update_of_what_passes, work))
        for message in held:
            if message.id in later:
                _set(work, message, due_at=later[message.id])
            elif _set(work, message, fence=message.fence + 1, attempts=message.attempts + 1, due_at=work.now + CLAIM):
                work.session.refresh(message)
                taken.append(message)
    policy = core.known_policy()
    with core.database.read() as session:
        claimed = [Claimed(message, facts_of(session, policy, message, core.clock.now())) for message in taken]
    late = {one.id for one in claimed if is_expired(one.message, one.facts)}
    if late:
        _drop(core, [one.message for one in claimed if one.id in late])
    wanted = (one for one in claimed if one.id not in late)
    return sorted(wanted, key=lambda one: (rank_of(one.message), one.id))


def _drop(core: Core, messages: Sequence[Message]) -> None:
    with core.work(system("tell")) as work:
        for message in sorted(messages, key=lambda one: one.id):
            work.session.connection().execute(
                delete(Message).where(col(Message.id) == message.id, col(Message.fence) == message.fence)
            )


def _mark_delivered(work: UnitOfWork, results: Sequence[Delivery]) -> None:
    """Of these alerts, and of all that a group stood for when what it says was read."""
    # Groups after the others and before the notices, as where alerts are closed: or two could wait for each other.
    alone, groups = set[str](), set[tuple[str, str, str]]()
    for facts in (told.claimed.facts for told in results):
        if not isinstance(facts, AlertFacts):
            continue
        if facts.group is None:
            alone.add(facts.alert.id)
        else:
            alone |= set(facts.group.undelivered)
            groups.add((facts.alert.kind, facts.alert.subject, facts.alert.id))
    ordered = [*sorted(alone), *(identifier for _, _, identifier in sorted(groups))]
    undelivered = (Change(identifier, {"delivered_at": None}, {"delivered_at": work.now}) for identifier in ordered)
    compare_and_set_all(work.session, Alert, undelivered)  # whoever was told before stays so


def _write(work: UnitOfWork, told: Delivery) -> bool:
    """Whether the row says now that it was told, and where it stands."""
    message = told.claimed.message
    if told.problem:
        due_at = work.now + _pause_of(told)
        _set(work, message, problem=told.problem, due_at=due_at, **after_failure(message, told.failure, work.now))
        return False
    if told.gone:
        _give_up(work, message, told.gone)
        return False
    if message.shown_version == 0:
        work.record("message.delivered", message.subject, kind=message.kind, channel=told.channel, ts=told.ts)
    if told.goes_on:
        work.tell(MessageKind(message.kind), message.subject, message.destination, version=message.version + 1)
    place = {
        "channel": told.channel,
        "ts": told.ts,
        "shown_version": message.wanted_version,
        "problem": "",
        "attempts": 0,
    } | ARRIVED
    claim = {"fence": message.fence}
    done = place | {"delivered_at": work.now, "due_at": None}
    if compare_and_set(
        work.session, Message, message.id, expected=claim | {"wanted_version": message.wanted_version}, values=done
    ):
        return True
    again_at = work.now + _again_after(work, told.claimed)
    stale = place | {"delivered_at": work.now, "due_at": again_at}  # something changed while this was being told
    if compare_and_set(work.session, Message, message.id, expected=claim, values=stale):
        work.due.append((message_item(message.id), again_at))
        return True
    if told.ts is not None and told.channel is not None and told.ts != message.ts and _stands(message):
        # Our claim had run out and another posted it too: both stand in Slack, so both must stay true.
        work.adopt(message.kind, message.subject, told.channel, told.ts, version=message.version)
    return False


def _pause_of(told: Delivery) -> timedelta:
    return told.limited.pause if told.limited else pause(told.claimed.message.attempts)


def _again_after(work: UnitOfWork, claimed: Claimed) -> timedelta:
    """How long what changed while it was told may wait for more to change."""
    if _is_group(claimed.facts):
        return RETOLD_AFTER
    is_home = traits_of(claimed.message.kind).way == Way.HOME
    return SETTLES if is_home or _shows_what_passes(work, claimed.message) else timedelta()


def _is_update_of_what_passes(work: UnitOfWork, message: Message) -> bool:
    return message.ts is not None and _shows_what_passes(work, message)


def _shows_what_passes(work: UnitOfWork, message: Message) -> bool:
    match traits_of(message.kind).shows:
        case Shows.REQUEST:
            return _passes(work, RequestId(message.subject))
        case Shows.BATCH:
            return any(_passes(work, one.id) for one in parts_of(work.session, message.subject))
        case Shows.BATCH_ANSWER:
            return any(_passes(work, one.id) for one in told_together(work.session, message.subject))
        case _:
            return False


_REMINDERS = (MessageKind.REMINDER, MessageKind.BATCH_REMINDER)


def _requests_of(shown: Sequence[Facts]) -> list[RequestId]:
    """Which requests these cards and reminders are about."""
    found = list[RequestId]()
    for facts in shown:
        if isinstance(facts, CardFacts | ReminderFacts):
            found.append(facts.request.id)
        elif isinstance(facts, BatchFacts | BatchReminderFacts):
            found += [part.request.id for part in facts.parts]
    return found


def _passes(work: UnitOfWork, request: RequestId) -> bool:
    """Whether another state follows the one that the messages about this request would show now."""
    grant = newest_grant(work.session, request)
    if grant is None:
        return False
    return grant.status in TRANSIENT or (grant.status == GrantStatus.SCHEDULED and grant.starts_at <= work.now)


def _give_up(work: UnitOfWork, message: Message, because: str) -> None:
    values = ARRIVED | {"shown_version": message.wanted_version, "problem": "", "attempts": 0, "due_at": None}
    if compare_and_set(work.session, Message, message.id, expected={"fence": message.fence}, values=values):
        work.record(
            "message.given_up", message.subject, kind=message.kind, recipient=message.recipient, because=because
        )


def _is_group(facts: Facts) -> bool:
    return isinstance(facts, AlertFacts) and facts.group is not None


def _is_new_card(message: Message) -> bool:
    return message.kind in CARDS and message.shown_version == 0 and message.ts is None


def _stands(message: Message) -> bool:
    """Whether two of it would both have to stay true; of a Home there is one in Slack."""
    traits = traits_of(message.kind)
    return traits.kept_true and traits.way != Way.HOME


def _set(work: UnitOfWork, message: Message, *, due_at: datetime, **values: object) -> bool:
    """While the claim is ours; what changed meanwhile has made `wanted` grow, and that stays."""
    values["due_at"] = due_at
    won = compare_and_set(work.session, Message, message.id, expected={"fence": message.fence}, values=values)
    if won:
        work.due.append((message_item(message.id), due_at))
    return won
