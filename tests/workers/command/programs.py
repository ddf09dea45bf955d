"""Small programs for the provider command, each for one way to behave."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec
from workers.providers.command import Command, Settings

AS_ROOT = os.geteuid() == 0
USER = {"user": "root"} if AS_ROOT else {}
"""As whom a program runs here."""
GRANTED = """echo '{"state": "active"}'"""


@dataclass(frozen=True)
class Shelf:
    """Makes programs in a folder that only we can change."""

    folder: Path

    def program(self, body: str, name: str = "program") -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def provider(self, body: str, **more: Any) -> Command:
        return Command(self.settings(body, **more))

    def settings(self, body: str, **more: Any) -> Settings:
        return Settings.model_validate({"program": str(self.program(body)), **USER, **more})

    def secret(self, text: str, name: str = "token") -> dict[str, str]:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return {"file": str(path)}

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


def make_spec(**changed: Any) -> GrantSpec:
    now = datetime.now(UTC)
    spec = GrantSpec(
        grant_id=GrantId(ulid(now)), resource="app-1", role="restart", definition={"grants": ["restart"]}, settings={},
        scope={}, principal="ann", expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    return replace(spec, **changed)


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)
