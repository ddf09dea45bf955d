"""A target where grants share what they give: it knows who has which role, and not from whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import ClassVar

from pydantic import BaseModel, JsonValue

from access.errors import Ambiguous, NotPermitted, Transient
from access.policy_source import PolicySource
from access.ports import (
    Capabilities,
    Deadline,
    GrantSpec,
    Holder,
    Isolation,
    Observation,
    Outcome,
    Receipt,
    Removal,
    Rights,
)
from access.provider import BaseProvider
from access.store import Database
from tests.cast import POLICY
from tests.fakes import FakeProvider, FakeSettings, Weather
from tests.world import World

SHARED_POLICY = POLICY.replace("provider: fake", "provider: shared").replace("power: mend", "power: look+mend")
"""The two roles overlap: both give `look`."""


@dataclass
class SharedServer:
    """A target that knows who has which role, and not from whom."""

    weather: Weather = "fine"
    members: set[tuple[str, str]] = field(default_factory=set)
    """Role and principal."""
    given: set[tuple[str, str]] | None = None
    """What the bot gave; None: this target does not say by whom."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, members: set[tuple[str, str]]) -> None:
        with self.lock:
            if self.given is not None:
                self.given |= members - self.members
            self.members |= members

    def remove(self, members: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """What of it was there."""
        with self.lock:
            there = self.members & members
            if self.given is not None:
                there &= self.given
            if self.weather != "stubborn":
                self.members -= there
            return there

    def reached(self, verb: str, grant_id: str) -> None:
        self.calls.append((verb, grant_id))
        if self.weather == "down":
            raise Transient("The fake server does not answer.")
        if self.weather == "refuses" and verb != "observe":
            raise NotPermitted("The fake server refuses the bot.")

    def answer(self) -> None:
        if self.weather == "answer lost":
            raise Ambiguous("The fake server's answer was lost.")


class SharedProvider(FakeProvider):
    """One bit for each role and principal. What a role of the policy gives is said by its power: `look+mend`."""

    name: ClassVar[str] = "shared"
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.SHARED, list_holders=True, end_means="Open sessions live on."
    )

    def __init__(self, settings: BaseModel, server: SharedServer | None = None) -> None:
        super().__init__(settings)
        self.shared = server or SharedServer()

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=str(spec.settings["server"]), roles=frozenset(str(spec.definition["power"]).split("+")))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.shared.reached("grant", spec.grant_id)
        self.shared.add(self._members(spec))
        self.shared.answer()
        return Outcome(state="active", receipt=Receipt(names={"principal": spec.principal}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        self.shared.reached("observe", spec.grant_id)
        roles = self.rights(spec).roles
        there = frozenset(role for role in roles if (role, spec.principal) in self.shared.members)
        given = self.shared.given
        ours = there if given is None else frozenset(role for role in there if (role, spec.principal) in given)
        standing = there if given is None else there - ours
        return Observation(present=bool(ours - spec.kept), standing=standing)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        self.shared.reached("revoke", spec.grant_id)
        there = self.shared.remove(self._members(spec))
        self.shared.answer()
        return Removal(state="removed" if there else "absent", residual=("Open sessions live on.",))

    reveal = BaseProvider.reveal
    list_managed = BaseProvider.list_managed

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        self.shared.reached("list", "")
        given = self.shared.given
        return [
            Holder(principal=who, role=role, ours=None if given is None else (role, who) in given, place="one")
            for role, who in sorted(self.shared.members)
        ]

    def _members(self, spec: GrantSpec) -> set[tuple[str, str]]:
        return {(role, spec.principal) for role in self.rights(spec).roles - spec.kept}


@dataclass
class SharedTargets:
    server: SharedServer = field(default_factory=SharedServer)
    provide: type[SharedProvider] = SharedProvider

    def of(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> SharedProvider:
        return self.provide(FakeSettings(server="one"), self.server)

    def version(self, name: str) -> str:
        return f"{name} 1.0 (tests)"


@dataclass
class SharedWorld(World):
    """The real core with such a target."""

    targets: SharedTargets  # pyright: ignore[reportIncompatibleVariableOverride] -- its own kind of target

    @classmethod
    def make(cls, database: Database, directory: Path, policy: str = SHARED_POLICY) -> "SharedWorld":
        world = super().make(database, directory, policy)
        providers = {"shared": SharedProvider}
        core = replace(world.core, policy=PolicySource(world.policy_file, providers), providers=providers)
        return cls(core, world.clock, world.agenda, SharedTargets(), world.policy_file)

    @property
    def members(self) -> set[tuple[str, str]]:
        return self.targets.server.members
