"""What every provider has in common: its role is read here, what it cannot do is refused, its target has a name."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, NoReturn, TypeVar, cast

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from access.errors import BadConfig, Unsupported
from access.faults import describe
from access.ports import (
    CallLimits,
    Capabilities,
    Cleanup,
    Deadline,
    Ended,
    Finding,
    GrantSpec,
    Holder,
    Managed,
    Observation,
    Outcome,
    Plan,
    Provider,
    Receipt,
    Removal,
    Rights,
    RoleRights,
    Secret,
)

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


class NoScope(BaseModel):
    """A request cannot narrow anything here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseProvider(ABC, Generic[S, R]):
    """The base class of a provider, by its own `Settings` and `Role`; the words are those of `access.ports.Provider`.

    What has a body here is for those that can do it to say otherwise.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    Role: ClassVar[type[BaseModel]]
    Scope: ClassVar[type[BaseModel]] = NoScope
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[CallLimits] = CallLimits()

    def __init__(self, settings: BaseModel) -> None:
        if not isinstance(settings, self.Settings):
            raise TypeError(f"the provider {self.name} is made of its own Settings, not of {type(settings).__name__}")
        self.settings = cast(S, settings)

    @classmethod
    @abstractmethod
    def target_key(cls, settings: S) -> str: ...

    @abstractmethod
    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]: ...

    @abstractmethod
    def plan(self, spec: GrantSpec) -> Plan: ...

    @abstractmethod
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome: ...

    @abstractmethod
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation: ...

    @abstractmethod
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal: ...

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        self._cannot("tidy up after an end")

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self._cannot("make a secret")

    def rights(self, spec: GrantSpec) -> Rights:
        self._cannot("say what grants share")

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        self._cannot("move the end of an access")

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        self._cannot("list what bears our mark")

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        self._cannot("list who holds a role")

    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        self._cannot("say what a role allows")

    def close(self) -> None:
        """Most have nothing to let go of."""

    def role_of(self, spec: GrantSpec) -> R:
        """The role of this grant, as the provider's own model reads it. Raises BadConfig, which quotes none of it."""
        try:
            return cast(R, self.Role.model_validate(spec.definition))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise BadConfig(
                f"The role {spec.role} cannot be used by the provider {self.name}: {where}: {first['msg']}."
            ) from None

    def role_to_end(self, spec: GrantSpec) -> R | None:
        """The same of what may be open; None of what another version took for a role. That has to end as well."""
        try:
            return self.role_of(spec)
        except BadConfig:
            return None

    def roles_of(self, roles: Mapping[str, BaseModel]) -> dict[str, R]:
        """The same of roles as the policy has them."""
        return {name: cast(R, self.Role.model_validate(role.model_dump())) for name, role in roles.items()}

    def _cannot(self, what: str) -> NoReturn:
        raise Unsupported(f"The provider {self.name} cannot {what} on this target.")


def target_of(providers: Mapping[str, type[Provider]], name: str, settings: Mapping[str, JsonValue]) -> str:
    """The target that these settings lead to, among those of all providers; empty where its provider cannot say.

    Asked when access is scheduled, which a provider that is broken must not stop: then the resource stands for its
    target, as for rows of the version before.
    """
    try:
        provider = providers[name]
        key = provider.target_key(provider.Settings.model_validate(settings))
    except Exception as error:
        logger.warning("the provider %s does not name its target: %s", name, describe(error))
        return ""
    return f"{name}:{key}"
