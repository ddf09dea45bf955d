"""Closing doors: claim what is over, take it away, read it back; never give up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from access.errors import Ambiguous, Permanent, ProviderError, Transient
from access.models import AlertKind, EndedBy, Grant, GrantStatus, NoticeKind
from access.operations.activate import CLAIM, Claimed, Targets, pause, receipt_of, spec_of
from access.operations.core import Core, Work
from access.operations.end import start_removal
from access.ports import Deadline, Observation, Provider, Removal

GRANT_ALERTS = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)


@dataclass(frozen=True)
class Result:
    """What the target said of the removal, and what it said when it was asked again."""

    claimed: Claimed
    removal: Removal | None = None
    observed: Observation | None = None
    error: ProviderError | None = None

    @property
    def healthy(self) -> bool:
        """Whether the target answered; the breaker counts those that did not."""
        return not isinstance(self.error, Transient | Ambiguous)


@dataclass(frozen=True)
class Deactivation:
    """The business of the queue `revoke`."""

    core: Core
    targets: Targets
    actor: str = "system:revoke"

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Takes what is over and due; never before its end."""
        won = list[Claimed]()
        broken = list[tuple[str, ProviderError]]()
        with self.core.database.read() as session:
            seen = session.exec(select(Grant).where(col(Grant.id).in_(ids))).all()
        providers = dict(self._provider(grant, broken) for grant in seen)
        with self.core.work(self.actor) as work:
            for grant_id, provider in sorted(providers.items()):
                grant = work.session.get(Grant, grant_id)
                if grant is None or not _due(grant, work.now):
                    continue
                if grant.status == GrantStatus.ACTIVE and not _expire(work, grant):
                    continue
                until = work.now + CLAIM
                if not work.set_grant(grant, fence=grant.fence + 1, attempts=grant.attempts + 1, due_at=until):
                    continue
                if provider is None:
                    error = next(error for identifier, error in broken if identifier == grant_id)
                    self._try_later(work, grant, error)
                else:
                    won.append(Claimed(grant, provider))
        return won

    def act(self, claimed: Claimed, deadline: Deadline) -> Result:
        """Takes the access away and asks the target again. Never raises."""
        spec, receipt = spec_of(claimed.grant), receipt_of(claimed.grant)
        try:
            removal = claimed.provider.revoke(spec, receipt, deadline)
            if removal.state == "pending":
                return Result(claimed, removal=removal)
            return Result(claimed, removal=removal, observed=claimed.provider.observe(spec, receipt, deadline))
        except ProviderError as error:
            return Result(claimed, error=error)
        except Exception as error:
            # A third party's fault must not take the batch down; the access may still be there.
            return Result(claimed, error=Ambiguous(f"The provider failed unexpectedly ({type(error).__name__})."))

    def commit(self, results: Sequence[Result]) -> None:
        with self.core.work(self.actor) as work:
            for result in sorted(results, key=lambda one: one.claimed.id):
                self._write(work, result)

    def release(self, claimed: Sequence[Claimed]) -> None:
        """Gives back what was not started, for the next worker at once."""
        with self.core.work(self.actor) as work:
            for one in sorted(claimed, key=lambda one: one.id):
                work.set_grant(one.grant, due_at=work.now)

    def _provider(self, grant: Grant, broken: list[tuple[str, ProviderError]]) -> tuple[str, Provider | None]:
        try:
            return grant.id, self.targets.provider(grant)
        except ProviderError as error:
            broken.append((grant.id, error))
            return grant.id, None

    def _write(self, work: Work, result: Result) -> None:
        grant = result.claimed.grant
        if result.error is not None:
            self._try_later(work, grant, result.error)
            return
        removal, observed = result.removal, result.observed
        assert removal is not None
        found: dict[str, object] = {
            "removed_at": grant.removed_at or (work.now if removal.state != "pending" else None)
        }
        if removal.sessions_ended is not None:
            found["sessions_ended"] = (grant.sessions_ended or 0) + removal.sessions_ended
        if removal.residual:
            found["residual"] = list(removal.residual)
        if observed is None:
            work.set_grant(grant, **found, due_at=work.now + (removal.look_again or pause(grant.attempts)))
        elif observed.present:
            settle = result.claimed.provider.capabilities.settle
            problem = "The target accepted the removal, but the access is still there."
            work.set_grant(grant, **found, problem=problem, due_at=work.now + (settle or pause(grant.attempts)))
        elif grant.second_look_at is not None and grant.second_look_at > work.now:
            work.set_grant(grant, **found, problem="", due_at=grant.second_look_at)
        else:
            self._ended(work, grant, found)

    def _ended(self, work: Work, grant: Grant, found: dict[str, object]) -> None:
        won = work.move_grant(
            grant, GrantStatus.ENDED, action="grant.ended",
            details={
                "by": grant.ended_by, "person": grant.ended_by_person, "proven": True,
                "sessions_ended": found.get("sessions_ended", grant.sessions_ended),
                "residual": found.get("residual", grant.residual), "expires_at": grant.expires_at,
            },
            **found, proven_at=work.now, ended_at=work.now, due_at=None, alert_at=None, problem="",
        )  # fmt: skip
        if won:
            work.close_alerts(grant.id, *GRANT_ALERTS)
            work.tell(NoticeKind.ENDED, grant.id, grant.subject_slack)

    def _try_later(self, work: Work, grant: Grant, error: ProviderError) -> None:
        wait = error.retry_after if isinstance(error, Transient) and error.retry_after else pause(grant.attempts)
        kept = work.set_grant(grant, problem=error.sentence, due_at=work.now + wait)
        if not kept:
            return
        work.record("grant.revoke-failed", grant.id, outcome="failure", problem=error.sentence, attempts=grant.attempts)
        work.changed(grant.request_id)
        if isinstance(error, Permanent):
            # Trying again cannot help until somebody mends the target or the credential; it is tried all the same.
            sentence = f"{grant.entitlement} of {grant.subject} cannot be taken away: {error.sentence}"
            channel = self.core.policy.known().security.channel
            work.open_alert(AlertKind.UNREMOVABLE, grant.id, sentence, channel=channel)


def _expire(work: Work, grant: Grant) -> bool:
    assert grant.expires_at is not None
    return start_removal(work, grant, EndedBy.EXPIRED, at=grant.expires_at)


def _due(grant: Grant, now: datetime) -> bool:
    if grant.due_at is None or grant.due_at > now:
        return False
    if grant.status == GrantStatus.ACTIVE:
        return grant.expires_at is not None and grant.expires_at <= now
    return grant.status == GrantStatus.REVOKING
