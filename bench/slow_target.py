"""A target whose calls take as long as its settings say, or hang while it is down, as a provider like any other.

What it holds is files.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from access.errors import Transient
from access.ports import (
    Capabilities,
    Deadline,
    Finding,
    GrantSpec,
    Isolation,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
)
from access.provider import BaseProvider

NAME = "slow"


class SlowSettings(BaseModel):
    """`directory` holds a file for each grant that is open, and the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: str
    milliseconds: int
    """What one call takes."""


class Role(BaseModel):
    """A role says nothing here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SlowTarget(BaseProvider[SlowSettings, Role]):
    """The provider: each call waits and is noted in the journal."""

    name: ClassVar[str] = NAME
    Settings: ClassVar[type[BaseModel]] = SlowSettings
    Role: ClassVar[type[BaseModel]] = Role
    capabilities: ClassVar[Capabilities] = Capabilities(isolation=Isolation.PER_GRANT)

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._journal = Journal(Path(self.settings.directory))
        self._seconds = self.settings.milliseconds / 1000

    @classmethod
    def target_key(cls, settings: SlowSettings) -> str:
        return settings.directory

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:  # noqa: ARG002 -- the interface's
        return []

    def plan(self, spec: GrantSpec) -> Plan:
        return Plan(grant=(f"touch {spec.grant_id}",), revoke=(f"rm {spec.grant_id}",))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self._answer("grant", spec, deadline)
        self._journal.holder(spec.grant_id).touch()
        return Outcome(state="active", receipt=Receipt(names={"file": spec.grant_id}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:  # noqa: ARG002
        self._answer("observe", spec, deadline)
        return Observation(present=self._journal.holder(spec.grant_id).exists())

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:  # noqa: ARG002
        self._answer("revoke", spec, deadline)
        try:
            self._journal.holder(spec.grant_id).unlink()
        except FileNotFoundError:
            return Removal(state="absent")
        return Removal(state="removed")

    def _answer(self, verb: str, spec: GrantSpec, deadline: Deadline) -> None:
        hangs = self._journal.hangs()
        if hangs is not None:
            time.sleep(min(hangs, deadline.left()))
            raise Transient
        time.sleep(self._seconds)
        self._journal.note(verb, spec.grant_id)


class Journal:
    """The target itself, as files that all processes see: who holds access, and which call ended when."""

    def __init__(self, directory: Path) -> None:
        self._holders = directory / "holders"
        self._holders.mkdir(exist_ok=True)
        self._file = directory / "journal"
        self._down = directory / "down"

    def holder(self, grant_id: str) -> Path:
        """There while the access is."""
        return self._holders / grant_id

    def holders(self) -> int:
        """How many have access."""
        return sum(1 for _ in self._holders.iterdir())

    def go_down(self, hangs: float) -> None:
        """From now on each call fails, after so many seconds or at its deadline."""
        self._down.write_text(f"{hangs}", encoding="ascii")

    def come_back(self) -> None:
        self._down.unlink()

    def hangs(self) -> float | None:
        """None while it is up."""
        try:
            return float(self._down.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def note(self, verb: str, grant_id: str) -> None:
        # Appended in one write, so that the lines of many threads do not mix.
        with self._file.open("ab", buffering=0) as file:
            file.write(f"{verb} {grant_id} {time.time()}\n".encode())

    def start(self, ids: Iterable[str]) -> None:
        """These hold access; nothing has happened yet."""
        for identifier in ids:
            self.holder(identifier).touch()
        self._file.write_bytes(b"")

    def calls(self) -> int:
        return len(self._lines())

    def times(self, verb: str) -> dict[str, float]:
        """When the first such call ended, in seconds since 1970, by grant."""
        return {identifier: float(at) for said, identifier, at in reversed(self._lines()) if said == verb}

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self._file.read_text(encoding="ascii").splitlines()]


def install(site: Path) -> None:
    """Makes the provider one that is installed, for processes that have `site` on their path."""
    info = site / "countersign_bench_target-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    metadata = "Metadata-Version: 2.1\nName: countersign-bench-target\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    point = f"[countersign.providers]\n{NAME} = {__name__}:{SlowTarget.__name__}\n"
    (info / "entry_points.txt").write_text(point, encoding="utf-8")
