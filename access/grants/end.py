"""Closing doors: claim what is over, take it away, read it back; never give up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from access.actors import Actor, system
from access.alert_rows import GRANT_ALERTS
from access.core import Core, held_grants
from access.errors import Ambiguous, Permanent, ProviderError, TargetConflict
from access.grants import cleanup, integrity, outage, shared_access
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
    receipt_of,
    rows_of,
    still_ours,
    unexpected,
)
from access.grants.revoke import start_removal, tell_of_end
from access.lifecycle import CLOSING
from access.models import AlertKind, EndedBy, Grant, GrantStatus
from access.ports import Deadline, Observation, Plan, Removal, Rights
from access.unit_of_work import UnitOfWork

STILL_THERE = "The target accepted the removal, but the access is still there."


@dataclass(frozen=True)
class Result:
    """What the target said of the removal, and what it said when it was asked again."""

    claimed: Claimed
    removal: Removal | None = None
    observed: Observation | None = None
    error: ProviderError | None = None
    by_hand: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What ends it by hand, as the provider of now says it; empty where it is not needed or cannot be said."""

    @property
    def healthy(self) -> bool:
        return answered(self.error)


@dataclass(frozen=True)
class RevokeHandler:
    """The business of the queue `revoke`."""

    core: Core
    targets: Targets
    actor: Actor = system("revoke")
    worker: str = "worker"
    """The process, by the name of its heartbeat."""

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Takes what is over and due; never before its end."""
        providers = providers_of(self.core.database, self.targets, ids, CLOSING)
        won = list[Claimed]()
        with self.core.work(self.actor, together=True) as work:
            held = held_grants(work.session, providers)
            # Set right first, and taken the next time: what was changed may have led to another target or person.
            changed = integrity.hold_to_approval(work, held, channel=self.core.security_channel)
            grants = [grant for grant in held if grant.id not in changed]
            rights = shared_access.enqueue(work, grants, providers)
            for grant in grants:
                if not _due(grant, work.now):
                    continue
                provider, given = providers[grant.id], rights.get(grant.id)
                lock = (
                    shared_access.acquire(work, grant, given, until=work.now + CLAIM)
                    if isinstance(given, Rights)
                    else None
                )
                put_off = isinstance(given, Rights) and lock is None
                until = work.now + (shared_access.PUT_OFF if put_off else CLAIM)
                worker = None if put_off else self.worker
                if grant.status == GrantStatus.ACTIVE:
                    assert grant.expires_at is not None
                    start_removal(
                        work, grant, EndedBy.EXPIRED, at=grant.expires_at, claimed_until=until, claimed_by=worker
                    )
                elif put_off:
                    work.set_grant(grant, due_at=until)
                else:
                    work.set_grant(
                        grant, fence=grant.fence + 1, attempts=grant.attempts + 1, due_at=until, claimed_by=worker
                    )
                if isinstance(provider, ProviderError):
                    self._try_later(work, grant, provider)
                elif isinstance(given, ProviderError):
                    self._try_later(work, grant, given)
                elif not put_off:
                    won.append(Claimed(grant, provider, lock))
        return won

    def act(self, claimed: Claimed, deadline: Deadline) -> Result:
        """Takes the access away and asks the target again. Never raises."""
        result = self._act(claimed, deadline)
        if result.observed is not None and not result.observed.present:
            return result
        # It was planned when it was opened, perhaps by a version that knew less of what a holder can do.
        return replace(result, by_hand=_by_hand_now(claimed))

    def _act(self, claimed: Claimed, deadline: Deadline) -> Result:
        try:
            if claimed.lock_expired(self.core.clock.now()):
                raise TargetConflict("The lock on the target expired before the call started.")
            # What others need, or what stood there before us, is neither removed nor counted as what is left.
            spec = claimed.spec(claimed.lock.kept if claimed.lock else frozenset())
            receipt = receipt_of(claimed.grant)
            removal = claimed.provider.revoke(spec, receipt, deadline)
            if removal.state == "pending":
                return Result(claimed, removal=removal)
            return Result(claimed, removal=removal, observed=claimed.provider.observe(spec, receipt, deadline))
        except Permanent as error:
            # A target that refuses the bot's removal may have lost the access by another's hand.
            seen = looked_at(claimed, deadline)
            if seen is None or seen.present:
                return Result(claimed, error=error)
            return Result(claimed, removal=Removal(state="absent"), observed=seen)
        except ProviderError as error:
            return Result(claimed, error=error)
        except Exception as error:
            # A third party's fault must not take the batch down; the access may still be there.
            return Result(
                claimed, error=Ambiguous(f"The provider failed unexpectedly ({unexpected(claimed.id, error)}).")
            )

    def commit(self, results: Sequence[Result]) -> None:
        """Safe to do twice: what is not as the claim left it was written before, or another worker has it."""
        with self.core.work(self.actor, together=True) as work:
            claimed = [one.claimed for one in results]
            now = rows_of(work.session, claimed, done="may have been removed at its target")
            shared_access.lock_roles(work.session, claimed)
            for result in sorted(results, key=lambda one: one.claimed.id):
                grant = now.get(result.claimed.id)
                if grant is not None and still_ours(result.claimed, grant):
                    self._write(work, grant, result)
                self._leave(work, grant, result)
        outage.note_answers(self.core, [one.claimed.grant for one in results if one.healthy])

    def release(self, claimed: Sequence[Claimed]) -> None:
        """Gives back what was not started, for the next worker at once."""
        with self.core.work(self.actor) as work:
            now = rows_of(work.session, claimed, done="was to be removed at its target")
            shared_access.lock_roles(work.session, claimed)
            for one in claimed:
                if one.lock is not None:
                    shared_access.release(work, one.lock)
                grant = now.get(one.id)
                if grant is not None and still_ours(one, grant):
                    work.set_grant(grant, due_at=work.now)

    def _write(self, work: UnitOfWork, grant: Grant, result: Result) -> None:
        plan = {**grant.plan, **result.by_hand}
        if plan != grant.plan:
            work.set_grant(grant, plan=plan)
            work.alerts_changed(grant.id, *GRANT_ALERTS)
        if result.error is not None:
            self._try_later(work, grant, result.error)
            return
        removal, observed = result.removal, result.observed
        assert removal is not None
        found = outage.word_of(grant, None, work.now)
        if removal.state != "pending":
            found["removed_at"] = grant.removed_at or work.now
        if removal.sessions_ended is not None:
            found["sessions_ended"] = (grant.sessions_ended or 0) + removal.sessions_ended
        left = [*removal.residual, *(result.claimed.lock.left if result.claimed.lock else ())]
        if left:
            found["residual"] = left
        if removal.leftover:
            found["leftover"] = list(removal.leftover)
        if observed is None:
            work.set_grant(grant, **found, due_at=work.now + (removal.look_again or pause(grant.attempts)))
        elif _still_gives_access(removal, observed):
            self._still_there(work, grant, result.claimed, found)
        elif grant.recheck_after is not None and grant.recheck_after > work.now:
            work.set_grant(grant, **found, problem="", due_at=grant.recheck_after)
        else:
            window = result.claimed.provider.capabilities.of(grant.settings).cleanup_window
            self._ended(work, grant, found, cleaned_up_for=window)

    def _leave(self, work: UnitOfWork, grant: Grant | None, result: Result) -> None:
        """The next one may go to the target, unless the removal may still be under way there, or not to be seen yet."""
        lock = result.claimed.lock
        if lock is None:
            return
        removal, observed = result.removal, result.observed
        done = removal is not None and observed is not None and not _still_gives_access(removal, observed)
        if isinstance(result.error, Ambiguous):
            shared_access.release(work, lock, until=work.now + IN_FLIGHT)
        elif result.error is not None or done:
            shared_access.release(work, lock)
        else:
            next_look = (grant.due_at if grant else None) or work.now
            shared_access.release(work, lock, until=max(next_look, work.now) + IN_FLIGHT)

    def _still_there(self, work: UnitOfWork, grant: Grant, claimed: Claimed, found: dict[str, Any]) -> None:
        settled_at = found["removed_at"] + claimed.provider.capabilities.of(grant.settings).settle
        if work.now < settled_at:
            work.set_grant(grant, **found, due_at=settled_at)
            return
        self._set_back(work, grant, STILL_THERE, due_at=work.now + pause(grant.attempts), **found)

    def _ended(
        self, work: UnitOfWork, grant: Grant, found: dict[str, Any], *, cleaned_up_for: timedelta | None = None
    ) -> None:
        work.move_grant(
            grant, GrantStatus.ENDED, action="grant.ended",
            details={
                "by": grant.ended_by, "person": grant.ended_by_person, "proven": True,
                "sessions_ended": found.get("sessions_ended", grant.sessions_ended),
                "residual": found.get("residual", grant.residual), "expires_at": grant.expires_at,
            },
            **found, proven_at=work.now, ended_at=work.now, due_at=None, alert_at=None, problem="",
            cleanup_until=None if cleaned_up_for is None else work.now + cleaned_up_for,
        )  # fmt: skip
        work.close_alerts(grant.id, *GRANT_ALERTS)
        if found.get("leftover"):
            cleanup.soon(work, grant.resource)
        tell_of_end(work, grant)

    def _try_later(self, work: UnitOfWork, grant: Grant, error: ProviderError) -> None:
        due_at = work.now + pause_after(error, grant.attempts)
        self._set_back(work, grant, error.sentence, due_at=due_at, **outage.word_of(grant, error, work.now))
        if isinstance(error, Permanent):
            # Trying again cannot help until somebody mends the target or the credential; it is tried all the same.
            sentence = f"{grant.entitlement} of {grant.subject} cannot be taken away: {error.sentence}"
            channel = self.core.security_channel()
            work.open_alert(
                AlertKind.UNREMOVABLE, grant.id, sentence, channel=channel, resource=grant.resource, grant_id=grant.id
            )

    def _set_back(self, work: UnitOfWork, grant: Grant, problem: str, **values: Any) -> None:
        if grant.problem != problem:
            work.alerts_changed(grant.id, *GRANT_ALERTS)
        work.set_back(grant, "grant.revoke-failed", problem, **values)


def _by_hand_now(claimed: Claimed) -> Mapping[str, Any]:
    """Of the plan, what a person types and where; what is not said now stays as it was planned before."""
    plan = plan_of(claimed.provider, claimed.spec())
    if not isinstance(plan, Plan):
        return {}
    said = {"revoke": list(plan.revoke), "where": plan.where}
    return {part: words for part, words in said.items() if words}


def _still_gives_access(removal: Removal, observed: Observation) -> bool:
    """Sessions without any right that were told to end can give nothing: of these the end does not wait."""
    return observed.present and not (observed.only_sessions and (observed.sessions or 0) <= removal.lingering)


def _due(grant: Grant, now: datetime) -> bool:
    if grant.due_at is None or grant.due_at > now:
        return False
    if grant.status == GrantStatus.ACTIVE:
        return grant.expires_at is not None and grant.expires_at <= now
    return grant.status == GrantStatus.REVOKING
