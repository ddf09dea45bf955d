"""PostgreSQL, in two modes: a temporary login for each grant, or roles for a person's own login."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from access.ports import (
    Capabilities,
    Cleanup,
    Deadline,
    Ended,
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
    RoleRights,
    Secret,
    SecretReference,
)
from access.provider import BaseProvider
from workers.providers.postgres.check import check
from workers.providers.postgres.holders import list_holders
from workers.providers.postgres.login import Logins
from workers.providers.postgres.membership import Members
from workers.providers.postgres.role_rights import role_rights
from workers.providers.postgres.tls import Tls


def _fits_a_name(name: str) -> str:
    if not name or "\0" in name or len(name.encode(errors="replace")) > 63:
        raise ValueError("a name in PostgreSQL has 1 to 63 bytes and no NUL character")
    if not name.isprintable():
        raise ValueError("a name has an invisible character in it; remove it")
    return name


TargetName = Annotated[str, AfterValidator(_fits_a_name)]


class PostgresSettings(BaseModel):
    """Where the database is, and whose login is used. `database` replaces the one of the `dsn`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: SecretReference
    database: TargetName | None = None
    mode: Literal["login", "membership"] = "login"
    """A temporary login for each grant; or the person's own login, as `names` of the policy says it."""
    tls: Tls | None = None
    """Only where the target cannot have what is demanded of every other; see docs/policy.md."""

    @model_serializer(mode="wrap")
    def _as_written_before(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The usual goes without saying: what was asked and approved before there was a choice is still the same."""
        said = usual(self)
        unsaid = {"mode"} if self.mode == "login" else set[str]()
        unsaid |= {"tls"} if self.tls is None else set()
        return {word: said[word] for word in said if word not in unsaid}


class Role(BaseModel):
    """Which roles of the database a person gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: Annotated[list[TargetName], Field(min_length=1)]


class Postgres(BaseProvider[PostgresSettings, Role]):
    """The provider: what it declares, and which of the two modes does it."""

    name: ClassVar[str] = "postgres"
    Settings: ClassVar[type[BaseModel]] = PostgresSettings
    Role: ClassVar[type[BaseModel]] = Role
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT,
        native_expiry=timedelta(seconds=1),
        ends_sessions=True,
        extend=True,
        reveals=True,
        list_managed=True,
        list_holders=True,
        # The longest that `post_auth_delay` hides a session is 2,147 s.
        cleanup_window=timedelta(minutes=37),
        tells_rights=True,
        end_means="Open sessions are cut off, even mid-query, and the temporary login is removed.",
        modes={
            "membership": Capabilities(
                isolation=Isolation.SHARED,
                list_holders=True,
                tells_rights=True,
                end_means="The person's own login loses the roles. What it has under way just then is cut off; before "
                "PostgreSQL 16 all its sessions are.",
            )
        },
    )

    def __init__(self, settings: BaseModel) -> None:
        from workers.providers.postgres.session import Connections  # noqa: PLC0415  (the driver; declarations are read without it)

        super().__init__(settings)
        said = self.settings
        self._place = said.dsn.model_dump_json(exclude_none=True)
        self._connections = Connections(said.dsn, said.database, said.tls)
        members = said.mode == "membership"
        self._mode = Members(self._connections, self._place) if members else Logins(self._connections)

    @classmethod
    def target_key(cls, settings: PostgresSettings) -> str:
        """The `dsn` says server and account; all databases there share the connections that the server has."""
        return settings.dsn.place

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return check(self._connections, self._granted(roles), deadline, memberships=isinstance(self._mode, Members))

    def rights(self, spec: GrantSpec) -> Rights:
        return self._mode.rights(spec, self._roles_to_end(spec))

    def plan(self, spec: GrantSpec) -> Plan:
        return self._mode.plan(spec, self._roles(spec))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return self._mode.grant(spec, self._roles(spec), deadline)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return self._mode.observe(spec, self._roles_to_end(spec), receipt, deadline)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return self._mode.revoke(spec, self._roles_to_end(spec), receipt, deadline)

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        if isinstance(self._mode, Members):
            return super().clean_up(ended, deadline)
        return self._mode.clean_up(ended, deadline)

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        return self._mode.reveal(spec, deadline)

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        if isinstance(self._mode, Members):
            return super().extend(spec, receipt, deadline)
        return self._mode.extend(spec, receipt, deadline)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        if isinstance(self._mode, Members):
            return super().list_managed(deadline)
        return self._mode.list_managed(deadline)

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        return list_holders(self._connections, self._place, deadline)

    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        return role_rights(self._connections, self._granted(roles), deadline)

    def close(self) -> None:
        self._connections.close()

    def _roles(self, spec: GrantSpec) -> list[str]:
        """Which roles of the database this grant is of."""
        return self.role_of(spec).grants

    def _roles_to_end(self, spec: GrantSpec) -> list[str]:
        """The same of what may be open, which another version may have read."""
        role = self.role_to_end(spec)
        if role is not None:
            return role.grants
        written = spec.definition.get("grants")
        roles = written if isinstance(written, list) else []
        return [role for role in roles if isinstance(role, str) and role and "\0" not in role]

    def _granted(self, roles: Mapping[str, BaseModel]) -> dict[str, list[str]]:
        return {name: role.grants for name, role in self.roles_of(roles).items()}
