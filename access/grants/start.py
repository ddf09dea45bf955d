"""Opening doors: claim a scheduled grant, tell its provider, write down what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from access.actors import Actor, system
from access.catalog import Policy
from access.core import Core, held_grants, load_request
from access.decisions import keep_start
from access.errors import (
    Ambiguous,
    BadConfig,
    BadCredential,
    Permanent,
    PolicyError,
    ProviderError,
    TargetConflict,
)
from access.grants import integrity, outage, role_rights, shared_access, votes
from access.grants.admission import blocked
from access.grants.claims import (
    CLAIM,
    IN_FLIGHT,
    Claimed,
    Targets,
    answered,
    looked_at,
    pause,
    pause_after,
    plan_of,
    providers_of,
    rows_of,
    spec_of,
    still_ours,
    unexpected,
)
from access.grants.expiry_warning import warn_before_end
from access.grants.revoke import end, start_removal
from access.ids import GrantId, ulid
from access.lifecycle import FINISHED, OPENING
from access.models import AlertKind, EndedBy, Grant, GrantStatus, MessageKind, Request
from access.people import People, changed, requester_of, subject_of
from access.policy import canary
from access.policy.decide import Denied, decide_again
from access.policy.escalation import waited
from access.policy.facts import ask_again, is_unchanged
from access.policy.objections import what_changed
from access.ports import Deadline, Observation, Outcome, Provider, Receipt, Rights
from access.unit_of_work import URGENT, UnitOfWork, grant_item

SKEW_MOST = timedelta(seconds=30)
"""Nothing is granted while host and database differ by more: a door would close at the wrong time."""
POLICY_PAUSE = timedelta(seconds=5)
CHANGED = "Its record was changed after the approval. The security team has been told; please ask again."


@dataclass(frozen=True)
class Result:
    """What the provider answered; exactly one of `outcome`, `seen` and `error`."""

    claimed: Claimed
    outcome: Outcome | None = None
    seen: Observation | None = None
    """What stands there before anything is given, where grants share what they give."""
    error: ProviderError | None = None
    nothing_there: bool = False
    """Read back after an error: the target has nothing of ours."""

    @property
    def healthy(self) -> bool:
        return answered(self.error)


@dataclass(frozen=True)
class GrantHandler:
    """The business of the queue `grant`."""

    core: Core
    targets: Targets
    actor: Actor = system("grant")
    worker: str = "worker"
    """The process, by the name of its heartbeat."""

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Takes what is due, checked by the policy of now; what may not start any more ends here."""
        providers = providers_of(self.core.database, self.targets, ids, OPENING)
        if not providers:
            return []  # open already, and to have a later end at its target
        policy = self._policy()
        won = list[Claimed]()
        with self.core.work(self.actor) as work:
            closed = blocked(work.session)
            due = [grant for grant in held_grants(work.session, providers) if _due(grant, work.now)]
            # First of all: what was changed may lead to another target, or to none.
            grants = [grant for grant in due if not self._changed(work, grant)]
            rights = shared_access.enqueue(work, grants, providers)
            for grant in grants:
                if self._over(work, grant):
                    continue
                provider, given, before = providers[grant.id], rights.get(grant.id), grant.status
                if closed is not None:
                    self._wait(work, grant, closed, POLICY_PAUSE)
                elif isinstance(provider, ProviderError):
                    self._broken(work, grant, provider)
                elif isinstance(given, ProviderError):
                    self._broken(work, grant, given)
                elif isinstance(policy, PolicyError):
                    # Fail closed: nothing is granted on a policy that cannot be read. It may be mended in time.
                    self._wait(work, grant, "The access policy cannot be used.", POLICY_PAUSE)
                elif abs(self.core.clock.offset) > SKEW_MOST:
                    self._wait(work, grant, "The clocks of this host and of the database differ.", POLICY_PAUSE)
                elif not self._refused(work, grant, policy):
                    won += self._with_its_turn(work, grant, provider, given)
                    if (before, grant.status) == (GrantStatus.SCHEDULED, GrantStatus.ACTIVATING):
                        self._keep(work, grant, policy)
        return won

    def act(self, claimed: Claimed, deadline: Deadline) -> Result:
        """One grant on the target. Never raises."""
        try:
            if claimed.lock_expired(self.core.clock.now()):
                raise TargetConflict("The lock on the target expired before the call started.")
            if claimed.lock is not None and claimed.lock.unknown:
                return Result(claimed, seen=claimed.provider.observe(claimed.spec(), None, deadline))
            spec = claimed.spec(claimed.lock.standing if claimed.lock else frozenset())
            return Result(claimed, outcome=claimed.provider.grant(spec, deadline))
        except Permanent as error:
            seen = looked_at(claimed, deadline)
            return Result(claimed, error=error, nothing_there=seen is not None and not seen.present)
        except ProviderError as error:
            return Result(claimed, error=error)
        except Exception as error:
            # A third party's fault must neither take the batch down nor be trusted to have done nothing.
            return Result(
                claimed, error=Ambiguous(f"The provider failed unexpectedly ({unexpected(claimed.id, error)}).")
            )

    def commit(self, results: Sequence[Result]) -> None:
        """Safe to do twice: what is not as the claim left it was written before, or has moved on."""
        with self.core.work(self.actor) as work:
            claimed = [one.claimed for one in results]
            now = rows_of(work.session, claimed, done="may have been opened at its target")
            shared_access.lock_roles(work.session, claimed)
            for result in sorted(results, key=lambda one: one.claimed.id):
                grant = now.get(result.claimed.id)
                if grant is not None:
                    self._write(work, grant, result)
                self._leave(work, result)
        role_rights.look_soon(self.core, [one.claimed.grant for one in results if one.outcome is not None])
        outage.note_answers(self.core, [one.claimed.grant for one in results if one.healthy])

    def release(self, claimed: Sequence[Claimed]) -> None:
        """Gives back what was not started, for the next worker at once."""
        with self.core.work(self.actor) as work:
            now = rows_of(work.session, claimed, done="was to be opened at its target")
            shared_access.lock_roles(work.session, claimed)
            for one in claimed:
                grant = now.get(one.id)
                if one.lock is not None:
                    shared_access.release(work, one.lock)
                if grant is not None and still_ours(one, grant):
                    look = None if _only_call(one) else grant.recheck_after
                    work.set_grant(grant, due_at=work.now, recheck_after=look)

    def _policy(self) -> Policy | PolicyError:
        try:
            return self.core.policy.current()
        except PolicyError as error:
            return error

    def _over(self, work: UnitOfWork, grant: Grant) -> bool:
        """Ends what can no longer become active in time."""
        if grant.expires_at is not None and work.now >= grant.expires_at:
            start_removal(work, grant, EndedBy.EXPIRED, at=grant.expires_at)
            return True
        if work.now < grant.start_by and (grant.until is None or work.now < grant.until):
            return False
        end(work, grant, EndedBy.LATE, reason=grant.problem)
        return True

    def _changed(self, work: UnitOfWork, grant: Grant) -> bool:
        """Ends what does not say what was approved."""
        columns = integrity.differences(work.session, grant)
        if grant.status == GrantStatus.ACTIVATING and integrity.ends_too_late(work.session, grant):
            columns.append("expires_at")
        if columns:
            end(work, grant, EndedBy.REFUSED, reason=CHANGED)
            integrity.alert(work, grant, columns, "it is not given", channel=self.core.security_channel())
        return bool(columns)

    def _refused(self, work: UnitOfWork, grant: Grant, policy: Policy) -> bool:
        """Ends what the policy of now would not allow as it was approved, or not by who approved it."""
        request, people = load_request(work.session, grant.request_id), People(policy)
        given = votes.approvals(work.session, request)
        because = objection(policy, people, request)
        if because is None and (because := votes.objection(people, request, given)) is not None:
            keep_start(work, people, request, given, votes.gone(people, given), refused=True)
        if because is None:
            return False
        end(work, grant, EndedBy.REFUSED, reason=because)
        return True

    @staticmethod
    def _keep(work: UnitOfWork, grant: Grant, policy: Policy) -> None:
        """That its votes carried it when it started."""
        request = load_request(work.session, grant.request_id)
        if not canary.is_one(request):
            given = votes.approvals(work.session, request)
            keep_start(work, People(policy), request, given, {}, refused=False)

    def _with_its_turn(
        self, work: UnitOfWork, grant: Grant, provider: Provider, rights: Rights | None
    ) -> list[Claimed]:
        """Claimed, where nobody else is at the target because of the same; else put off for a moment."""
        if rights is None:
            return [Claimed(grant, provider)] if self._take(work, grant, provider) else []
        lock = shared_access.acquire(work, grant, rights, until=work.now + CLAIM)
        if lock is None:
            work.set_grant(grant, due_at=_in_time(grant, work.now + shared_access.PUT_OFF))
            return []
        if lock.unknown:
            # Still scheduled: nothing is given before it is written down what stood there.
            work.set_grant(grant, due_at=_in_time(grant, work.now + CLAIM), claimed_by=self.worker)
        elif not self._take(work, grant, provider):
            shared_access.release(work, lock)
            return []
        return [Claimed(grant, provider, lock)]

    def _take(self, work: UnitOfWork, grant: Grant, provider: Provider) -> bool:
        ends = grant.expires_at or grant.until or work.now + timedelta(seconds=grant.duration_s or 0)
        claim = {
            "fence": grant.fence + 1, "attempts": grant.attempts + 1, "due_at": _in_time(grant, work.now + CLAIM, ends),
            "recheck_after": work.now + CLAIM + IN_FLIGHT, "claimed_by": self.worker,
        }  # fmt: skip
        if grant.status == GrantStatus.ACTIVATING:
            work.set_grant(grant, **claim)
            return True
        plan, version = plan_of(provider, spec_of(grant, ends)), self.targets.version(grant.provider)
        if isinstance(plan, ProviderError):
            self._broken(work, grant, plan)
            return False
        work.move_grant(
            grant, GrantStatus.ACTIVATING, action="grant.activating",
            details={"expires_at": ends, "plan": list(plan.grant), "provider": version},
            expires_at=ends, end_due_at=ends, alert_at=ends + timedelta(seconds=grant.alert_after_s),
            plan={"grant": list(plan.grant), "revoke": list(plan.revoke), "where": plan.where},
            provider_version=version, **claim,
        )  # fmt: skip
        return True

    def _broken(self, work: UnitOfWork, grant: Grant, error: ProviderError) -> None:
        """A provider that cannot be made disables itself alone; the rest goes on, and somebody is told."""
        self._wait(work, grant, error.sentence, pause(grant.attempts))
        self._alert(work, grant, error)

    def _wait(self, work: UnitOfWork, grant: Grant, problem: str, wait: timedelta, **values: Any) -> None:
        due_at = _in_time(grant, work.now + wait)
        work.set_back(grant, "grant.activate-failed", problem, due_at=due_at, attempts=grant.attempts + 1, **values)

    def _alert(self, work: UnitOfWork, grant: Grant, error: ProviderError) -> None:
        channel = self.core.security_channel()
        work.open_alert(AlertKind.PROVIDER, grant.resource, error.sentence, channel=channel, resource=grant.resource)

    def _write(self, work: UnitOfWork, grant: Grant, result: Result) -> None:
        if not still_ours(result.claimed, grant):
            self._too_late(work, grant, result)
        elif result.seen is not None:
            self._noted(work, grant, result.claimed, result.seen)
        elif result.outcome is None:
            self._write_error(work, grant, result)
        elif result.outcome.state == "pending":
            work.set_grant(
                grant, receipt=result.outcome.receipt.model_dump(mode="json"),
                due_at=_in_time(grant, work.now + (result.outcome.look_again or pause(grant.attempts))),
                **outage.word_of(grant, None, work.now),
            )  # fmt: skip
        else:
            self._active(work, grant, result.claimed, result.outcome.receipt)

    def _noted(self, work: UnitOfWork, grant: Grant, claimed: Claimed, seen: Observation) -> None:
        assert claimed.lock is not None
        shared_access.note(work, claimed.lock, seen)
        work.set_grant(grant, due_at=work.now, **outage.word_of(grant, None, work.now))

    def _leave(self, work: UnitOfWork, result: Result) -> None:
        """The next one may go to the target, unless what was asked of it may still be carried out."""
        if result.claimed.lock is None:
            return
        pending = result.outcome is not None and result.outcome.state == "pending"
        in_flight = pending or isinstance(result.error, Ambiguous)
        shared_access.release(
            work, result.claimed.lock, until=work.now + (CLAIM if pending else IN_FLIGHT) if in_flight else None
        )

    def _active(self, work: UnitOfWork, grant: Grant, claimed: Claimed, receipt: Receipt) -> None:
        stood = sorted(claimed.lock.standing) if claimed.lock else []
        receipt = receipt.model_copy(update={"pre_existing": bool(stood)})
        work.move_grant(
            grant, GrantStatus.ACTIVE, action="grant.active",
            details={"expires_at": grant.expires_at, "receipt": receipt.names}
            | ({"pre_existing": stood} if stood else {}),
            receipt=receipt.model_dump(mode="json"), activated_at=work.now, due_at=grant.expires_at, attempts=0,
            problem="", recheck_after=None if _only_call(claimed) else grant.recheck_after,
            **outage.word_of(grant, None, work.now),
        )  # fmt: skip
        warn_before_end(work, grant)
        if grant.requester != grant.subject:  # who asked has an answer; who receives is told how to use it
            work.tell(MessageKind.ANSWER, grant.request_id, grant.subject_slack, urgency=URGENT)
        work.close_alerts(grant.resource, AlertKind.PROVIDER)

    def _too_late(self, work: UnitOfWork, grant: Grant, result: Result) -> None:
        """Granted, but the row moved on: it is looked at again at once; if it was over, a new row takes it away."""
        if result.outcome is None:
            return
        receipt = result.outcome.receipt.model_dump(mode="json")
        if grant.status == GrantStatus.REVOKING:
            known = _only_call(result.claimed) and grant.recheck_after == result.claimed.grant.recheck_after
            done = known and result.outcome.state == "active"
            # A removal under way may have looked before this landed: by the fence its answer no longer counts.
            work.set_grant(
                grant, fence=grant.fence + 1, receipt=receipt, due_at=work.now,
                recheck_after=None if done else max(grant.recheck_after or work.now, work.now + IN_FLIGHT),
            )  # fmt: skip
        elif grant.status in FINISHED:
            remove_found_again(work, grant, receipt=receipt)

    def _write_error(self, work: UnitOfWork, grant: Grant, result: Result) -> None:
        error = result.error
        assert error is not None
        word = outage.word_of(grant, error, work.now)
        if isinstance(error, BadConfig | BadCredential):
            self._alert(work, grant, error)
        if grant.status == GrantStatus.SCHEDULED:  # it was only looked at
            self._wait(work, grant, error.sentence, pause_after(error, grant.attempts), **word)
        elif not isinstance(error, Permanent):
            look = work.now + IN_FLIGHT if isinstance(error, Ambiguous) else grant.recheck_after
            due_at = _in_time(grant, work.now + pause_after(error, grant.attempts))
            work.set_back(grant, "grant.activate-failed", error.sentence, due_at=due_at, recheck_after=look, **word)
        elif result.nothing_there and _only_call(result.claimed):
            work.move_grant(
                grant, GrantStatus.FAILED, action="grant.failed", details={"problem": error.sentence},
                problem=error.sentence, ended_at=work.now, proven_at=work.now, due_at=None, alert_at=None,
            )  # fmt: skip
            work.tell(MessageKind.ENDED, grant.id, grant.subject_slack)
        else:
            # Something is there, or an earlier call may still put it there: gone is what was proven gone.
            start_removal(work, grant, EndedBy.LATE, at=work.now, reason=error.sentence)


