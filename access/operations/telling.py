"""Words that must reach somebody: claim an untold notice, hand over what it shows, write down where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, tuple_
from sqlmodel import col, select

from access.ids import RequestId
from access.lifecycle import TRANSIENT
from access.models import (
    Alert,
    AlertKind,
    GrantStatus,
    Notice,
    NoticeKind,
    Request,
    RequestStatus,
)
from access.operations.alert_rows import open_alerts
from access.operations.core import Core
from access.operations.message_facts import AlertFacts, CardFacts, Facts, facts_of, newest_grant
from access.operations.rate_limits import Limited, note_limits, rank_of, take_turns
from access.operations.reminding import ReminderFacts, worth_reminding
from access.operations.target import pause
from access.operations.undelivered import (
    ARRIVED,
    DeliveryFailure,
    after_failure,
    is_needless,
)
from access.operations.warning import worth_warning
from access.operations.work import KEPT_TRUE, RETOLD_AFTER, SETTLES, Work, notice_item
from access.store import Change, compare_and_set, compare_and_set_all

CLAIM = timedelta(seconds=30)
TOLD = (
    NoticeKind.REVIEW, NoticeKind.ANSWER, NoticeKind.ENDED, NoticeKind.ALERT, NoticeKind.PAGE, NoticeKind.WARNING,
    NoticeKind.REMINDER, NoticeKind.HOME, NoticeKind.DIGEST, NoticeKind.UNDELIVERED,
)  # fmt: skip
"""What the queue `tell` says."""
OF_REQUESTS = (NoticeKind.REVIEW, NoticeKind.ANSWER, NoticeKind.WARNING)


@dataclass(frozen=True)
class Claimed:
    """One message that this worker alone may send until its claim ends."""

    notice: Notice
    facts: Facts

    @property
    def id(self) -> str:
        return self.notice.id


@dataclass(frozen=True)
class Told:
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
class Telling:
    """The core's half of the queue `tell`; the words and Slack are the workers'."""

    core: Core
    actor: str = "system:tell"

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """The most urgent first."""
        return claim_notices(self.core, ids, TOLD)

    def commit(self, results: Sequence[Told]) -> None:
        with self.core.work(self.actor) as work:
            ordered = sorted(results, key=lambda one: one.claimed.id)
            _somebody_was_told(work, [told for told in ordered if not told.problem and not told.gone])
            written = [told for told in ordered if _write(work, told)]
            note_limits(work.session, ordered, work.now)
        first = [told for told in written if _is_new_card(told.claimed.notice)]
        if first:
            # Each on its own: other notices of the same kind are held while results are written, in another order.
            self._keep_one_row(first)
            self._lead_to_cards([told.claimed.notice.subject for told in first])
        reminded = [
            one.notice.subject for one in (told.claimed for told in written) if one.notice.kind == NoticeKind.REMINDER
        ]
        if reminded:
            self._next_step_changed(reminded)
        self._arrived_after_all([told.claimed.notice for told in results if not told.problem])

    def _keep_one_row(self, posted: Sequence[Told]) -> None:
        """A card that was pressed before it was written where it stands has a second row, and would be told twice."""
        second = tuple_(col(Notice.subject), col(Notice.recipient)).in_(
            [(told.claimed.notice.subject, f"{told.channel}:{told.ts}") for told in posted]
        )
        with self.core.work(self.actor) as work:
            work.session.connection().execute(delete(Notice).where(col(Notice.kind) == NoticeKind.REVIEW, second))

    def _lead_to_cards(self, requests: Sequence[str]) -> None:
        """A card that has just been posted can be opened from Homes."""
        with self.core.work(self.actor) as work:
            for request in work.session.exec(select(Request).where(col(Request.id).in_(requests))):
                work.homes_changed(request)

    def _next_step_changed(self, requests: Sequence[str]) -> None:
        """What said that these approvers are reminded says now who comes after them, or that the request lapses."""
        if not requests:
            return
        with self.core.work(self.actor) as work:
            for request in work.session.exec(select(Request).where(col(Request.id).in_(requests))):
                work.request_changed(request, passes=True)

    def _arrived_after_all(self, told: Sequence[Notice]) -> None:
        """What said that these do not arrive must say that they have."""
        late = [one for one in told if one.undelivered_since is not None]
        if not late:
            return
        # On its own, as above.
        with self.core.work(self.actor) as work:
            for one in late:
                work.storms |= set(work.session.exec(open_alerts(one.undelivered_cause, [AlertKind.UNDELIVERED])))
                if one.kind == NoticeKind.REVIEW and one.shown == 0:
                    work.changed(one.subject)

    def release(self, claimed: Sequence[Claimed]) -> None:
        with self.core.work(self.actor) as work:
            for one in sorted(claimed, key=lambda one: one.id):
                _set(work, one.notice, due_at=work.now)


def claim_notices(core: Core, ids: Sequence[str], kinds: Sequence[NoticeKind]) -> list[Claimed]:
    """Takes what is due of these kinds, with the facts as they are after the claim."""
    taken = list[Notice]()
    with core.work("system:tell") as work:
        due = select(Notice).where(col(Notice.id).in_(ids), col(Notice.kind).in_(kinds), col(Notice.due_at) <= work.now)
        held = work.session.exec(due.order_by(col(Notice.id)).with_for_update()).all()
        later = take_turns(work.session, held, work.now)
        for notice in held:
            if notice.id in later:
                _set(work, notice, due_at=later[notice.id])
            elif _set(work, notice, fence=notice.fence + 1, attempts=notice.attempts + 1, due_at=work.now + CLAIM):
                work.session.refresh(notice)
                taken.append(notice)
    policy = core.known_policy()
    with core.database.read() as session:
        claimed = [Claimed(notice, facts_of(session, policy, notice, core.clock.now())) for notice in taken]
    late = {one.id for one in claimed if _too_late(one)}
    if late:
        _drop(core, [one.notice for one in claimed if one.id in late])
    wanted = (one for one in claimed if one.id not in late)
    return sorted(wanted, key=lambda one: (rank_of(one.notice), one.id))


def _too_late(claimed: Claimed) -> bool:
    """What was to be said at a time to come, and need not be said any more: nobody waits, or it is over already."""
    facts = claimed.facts
    if isinstance(facts, ReminderFacts):
        return not worth_reminding(facts.request, facts.now)
    if isinstance(facts, CardFacts) and is_needless(claimed.notice, facts.request):
        return True
    if claimed.notice.kind == NoticeKind.UNDELIVERED and isinstance(facts, CardFacts):
        is_said = facts.never_asked is None or facts.request.status != RequestStatus.PENDING
        return claimed.notice.shown == 0 and is_said
    if claimed.notice.kind != NoticeKind.WARNING or not isinstance(facts, CardFacts):
        return False
    return claimed.notice.shown == 0 and not worth_warning(facts.grant, claimed.notice.version, facts.now)


def _drop(core: Core, notices: Sequence[Notice]) -> None:
    with core.work("system:tell") as work:
        for notice in sorted(notices, key=lambda one: one.id):
            work.session.connection().execute(
                delete(Notice).where(col(Notice.id) == notice.id, col(Notice.fence) == notice.fence)
            )


def _somebody_was_told(work: Work, results: Sequence[Told]) -> None:
    """Of these alerts, and of all that a storm stood for when what it says was read."""
    # Storms after the others and before the notices, as where alerts are closed: or two could wait for each other.
    alone, storms = set[str](), set[tuple[str, str, str]]()
    for facts in (told.claimed.facts for told in results):
        if not isinstance(facts, AlertFacts):
            continue
        if facts.storm is None:
            alone.add(facts.alert.id)
        else:
            alone |= set(facts.storm.untold)
            storms.add((facts.alert.kind, facts.alert.subject, facts.alert.id))
    ordered = [*sorted(alone), *(identifier for _, _, identifier in sorted(storms))]
    untold = (Change(identifier, {"told_at": None}, {"told_at": work.now}) for identifier in ordered)
    compare_and_set_all(work.session, Alert, untold)  # whoever was told before stays so


def _write(work: Work, told: Told) -> bool:
    """Whether the row says now that it was told, and where it stands."""
    notice = told.claimed.notice
    if told.problem:
        due_at = work.now + _pause_of(told)
        _set(work, notice, problem=told.problem, due_at=due_at, **after_failure(notice, told.failure, work.now))
        return False
    if told.gone:
        _give_up(work, notice, told.gone)
        return False
    if notice.shown == 0:
        work.record("notice.told", notice.subject, kind=notice.kind, channel=told.channel, ts=told.ts)
    if told.goes_on:
        work.tell(NoticeKind(notice.kind), notice.subject, notice.recipient, version=notice.version + 1)
    place = {"channel": told.channel, "ts": told.ts, "shown": notice.wanted, "problem": "", "attempts": 0} | ARRIVED
    claim = {"fence": notice.fence}
    done = place | {"told_at": work.now, "due_at": None}
    if compare_and_set(work.session, Notice, notice.id, expected=claim | {"wanted": notice.wanted}, values=done):
        return True
    again_at = work.now + _again_after(work, told.claimed)
    stale = place | {"told_at": work.now, "due_at": again_at}  # something changed while this was being told
    if compare_and_set(work.session, Notice, notice.id, expected=claim, values=stale):
        work.due.append((notice_item(notice.id), again_at))
        return True
    if told.ts is not None and told.channel is not None and told.ts != notice.ts and _stands(notice):
        # Our claim had run out and another posted it too: both stand in Slack, so both must stay true.
        work.adopt(notice.kind, notice.subject, told.channel, told.ts, version=notice.version)
    return False


def _pause_of(told: Told) -> timedelta:
    return told.limited.pause if told.limited else pause(told.claimed.notice.attempts)


def _again_after(work: Work, claimed: Claimed) -> timedelta:
    """How long what changed while it was told may wait for more to change."""
    if _is_storm(claimed.facts):
        return RETOLD_AFTER
    kind = claimed.notice.kind
    passes = kind in OF_REQUESTS and _passes(work, RequestId(claimed.notice.subject))
    return SETTLES if passes or kind == NoticeKind.HOME else timedelta()


def _passes(work: Work, request: RequestId) -> bool:
    """Whether another state follows the one that the messages about this request would show now."""
    grant = newest_grant(work.session, request)
    if grant is None:
        return False
    return grant.status in TRANSIENT or (grant.status == GrantStatus.SCHEDULED and grant.starts_at <= work.now)


def _give_up(work: Work, notice: Notice, because: str) -> None:
    values = ARRIVED | {"shown": notice.wanted, "problem": "", "attempts": 0, "due_at": None}
    if compare_and_set(work.session, Notice, notice.id, expected={"fence": notice.fence}, values=values):
        work.record("notice.given_up", notice.subject, kind=notice.kind, recipient=notice.recipient, because=because)


def _is_storm(facts: Facts) -> bool:
    return isinstance(facts, AlertFacts) and facts.storm is not None


def _is_new_card(notice: Notice) -> bool:
    return notice.kind == NoticeKind.REVIEW and notice.shown == 0 and notice.ts is None


def _stands(notice: Notice) -> bool:
    """Whether two of it would both have to stay true; of a Home there is one in Slack."""
    return notice.kind in KEPT_TRUE and notice.kind != NoticeKind.HOME


def _set(work: Work, notice: Notice, *, due_at: datetime, **values: object) -> bool:
    """While the claim is ours; what changed meanwhile has made `wanted` grow, and that stays."""
    values["due_at"] = due_at
    won = compare_and_set(work.session, Notice, notice.id, expected={"fence": notice.fence}, values=values)
    if won:
        work.due.append((notice_item(notice.id), due_at))
    return won
