"""Opening doors: claim a scheduled grant, tell its provider, write down what came of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import col, select

from access.errors import Ambiguous, BadConfig, Permanent, PolicyError, ProviderError, Refusal, Transient
from access.ids import GrantId, ulid
from access.models import AlertKind, EndedBy, Grant, GrantStatus, Request
from access.operations.core import Core, Work, load_request
from access.operations.end import never_started, start_removal
from access.operations.submit import ask_again, fingerprint_of
from access.policy.decide import decide
from access.ports import Deadline, GrantSpec, Outcome, Provider, Receipt

CLAIM = timedelta(seconds=60)
"""How long a worker may take over one grant before another may try."""
IN_FLIGHT = timedelta(seconds=30)
"""How long after an unanswered call the target may still carry it out."""
LONGEST_PAUSE = timedelta(seconds=60)


class Targets(Protocol):
    """Makes and keeps provider instances; workers only, for they hold the targets' secrets."""

    def provider(self, grant: Grant) -> Provider:
        """Raises BadConfig, BadCredential or TargetNotFound when there can be none."""
        ...

    def version(self, name: str) -> str:
        """Distribution and version of a provider."""
        ...


@dataclass(frozen=True)
class Claimed:
    """One grant that this worker alone may act on until its claim ends."""

    grant: Grant
    provider: Provider

    @property
    def id(self) -> str:
        return self.grant.id


@dataclass(frozen=True)
class Result:
    """What the provider answered; exactly one of `outcome` and `error`."""

    claimed: Claimed
    outcome: Outcome | None = None
    error: ProviderError | None = None
    nothing_there: bool = False
    """Read back after an error: the target has nothing of ours."""

    @property
    def healthy(self) -> bool:
        """Whether the target answered; the breaker counts those that did not."""
        return not isinstance(self.error, Transient | Ambiguous)


