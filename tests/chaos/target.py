"""A target in files that remembers by itself who had what from when to when, as a provider like any other.

A name in `here` has access. To take it away is to move the file into `gone`: the kernel notes when it was made, and
when it was moved. In the mode `shared` a name is a role and a person, whoever gave it; else it is a grant's id.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from access.errors import Ambiguous, Transient
from access.ports import (
    Capabilities,
    Deadline,
    Finding,
    GrantSpec,
    Holder,
    Isolation,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
)
from access.provider import BaseProvider

NAME = "chaos"
Weather = Literal["fine", "down", "slow", "hanging", "answer lost"]
SLOW_SECONDS = 2.0
HANGING_SECONDS = 20.0
"""Longer than a call may take before its thread is counted as lost."""


@dataclass(frozen=True)
class Stay:
    """A name was there; in seconds since 1970."""

    name: str
    since: float
    until: float


class Premises:
    """The target itself, which all processes see."""

    def __init__(self, directory: Path) -> None:
        self._here, self._gone = directory / "here", directory / "gone"
        self._weather = directory / "weather"

    def build(self) -> None:
        for directory in (self._here, self._gone):
            directory.mkdir(parents=True)
        self.turn("fine")

    def turn(self, weather: Weather) -> None:
        new = self._weather.with_suffix(".new")
        new.write_text(weather, encoding="ascii")
        new.replace(self._weather)

    @property
    def weather(self) -> Weather:
        said = self._weather.read_text(encoding="ascii")
        return next(one for one in get_args(Weather) if one == said)

    def let_in(self, name: str) -> None:
        new = self._gone / f"{uuid4().hex}.new"
        new.touch()
        with contextlib.suppress(FileExistsError):
            os.link(new, self._here / name)
        new.unlink()

    def put_out(self, name: str) -> bool:
        """Whether it was there."""
        try:
            (self._here / name).rename(self._gone / f"{name}.{uuid4().hex}")
        except FileNotFoundError:
            return False
        return True

    def is_in(self, name: str) -> bool:
        return (self._here / name).exists()

    def all_in(self) -> set[str]:
        return {file.name for file in self._here.iterdir()}

    def stays(self) -> Iterator[Stay]:
        """Those that are over."""
        for file in self._gone.iterdir():
            if file.suffix == ".new":
                continue  # somebody died beside it
            told = file.stat()
            yield Stay(file.name.partition(".")[0], told.st_mtime, told.st_ctime)


class ChaosSettings(BaseModel):
    """`milliseconds` is what one call takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: str
    milliseconds: int
    mode: Literal["own", "shared"] = "own"


class Role(BaseModel):
    """What a role gives; of interest where it is shared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rights: list[str] = []


class ChaosTarget(BaseProvider[ChaosSettings, Role]):
    """The provider."""

    name: ClassVar[str] = NAME
    Settings: ClassVar[type[BaseModel]] = ChaosSettings
    Role: ClassVar[type[BaseModel]] = Role
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT, list_managed=True, end_means="The door shuts.",
        modes={"shared": Capabilities(isolation=Isolation.SHARED, list_holders=True, end_means="The door shuts.")},
    )  # fmt: skip

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._premises = Premises(Path(self.settings.directory))

    @classmethod
    def target_key(cls, settings: ChaosSettings) -> str:
        return settings.directory

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return []

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=self.settings.directory, roles=frozenset(self.role_of(spec).rights))

    def plan(self, spec: GrantSpec) -> Plan:
        names = sorted(self._names(spec))
        return Plan(grant=tuple(f"let in {one}" for one in names), revoke=tuple(f"put out {one}" for one in names))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        weather = self._reached()
        for name in self._names(spec):
            self._premises.let_in(name)
        self._answer(weather)
        return Outcome(state="active", receipt=Receipt(names={"door": spec.grant_id}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        self._reached()
        if not self._shared:
            return Observation(present=self._premises.is_in(spec.grant_id))
        there = {role for role in self.rights(spec).roles if self._premises.is_in(_member(role, spec.principal))}
        return Observation(present=bool(there - spec.kept), standing=frozenset(there))

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        weather = self._reached()
        removed = [self._premises.put_out(name) for name in self._names(spec)]
        self._answer(weather)
        return Removal(state="removed" if any(removed) else "absent")

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        self._reached()
        return [Managed(name=one, grant_id=one) for one in self._premises.all_in() if len(one) == 26]

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        self._reached()
        told = (one.partition("~")[::2] for one in self._premises.all_in() if "~" in one)
        return [Holder(principal=who, role=role, ours=None, place=self.settings.directory) for role, who in told]

    @property
    def _shared(self) -> bool:
        return self.settings.mode == "shared"

    def _names(self, spec: GrantSpec) -> set[str]:
        if not self._shared:
            return {spec.grant_id}
        return {_member(role, spec.principal) for role in self.rights(spec).roles - spec.kept}

    def _reached(self) -> Weather:
        weather = self._premises.weather
        time.sleep(self.settings.milliseconds / 1000)
        if weather == "down":
            raise Transient("The premises do not answer.")
        if weather in ("slow", "hanging"):
            time.sleep(SLOW_SECONDS if weather == "slow" else HANGING_SECONDS)
        return weather

    def _answer(self, weather: Weather) -> None:
        if weather == "answer lost":
            raise Ambiguous("The answer of the premises was lost.")


def _member(role: str, principal: str) -> str:
    return f"{role}~{principal}"


def install(site: Path, provider: type[ChaosTarget]) -> None:
    """Makes the provider one that is installed, for whoever has `site` on the path."""
    info = site / "countersign_chaos_target-1.0.dist-info"
    info.mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: countersign-chaos-target\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    point = f"[countersign.providers]\n{NAME} = {provider.__module__}:{provider.__name__}\n"
    (info / "entry_points.txt").write_text(point, encoding="utf-8")
