"""MariaDB, by the name under which its drivers and tools know it: a temporary login for each grant."""

import secrets
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, SecretStr

from access.errors import BadConfig
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
    Receipt,
    Removal,
    Rights,
    RoleRights,
    Secret,
)
from access.provider import BaseProvider
from workers.providers.mysql import logins
from workers.providers.mysql.check import check
from workers.providers.mysql.cleanup import clean_up
from workers.providers.mysql.ending import Ending
from workers.providers.mysql.holders import list_holders
from workers.providers.mysql.managed import list_managed
from workers.providers.mysql.role_rights import role_rights
from workers.providers.mysql.settings import CAPABILITIES, MysqlSettings, Role
from workers.providers.mysql.statements import Account

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "EXECUTE"})


class Mysql(BaseProvider[MysqlSettings, Role]):
    """The provider; docs/providers/mysql.md is how a server is set up for it."""

    name: ClassVar[str] = "mysql"
    Settings: ClassVar[type[BaseModel]] = MysqlSettings
    Role: ClassVar[type[BaseModel]] = Role
    capabilities: ClassVar[Capabilities] = CAPABILITIES
    limits: ClassVar[CallLimits] = CallLimits(concurrency=8)

    @classmethod
    def target_key(cls, settings: MysqlSettings) -> str:
        return f"{settings.host.lower()}:{settings.port} by {settings.user}"

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return check(self._session, self.settings, self.roles_of(roles), deadline)

    def plan(self, spec: GrantSpec) -> Plan:
        return logins.plan(spec, self.settings, self.role_of(spec))

    def rights(self, spec: GrantSpec) -> Rights:
        """A grant is its own; anything beside what the policy says was added by hand."""
        return Rights(place=logins.login_of(spec, self.settings).user, roles=self.role_of(spec).words)

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        role = self.role_of(spec)
        logins.login_of(spec, self.settings)
        with self._session(deadline) as session:
            return logins.grant(session, spec, self.settings, role)

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        if not self.settings.events:
            self._cannot("move an end that the server itself has")
        with self._session(deadline) as session:
            return logins.extend(session, spec, self.settings, self.role_of(spec))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        with self._session(deadline) as session:
            return logins.observe(session, self._login(spec, receipt), self.settings, self.role_to_end(spec))

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        """Whatever bears the name of the grant is ended, also where it was changed on the server."""
        login = self._login(spec, receipt)
        hosts = frozenset({login.host, self.settings.logins_from})
        with self._session(deadline) as session:
            return Ending(session, login.user, hosts, self._may_write(spec)).end()

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        gone = {str(one.spec.grant_id): self._login(one.spec, one.receipt) for one in ended}
        with self._session(deadline) as session:
            return clean_up(session, gone)

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        role, login, password = self.role_of(spec), logins.login_of(spec, self.settings), secrets.token_urlsafe(24)
        with self._session(deadline) as session:
            logins.let_in(session, spec, self.settings, role, password)
        shown = {"Host": self.settings.host, "Port": str(self.settings.port), "Login": login.user, "Password": password}
        lines = {"mariadb": shlex.join(_client(self.settings, role, login.user))}
        if role.server_role is not None:
            lines["First statement"] = f"SET ROLE `{role.server_role.replace('`', '``')}`"
        return Secret(
            fields=tuple((label, SecretStr(value)) for label, value in (shown | lines).items()),
            environment={"MYSQL_HOST": "Host", "MYSQL_TCP_PORT": "Port", "MYSQL_PWD": "Password"},
            note="The server takes this login over TLS alone.",
        )

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        with self._session(deadline) as session:
            return list_managed(session)

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        with self._session(deadline) as session:
            return list_holders(session, self.target_key(self.settings))

    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        with self._session(deadline) as session:
            return role_rights(session, self.roles_of(roles))

    def _session(self, deadline: Deadline) -> "AbstractContextManager[Session]":
        try:
            from workers.providers.mysql.session import session  # noqa: PLC0415  (the driver, which is an extra)
        except ModuleNotFoundError as error:
            if error.name != "pymysql":
                raise
            raise BadConfig(
                "The provider mysql needs its driver, which is not installed: pip install 'countersign-access[mysql]'."
            ) from None
        return session(self.settings, deadline)

    def _login(self, spec: GrantSpec, receipt: Receipt | None) -> Account:
        """As it was made: the settings may name other hosts since."""
        login = logins.login_of(spec, self.settings)
        host = receipt.details.get("host") if receipt is not None else None
        return replace(login, host=host) if isinstance(host, str) else login

    def _may_write(self, spec: GrantSpec) -> bool:
        """By the grant's own words; a role of the server may, for all that is known here."""
        role = self.role_to_end(spec)
        if role is None or role.server_role is not None:
            return True
        return any(right.privilege in _WRITES for right in role.direct)


def _client(settings: MysqlSettings, role: Role, user: str) -> list[str]:
    """What is typed; the client asks for the password, or has it from MYSQL_PWD."""
    said = ["mariadb", f"--host={settings.host}", f"--port={settings.port}", f"--user={user}"]
    said += [f"--ssl-ca={settings.ca}"] if settings.ca not in (None, "system") else ["--ssl"]
    said += ["--ssl-verify-server-cert"]
    if role.server_role is not None:
        said.append(f"--init-command=SET ROLE `{role.server_role.replace('`', '``')}`")
    databases = {right.database for right in role.direct}
    return [*said, "--password", *(databases if len(databases) == 1 else ())]