@dataclass(frozen=True)
class Activation:
    """The business of the queue `grant`."""

    core: Core
    targets: Targets
    actor: str = "system:grant"

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Takes what is due, checked by the policy of now; what may not start any more ends here."""
        with self.core.database.read() as session:
            seen = session.exec(select(Grant).where(col(Grant.id).in_(ids))).all()
        ready = [(grant.id, self._provider(grant)) for grant in seen]
        won = list[Claimed]()
        with self.core.work(self.actor) as work:
            for grant_id, provider in sorted(ready, key=lambda one: one[0]):
                grant = work.session.get(Grant, grant_id)
                if grant is None or grant.due_at is None or grant.due_at > work.now:
                    continue
                if grant.status == GrantStatus.SCHEDULED:
                    taken = self._start(work, grant, provider)
                elif grant.status == GrantStatus.ACTIVATING:
                    taken = self._try_again(work, grant, provider)
                else:
                    continue
                if taken and not isinstance(provider, ProviderError):
                    won.append(Claimed(grant, provider))
        return won

    def act(self, claimed: Claimed, deadline: Deadline) -> Result:
        """One grant on the target. Never raises."""
        spec = spec_of(claimed.grant)
        try:
            return Result(claimed, outcome=claimed.provider.grant(spec, deadline))
        except Permanent as error:
            return Result(claimed, error=error, nothing_there=self._nothing_there(claimed, spec, deadline))
        except ProviderError as error:
            return Result(claimed, error=error)
        except Exception as error:
            # A third party's fault must neither take the batch down nor be trusted to have done nothing.
            return Result(claimed, error=Ambiguous(f"The provider failed unexpectedly ({type(error).__name__})."))

    def commit(self, results: Sequence[Result]) -> None:
        with self.core.work(self.actor) as work:
            for result in sorted(results, key=lambda one: one.claimed.id):
                self._write(work, result)

    def release(self, claimed: Sequence[Claimed]) -> None:
        """Gives back what was not started, for the next worker at once."""
        with self.core.work(self.actor) as work:
            for one in sorted(claimed, key=lambda one: one.id):
                work.set_grant(one.grant, due_at=work.now, second_look_at=None)

    def _provider(self, grant: Grant) -> Provider | ProviderError:
        try:
            return self.targets.provider(grant)
        except ProviderError as error:
            return error

    def _start(self, work: Work, grant: Grant, provider: Provider | ProviderError) -> bool:
        request = load_request(work.session, grant.request_id)
        if work.now >= grant.start_by or (grant.until is not None and work.now >= grant.until):
            never_started(work, grant, EndedBy.LATE, reason=grant.problem)
            return False
        if isinstance(provider, ProviderError):
            self._broken(work, grant, provider)
            return False
        try:
            refused = self._refused(request)
        except PolicyError:
            # Fail closed: nothing is granted on a policy that cannot be read. It may be mended in time.
            work.set_grant(grant, problem="The access policy cannot be used.", due_at=work.now + timedelta(seconds=5))
            return False
        if refused is not None:
            never_started(work, grant, EndedBy.REFUSED, reason=refused)
            return False
        ends = grant.until or work.now + timedelta(seconds=grant.duration_s or 0)
        plan = provider.plan(spec_of(grant, ends))
        return work.move_grant(
            grant, GrantStatus.ACTIVATING, action="grant.activating",
            details={"expires_at": ends, "plan": list(plan.grant), "provider": self.targets.version(grant.provider)},
            fence=grant.fence + 1, attempts=grant.attempts + 1, expires_at=ends, end_due_at=ends,
            alert_at=ends + timedelta(seconds=grant.alert_after_s),
            plan={"grant": list(plan.grant), "revoke": list(plan.revoke)},
            provider_version=self.targets.version(grant.provider),
            due_at=work.now + CLAIM, second_look_at=work.now + CLAIM + IN_FLIGHT,
        )  # fmt: skip

    def _refused(self, request: Request) -> str | None:
        """Why the policy of now does not allow what was approved; None when it does."""
        ask = ask_again(request, request.asked_at)
        try:
            terms = decide(self.core.policy.current(), ask).terms
        except Refusal as refusal:
            return refusal.sentence
        if fingerprint_of(request.id, request.version, ask, terms) != request.fingerprint:
            return "The rule or the role was changed after the approval. Please ask again."
        return None

    def _try_again(self, work: Work, grant: Grant, provider: Provider | ProviderError) -> bool:
        assert grant.expires_at is not None
        if work.now >= grant.expires_at:
            start_removal(work, grant, EndedBy.EXPIRED, at=grant.expires_at)
            return False
        if work.now >= grant.start_by:
            start_removal(work, grant, EndedBy.LATE, at=work.now, reason=grant.problem)
            return False
        if isinstance(provider, ProviderError):
            work.set_grant(grant, problem=provider.sentence, due_at=work.now + pause(grant.attempts))
            return False
        return work.set_grant(
            grant, fence=grant.fence + 1, attempts=grant.attempts + 1, due_at=work.now + CLAIM,
            second_look_at=work.now + CLAIM + IN_FLIGHT,
        )  # fmt: skip

    def _broken(self, work: Work, grant: Grant, error: ProviderError) -> None:
        """A provider that cannot be made disables itself alone; the rest goes on, and somebody is told."""
        work.set_grant(
            grant, problem=error.sentence, attempts=grant.attempts + 1, due_at=work.now + pause(grant.attempts)
        )
        security = self.core.policy.known().security
        work.open_alert(AlertKind.PROVIDER, grant.resource, error.sentence, channel=security.channel)

    def _nothing_there(self, claimed: Claimed, spec: GrantSpec, deadline: Deadline) -> bool:
        try:
            return not claimed.provider.observe(spec, receipt_of(claimed.grant), deadline).present
        except ProviderError:
            return False

    def _write(self, work: Work, result: Result) -> None:
        # The row as it is now, for a cancel or the expiry may have been faster; the fence of the claim decides.
        grant = result.claimed.grant
        if result.outcome is None:
            self._write_error(work, result)
        elif result.outcome.state == "pending":
            work.set_grant(
                grant, receipt=result.outcome.receipt.model_dump(mode="json"),
                due_at=work.now + (result.outcome.look_again or pause(grant.attempts)),
            )  # fmt: skip
        elif not self._active(work, grant, result.outcome):
            self._too_late(work, grant)

    def _active(self, work: Work, grant: Grant, outcome: Outcome) -> bool:
        # A claim that ran out before may still have a call under way; then the second look stays.
        first_try = grant.attempts == 1
        won = work.move_grant(
            grant, GrantStatus.ACTIVE, action="grant.active",
            details={"expires_at": grant.expires_at, "receipt": outcome.receipt.names},
            receipt=outcome.receipt.model_dump(mode="json"), activated_at=work.now, due_at=grant.expires_at,
            attempts=0, problem="", second_look_at=None if first_try else grant.second_look_at,
        )  # fmt: skip
        if won:
            work.close_alerts(grant.resource, AlertKind.PROVIDER)
        return won

    def _too_late(self, work: Work, grant: Grant) -> None:
        """Granted, but the row moved on: it is revoked at once; if it was over already, a new row takes it away."""
        now = work.session.get_one(Grant, grant.id, populate_existing=True)
        if now.status == GrantStatus.REVOKING:
            # The call that the second look waits for has just come back.
            work.set_grant(now, due_at=work.now, second_look_at=None if grant.attempts == 1 else now.second_look_at)
        elif now.status in (GrantStatus.ENDED, GrantStatus.FAILED):
            remove_found_again(work, now)

    def _write_error(self, work: Work, result: Result) -> None:
        grant, error = result.claimed.grant, result.error
        assert error is not None
        if isinstance(error, Permanent) and result.nothing_there:
            won = work.move_grant(
                grant, GrantStatus.FAILED, action="grant.failed", details={"problem": error.sentence},
                problem=error.sentence, ended_at=work.now, proven_at=work.now, due_at=None, alert_at=None,
            )  # fmt: skip
            if won and isinstance(error, BadConfig):
                channel = self.core.policy.known().security.channel
                work.open_alert(AlertKind.PROVIDER, grant.resource, error.sentence, channel=channel)
            return
        if isinstance(error, Permanent):
            start_removal(work, grant, EndedBy.LATE, at=work.now, reason=error.sentence)
            return
        wait = error.retry_after if isinstance(error, Transient) and error.retry_after else pause(grant.attempts)
        look = work.now + IN_FLIGHT if isinstance(error, Ambiguous) else grant.second_look_at
        work.set_grant(grant, problem=error.sentence, due_at=work.now + wait, second_look_at=look)


def remove_found_again(work: Work, old: Grant) -> Grant:
    """Access of ours that stands there after its end becomes a new row on its way out, linked to the old one."""
    again = Grant(
        **old.model_dump(exclude={"id"}), id=GrantId(ulid(work.now)),
    )  # fmt: skip
    again.continues = old.continues or old.id
    again.status, again.ended_by, again.ended_by_person = GrantStatus.REVOKING, EndedBy.DRIFT, None
    again.end_due_at, again.due_at, again.created_at = work.now, work.now, work.now
    again.alert_at = work.now + timedelta(seconds=again.alert_after_s)
    again.ended_at = again.removed_at = again.proven_at = again.second_look_at = None
    again.attempts, again.problem = 0, ""
    work.session.add(again)
    work.session.flush()
    work.record("grant.found-again", again.id, continues=again.continues)
    return again


def spec_of(grant: Grant, expires_at: datetime | None = None) -> GrantSpec:
    """What the provider is told: always by the id under which the target knows it."""
    ends = expires_at or grant.expires_at
    assert ends is not None, "a deadline is written before the target is called"
    return GrantSpec(
        grant_id=grant.continues or grant.id, resource=grant.resource, role=grant.role,
        definition=grant.definition, settings=grant.settings, scope=grant.scope, principal=grant.principal,
        expires_at=ends,
    )  # fmt: skip


def receipt_of(grant: Grant) -> Receipt | None:
    return None if grant.receipt is None else Receipt.model_validate(grant.receipt)


def pause(attempts: int) -> timedelta:
    """1, 2, 4 … 60 s, less up to half by chance, without end."""
    longest = min(2.0 ** min(attempts, 6), LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret
