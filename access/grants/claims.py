"""What opening and closing doors share: a provider, a claim on a grant, what a target is told, when to try again."""

import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

import sqlalchemy as sa
from pydantic import JsonValue, TypeAdapter
from sqlmodel import Session, col

from access.bulk import one_of
from access.core import held_grants
from access.errors import Ambiguous, BadConfig, ProviderError, Transient
from access.faults import describe
from access.ids import GrantId, SharedRoleId
from access.models import Grant, GrantStatus
from access.ports import Deadline, GrantSpec, Observation, Plan, Provider, Receipt
from access.store import Database

logger = logging.getLogger(__name__)

CLAIM = timedelta(seconds=60)
"""How long a worker may take over one grant before another may try."""
IN_FLIGHT = timedelta(seconds=30)
"""How long after an unanswered call the target may still carry it out."""
SHORTEST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=45)
"""All is gone a minute after a target is back, even where the last call before hung and a probe comes first."""
_TEXTS = TypeAdapter(tuple[str, ...])


class Targets(Protocol):
    """Makes and keeps provider instances; workers only, for they hold the targets' secrets."""

    def of(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> Provider:
        """Raises BadConfig, BadCredential or TargetNotFound when there can be none."""
        ...

    def version(self, name: str) -> str:
        """Distribution and version of a provider."""
        ...


@dataclass(frozen=True)
class RoleLock:
    """This grant alone is at the target because of these shares, until its claim ends."""

    owner: GrantId
    shares: Mapping[str, SharedRoleId]
    """By role."""
    fences: Mapping[SharedRoleId, int]
    before: Mapping[SharedRoleId, datetime]
    """Until when an earlier call of its owner may still be carried out."""
    until: datetime
    standing: frozenset[str]
    """Roles that stood there before us."""
    needed: frozenset[str]
    """Roles that other grants need."""
    unknown: frozenset[str]
    """Roles of which nobody knows yet whether they stood there: they are looked at before anything is given."""

    @property
    def kept(self) -> frozenset[str]:
        """What an end of this grant leaves there."""
        return self.standing | self.needed

    @property
    def left(self) -> tuple[str, ...]:
        """Sentences about what an end of this grant leaves there, and why."""
        stood = (f"{role} was there before this access, not by Countersign, and stays." for role in self.standing)
        needed = (f"{role} stays until another access that needs it has ended." for role in self.needed - self.standing)
        return (*sorted(stood), *sorted(needed))


@dataclass(frozen=True)
class Claimed:
    """One grant that this worker alone may act on until its claim ends; the row as it was when it was won."""

    grant: Grant
    provider: Provider
    lock: RoleLock | None = None
    """At a target where grants share what they give."""

    def lock_expired(self, now: datetime) -> bool:
        """The lock expired before its call began, and another grant may hold it."""
        return self.lock is not None and now >= self.lock.until

    def spec(self, kept: frozenset[str] = frozenset()) -> GrantSpec:
        return spec_of(self.grant, self.grant.expires_at or self.grant.start_by, kept)

    @property
    def id(self) -> str:
        return self.grant.id


def providers_of(
    database: Database, targets: Targets, ids: Sequence[str], statuses: Sequence[GrantStatus]
) -> dict[GrantId, Provider | ProviderError]:
    """By grant, for those in one of these statuses: made before the rows are held, for making one may take time."""
    with database.read() as session:
        rows = session.connection().execute(_places(database.dialect), {"ids": ids, "statuses": statuses}).all()
    # Most are about few targets: as text, settings are read once.
    known = {
        (provider, settings, resource): _provider_of(targets, provider, json.loads(settings), resource)
        for provider, settings, resource in {(row.provider, row.settings, row.resource) for row in rows}
    }
    return {row.id: known[row.provider, row.settings, row.resource] for row in rows}


@cache
def _places(dialect: str) -> sa.Select[GrantId, str, str, str]:
    settings = sa.cast(sa.type_coerce(col(Grant.settings), sa.JSON), sa.Text).label("settings")
    wanted = sa.select(col(Grant.id), col(Grant.provider), settings, col(Grant.resource))
    return wanted.where(one_of(col(Grant.id), "ids", dialect), one_of(col(Grant.status), "statuses", dialect))


def _provider_of(
    targets: Targets, provider: str, settings: Mapping[str, JsonValue], resource: str
) -> Provider | ProviderError:
    try:
        return targets.of(provider, settings, resource)
    except ProviderError as error:
        return error


def answered(error: ProviderError | None) -> bool:
    """Whether the target answered, if only to refuse; the breaker counts those that did not."""
    return not isinstance(error, Transient | Ambiguous)


def still_ours(claimed: Claimed, now: Grant) -> bool:
    """Whether the row is as the claim left it: nobody took over, nobody ended it, nothing was committed yet."""
    return (now.status, now.fence) == (claimed.grant.status, claimed.grant.fence)


def rows_of(session: Session, claimed: Sequence[Claimed], *, done: str) -> dict[str, Grant]:
    """The rows as they are now, held; one that a failover or a restore forgot is not among them, and stands in the log.

    The others of its batch are written all the same. `done`: what may have been done to it at the target.
    """
    now: dict[str, Grant] = {grant.id: grant for grant in held_grants(session, [one.id for one in claimed])}
    for one in claimed:
        if one.id not in now:
            logger.error(
                "%s %s, but the rows no longer know it; the comparison of a restored database finds it", one.id, done
            )
    return now


def spec_of(grant: Grant, expires_at: datetime | None = None, kept: frozenset[str] = frozenset()) -> GrantSpec:
    """What the provider is told: always by the id under which the target knows it."""
    ends = expires_at or grant.expires_at
    assert ends is not None, "a deadline is written before the target is called"
    return GrantSpec(
        grant_id=grant.supersedes_grant_id or grant.id, resource=grant.resource, role=grant.role,
        definition=grant.definition, settings=grant.settings, scope=grant.scope, principal=grant.principal,
        expires_at=ends, kept=kept,
    )  # fmt: skip


def plan_of(provider: Provider, spec: GrantSpec) -> Plan | ProviderError:
    """What the provider of now would do, and what a person would type. It stops nothing, least of all an end.

    Nothing but text: all else could not be written into the row, nor could what else is written there with it.
    """
    try:
        plan = provider.plan(spec)
        _TEXTS.validate_python((*plan.grant, *plan.revoke, plan.where), strict=True)
    except ProviderError as error:
        return error
    except Exception as error:
        return BadConfig(f"The provider cannot say what it would do ({unexpected(spec.grant_id, error)}).")
    return plan


def receipt_of(grant: Grant) -> Receipt | None:
    return None if grant.receipt is None else Receipt.model_validate(grant.receipt)


def looked_at(claimed: Claimed, deadline: Deadline) -> Observation | None:
    """What the target shows after it has refused something; None when it does not say, whatever the reason."""
    try:
        spec = claimed.spec(claimed.lock.kept if claimed.lock else frozenset())
        return claimed.provider.observe(spec, receipt_of(claimed.grant), deadline)
    except ProviderError:
        return None  # nothing is proven by it
    except Exception as error:
        unexpected(claimed.id, error)
        return None


def unexpected(what: str, error: Exception) -> str:
    """A third party's fault: its type and place stand in the log, for who mends it; its own words may hold a secret."""
    logger.error("the provider failed unexpectedly for %s with %s", what, describe(error))
    return type(error).__name__


def pause(attempts: int) -> timedelta:
    """1, 2, 4 … 45 s, less up to half by chance, without end."""
    longest = min(2.0 ** min(attempts, 6), LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret


def pause_after(error: ProviderError, attempts: int) -> timedelta:
    """As the target asks, within reason: one that says "tomorrow" is asked again in a minute all the same."""
    if isinstance(error, Transient) and error.retry_after is not None:
        return min(max(error.retry_after, SHORTEST_PAUSE), LONGEST_PAUSE)
    return pause(attempts)
