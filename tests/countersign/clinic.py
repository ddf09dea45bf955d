"""Where the doctor practises: an environment that a test spoils, and what the doctor says of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from access.clock import host_now
from access.ports import Finding
from access.settings import Settings
from countersign.doctor.report import Family
from countersign.doctor.run import FAMILIES, examine
from countersign.doctor.surroundings import Surroundings


@dataclass
class Clinic:
    environment: dict[str, str]
    host: Callable[[], datetime] = host_now
    said: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, directory: Path, policy: str, **environment: str) -> "Clinic":
        """An environment that is well as far as it goes."""
        state = directory / "state"
        state.mkdir(mode=0o700)
        file = directory / "access.yml"
        file.write_text(policy, encoding="utf-8")
        file.chmod(0o644)
        return cls({"COUNTERSIGN_STATE": str(state), "COUNTERSIGN_POLICY": str(file), **environment})

    @property
    def policy(self) -> Path:
        return Path(self.environment["COUNTERSIGN_POLICY"])

    @property
    def state(self) -> Path:
        return Path(self.environment["COUNTERSIGN_STATE"])

    def look(self, family: str, *, patience: float = 20) -> list[Finding]:
        """What the doctor says of one thing."""
        here = Surroundings(Settings.read(self.environment), self.host, patience, self.said.append)
        try:
            return list(FAMILIES[family](here))
        finally:
            here.close()

    def examine(self, *, patience: float = 20) -> list[Family]:
        return examine(self.environment, say=self.said.append, host=self.host, patience=patience)

    def set_clock_ahead(self, seconds: float) -> None:
        self.host = lambda: host_now() + timedelta(seconds=seconds)


def the(findings: list[Finding], subject: str) -> Finding:
    """The only finding about this."""
    found = [finding for finding in findings if finding.subject == subject]
    assert len(found) == 1, f"{len(found)} findings about {subject}; there are {[one.subject for one in findings]}"
    return found[0]


def unwell(findings: list[Finding]) -> list[tuple[str, str]]:
    """Level and subject of all that is not well. Every such finding has its cure."""
    bad = [finding for finding in findings if finding.level != "ok"]
    assert all(finding.cure for finding in bad), json.dumps([finding.sentence for finding in bad])
    assert all(finding.sentence.endswith((".", "?")) for finding in findings)
    return [(finding.level, finding.subject) for finding in bad]
