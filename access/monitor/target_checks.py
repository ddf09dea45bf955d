"""Looking at targets on behalf of those who hold no key: ask, claim, write down what was found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlmodel import col, delete, select

from access.actors import system
from access.catalog import Resource
from access.core import Core
from access.errors import PolicyError
from access.ids import TargetCheckId, ulid
from access.models import TargetCheck
from access.ports import AgendaItem, Finding
from access.store import compare_and_set
from access.unit_of_work import UnitOfWork

CLAIM = timedelta(seconds=30)
KEPT = timedelta(hours=1)
"""What somebody asked for and never came back to read."""
DOCTOR = system("doctor")


@dataclass(frozen=True)
class Claimed:
    """One target that this worker alone looks at; None where the policy of this worker does not know it."""

    target_check: TargetCheck
    resource: Resource | None

    @property
    def id(self) -> str:
        return self.target_check.id


@dataclass(frozen=True)
class Checked:
    """What was found. `healthy` says nothing of the target: a look has no breaker to feed."""

    claimed: Claimed
    findings: list[Finding]
    healthy: bool = True


@dataclass(frozen=True)
class TargetChecks:
    """Rows of a passing kind: nothing is changed by them, so they leave no audit event."""

    core: Core

    def ask(self, resources: Sequence[str]) -> dict[str, TargetCheckId]:
        """By resource, the id under which a worker's findings will stand."""
        with self.core.work(DOCTOR) as work:
            work.session.exec(delete(TargetCheck).where(col(TargetCheck.asked_at) < work.now - KEPT))
            asked = {resource: TargetCheckId(ulid(work.now)) for resource in resources}
            for resource, identifier in asked.items():
                work.session.add(TargetCheck(id=identifier, resource=resource, asked_at=work.now, due_at=work.now))
                work.due.append((target_check_item(identifier), work.now))
        return asked

    def answers(self, ids: Sequence[TargetCheckId]) -> dict[TargetCheckId, list[Finding]]:
        """Those that are answered."""
        done = select(TargetCheck).where(col(TargetCheck.id).in_(ids), col(TargetCheck.done_at).is_not(None))
        with self.core.database.read() as session:
            return {row.id: [Finding(**finding) for finding in row.findings] for row in session.exec(done)}

    def forget(self, ids: Sequence[TargetCheckId]) -> None:
        with self.core.work(DOCTOR) as work:
            work.session.exec(delete(TargetCheck).where(col(TargetCheck.id).in_(ids)))

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Workers only."""
        taken = list[TargetCheck]()
        with self.core.work(DOCTOR) as work:
            due = select(TargetCheck).where(col(TargetCheck.id).in_(ids), col(TargetCheck.due_at) <= work.now)
            for target_check in work.session.exec(due.order_by(col(TargetCheck.id))).all():
                if _set(work, target_check, fence=target_check.fence + 1, due_at=work.now + CLAIM):
                    taken.append(target_check)
        return [Claimed(target_check, self._resource(target_check)) for target_check in taken]

    def commit(self, results: Sequence[Checked]) -> None:
        with self.core.work(DOCTOR) as work:
            for checked in results:
                findings = [asdict(finding) for finding in checked.findings]
                _set(work, checked.claimed.target_check, findings=findings, done_at=work.now, due_at=None)

    def release(self, claimed: Sequence[Claimed]) -> None:
        if not claimed:
            return
        with self.core.work(DOCTOR) as work:
            for one in claimed:
                _set(work, one.target_check, due_at=work.now)

    def _resource(self, target_check: TargetCheck) -> Resource | None:
        """By this worker's own policy: no row can send a worker's key to another place."""
        try:
            return self.core.policy.last_valid().resources.get(target_check.resource)
        except PolicyError:
            return None


def target_check_item(identifier: str) -> AgendaItem:
    return AgendaItem(f"checkup:{identifier}")


def _set(work: UnitOfWork, target_check: TargetCheck, **values: object) -> bool:
    won = compare_and_set(
        work.session, TargetCheck, target_check.id, expected={"fence": target_check.fence}, values=values
    )
    if won and target_check in work.session:
        work.session.refresh(target_check)
    return won
