"""Looking at targets on behalf of those who hold no key: ask, claim, write down what was found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlmodel import col, delete, select

from access.catalog import Resource
from access.errors import PolicyError
from access.ids import CheckupId, ulid
from access.models import Checkup
from access.operations.core import Core
from access.operations.work import Work
from access.ports import AgendaItem, Finding
from access.store import compare_and_set

CLAIM = timedelta(seconds=30)
KEPT = timedelta(hours=1)
"""What somebody asked for and never came back to read."""
DOCTOR = "system:doctor"


@dataclass(frozen=True)
class Claimed:
    """One target that this worker alone looks at; None where the policy of this worker does not know it."""

    checkup: Checkup
    resource: Resource | None

    @property
    def id(self) -> str:
        return self.checkup.id


@dataclass(frozen=True)
class Checked:
    """What was found. `healthy` says nothing of the target: a look has no breaker to feed."""

    claimed: Claimed
    findings: list[Finding]
    healthy: bool = True


@dataclass(frozen=True)
class Checkups:
    """Rows of a passing kind: nothing is changed by them, so they leave no audit event."""

    core: Core

    def ask(self, resources: Sequence[str]) -> dict[str, CheckupId]:
        """By resource, the id under which a worker's findings will stand."""
        with self.core.work(DOCTOR) as work:
            work.session.exec(delete(Checkup).where(col(Checkup.asked_at) < work.now - KEPT))
            asked = {resource: CheckupId(ulid(work.now)) for resource in resources}
            for resource, identifier in asked.items():
                work.session.add(Checkup(id=identifier, resource=resource, asked_at=work.now, due_at=work.now))
                work.due.append((checkup_item(identifier), work.now))
        return asked

    def answers(self, ids: Sequence[CheckupId]) -> dict[CheckupId, list[Finding]]:
        """Those that are answered."""
        done = select(Checkup).where(col(Checkup.id).in_(ids), col(Checkup.done_at).is_not(None))
        with self.core.database.read() as session:
            return {row.id: [Finding(**finding) for finding in row.findings] for row in session.exec(done)}

    def forget(self, ids: Sequence[CheckupId]) -> None:
        with self.core.work(DOCTOR) as work:
            work.session.exec(delete(Checkup).where(col(Checkup.id).in_(ids)))

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        """Workers only. Looks before it locks: it is asked about every grant and hardly ever meant."""
        with self.core.database.read() as session:
            due = select(Checkup.id).where(col(Checkup.id).in_(ids), col(Checkup.due_at).is_not(None))
            wanted = session.exec(due).all()
        if not wanted:
            return []
        taken = list[Checkup]()
        with self.core.work(DOCTOR) as work:
            due = select(Checkup).where(col(Checkup.id).in_(wanted), col(Checkup.due_at) <= work.now)
            for checkup in work.session.exec(due.order_by(col(Checkup.id))).all():
                if _set(work, checkup, fence=checkup.fence + 1, due_at=work.now + CLAIM):
                    taken.append(checkup)
        return [Claimed(checkup, self._resource(checkup)) for checkup in taken]

    def commit(self, results: Sequence[Checked]) -> None:
        with self.core.work(DOCTOR) as work:
            for checked in results:
                findings = [asdict(finding) for finding in checked.findings]
                _set(work, checked.claimed.checkup, findings=findings, done_at=work.now, due_at=None)

    def release(self, claimed: Sequence[Claimed]) -> None:
        if not claimed:
            return
        with self.core.work(DOCTOR) as work:
            for one in claimed:
                _set(work, one.checkup, due_at=work.now)

    def _resource(self, checkup: Checkup) -> Resource | None:
        """By this worker's own policy: no row can send a worker's key to another place."""
        try:
            return self.core.policy.known().resources.get(checkup.resource)
        except PolicyError:
            return None


def checkup_item(identifier: str) -> AgendaItem:
    return AgendaItem(f"checkup:{identifier}")


def _set(work: Work, checkup: Checkup, **values: object) -> bool:
    won = compare_and_set(work.session, Checkup, checkup.id, expected={"fence": checkup.fence}, values=values)
    if won and checkup in work.session:
        work.session.refresh(checkup)
    return won
