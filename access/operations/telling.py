"""Words that must reach somebody: claim an untold notice, hand over what it shows, write down where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, tuple_
from sqlmodel import Session, col, select

from access.catalog import Entitlement, Policy
from access.ids import AlertId, GrantId, Person, RequestId, SlackUser
from access.models import (
    Alert,
    AlertKind,
    EntitlementRights,
    Grant,
    GrantStatus,
    Notice,
    NoticeKind,
    Request,
    RequestStatus,
    Review,
    Verdict,
)
from access.operations.alert_rows import open_alerts
from access.operations.approvers import NextStep, approvers, asked_by
from access.operations.by_hand import ByHand, said_by_hand
from access.operations.core import Core, load_grant, load_request
from access.operations.digest import DigestFacts, digest_facts
from access.operations.extend import extendable
from access.operations.home import HomeFacts, home_facts
from access.operations.next_step import next_step
from access.operations.rate_limits import Limited, note_limits, rank_of, take_turns
from access.operations.reminding import Place, ReminderFacts, place_of_access, reminder_facts, worth_reminding
from access.operations.role_rights import RightsNote, note_about, rights_of
from access.operations.standing_accept import Standing, standing_facts
from access.operations.storms import Storm, storm_facts
from access.operations.target import pause
from access.operations.undelivered import (
    ARRIVED,
    DeliveryFailure,
    NeverAsked,
    Undelivered,
    after_failure,
    is_needless,
    never_asked,
    undelivered_facts,
)
from access.operations.usual_time import recent_answers
from access.operations.warning import worth_warning
from access.operations.work import KEPT_TRUE, PASSING, RETOLD_AFTER, SETTLES, Work, notice_item
from access.store import Change, compare_and_set, compare_and_set_all

CLAIM = timedelta(seconds=30)
HISTORY = 3
OTHERS_MOST = 99
"""So many requests of others are counted: more of them say no more."""
TOLD = (
    NoticeKind.REVIEW, NoticeKind.ANSWER, NoticeKind.ENDED, NoticeKind.ALERT, NoticeKind.PAGE, NoticeKind.WARNING,
    NoticeKind.REMINDER, NoticeKind.HOME, NoticeKind.DIGEST, NoticeKind.UNDELIVERED,
)  # fmt: skip
"""What the queue `tell` says."""
OF_ALERTS = (NoticeKind.ALERT, NoticeKind.PAGE)
OF_REQUESTS = (NoticeKind.REVIEW, NoticeKind.ANSWER, NoticeKind.WARNING)


@dataclass(frozen=True, kw_only=True)
class Past:
    """An earlier request of the same person for the same resource."""

    role: str
    status: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Others:
    """What other people asked for on the same resource."""

    times: int
    last_approved_by: Person | None


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """Everything that messages about a request show."""

    request: Request
    reviews: list[Review]
    grant: Grant | None
    """What came of it; None for an extension, which moves the end of another's."""
    history: list[Past]
    """Of the one who would receive it, on this resource."""
    approvers: list[SlackUser]
    """Who can decide it now."""
    now: datetime
    version: int
    """Which version of the request this message was posted for; of warnings, which end."""
    extends: Grant | None = None
    """What an extension is about."""
    extendable: bool = False
    """Whether `grant` can be extended."""
    rights: RightsNote | None = None
    """What must be known of what the role allows."""
    description: str = ""
    """What the role allows, as the policy of now says it in plain words."""
    usually: timedelta | None = None
    """How long an answer usually takes, for who asks."""
    next: NextStep | None = None
    """Who is reminded next; None once there is an answer."""
    others: Others | None = None
    """None: no other person has asked, or the request is decided."""
    access: Place | None = None
    """Of an extension that was approved, where this kind of message about the access itself stands."""
    never_asked: NeverAsked | None = None
    """The card could not be posted, so no approver has been asked."""


@dataclass(frozen=True, kw_only=True)
class AlertFacts:
    """Everything that an alert shows."""

    alert: Alert
    grant: Grant | None
    now: datetime
    by_hand: ByHand | None = None
    """Who said last that the access was removed by hand."""
    storm: Storm | None = None
    """What it tells of where it stands for many."""
    rights: EntitlementRights | None = None
    """What the role that it is about allows now."""
    standing: Standing | None = None
    """Whom it tells of where it is about standing access."""
    undelivered: Undelivered | None = None
    """What does not arrive, where it is about that."""


Facts = CardFacts | AlertFacts | ReminderFacts | HomeFacts | DigestFacts


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
        claimed = [Claimed(notice, _facts(session, policy, notice, core.clock.now())) for notice in taken]
    late = {one.id for one in claimed if _too_late(one)}
    if late:
        _drop(core, [one.notice for one in claimed if one.id in late])
    wanted = (one for one in claimed if one.id not in late)
    return sorted(wanted, key=lambda one: (rank_of(one.notice), one.id))


