"""How long each folder of tests took, beside what it may take: said at the end of a run, and never a failure.

Seconds of all processes together, so that they are the same for one process and for three. The machines of the tests
are noisy; what one run says is a hint, what three say is a reason to look.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import pytest

SHOWN = 10
"""So many of the dearest tests."""
BUDGET: dict[str, int] = {
    "tests/access": 560, "tests/stories": 390, "tests/contracts": 400, "tests/adversary": 140, "tests/bot": 130,
    "tests/countersign": 130, "tests/workers": 135, "tests/crashes": 80, "tests/invariants": 80, "tests/network": 70,
    "tests/sandbox": 60, "tests/test_readme.py": 60, "tests/test_runbook.py": 60, "tests/bench": 40, "tests/hands": 40,
    "tests/chaos": 10, "tests/storms": 10,
}  # fmt: skip
"""Seconds: of three processes in the twelve minutes that the whole may last on two quiet cores."""


@dataclass
class Seconds:
    """By folder and by test."""

    folders: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    tests: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    files: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))

    def add(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        self.files[file] += report.duration
        self.folders[folder_of(file)] += report.duration
        self.tests[report.nodeid] += report.duration

    def lines(self) -> list[str]:
        folders, tests, files = (_dearest(one) for one in (self.folders, self.tests, self.files))
        all_of_them, budget = sum(self.folders.values()), sum(BUDGET.get(name, 0) for name in self.folders)
        return [
            *(f"{seconds:8.1f} s  {name}{_beside(name, seconds)}" for name, seconds in folders),
            f"{all_of_them:8.1f} s  in all{_of(budget, all_of_them)}",
            f"the {len(files[:SHOWN])} dearest files; a long one begins early by its name in LONG (conftest.py):",
            *(f"{seconds:8.1f} s  {name}" for name, seconds in files[:SHOWN]),
            f"the {len(tests[:SHOWN])} dearest:",
            *(f"{seconds:8.1f} s  {name}" for name, seconds in tests[:SHOWN]),
        ]


def _dearest(seconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda one: -one[1])


def _beside(folder: str, seconds: float) -> str:
    return _of(BUDGET.get(folder, 0), seconds)


def _of(budget: int, seconds: float) -> str:
    if not budget:
        return ""
    return f"  of {budget} s" + (f": {seconds / budget:.1f} times its budget" if seconds > budget else "")


def folder_of(file: str) -> str:
    """`tests/access`; of a file that lies in no folder its own name."""
    return "/".join(file.split("/")[:2])
