"""Telling the target of a later end: until then its own expiry would close the door before its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from access.actors import Actor, system
from access.core import Core, held_grants
from access.errors import Ambiguous, BadConfig, BadCredential, Permanent, ProviderError
from access.grants import claims, integrity, outage
from access.grants.claims import CLAIM, Targets, answered, looked_at, pause, pause_after, receipt_of, spec_of
from access.grants.revoke import start_removal
from access.models import AlertKind, EndedBy, Grant, GrantStatus
from access.ports import Deadline, Observation, Outcome
from access.unit_of_work import UnitOfWork

GONE = "The target had ended it by itself before it could be told of the later end."
OLD_END = "The target took the later end, but still has the old one."


class Claimed(claims.Claimed):
    """Open access whose target has an earlier end than its row."""


@dataclass(frozen=True)
class Result:
    """What the target said of the later end, and what it showed when it was asked again."""

    claimed: Claimed
    outcome: Outcome | None = None
    observed: Observation | None = None
    error: ProviderError | None = None

    @property
    def healthy(self) -> bool:
        return answered(self.error)

    @property
    def holds(self) -> bool:
        """Whether the target has the end that the row had at the claim, or none of its own."""
        ends = self.claimed.grant.expires_at
        if self.observed is None or ends is None or not self.observed.present:
            return False
        return self.observed.expires_at is None or self.observed.expires_at >= ends


@dataclass(frozen=True)
class Extension:
    """A part of the queue `grant`: it needs the targets' keys. Ending never waits for it."""

    core: Core
    targets: Targets
    actor: Actor = system("extend")
    worker: str = "worker"
    """The process, by the name of its heartbeat."""

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Looks before it locks: most grants of its queue are to be opened."""
        lasting = select(Grant.id).where(
            col(Grant.id).in_(ids), Grant.status == GrantStatus.ACTIVE, col(Grant.expires_at) > self.core.clock.now()
        )
        with self.core.database.read() as session:
            wanted = session.exec(lasting).all()
        providers = claims.providers_of(self.core.database, self.targets, wanted, [GrantStatus.ACTIVE])
        if not providers:
            return []
        won = list[Claimed]()
        with self.core.work(self.actor) as work:
            grants = held_grants(work.session, providers)
            # What is due and says that it lasts was extended, or its row was changed: no target hears of that end.
            changed = integrity.hold_to_approval(work, grants, channel=self.core.security_channel)
            for grant in grants:
                if grant.id in changed or not _is_due(grant, work.now):
                    continue
                provider = providers[grant.id]
                if isinstance(provider, ProviderError):
                    self._try_later(work, grant, provider)
                    continue
                due_at = _in_time(grant, work.now + CLAIM)
                work.set_grant(
                    grant, fence=grant.fence + 1, attempts=grant.attempts + 1, due_at=due_at, claimed_by=self.worker
                )
                won.append(Claimed(grant, provider))
        return won

    def act(self, claimed: Claimed, deadline: Deadline) -> Result:
        """Moves the target's own end and asks it again. Never raises."""
        try:
            spec, receipt = spec_of(claimed.grant), receipt_of(claimed.grant)
            outcome = claimed.provider.extend(spec, receipt, deadline)
            if outcome.state == "pending":
                return Result(claimed, outcome=outcome)
            return Result(claimed, outcome, observed=claimed.provider.observe(spec, outcome.receipt, deadline))
        except Permanent as error:
            return Result(claimed, observed=looked_at(claimed, deadline), error=error)
        except ProviderError as error:
            return Result(claimed, error=error)
        except Exception as error:
            # A third party's fault must not take the batch down; what it did is seen at the next try.
            return Result(
                claimed, error=Ambiguous(f"The provider failed unexpectedly ({claims.unexpected(claimed.id, error)}).")
            )

    def commit(self, results: Sequence[Result]) -> None:
        """Safe to do twice: what is not as the claim left it was written before, or has moved on."""
        channel = self.core.security_channel()
        with self.core.work(self.actor) as work:
            now = claims.rows_of(
                work.session, [one.claimed for one in results], done="may have a later end at its target"
            )
            for result in sorted(results, key=lambda one: one.claimed.id):
                grant = now.get(result.claimed.id)
                if grant is None:
                    continue
                if claims.still_ours(result.claimed, grant):
                    self._write(work, grant, result, channel)
                else:
                    _too_late(work, grant)
        outage.note_answers(self.core, [one.claimed.grant for one in results if one.healthy])

    def release(self, claimed: Sequence[Claimed]) -> None:
        """Gives back what was not started, for the next worker at once."""
        if not claimed:
            return
        with self.core.work(self.actor) as work:
            now = claims.rows_of(work.session, claimed, done="was to have a later end at its target")
            for one in claimed:
                grant = now.get(one.id)
                if grant is not None and claims.still_ours(one, grant):
                    work.set_grant(grant, due_at=_in_time(grant, work.now))

    def _write(self, work: UnitOfWork, grant: Grant, result: Result, channel: str | None) -> None:
        if result.observed is not None and not result.observed.present:
            self._gone(work, grant, channel)
        elif result.error is not None:
            self._try_later(work, grant, result.error)
        elif result.holds:
            self._told(work, grant, result)
        else:
            assert result.outcome is not None, "without an error there is an outcome"
            problem = "" if result.outcome.state == "pending" else OLD_END
            wait = max(
                result.outcome.look_again or pause(grant.attempts),
                result.claimed.provider.capabilities.of(grant.settings).settle,
            )
            word = outage.word_of(grant, None, work.now)
            work.set_back(grant, "grant.extend-failed", problem, due_at=_in_time(grant, work.now + wait), **word)

    def _told(self, work: UnitOfWork, grant: Grant, result: Result) -> None:
        assert result.outcome is not None, "only an outcome holds"
        receipt = result.outcome.receipt.model_dump(mode="json")
        work.set_grant(
            grant, receipt=receipt, target_expiry_stale_since=None, due_at=grant.expires_at, attempts=0, problem="",
            **outage.word_of(grant, None, work.now),
        )  # fmt: skip
        work.record("grant.target-extended", grant.id, expires_at=grant.expires_at)
        work.changed(grant.request_id)
        work.close_alerts(grant.resource, AlertKind.PROVIDER)

    def _gone(self, work: UnitOfWork, grant: Grant, channel: str | None) -> None:
        """It is never given again by itself: the door was shut, and who wants it open asks anew."""
        start_removal(work, grant, EndedBy.DRIFT, at=work.now, reason=GONE)
        sentence = f"{grant.entitlement} of {grant.subject} was gone before the target could be told of its later end."
        work.open_alert(
            AlertKind.DRIFT, grant.id, sentence, channel=channel, resource=grant.resource, grant_id=grant.id
        )

    def _try_later(self, work: UnitOfWork, grant: Grant, error: ProviderError) -> None:
        due_at = _in_time(grant, work.now + pause_after(error, grant.attempts))
        word = outage.word_of(grant, error, work.now)
        work.set_back(grant, "grant.extend-failed", error.sentence, due_at=due_at, **word)
        if isinstance(error, BadConfig | BadCredential):
            channel = self.core.security_channel()
            work.open_alert(
                AlertKind.PROVIDER, grant.resource, error.sentence, channel=channel, resource=grant.resource
            )


def _is_due(grant: Grant, now: datetime) -> bool:
    if grant.status != GrantStatus.ACTIVE or grant.target_expiry_stale_since is None or grant.due_at is None:
        return False
    return grant.due_at <= now and grant.expires_at is not None and grant.expires_at > now


def _too_late(work: UnitOfWork, grant: Grant) -> None:
    """Moved again meanwhile: what has just landed may have been the older of two ends, so the target is told anew."""
    if grant.status == GrantStatus.ACTIVE and grant.expires_at is not None and grant.expires_at > work.now:
        work.set_grant(grant, target_expiry_stale_since=grant.target_expiry_stale_since or work.now, due_at=work.now)


def _in_time(grant: Grant, due_at: datetime) -> datetime:
    """Never later than the end: that is when somebody has to look in any case."""
    return due_at if grant.expires_at is None else min(due_at, grant.expires_at)
