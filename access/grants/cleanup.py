"""After the end: a target is looked at again for what shows late, and what a holder left there is tidied up.

The end is proven and stays so, whatever is found here: a leftover gives no access, and is a problem of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access import periodic_checks
from access.actors import Actor, system
from access.canonical import canonical
from access.core import Core, held_grants
from access.errors import ProviderError
from access.grants.claims import Targets, receipt_of, spec_of, unexpected
from access.ids import CheckId, ulid
from access.models import AlertKind, CheckKind, Grant, GrantStatus, PeriodicCheck
from access.periodic_checks import check_item
from access.ports import Cleanup, Deadline, Ended
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import UnitOfWork

EVERY = timedelta(seconds=60)
AGAIN = timedelta(seconds=5)
"""While what has just ended is being tidied up."""
_JUST_ENDED = timedelta(minutes=5)
PATIENCE = timedelta(hours=1)
"""What is left after that is told; before, it may go by itself: who reads a table ends his transaction."""
AT_A_TIME = 2_000


@dataclass(frozen=True)
class Claimed(periodic_checks.Claimed):
    """One resource, with what has ended there and is looked after still."""

    grants: list[Grant] = field(default_factory=list[Grant])


@dataclass(frozen=True)
class Tidied(periodic_checks.CheckOutcome):
    """What the target said, by the grant's id there."""

    found: Mapping[str, Cleanup] = field(default_factory=dict[str, Cleanup])


@dataclass(frozen=True)
class CleanupHandler:
    """A part of the queue `grant`: it needs the targets' keys, and must not stand in the way of ends."""

    core: Core
    targets: Targets
    actor: Actor = system("cleanup")

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        claimed = periodic_checks.claim_checks(self.core, ids, CheckKind.CLEANUP)
        return [Claimed(one.look, self._ended_at(one.look.subject)) for one in claimed]

    def act(self, claimed: Claimed, deadline: Deadline) -> Tidied:
        """Never raises; what a third party's exception says is not told, for it may hold a secret."""
        try:
            return Tidied(claimed, found=self._found(claimed, deadline))
        except ProviderError as error:
            return Tidied(claimed, problem=error.sentence)
        except Exception as error:
            name = unexpected(claimed.look.subject, error)
            return Tidied(claimed, problem=f"The provider cannot tidy up ({name}).")

    def commit(self, results: Sequence[Tidied]) -> None:
        channel = self.core.security_channel()
        with self.core.work(self.actor) as work:
            for result in sorted(results, key=lambda one: one.claimed.id):
                self._write(work, result, channel)

    def release(self, claimed: Sequence[Claimed]) -> None:
        periodic_checks.release_checks(self.core, claimed)

    def _ended_at(self, resource: str) -> list[Grant]:
        """What has something left before all else; then what ended last."""
        watched = select(Grant).where(Grant.resource == resource, col(Grant.cleanup_until).is_not(None))
        ended = watched.where(Grant.status == GrantStatus.ENDED)
        some = ended.order_by(_something_left().desc(), col(Grant.ended_at).desc()).limit(AT_A_TIME)
        with self.core.database.read() as session:
            return list(session.exec(some))

    def _found(self, claimed: Claimed, deadline: Deadline) -> Mapping[str, Cleanup]:
        """Raises ProviderError."""
        places = dict[tuple[str, str], list[Grant]]()
        for grant in claimed.grants:
            places.setdefault((grant.provider, canonical(grant.settings)), []).append(grant)
        found = dict[str, Cleanup]()
        for (name, _), grants in places.items():
            provider = self.targets.of(name, grants[0].settings, claimed.look.subject)
            if provider.capabilities.of(grants[0].settings).cleanup_window is None:
                continue  # of a version of this provider that kept nothing back
            found |= provider.clean_up([_ended(one) for one in grants], deadline)
        return found

    def _write(self, work: UnitOfWork, result: Tidied, channel: str | None) -> None:
        claimed = result.claimed
        assert isinstance(claimed, Claimed)
        if result.problem:
            periodic_checks.check_again(work, claimed.look, after=EVERY, answered=False, problem=result.problem)
            return
        busy = any(
            _is_fresh(work, one) and result.found[_target_id(one)].left
            for one in claimed.grants
            if _target_id(one) in result.found
        )
        if not periodic_checks.check_again(work, claimed.look, after=AGAIN if busy else EVERY, problem=""):
            return
        news = [one for one in claimed.grants if one.leftover or _target_id(one) in result.found]
        for grant in held_grants(work.session, [one.id for one in news]):
            if grant.status == GrantStatus.ENDED and grant.cleanup_until is not None:
                self._note(work, grant, result.found.get(_target_id(grant), Cleanup()), channel)
        _forget(work, {one.id for one in claimed.grants})

    def _note(self, work: UnitOfWork, grant: Grant, found: Cleanup, channel: str | None) -> None:
        if found.sessions_ended:
            work.record("grant.late-sessions-ended", grant.id, sessions=found.sessions_ended)
        changes: dict[str, Any] = {}
        if [*found.left] != grant.leftover:
            changes["leftover"] = [*found.left]
        if found.kept:
            changes["residual"] = [*grant.residual, *(one for one in found.kept if one not in grant.residual)]
        if changes:
            action = "grant.leftover" if found.left else "grant.tidied-up"
            work.record(action, grant.id, left=[*found.left], kept=[*found.kept])
            work.set_grant(grant, **changes)
            work.changed(grant.request_id)
            work.alerts_changed(grant.id, AlertKind.LEFTOVER)
        if not found.left:
            work.close_alerts(grant.id, AlertKind.LEFTOVER)
        elif found.urgent or (grant.ended_at is not None and work.now - grant.ended_at >= PATIENCE):
            _tell(work, grant, channel, urgent=found.urgent)


