"""Wrong variants of the product, most of them bugs that others had: each must be found by an invariant."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import update
from sqlmodel import col, select

from access import audit, core
from access.actors import Actor, system
from access.core import Core
from access.errors import Transient
from access.grants import claims, end, revoke, start
from access.grants.end import RevokeHandler
from access.grants.start import GrantHandler
from access.models import AlertKind, EndedBy, Grant, GrantStatus, Request, RequestStatus, Verdict
from access.monitor import routing, sweep_plan
from access.monitor.chores import CHORES
from access.monitor.sweep import Schedule
from access.policy import decide
from access.ports import Deadline, Observation
from access.requests import review, vote
from access.unit_of_work import UnitOfWork
from tests.invariants.machine import Life
from tests.invariants.town_provider import TownProvider

Wrong = Callable[[], Any]
"""Makes the patch, to be entered."""
Story = Callable[[Life], None]


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where somebody had it."""

    says: str
    wrong: Wrong
    story: Story
    """A life in which the right product keeps every promise."""


def around(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Wrong:
    return lambda: patch.object(owner, name, wrap(getattr(owner, name)))


def _grant_before_record(claim: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: GrantHandler, ids: Any) -> Any:
        with self.core.database.read() as session:
            due = session.exec(select(Grant).where(col(Grant.id).in_(ids), Grant.status == GrantStatus.SCHEDULED)).all()
        for grant in due:
            if grant.due_at is not None and grant.due_at <= self.core.clock.now():
                spec = claims.spec_of(grant, self.core.clock.now() + timedelta(hours=1))
                try:
                    self.targets.of(grant.provider, grant.settings, grant.resource).grant(spec, Deadline.after(5))
                except start.ProviderError:
                    continue
        return claim(self, ids)

    return wrong


def _without_asking_again(self: RevokeHandler, claimed: Any, deadline: Deadline) -> Any:
    try:
        spec, receipt = claims.spec_of(claimed.grant), claims.receipt_of(claimed.grant)
        removal = claimed.provider.revoke(spec, receipt, deadline)
        return end.Result(claimed, removal=removal, observed=Observation(present=False))
    except end.ProviderError as error:
        return end.Result(claimed, error=error)


def _giving_up(try_later: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: RevokeHandler, work: UnitOfWork, grant: Grant, error: Any) -> None:
        if grant.attempts < 6:
            try_later(self, work, grant, error)
            return
        work.set_grant(grant, due_at=None, alert_at=None, problem=error.sentence)

    return wrong


def _by_approver_of_then() -> Any:
    """Who may approve is noted when the request is posted."""
    first: dict[str, frozenset[str]] = {}
    right = review.may_review

    def wrong(people: Any, *, reviewer: Any, barred: Any, any_of: Any) -> None:
        asked = " and ".join(sorted(barred))
        known = first.setdefault(asked, people.members(any_of))
        if reviewer in known and reviewer not in barred:
            return
        right(people, reviewer=reviewer, barred=barred, any_of=any_of)

    return _asking(wrong)


@contextmanager
def _asking(may_review: Any) -> Generator[None]:
    """In the place of both guards: who may review at all, and whose turn it is."""
    with patch.object(review, "may_review", may_review), patch.object(vote, "refuse_out_of_turn", _nothing):
        yield


def _anybody_may(people: Any, *, reviewer: Any, barred: Any, any_of: Any) -> None:
    """Every member of the group, the requester among them."""
    if reviewer not in people.members(any_of):
        raise decide.NotAnApprover


def _no_compare_and_set(
    work: UnitOfWork, request: Request, to: RequestStatus, *, action: str, details: Any, **_more: Any
) -> bool:  # fmt: skip
    work.session.connection().execute(update(Request).where(col(Request.id) == request.id).values(status=to))
    work.record(action, request.id, version=request.version, fingerprint=request.fingerprint, **details)
    work.session.refresh(request)
    return True


@contextmanager
def _stale_reads() -> Generator[None]:
    """The row that was read when the card was drawn decides, and the write does not look again."""
    with patch.object(UnitOfWork, "move_request", _no_compare_and_set), patch.object(review, "_refuse_stale", _nothing):
        yield


@contextmanager
def _audit_afterwards() -> Generator[None]:
    """The events are written in a transaction of their own, after the change."""
    right = core.Core.work

    @contextmanager
    def wrong(self: Core, actor: Actor) -> Generator[UnitOfWork]:
        kept: list[Any] = []
        with right(self, actor) as work:
            yield work
            kept, work.events = work.events, []
        with self.database.write() as session:
            audit.append(session, kept, at=self.clock.now())

    with patch.object(core.Core, "work", wrong):
        yield


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _moving_the_end(take: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: GrantHandler, work: UnitOfWork, grant: Grant, provider: Any) -> bool:
        taken = take(self, work, grant, provider)
        if taken and grant.attempts > 1 and grant.duration_s:
            work.set_grant(grant, expires_at=work.now + timedelta(seconds=grant.duration_s))
        return taken

    return wrong


@contextmanager
def _due_is_over() -> Generator[None]:
    """What somebody should look at is taken for what is over."""
    right = UnitOfWork.move_grant

    def look_now(self: UnitOfWork, grant: Grant, to: GrantStatus, *, action: str, details: Any, **values: Any) -> None:
        more = {"due_at": self.now} if to == GrantStatus.ACTIVE else {}
        right(self, grant, to, action=action, details=details, **(values | more))

    def due(grant: Grant, now: Any) -> bool:
        return grant.due_at is not None and grant.due_at <= now

    taken = patch.dict(routing._QUEUES, {"extended": "revoke"})  # pyright: ignore[reportPrivateUsage] -- what is seeded is wrong
    with taken, patch.object(UnitOfWork, "move_grant", look_now), patch.object(end, "_due", due):
        yield


def _chore(name: str, does: Callable[[Core], object]) -> Wrong:
    """In the place of what a sweep does."""
    wrong = tuple(replace(one, does=does) if one.name == name else one for one in CHORES)
    assert wrong != CHORES, name
    return lambda: patch.object(sweep_plan, "CHORES", wrong)


def _lapse_approves(made: Core) -> None:
    now = made.clock.now()
    with made.database.read() as session:
        late = session.exec(
            select(Request).where(Request.status == RequestStatus.PENDING, col(Request.lapses_at) <= now)
        ).all()
    for one in late:
        with made.work(system("timekeeper")) as work:
            request = core.load_request(work.session, one.id)
            details = {"reviewer": "", "verdict": "approve", "comment": "", "rule": request.rule}
            if work.move_request(request, RequestStatus.APPROVED, action="request.approved", details=details):
                review.schedule(made, work, request)


def _ended_at_once(
    work: UnitOfWork,
    grant: Grant,
    by: EndedBy,
    *,
    at: Any,
    person: Any = None,
    reason: str = "",
    claimed_until: Any = None,
) -> None:
    """Finished on paper; the target is asked by nobody."""
    del at, claimed_until
    work.move_grant(
        grant, GrantStatus.REVOKING, action="grant.revoking", details={"by": by}, fence=grant.fence + 1, ended_by=by,
        ended_by_person=person, end_reason=reason,
    )  # fmt: skip
    work.move_grant(grant, GrantStatus.ENDED, action="grant.ended", details={"by": by}, due_at=None, ended_at=work.now)


def _ambiguous_is_nothing(write_error: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: GrantHandler, work: UnitOfWork, grant: Grant, result: Any) -> None:
        if not isinstance(result.error, start.Ambiguous):
            write_error(self, work, grant, result)
            return
        work.move_grant(
            grant, GrantStatus.FAILED, action="grant.failed", details={"problem": "No answer."}, problem="No answer.",
            ended_at=work.now, due_at=None, alert_at=None,
        )  # fmt: skip

    return wrong


def _absent_is_an_error(revoke: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: TownProvider, spec: Any, receipt: Any, deadline: Deadline) -> Any:
        if spec.grant_id not in self.place.holders:
            raise Transient("There is no such login.")
        return revoke(self, spec, receipt, deadline)

    return wrong


def _closing_early(sweep: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: Schedule) -> Any:
        due = sweep(self)
        with self.core.database.read() as session:
            ids = session.exec(select(Grant.id).where(Grant.status != GrantStatus.ENDED)).all()
        with self.core.work(system("timekeeper")) as work:
            for identifier in ids:
                work.close_alerts(identifier, AlertKind.OVERDUE)
        return due

    return wrong


def _by_anybody(its: Core, *, grant_id: Any, by: Any) -> Grant:
    person = its.person(by)
    with its.work(by) as work:
        grant = revoke.load_grant(work.session, grant_id, held=True)
        revoke.end(work, grant, EndedBy.RETURNED, person=person.name)
    return grant


def _one_look(set_grant: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: UnitOfWork, grant: Grant, **values: Any) -> None:
        set_grant(self, grant, **(values | {"recheck_after": None}))

    return wrong


def _never_late(self: GrantHandler, work: UnitOfWork, grant: Grant) -> bool:
    if grant.expires_at is not None and work.now >= grant.expires_at:
        start.start_removal(work, grant, EndedBy.EXPIRED, at=grant.expires_at)
        return True
    return False


def _no_event(move_grant: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: UnitOfWork, grant: Grant, to: GrantStatus, *, action: str, details: Any, **values: Any) -> None:
        if action == "grant.revoking":
            self.set_grant(grant, status=to, **values)
        else:
            move_grant(self, grant, to, action=action, details=details, **values)

    return wrong


def _removed_on_wrong_answer(try_later: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: RevokeHandler, work: UnitOfWork, grant: Grant, error: Any) -> None:
        if isinstance(error, end.Permanent):
            self._ended(work, grant, {"removed_at": work.now})  # pyright: ignore[reportPrivateUsage] -- seeded
        else:
            try_later(self, work, grant, error)

    return wrong


def _still_ours(*_: Any) -> bool:
    return True


# How each comes to light: a life in which the right product keeps every promise, and the wrong one does not.

READ = "customers-db/read"


def _asked(life: Life, minutes: int = 60) -> None:
    life.ask("ann", READ, minutes, None)


def _approved(life: Life, minutes: int = 60) -> None:
    _asked(life, minutes)
    life.decide("kim", Verdict.APPROVE, -1, None)


def _held(life: Life, minutes: int = 60) -> None:
    life.opens("ann", READ, minutes, None)


def _weather(life: Life, weather: str) -> None:
    life.weather("one", weather)


def _killed_while_opening(life: Life) -> None:
    _approved(life)
    for crash in range(12):
        life.look(crash)
        life.everything_holds()
        life.nobody_looks_for(61)


def _approved_and_denied(life: Life) -> None:
    _approved(life)
    life.decide("lea", Verdict.DENY, -1, None)


def _approved_by_a_former_lead(life: Life) -> None:
    _asked(life)
    life.decide("eve", Verdict.APPROVE, -1, None)
    life.change_leads("kim")
    life.decide("kim", Verdict.APPROVE, -1, None)


def _approved_by_herself(life: Life) -> None:
    life.ask("lea", READ, 10, None)
    life.decide("lea", Verdict.APPROVE, -1, None)


def _approved_another_role(life: Life) -> None:
    _asked(life)
    life.change_role("read", "rule")
    life.decide("kim", Verdict.APPROVE, -1, None)


def _over_in(weather: str, seconds: int) -> Story:
    def story(life: Life) -> None:
        _held(life, 1)
        _weather(life, weather)
        life.all_is_done_in_time_for(seconds)

    return story


def _overdue_and_seen_late(life: Life) -> None:
    _held(life, 1)
    _weather(life, "down")
    life.nobody_looks_for(1800)
    life.look(None)


def _opened_in(weather: str) -> Story:
    def story(life: Life) -> None:
        _approved(life)
        _weather(life, weather)
        life.all_is_done_in_time_for(10)

    return story


def _killed_while_approving(life: Life) -> None:
    for crash in range(8):
        _asked(life)
        life.decide("kim", Verdict.APPROVE, -1, crash)
        life.everything_holds()


def _early_look(life: Life) -> None:
    _held(life)
    life.all_is_done_in_time_for(10)
    life.look_twice_at_everything()


def _silent(life: Life) -> None:
    _asked(life)
    life.nobody_looks_for(7200)
    life.look(None)


def _returned(life: Life) -> None:
    _held(life)
    life.done("ann", 0, None)


def _answer_to_the_end_lost(life: Life) -> None:
    _held(life, 1)
    _weather(life, "answer lost")
    life.all_is_done_in_time_for(120)


def _left_between(life: Life) -> None:
    _approved(life)
    life.change_engineers("ann")
    life.look(None)


def _returned_by_ben(life: Life) -> None:
    _held(life)
    life.done("ben", 0, None)


def _carried_out_later(life: Life) -> None:
    _approved(life)
    _weather(life, "delayed")
    life.look(None)
    life.done("ann", 0, None)
    _weather(life, "fine")
    life.look(None)
    life.nobody_looks_for(29)


def _clocks_apart(life: Life) -> None:
    life.clocks_differ(45)
    _approved(life)
    life.look(None)


def _looked_at_too_late(life: Life) -> None:
    _approved(life)
    life.nobody_looks_for(1800)
    life.look(None)


def _an_old_worker_answers(life: Life) -> None:
    _approved(life)
    life.workers_are_stopped("after")
    life.done("ann", 0, None)
    life.stopped_workers_go_on(None)


FAULTS: Mapping[str, Fault] = {
    "grant before record": Fault(
        "the target is called before the row says so (sso-elevator, Common Fate)",
        around(GrantHandler, "claim", _grant_before_record), _killed_while_opening,
    ),
    "no compare-and-set": Fault(
        "the status is written without a look at it (hoop, sso-elevator)", _stale_reads, _approved_and_denied
    ),
    "eligibility of then": Fault(
        "approvers are noted when the card is posted (Common Fate)", _by_approver_of_then, _approved_by_a_former_lead
    ),
    "self-approval": Fault(
        "the requester is one of the group, so she may (hoop)",
        lambda: _asking(_anybody_may), _approved_by_herself,
    ),
    "no fingerprint": Fault(
        "what is shown is not what is granted (CVE-2025-1969's class)",
        lambda: patch.object(review, "_changed_terms", _nothing), _approved_another_role,
    ),
    "six tries": Fault(
        "a revoke gives up (Vault)", around(RevokeHandler, "_try_later", _giving_up), _over_in("down", 900)
    ),
    "no read-back": Fault(
        "the answer to a revoke is believed", lambda: patch.object(RevokeHandler, "act", _without_asking_again),
        _over_in("stubborn", 120),
    ),
    "a moving end": Fault(
        "each retry starts the clock anew (Teleport)", around(GrantHandler, "_take", _moving_the_end),
        _opened_in("answer lost"),
    ),
    "taken away early": Fault(
        "due is taken for over (Vault)", _due_is_over, _early_look
    ),
    "nobody is told": Fault(
        "what is overdue is only logged (TEAM)", _chore("overdue", _nothing),
        _overdue_and_seen_late,
    ),
    "audit afterwards": Fault(
        "events have a transaction of their own (discord/access)", _audit_afterwards, _killed_while_approving
    ),
    "no event": Fault("a move without its event", around(UnitOfWork, "move_grant", _no_event), _returned),
    "silence approves": Fault(
        "nobody answered, so it is granted", _chore("lapse", _lapse_approves), _silent
    ),
    "ended on paper": Fault(
        "the row is finished, the target was not asked", lambda: patch.object(revoke, "start_removal", _ended_at_once),
        _returned,
    ),
    "no answer is no grant": Fault(
        "a lost answer counts as a failure", around(GrantHandler, "_write_error", _ambiguous_is_nothing),
        _opened_in("answer lost"),
    ),
    "absent is an error": Fault(
        "what is gone cannot be removed (Vault)", around(TownProvider, "revoke", _absent_is_an_error),
        _answer_to_the_end_lost,
    ),
    "the policy of then": Fault(
        "not asked again before granting (jit-groups)", lambda: patch.object(start, "objection", _nothing),
        _left_between,
    ),
    "anybody may end it": Fault(
        "whoever knows the id", lambda: patch("tests.invariants.machine.return_access", _by_anybody), _returned_by_ben
    ),
    "an alert that hushes": Fault(
        "closed while its cause is there", around(Schedule, "sweep", _closing_early), _overdue_and_seen_late
    ),
    "one look": Fault(
        "a call under way is not waited for", around(UnitOfWork, "set_grant", _one_look), _carried_out_later
    ),
    "clocks apart": Fault(
        "granted whatever the clocks say", lambda: patch.object(start, "SKEW_MOST", timedelta(days=1)), _clocks_apart
    ),
    "never too late": Fault(
        "a grant starts hours after its approval", lambda: patch.object(GrantHandler, "_over", _never_late),
        _looked_at_too_late,
    ),
    "refused is removed": Fault(
        "a target that refuses the bot has nothing left (TEAM)",
        around(RevokeHandler, "_try_later", _removed_on_wrong_answer), _over_in("refuses", 120),
    ),
    "no fence": Fault(
        "an old worker's answer counts", lambda: patch.object(start, "still_ours", _still_ours),
        _an_old_worker_answers,
    ),
}  # fmt: skip
