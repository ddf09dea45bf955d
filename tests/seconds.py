"""How long each folder of tests took, beside what it may take: said at the end of a run, and never a failure.

Seconds of all processes together, so that they are the same for one process and for three. The machines of the tests
are noisy; what one run says is a hint, what three say is a reason to look.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import pytest

SHOWN = 10
"""So many of the dearest tests."""


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
        folders = sorted(self.folders.items(), key=lambda one: -one[1])
        tests = sorted(self.tests.items(), key=lambda one: -one[1])[:SHOWN]
        return [
            *(f"{seconds:8.1f} s  {name}" for name, seconds in folders),
            f"the {len(tests)} dearest:",
            *(f"{seconds:8.1f} s  {name}" for name, seconds in tests),
        ]


def folder_of(file: str) -> str:
    """`tests/access`; of a file that lies in no folder its own name."""
    return "/".join(file.split("/")[:2])
