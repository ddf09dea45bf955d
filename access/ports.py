"""What the core asks of the outside: targets, the agenda; and the plain data that crosses these borders."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, NewType, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from access import clock
from access.errors import BadConfig
from access.ids import GrantId

Json = dict[str, Any]
AgendaItem = NewType("AgendaItem", str)
"""`kind:id`, for example `grant:01hx…`: something that must be looked at when it is due."""


class SecretReference(BaseModel):
    """Where a secret is to be found: `{env: NAME}` (or the file that `NAME_FILE` names) or `{file: /path}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "SecretReference":
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is given as {env: NAME} or as {file: /path}, one of the two")
        return self

    @property
    def place(self) -> str:
        """Where it is, never what it is: `env:NAME` or `file:/path`."""
        return f"file:{self.file}" if self.env is None else f"env:{self.env}"

    def read(self) -> SecretStr:
        """The secret itself; only workers call this. Raises BadConfig, which never quotes the value."""
        path = self.file or (os.environ.get(f"{self.env}_FILE") if self.env else None)
        if path is not None:
            try:
                return SecretStr(Path(path).read_text(encoding="utf-8").strip())
            except OSError as error:
                raise BadConfig(f"The secret file {path} cannot be read: {error.strerror}.") from None
        value = os.environ.get(self.env or "")
        if not value:
            raise BadConfig(f"The environment of the worker has no {self.env}; set it, or {self.env}_FILE.")
        return SecretStr(value)


class Isolation(StrEnum):
    """How far apart the access of two grants lies on the target."""

    PER_GRANT = "per grant"
    PER_GRANTOR = "per grantor"
    SHARED = "shared"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do; each claim has a promise in the contract suite."""

    isolation: Isolation
    native_expiry: timedelta | None = None
    """The grain of the target's own expiry; None where it has none."""
    ends_sessions: bool = False
    extend: bool = False
    """It can move the end that the target itself has. Where the target has none, nothing has to be moved."""
    reveals: bool = False
    """Access needs a secret that is made when it is read."""
    list_managed: bool = False
    """It can list what stands on the target with our mark, so that drift is found."""
    list_holders: bool = False
    """It can list who has a role, whoever gave it."""
    tells_rights: bool = False
    """It can say what a role allows, so that it is seen when that becomes more."""
    settle: timedelta = timedelta(0)
    """How long the target may still show the old state after a change."""
    cleanup_window: timedelta | None = None
    """For so long after an end a session may still show that could not be seen before; `clean_up` is asked until then,
    and for as long as something is left to tidy up. None: neither happens here."""
    end_means: str = ""
    """One sentence for the approver: what happens to open sessions at the end."""
    modes: Mapping[str, "Capabilities"] = field(default_factory=dict[str, "Capabilities"])
    """By the word that `mode` has in the settings, where a provider reaches its targets in more than one way."""

    def of(self, settings: Mapping[str, Any]) -> "Capabilities":
        """What it can do with these settings."""
        return self.modes.get(str(settings.get("mode")), self)


@dataclass(frozen=True, kw_only=True)
class CallLimits:
    """How hard each worker may call one target, which several resources may share. None: it is not limited here."""

    concurrency: int | None = None
    """Calls under way at once; None: as many as COUNTERSIGN_CALLS_AT_ONCE says."""
    per_second: int | None = None
    """Calls started in a second; None: as many as are under way at once manage."""


@dataclass(frozen=True, kw_only=True)
class GrantSpec:
    """What to grant: everything a provider may know of it. Settings hold secrets only by reference."""

    grant_id: GrantId
    resource: str
    role: str
    definition: Mapping[str, Any]
    """The role as the policy defines it, for this provider."""
    settings: Mapping[str, Any]
    scope: Mapping[str, Any]
    principal: str
    expires_at: datetime
    kept: frozenset[str] = frozenset()
    """Roles on the target, of `Provider.rights`, that are not this grant's alone: they stood there before it, or others
    need them. They are neither added nor removed, and `observe` does not count them. Always empty for PER_GRANT."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What a grant gives, as the target knows it."""

    place: str
    """The target: one word for all settings that lead to the same one."""
    roles: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a grant will do on the target and how it is undone by hand; names and statements, never secrets."""

    grant: tuple[str, ...]
    revoke: tuple[str, ...]
    where: str = ""
    """Where a person types the latter: `database shop on db.example:5432`. Empty where that is not known."""


class Receipt(BaseModel):
    """What a provider needs to end a grant: JSON, versioned, without secrets."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    names: dict[str, str] = Field(default_factory=dict)
    native_expiry: datetime | None = None
    pre_existing: bool = False
    details: Json = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answer to a grant."""

    state: Literal["active", "pending"]
    receipt: Receipt
    look_again: timedelta | None = None
    """With `pending`: when to look again."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the target says now."""

    present: bool
    """Something of this grant, beside what is `kept`, gives access."""
    sessions: int | None = None
    only_sessions: bool = False
    """Nothing is present but sessions, without any right of the grant and without a way in."""
    expires_at: datetime | None = None
    standing: frozenset[str] = frozenset()
    """Of its roles, those that are there and cannot be told from what others gave, or are known to be theirs."""
    extra_privileges: frozenset[str] = frozenset()
    """Rights that somebody added by hand to what the grant made."""
    details: Json = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Managed:
    """Something on the target that bears our mark and still gives access."""

    name: str
    """By which the target knows it."""
    grant_id: str | None
    """The grant that the mark names; None where it cannot be read."""
    roles: frozenset[str] = frozenset()
    """What it gives, as `Provider.rights` names it; anything else here was added by hand."""
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a person must hear of it and what ends nothing: sentences, each by a name that stays from look to look."""
    orphan_oid: int | None = None
    """It is what is left of a role that is gone, such as a session: the number that a receipt has as `oid`.

    No mark is left on it, so `grant_id` is None: the core finds the grant by its receipt.
    """


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A member of the target has a role."""

    principal: str
    role: str
    ours: bool | None
    """Given by the bot's account; None where the target does not say by whom."""
    place: str = ""
    """The target, as `Rights` names it."""
    service_account: bool = False
    """It is the bot itself, and it can use it."""
    extra_privileges: str = ""
    """What it allows that no grant gives; a sentence."""
    member_id: str = ""
    """The member's number on the target: a name that was made anew has another. Empty: the target has only names."""
    grantor: str = ""
    """Who gave it, as the target names them."""
    given_id: str = ""
    """The number of the giving itself, where the target has one: what was taken away and given again has another."""
    options: frozenset[str] = frozenset()
    """What the member may do with it, of the target's own words: on PostgreSQL `admin`, `inherit`, `set`."""
    via: str = ""
    """The role in between of which the principal is a member; then `ours` and `grantor` are of that membership."""
    can_log_in: bool = True
    grant_id: str | None = None
    """The grant that a mark of ours on the member names."""


EVERYBODY = "(everybody)"
"""In the place of a role's name: what everybody who gets in may do; no role of a policy can be called so."""


@dataclass(frozen=True, kw_only=True)
class RoleRights:
    """What a role of the policy allows on the target."""

    role: str
    """Its name in the policy, or `EVERYBODY`."""
    fingerprint: str
    """Another one as soon as anything of it is different."""
    allows: frozenset[str]
    """Kinds of rights in words, each with where: what is not among those that were accepted is told. More things of a
    kind, in the same place, are the same kind."""
    creates: tuple[str, ...] = ()
    """What can be made with it and may stay behind."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """The answer to a revoke. `removed` and `sessions_ended` are two facts."""

    state: Literal["removed", "absent", "pending"]
    sessions_ended: int | None = None
    """None: the provider cannot end sessions."""
    residual: tuple[str, ...] = ()
    """Sentences: what may outlive the end, and until when."""
    lingering: int = 0
    """Of the sessions, those that were told to end and can give nothing any more: of these the end does not wait."""
    leftover: tuple[str, ...] = ()
    """Sentences: what gives no access but is still there, for `clean_up` to tidy up next."""
    look_again: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A grant of which it is proven that it gives no access any more."""

    spec: GrantSpec
    receipt: Receipt | None


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """What was done after the end of a grant, where there was something to do."""

    left: tuple[str, ...] = ()
    """Sentences: what is still there, why, and the statements that remove it. Empty: nothing."""
    urgent: bool = False
    """What is left can be used by what the holder made: security is told at once."""
    kept: tuple[str, ...] = ()
    """Sentences: what the holder made and is kept, and where."""
    sessions_ended: int = 0
    """Sessions that could not be seen at the end."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    """How to connect, made when it is read: labelled values in order. Never stored, never logged."""

    fields: tuple[tuple[str, SecretStr], ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """By environment variable that the target's clients read: the label of its value among the fields, or a value that
    is in none of them and no secret, such as what is demanded of the server."""
    note: str = ""
    made: bool = True
    """For this look; False where the holder has a secret already and only hears where to use it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of a provider's check: what was looked at, how it stands, and the cure."""

    level: Literal["ok", "warning", "error"]
    subject: str
    sentence: str
    cure: str = ""


@dataclass(frozen=True)
class Deadline:
    """When a call must be over, in seconds of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(clock.monotonic() + seconds)

    def left(self, least: float = 0.05) -> float:
        """Seconds left, at least `least`: a time-out of nought would mean none to most drivers."""
        return max(least, self.at - clock.monotonic())

    @property
    def passed(self) -> bool:
        return clock.monotonic() >= self.at


def host_time() -> datetime:
    """The host's own clock: what a provider's check compares the target's clock with."""
    return clock.HostClock().now()


class Provider(Protocol):
    """A target system. Synchronous; workers run it in a bounded pool. See docs/writing-a-provider.md.

    Instances are made by workers only, from the parsed `Settings` of one resource. What all of them have in common is
    in `access.provider.BaseProvider`.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    Role: ClassVar[type[BaseModel]]
    """What a role of the policy says beside its title and level, for this provider."""
    Scope: ClassVar[type[BaseModel]]
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[CallLimits]
    """What a target of this kind bears, unless the policy says otherwise."""

    def __init__(self, settings: BaseModel) -> None: ...

    @classmethod
    def target_key(cls, settings: Any) -> str:
        """Which server, and by which account: one word for all `settings` that lead to the same, by the references.

        Pure, reads no secret, imports no driver: the bot and the timekeeper ask it too.
        """
        ...

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        """Reachable, rights enough, rights not too many, clock skew."""
        ...

    def plan(self, spec: GrantSpec) -> Plan:
        """Pure and deterministic."""
        ...

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        """Converges: the same grant id twice is one effect. Raises ProviderError."""
        ...

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        """Reads only. Works without a receipt."""
        ...

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        """Absent is success. Works without a receipt."""
        ...

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        """Tidies up behind these, by the id in their specs, and ends sessions that show only now.

        In batches that block nobody, and as far as the deadline goes: it is asked again. Whatever it finds, it never
        takes back the end. Those of which there is nothing to say are left out. Raises Unsupported where
        `capabilities.cleanup_window` is None.
        """
        ...

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        """A fresh secret, set on the target now; the one before stops working. Raises Unsupported.

        Where `capabilities.reveals` is False it may still say where to connect to.
        """
        ...

    def rights(self, spec: GrantSpec) -> Rights:
        """Pure, asks nobody. Needed where the isolation is not PER_GRANT: by it the core knows what grants share."""
        ...

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        """The target's own end becomes that of the spec, later or earlier. Twice is once; nothing is opened again.

        Raises TargetNotFound where the access is gone, Unsupported where `capabilities.extend` is False.
        """
        ...

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        """All on the target that bears our mark and gives access, whoever it is for; a name alike is no mark.

        Raises Unsupported where `capabilities.list_managed` is False.
        """
        ...

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        """Who has the roles that the bot can give, whoever gave them, directly or through another role.

        The bot itself too, where it can use one or gave it to itself. Whoever is left out here is seen by no person.

        Raises Unsupported where `capabilities.list_holders` is False.
        """
        ...

    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        """What each of these roles of the policy allows, and what everybody does. All of it, or a ProviderError.

        Raises Unsupported where `capabilities.tells_rights` is False.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...


class Agenda(Protocol):
    """What is due when. A hint that makes things fast: the rows are the truth and the sweep finds what it lost."""

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        """Puts items on the agenda or moves them, and wakes the timekeeper. Never raises: a lost hint costs a sweep."""
        ...