def card_of(core: Core, request_id: RequestId) -> CardFacts:
    """The facts of a request's messages, now."""
    with core.database.read() as session:
        request = load_request(session, request_id)
        grant, policy = _newest_grant(session, request.id), core.known_policy()
        facts = _card_facts(session, policy, request, grant, version=request.version, now=core.clock.now())
        if policy is None:
            return facts
        return replace(facts, usually=asked_by(session, policy, request, recent_answers(session)).usually)


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


def _facts(session: Session, policy: Policy | None, notice: Notice, now: datetime) -> Facts:
    # The claim read `wanted` before these facts: what changed in between has grown it, and the message comes again.
    if notice.kind in OF_ALERTS:
        return _alert_facts(session, session.get_one(Alert, AlertId(notice.subject)), now)
    if notice.kind == NoticeKind.DIGEST:
        return digest_facts(session, notice)
    if notice.kind in (NoticeKind.ENDED, NoticeKind.REVEAL):
        grant = load_grant(session, GrantId(notice.subject))
        request = load_request(session, grant.request_id)
    elif notice.kind == NoticeKind.HOME:
        return home_facts(session, policy, SlackUser(notice.subject), now)
    else:
        request = load_request(session, RequestId(notice.subject))
        if notice.kind == NoticeKind.REMINDER:
            return reminder_facts(session, policy, notice, request, now)
        grant = _newest_grant(session, request.id)
    facts = _card_facts(session, policy, request, grant, version=notice.version, now=now)
    return replace(facts, access=place_of_access(session, NoticeKind(notice.kind), request))


def _alert_facts(session: Session, alert: Alert, now: datetime) -> AlertFacts:
    grant = session.get(Grant, alert.subject)
    by_hand = said_by_hand(session, grant) if grant else None
    rights = rights_of(session, alert.subject) if alert.kind == AlertKind.RIGHTS else None
    return AlertFacts(
        alert=alert, grant=grant, now=now, by_hand=by_hand, storm=storm_facts(session, alert), rights=rights,
        standing=standing_facts(session, alert), undelivered=undelivered_facts(session, alert),
    )  # fmt: skip


def _newest_grant(session: Session, request: RequestId) -> Grant | None:
    """Access that was found again after its end is what stands there now."""
    return session.exec(select(Grant).filter_by(request_id=request).order_by(col(Grant.created_at).desc())).first()


def _card_facts(
    session: Session, policy: Policy | None, request: Request, grant: Grant | None, *, version: int, now: datetime
) -> CardFacts:
    reviews = session.exec(
        select(Review).filter_by(request_id=request.id, version=request.version).order_by(col(Review.at))
    ).all()
    earlier = session.exec(
        select(Request)
        .filter_by(subject=request.subject, subject_slack=request.subject_slack, resource=request.resource)
        .where(col(Request.asked_at) < request.asked_at)
        .order_by(col(Request.asked_at).desc())
        .limit(HISTORY)
    ).all()
    return CardFacts(
        request=request, reviews=list(reviews), grant=grant, now=now, version=version,
        history=[Past(role=one.role, status=one.status, asked_at=one.asked_at) for one in earlier],
        extends=session.get(Grant, request.extends) if request.extends else None,
        extendable=extendable(policy, grant), rights=note_about(session, request.resource, request.role),
        never_asked=never_asked(session, request), next=next_step(session, policy, request, now),
        approvers=_approvers(session, policy, request), description=_description(policy, request),
        others=_others(session, request) if request.status == RequestStatus.PENDING else None,
    )  # fmt: skip


def _approvers(session: Session, policy: Policy | None, request: Request) -> list[SlackUser]:
    if policy is None:
        return []
    return sorted(policy.people[person].slack for person in approvers(session, policy, request))


def _description(policy: Policy | None, request: Request) -> str:
    """Of now, for it is no fact of the request: what a changed role allows is asked anew (review.py)."""
    known = policy.entitlement(Entitlement(request.resource, request.role)) if policy else None
    return known[1].description if known else ""


def _others(session: Session, request: Request) -> Others | None:
    """By the Slack account; a request for more time of theirs is not one more, and a canary is no person."""
    theirs = (
        Request.resource == request.resource, col(Request.subject_slack).not_in((request.subject_slack, "")),
        col(Request.extends).is_(None), col(Request.asked_at) < request.asked_at,
    )  # fmt: skip
    times = len(session.exec(select(Request.id).where(*theirs).limit(OTHERS_MOST + 1)).all())
    if not times:
        return None
    reviews = select(Review).join(Request, col(Request.id) == col(Review.request_id))
    approved = reviews.where(*theirs, Review.verdict == Verdict.APPROVE).order_by(col(Review.at).desc())
    last = session.exec(approved.limit(1)).first()
    return Others(times=times, last_approved_by=last.reviewer if last else None)


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
    grant = _newest_grant(work.session, request)
    if grant is None:
        return False
    return grant.status in PASSING or (grant.status == GrantStatus.SCHEDULED and grant.starts_at <= work.now)


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
