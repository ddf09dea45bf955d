"""PostgreSQL. Login mode: each grant is a temporary login of its own, named after the grant, dropped at the end.

In membership mode (postgres_membership.py) a person's own login becomes a member of roles.
"""

import json
import re
import secrets
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from access.errors import BadConfig, Permanent, TargetConflict, TargetNotFound, Unsupported
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
    Secret,
    SecretReference,
)
from workers.providers import postgres_statements as statements
from workers.providers.postgres_catalogue import Login, look, marked_grant, refuse_ungrantable
from workers.providers.postgres_check import check
from workers.providers.postgres_ending import Ending
from workers.providers.postgres_errors import DUPLICATE, DUPLICATE_AT_ONCE
from workers.providers.postgres_membership import Members, list_holders


def _fits_a_name(name: str) -> str:
    if not name or "\0" in name or len(name.encode(errors="replace")) > 63:
        raise ValueError("a name in PostgreSQL has 1 to 63 bytes and no NUL character")
    if not name.isprintable():
        raise ValueError("a name has an invisible character in it; remove it")
    return name


NOT_OPEN = "This access is no longer open on the database server."
ATTRIBUTES = "attributes such as SUPERUSER"
"""What a temporary login never has."""
TargetName = Annotated[str, AfterValidator(_fits_a_name)]


