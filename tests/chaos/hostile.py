"""Some holders at the target fight their end: it takes their right first, and what they do besides is in files too.

Who fights how is told by the grant's id, so that each process knows it and a seed tells the same again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal
from zlib import crc32

from pydantic import BaseModel

from access.ports import (
    Capabilities,
    Cleanup,
    Deadline,
    Ended,
    GrantSpec,
    Managed,
    Observation,
    Outcome,
    Receipt,
    Removal,
)
from tests.chaos.target import ChaosTarget, Premises

Trick = Literal["locks his login and comes back", "leaves much behind", "computes"]
TRICKS: tuple[Trick | None, ...] = ("locks his login and comes back", "leaves much behind", "computes", None, None)
LOCKS = 2
"""Calls of an end that find the way in locked by its holder."""
OBJECTS, BATCH = 5, 2
COMPUTES_SECONDS = 20.0
WINDOW = timedelta(seconds=60)


def trick_of(grant_id: str) -> Trick | None:
    return TRICKS[crc32(grant_id.encode()) % len(TRICKS)]


class Holdouts:
    """What holders have at the premises beside their right."""

    def __init__(self, directory: Path) -> None:
        self.ways = Premises(directory / "ways")
        """Their logins; it remembers who had one from when to when."""
        self._locks, self._left, self._computing = (directory / name for name in ("locks", "left", "computing"))

    def build(self) -> None:
        self.ways.build()
        for directory in (self._locks, self._left, self._computing):
            directory.mkdir()

    def let_in(self, grant_id: str) -> None:
        self.ways.let_in(grant_id)
        trick = trick_of(grant_id)
        if trick == "locks his login and comes back":
            _fill(self._locks, grant_id, LOCKS)
        elif trick == "leaves much behind":
            _fill(self._left, grant_id, OBJECTS)
        elif trick == "computes":
            _fill(self._computing, grant_id, 1)

    def shut(self, grant_id: str) -> bool:
        """Whether the way in is locked: each lock of its holder takes a try."""
        if _take(self._locks, grant_id, 1):
            return False
        self.ways.put_out(grant_id)
        return True

    def computing(self, grant_id: str) -> int:
        """Sessions that look for no interrupt."""
        return sum(time.time() < file.stat().st_mtime + COMPUTES_SECONDS for file in _all(self._computing, grant_id))

    def left(self, grant_id: str) -> int:
        return len([*_all(self._left, grant_id)])

    def all_left(self) -> set[str]:
        return {file.stem for file in self._left.iterdir()}

    def tidy(self, grant_id: str) -> None:
        _take(self._left, grant_id, BATCH)


class HostileTarget(ChaosTarget):
    """Where each grant has its own name, it has a login as well, and its holder may fight."""

    capabilities: ClassVar[Capabilities] = replace(ChaosTarget.capabilities, ends_sessions=True, cleanup_window=WINDOW)

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._holdouts = Holdouts(Path(self.settings.directory))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        if not self._shared:
            self._holdouts.let_in(spec.grant_id)
        return super().grant(spec, deadline)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        seen = super().observe(spec, receipt, deadline)
        if self._shared:
            return seen
        way_in = seen.present or self._holdouts.ways.is_in(spec.grant_id)
        computing = self._holdouts.computing(spec.grant_id)
        return Observation(present=way_in or computing > 0, sessions=computing, only_sessions=not way_in)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        if self._shared:
            return removal
        if not self._holdouts.shut(spec.grant_id):
            return Removal(state="pending", sessions_ended=1, look_again=timedelta(seconds=1))
        left = ("What it left is tidied up next.",) if self._holdouts.left(spec.grant_id) else ()
        # A computation may end between the two questions, and none begins any more.
        return replace(removal, sessions_ended=1, lingering=self._holdouts.computing(spec.grant_id), leftover=left)

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        weather = self._reached()
        there, found = self._holdouts.all_left(), dict[str, Cleanup]()
        for grant_id in (one.spec.grant_id for one in ended if one.spec.grant_id in there):
            self._holdouts.tidy(grant_id)
            number = self._holdouts.left(grant_id)
            left = (f"Objects of it that are still there: {number}.",) if number else ()
            found[grant_id] = Cleanup(left=left, kept=() if left else ("What it made is kept.",))
        self._answer(weather)
        return found

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        known = super().list_managed(deadline)
        more = self._holdouts.ways.all_in() - {one.name for one in known} if not self._shared else set[str]()
        return [*known, *(Managed(name=one, grant_id=one) for one in more)]


def _fill(directory: Path, name: str, number: int) -> None:
    for one in range(number):
        (directory / f"{name}.{one}").touch()


def _all(directory: Path, name: str) -> Iterator[Path]:
    """At most `OBJECTS` of it."""
    files = (directory / f"{name}.{one}" for one in range(OBJECTS))
    yield from (file for file in files if file.exists())


def _take(directory: Path, name: str, number: int) -> int:
    """So many of them are gone now; returns how many there were to take."""
    taken = [*_all(directory, name)][:number]
    for file in taken:
        file.unlink(missing_ok=True)  # another worker may be faster
    return len(taken)
