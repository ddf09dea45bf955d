"""Stand-ins with a memory: a clock that is told the time, an agenda that keeps it, a target that may misbehave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr

from access.errors import Ambiguous, NotPermitted, ProviderError, TargetNotFound, Transient
from access.ids import GrantId
from access.ports import (
    AgendaItem,
    Capabilities,
    Deadline,
    Finding,
    GrantSpec,
    Isolation,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
)
from access.provider import BaseProvider

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Weather = Literal["fine", "down", "answer lost", "refuses", "stubborn"]


@dataclass
class FakeClock:
    time: datetime = NOON
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.time

    def tick(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class FakeAgenda:
    due: dict[AgendaItem, datetime] = field(default_factory=dict)

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        self.due.update(items)


@dataclass
class Server:
    """The target itself: who has what, by grant id."""

    weather: Weather = "fine"
    holders: dict[str, tuple[str, str]] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)
    """The target's own end of each, of which it takes notice only when it is asked."""
    calls: list[tuple[str, str]] = field(default_factory=list)

    def reached(self, verb: str, grant_id: str) -> None:
        self.calls.append((verb, grant_id))
        if self.weather == "down":
            raise Transient("The fake server does not answer.")
        if self.weather == "refuses":
            raise NotPermitted("The fake server refuses the bot.")

    def answer(self) -> None:
        if self.weather == "answer lost":
            raise Ambiguous("The fake server's answer was lost.")


class FakeSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    server: str


class FakeRole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    power: str


class FakeProvider(BaseProvider[FakeSettings, FakeRole]):
    """A provider whose target is in memory."""

    Settings: ClassVar[type[BaseModel]] = FakeSettings
    Role: ClassVar[type[BaseModel]] = FakeRole
    name: ClassVar[str] = "fake"
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT,
        native_expiry=timedelta(0),
        extend=True,
        ends_sessions=True,
        reveals=True,
        list_managed=True,
        end_means="Open sessions are ended.",
    )

    def __init__(self, settings: BaseModel, server: Server | None = None) -> None:
        super().__init__(settings)
        self.server = server or Server()

    @classmethod
    def target_key(cls, settings: FakeSettings) -> str:
        return settings.server

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return []

    def plan(self, spec: GrantSpec) -> Plan:
        given, taken = f"ADD {spec.grant_id} {spec.role}", f"REMOVE {spec.grant_id}"
        return Plan(grant=(given,), revoke=(taken,), where="server one")

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.server.reached("grant", spec.grant_id)
        self.server.holders[spec.grant_id] = (spec.principal, spec.role)
        self.server.ends[spec.grant_id] = spec.expires_at
        self.server.answer()
        return Outcome(state="active", receipt=Receipt(names={"login": spec.grant_id}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        if self.server.weather == "down":
            self.server.reached("observe", spec.grant_id)
        ends = self.server.ends.get(spec.grant_id)
        return Observation(present=spec.grant_id in self.server.holders, expires_at=ends)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        self.server.reached("revoke", spec.grant_id)
        ended = self.server.sessions.pop(spec.grant_id, 0)
        if self.server.weather == "stubborn":
            return Removal(state="removed", sessions_ended=ended)
        there = self.server.holders.pop(spec.grant_id, None)
        self.server.answer()
        return Removal(state="removed" if there else "absent", sessions_ended=ended)

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self.server.reached("reveal", spec.grant_id)
        return Secret(fields=(("Password", SecretStr("canary-secret")),))

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        self.server.reached("extend", spec.grant_id)
        if spec.grant_id not in self.server.holders:
            raise TargetNotFound("The fake server has nothing to extend.")
        if self.server.weather != "stubborn":
            self.server.ends[spec.grant_id] = spec.expires_at
        self.server.answer()
        return Outcome(state="active", receipt=Receipt(names={"login": spec.grant_id}, native_expiry=spec.expires_at))

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        if self.server.weather == "down":
            raise Transient("The fake server does not answer.")
        return [Managed(name=f"fake-{held}", grant_id=GrantId(held)) for held in self.server.holders]

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=spec.grant_id, roles=frozenset({spec.role}))


@dataclass
class FakeTargets:
    server: Server = field(default_factory=Server)
    broken: ProviderError | None = None

    def of(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> FakeProvider:
        if self.broken is not None:
            raise self.broken
        return FakeProvider(FakeProvider.Settings.model_validate({"server": "one"}), self.server)

    def version(self, name: str) -> str:
        return f"{name} 1.0 (tests)"