class Settings(BaseModel):
    """Where the database is, and whose login is used. `database` replaces the one of the `dsn`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: SecretReference
    database: TargetName | None = None
    mode: Literal["login", "membership"] = "login"
    """A temporary login for each grant; or the person's own login, as `names` of the policy says it."""

    @model_serializer(mode="wrap")
    def _as_written_before(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The usual mode goes without saying: what was asked and approved before there were two is still the same."""
        said = usual(self)
        return said if self.mode == "membership" else {word: said[word] for word in said if word != "mode"}


class Role(BaseModel):
    """Which roles of the database a person gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: Annotated[list[TargetName], Field(min_length=1)]


class Scope(BaseModel):
    """A request cannot narrow anything here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Postgres:
    """The provider. What it needs of the server, and why: docs/adr/0003-postgres-login-mode.md."""

    name: ClassVar[str] = "postgres"
    Settings: ClassVar[type[BaseModel]] = Settings
    Role: ClassVar[type[BaseModel]] = Role
    Scope: ClassVar[type[BaseModel]] = Scope
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT,
        native_expiry=timedelta(seconds=1),
        ends_sessions=True,
        extend=True,
        reveals=True,
        list_managed=True,
        list_holders=True,
        end_means="Open sessions are ended in the middle of what they do, and the temporary login is dropped.",
        modes={
            "membership": Capabilities(
                isolation=Isolation.SHARED,
                list_holders=True,
                end_means="The person's own login loses the roles. Its open sessions are not ended.",
            )
        },
    )

    def __init__(self, settings: BaseModel) -> None:
        from workers.providers import postgres_session  # noqa: PLC0415  (the driver; declarations are read without it)

        assert isinstance(settings, Settings)
        self._driver = postgres_session
        self._connections = postgres_session.Connections(settings.dsn, settings.database)
        self._place = settings.dsn.model_dump_json(exclude_none=True)
        self._members = Members(self._connections, self._place) if settings.mode == "membership" else None

    def check(self, roles: Mapping[str, BaseModel]) -> list[Finding]:
        wanted = {title: Role.model_validate(role.model_dump()).grants for title, role in roles.items()}
        return check(self._connections, wanted, memberships=self._members is not None)

    def rights(self, spec: GrantSpec) -> Rights:
        roles = _role(spec).grants
        return self._members.rights(roles) if self._members else Rights(place=login_name(spec), roles=frozenset(roles))

    def plan(self, spec: GrantSpec) -> Plan:
        if self._members:
            return self._members.plan(spec, _role(spec).grants)
        login = login_name(spec)
        until = until_second(spec.expires_at)
        made = statements.create(login, _role(spec).grants, until, _marker(spec))
        return Plan(
            grant=self._driver.render(made[:-1]),  # the last one only asks for the number
            revoke=self._driver.render(statements.by_hand(login)),
        )

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        if self._members:
            return self._members.grant(spec, _role(spec).grants, deadline)
        login = login_name(spec)
        roles = _role(spec).grants
        until = until_second(spec.expires_at)
        wanted = (login, roles, until, _marker(spec))
        with self._connections.session(deadline) as session:
            session.refuse_old()
            refuse_ungrantable(session, roles)
            try:
                ((oid,),) = session.write(*statements.create(*wanted))
            except TargetConflict as conflict:
                if conflict.code not in (DUPLICATE, DUPLICATE_AT_ONCE):
                    raise
                _refuse_strange(look(session, login), spec)
                ((oid,),) = session.write(*statements.mend(*wanted))
        return Outcome(state="active", receipt=_receipt(login, oid, until))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        """`present` is whether access is left: a login that is locked, belongs to nothing and has no session is not."""
        if self._members:
            return self._members.observe(spec, _role(spec).grants, deadline)
        name = login_name(spec)
        with self._connections.session(deadline) as session:
            login = look(session, name)
            if login is None:
                ((ghosts, _),) = session.read(statements.sessions_of_no_role(_oid(receipt)))
                return Observation(present=ghosts > 0, sessions=ghosts)
        expected = set(_role(spec).grants)
        return Observation(
            present=login.can_log_in or bool(login.memberships) or login.sessions > 0,
            sessions=login.sessions,
            expires_at=None if login.expires is None else datetime.fromtimestamp(login.expires, UTC),
            beyond=frozenset(login.memberships) - expected | ({ATTRIBUTES} if login.has_powers else set()),
            details={
                "role": name,
                "can_log_in": login.can_log_in,
                "missing": sorted(expected - set(login.memberships)),
            },
        )

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        """Whatever bears the name of the grant is ended, also where somebody has changed it on the server."""
        if self._members:
            return self._members.revoke(spec, _role(spec).grants, deadline)
        with self._connections.session(deadline) as session:
            return Ending(self._connections, session, deadline).end(login_name(spec), _oid(receipt))

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:  # noqa: ARG002  (the interface)
        if self._members:
            return self._members.reveal(spec, deadline)
        login = login_name(spec)
        password = secrets.token_urlsafe(24)
        with self._connections.session(deadline) as session:
            found = look(session, login)
            if found is None or not found.can_log_in:
                raise TargetNotFound(NOT_OPEN)
            _refuse_strange(found, spec)
            session.write(statements.set_password(login, session.hashed(login, password)))
            address = session.address(login)
        command = shlex.join(["psql", self._driver.connection_string(address)])
        labels = {"host": "Host", "port": "Port", "dbname": "Database", "user": "Login"}
        shown = {label: address[keyword] for keyword, label in labels.items()}
        return Secret(
            fields=_labelled(shown | {"Password": password, "psql": command}),
            note="A second look makes a new password; this one then stops working.",
        )

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:  # noqa: ARG002  (the interface)
        """Moves the end alone: a login that was locked meanwhile stays locked."""
        if self._members:
            raise Unsupported("A membership has no end of its own on the database server.")
        login, until = login_name(spec), until_second(spec.expires_at)
        with self._connections.session(deadline) as session:
            found = look(session, login)
            if found is None or not found.can_log_in:
                raise TargetNotFound(NOT_OPEN)
            _refuse_strange(found, spec)
            session.write(*statements.expire(login, until, _marker(spec)))
        return Outcome(state="active", receipt=_receipt(login, found.oid, until))

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        """Of the whole server, for its roles belong to all databases. A login that is shut gives no access."""
        if self._members:
            raise Unsupported("A membership bears no grant's name; who gave it is in the list of holders.")
        with self._connections.session(deadline) as session:
            found = session.read(statements.TEMPORARY_LOGINS)
        return [
            Managed(name=name, grant_id=grant, roles=frozenset([*roles, ATTRIBUTES] if powers else roles))
            for name, marker, roles, powers in found
            if (grant := marked_grant(marker)) and name == f"cs_{grant}"
        ]

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        return list_holders(self._connections, self._place, deadline)

    def close(self) -> None:
        self._connections.close()


def login_name(spec: GrantSpec) -> str:
    """`cs_` and the grant id: short enough for PostgreSQL, which cuts longer names without a word."""
    if not re.fullmatch(r"[0-9a-z]{26}", spec.grant_id):
        raise BadConfig("The id of the grant is not 26 lower-case letters and digits, so it cannot name a login.")
    return f"cs_{spec.grant_id}"


def until_second(moment: datetime) -> datetime:
    """Rounded up to PostgreSQL's grain for us: never before the end of the grant."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _role(spec: GrantSpec) -> Role:
    try:
        return Role.model_validate(spec.definition)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadConfig(
            f"The role {spec.role} cannot be used by the provider postgres: {where}: {first['msg']}."
        ) from None


def _marker(spec: GrantSpec) -> str:
    expires = statements.timestamp(until_second(spec.expires_at))
    return json.dumps({"countersign": 1, "grant": spec.grant_id, "exp": expires})


def _refuse_strange(login: Login | None, spec: GrantSpec) -> None:
    """Raises Permanent for a login of that name that is not this grant's, or that somebody has made mightier."""
    if login is None:
        raise TargetConflict
    if marked_grant(login.marker) != spec.grant_id:
        raise Permanent(f"The database server has a login {login_name(spec)} that Countersign did not make.")
    if login.has_powers:
        raise Permanent(
            f"Somebody gave the login {login_name(spec)} more rights than it was made with; end this access."
        )


def _receipt(login: str, oid: int, until: datetime) -> Receipt:
    return Receipt(names={"role": login}, native_expiry=until, details={"oid": oid})


def _oid(receipt: Receipt | None) -> int | None:
    oid = receipt.details.get("oid") if receipt else None
    return oid if isinstance(oid, int) else None


def _labelled(shown: dict[str, str]) -> tuple[tuple[str, SecretStr], ...]:
    return tuple((label, SecretStr(value)) for label, value in shown.items())