def soon(work: UnitOfWork, resource: str) -> None:
    """Something is left there: the look for it is due now."""
    new = PeriodicCheck(id=CheckId(ulid(work.now)), kind=CheckKind.CLEANUP, subject=resource, due_at=work.now)
    if insert_unless_there(work.session, new):
        work.due.append((check_item(new.id), work.now))
        return
    row = work.session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.CLEANUP, subject=resource)).first()
    if row is None or row.due_at <= work.now + AGAIN:
        return
    if compare_and_set(work.session, PeriodicCheck, row.id, expected={"fence": row.fence}, values={"due_at": work.now}):
        work.due.append((check_item(row.id), work.now))


def resources(session: Session) -> Sequence[str]:
    """Those where something has ended that is looked after still."""
    watched = select(Grant.resource).where(col(Grant.cleanup_until).is_not(None))
    return session.exec(watched.distinct()).all()


def _ended(grant: Grant) -> Ended:
    """Of a grant whose beginning a restored database did not know of there is no end; the target needs none here."""
    return Ended(spec=spec_of(grant, grant.expires_at or grant.start_by), receipt=receipt_of(grant))


def _target_id(grant: Grant) -> str:
    """By which the target knows it."""
    return grant.supersedes_grant_id or grant.id


def _is_fresh(work: UnitOfWork, grant: Grant) -> bool:
    return grant.ended_at is not None and work.now - grant.ended_at < _JUST_ENDED


def _something_left() -> sa.ColumnElement[bool]:
    return sa.cast(col(Grant.leftover), sa.String) != "[]"


def _forget(work: UnitOfWork, ids: set[str]) -> None:
    """These were looked at, and need not be any more where nothing is left and nothing can show now."""
    done = sa.update(Grant).where(
        col(Grant.id).in_(ids), col(Grant.cleanup_until) <= work.now, sa.not_(_something_left())
    )  # fmt: skip
    work.session.connection().execute(done.values(cleanup_until=None))


def _tell(work: UnitOfWork, grant: Grant, channel: str | None, *, urgent: bool) -> None:
    why = "what its holder left behind can still use a role there" if urgent else "something of it is still there"
    sentence = f"{grant.entitlement} of {grant.subject} has ended and gives no access, but {why}."
    work.open_alert(AlertKind.LEFTOVER, grant.id, sentence, channel=channel, resource=grant.resource, grant_id=grant.id)
