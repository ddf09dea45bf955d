"""What the policy says of a MariaDB server, and what a role on it may give."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from access.ports import Capabilities, Isolation, SecretReference
from workers.providers.mysql.rights import Right

OWN_DATABASE = "countersign"
"""Where the bot's events and the views that it reads are; no role of a policy leads there."""
MARK = "countersign_logins"
"""A role without any right, which only the bot gives: by it a temporary login is known for one of ours."""
_SYSTEM = frozenset({"mysql", "sys", "information_schema", "performance_schema", OWN_DATABASE})


def _a_name(name: str) -> str:
    if "\0" in name or not name.isprintable() or name != name.strip():
        raise ValueError("a name has an invisible character in it, or a space at its end; remove it")
    if any(ord(letter) > 0xFFFF for letter in name):
        raise ValueError("a name in MariaDB has only characters of the Basic Multilingual Plane")
    return name


def _not_the_servers(database: str) -> str:
    if database.lower() in _SYSTEM:
        raise ValueError(f"nothing is ever granted in the database {database.lower()}")
    return database


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_a_name)]
Database = Annotated[Name, AfterValidator(_not_the_servers)]
Privilege = Literal[
    "SELECT", "INSERT", "UPDATE", "DELETE", "SHOW VIEW", "DELETE HISTORY", "EXECUTE", "LOCK TABLES",
    "CREATE TEMPORARY TABLES", "CREATE", "ALTER", "DROP", "INDEX", "CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE",
    "EVENT",
]  # fmt: skip
"""What may be given. Not TRIGGER and REFERENCES, which break the table of others when their maker is gone or keep rows
of theirs from being removed; nothing that is of the whole server; and nothing that can be passed on."""
_OF_COLUMNS = frozenset({"SELECT", "INSERT", "UPDATE"})
_OF_TABLES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "SHOW VIEW", "DELETE HISTORY", "CREATE", "ALTER",
                        "DROP", "INDEX", "CREATE VIEW"})  # fmt: skip


class MysqlSettings(BaseModel):
    """Where the server is, and by whose account it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+)$", max_length=140)]
    port: Annotated[int, Field(ge=1, le=65535)] = 3306
    extra_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The server's own `extra_port`, which the bot takes where the usual one has too many connections."""
    user: Annotated[Name, Field(max_length=32)] = "countersign"
    password: SecretReference
    ca: Annotated[str, Field(pattern=r"^(/[!-~]*|system)$", max_length=500)] | None = None
    """The file of the authority that vouches for the server, or `system`; only over loopback may there be none."""
    logins_from: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:%_/-]{1,60}$")] = "%"
    """The host part of temporary logins: from where holders may connect."""
    events: bool = True
    """Whether the server's event scheduler is on, which ends access when all of ours are dead."""

    @model_validator(mode="after")
    def _proven(self) -> "MysqlSettings":
        if self.ca is None and not self.is_local:
            raise ValueError("`ca` is missing: without it the bot's password could go to a server that only claims to "
                             "be the target. Give the file of its authority, or `system`")  # fmt: skip
        return self

    @property
    def is_local(self) -> bool:
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class Rights(BaseModel):
    """Rights on a database, a table of it, or columns of that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    privileges: Annotated[list[Privilege], Field(min_length=1)]
    database: Database
    table: Name | None = None
    columns: Annotated[list[Name], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> "Rights":
        if self.columns is not None and self.table is None:
            raise ValueError("`columns` are of a `table`")
        able = _OF_COLUMNS if self.columns is not None else _OF_TABLES if self.table is not None else None
        if able is not None and (wrong := sorted(set(self.privileges) - able)):
            what = "columns" if self.columns is not None else "a table"
            raise ValueError(f"{', '.join(wrong)} cannot be given on {what}")
        return self

    def each(self) -> frozenset[Right]:
        columns = self.columns or [None]
        return frozenset(
            Right(privilege, self.database, self.table, column) for privilege in self.privileges for column in columns
        )


class Role(BaseModel):
    """A role of the server, or rights that are written here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: Annotated[list[Name], Field(min_length=1, max_length=1)] | None = None
    """One: a session on MariaDB has one role at a time."""
    rights: Annotated[list[Rights], Field(min_length=1, max_length=50)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Role":
        if (self.grants is None) == (self.rights is None):
            raise ValueError("a role has either `grants`, a role of the server, or `rights`")
        return self

    @property
    def server_role(self) -> str | None:
        return self.grants[0] if self.grants else None

    @property
    def direct(self) -> frozenset[Right]:
        return frozenset[Right]().union(*(one.each() for one in self.rights or ()))

    @property
    def words(self) -> frozenset[str]:
        """All that it gives, as it is compared with what stands on the server."""
        return frozenset({*map(str, self.direct), *(f"the role {name}" for name in self.grants or ())})


@dataclass(frozen=True, kw_only=True)
class Declared(Capabilities):
    """Whether the server has an end of its own is said in its settings, by `events`."""

    def of(self, settings: Mapping[str, Any]) -> Capabilities:
        if settings.get("events", True):
            return self
        return replace(self, native_expiry=None, extend=False)


CAPABILITIES = Declared(
    isolation=Isolation.PER_GRANT,
    # An event runs in the second after its own; the second before it is what rounding up takes.
    native_expiry=timedelta(seconds=2),
    ends_sessions=True,
    extend=True,
    reveals=True,
    list_managed=True,
    list_holders=True,
    tells_rights=True,
    cleanup_window=timedelta(minutes=2),
    end_means="Open sessions are cut off, even mid-query, and the temporary login is removed.",
)