def remove_found_again(work: UnitOfWork, old: Grant, *, receipt: dict[str, object] | None = None) -> Grant:
    """Access of ours that stands there after its end becomes a new row on its way out, linked to the old one."""
    origin = old.supersedes_grant_id or old.id
    under_way = select(Grant).where(Grant.supersedes_grant_id == origin, Grant.status == GrantStatus.REVOKING)
    known = work.session.exec(under_way).first()
    if known is not None:
        return known
    again = Grant(**old.model_dump(exclude={"id"}), id=GrantId(ulid(work.now)))
    again.supersedes_grant_id, again.receipt = origin, receipt or old.receipt
    again.status, again.ended_by, again.ended_by_person = GrantStatus.REVOKING, EndedBy.DRIFT, None
    again.end_due_at, again.due_at, again.created_at = work.now, work.now, work.now
    again.alert_at = work.now + timedelta(seconds=again.alert_after_s)
    again.ended_at = again.removed_at = again.proven_at = again.recheck_after = None
    again.sessions_ended, again.residual, again.leftover, again.cleanup_until = None, [], [], None
    again.claimed_by, again.unanswered_at = None, None
    again.attempts, again.problem, again.end_reason = 0, "", "It was found on the target after its end."
    work.session.add(again)
    work.session.flush()
    work.record("grant.found-again", again.id, supersedes_grant_id=origin)
    work.changed(again.request_id, passes=True)
    work.home_changed(again.subject_slack)
    work.due.append((grant_item(again.id), work.now))
    return again


