"""What all sandboxes of a run saw: how much the bots sent them, and what of it Slack would have refused.

The tests of the sandbox itself, and of what the doctor finds wrong, send it wrong things on purpose; everywhere else a
bot of ours sends, or a stand-in that must be as good.
"""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.journal import Entry, Journal
from sandbox.state import Team

ON_PURPOSE = (str(Path("tests", "sandbox")) + os.sep, str(Path("tests", "countersign", "test_doctor_slack.py")))
FROM_THE_BOT = ("call", "response_url")


@dataclass
class Judged:
    """`invalid` says for each where it was sent, with which words it is refused, and during which test."""

    sent: int = 0
    invalid: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self) -> None:
        """From now on, every sandbox in this process."""
        judged, add, violation = self, Journal.add, Team.violation

        def counted(self: Journal, way: str, name: str, sent: Any = None, **more: Any) -> Entry:
            if way in FROM_THE_BOT:
                with judged._lock:
                    judged.sent += 1
            return add(self, way, name, sent, **more)

        def kept(self: Team, where: str, error: str, messages: list[str]) -> None:
            test = os.environ.get("PYTEST_CURRENT_TEST", "after the last test")
            if not test.startswith(ON_PURPOSE):
                with judged._lock:
                    judged.invalid.append(f"{where}: {error} {messages}, in {test}")
            violation(self, where, error, messages)

        Journal.add, Team.violation = counted, kept

    def __str__(self) -> str:
        found = f"{len(self.invalid)} invalid" if self.invalid else "none invalid"
        return f"the sandbox judged {self.sent:,} calls and answers: {found}"