def objection(policy: Policy, people: People, request: Request) -> str | None:
    """Why the policy of now does not allow what was approved; None when it does. Others than who asked read it."""
    if canary.is_one(request):
        return canary.objection(policy, request)
    # Whom a step of the ladder had added by the last vote counts, so that their approval does not end with the others.
    ask = replace(ask_again(request, request.asked_at), waited=waited(request, request.decided_at or request.asked_at))
    decision = decide_again(policy, people, ask)
    if isinstance(decision, Denied):
        return what_changed(decision, ask)
    for party in (requester_of(request), subject_of(request)):
        because = changed(people, party)
        if because is not None:
            return f"{party.name} {because}. Please ask again."
    if not is_unchanged(request, ask, decision.terms):
        return "The rule or the role was changed after the approval. Please ask again."
    return None


def _due(grant: Grant, now: datetime) -> bool:
    """Never before its start, whatever made it due."""
    due = grant.status in OPENING and grant.due_at is not None and grant.due_at <= now
    return due and grant.starts_at <= now


def _in_time(grant: Grant, due_at: datetime, ends: datetime | None = None) -> datetime:
    """What may be there is taken away at its end, however long the pause or the claim would last."""
    moments = (due_at, grant.start_by, grant.until, ends or grant.expires_at)
    return min(moment for moment in moments if moment is not None)


def _only_call(claimed: Claimed) -> bool:
    """No claim before this one that ran out with a call under way."""
    return claimed.grant.fence == 1
