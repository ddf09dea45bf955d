"""The truth about the shop where people have logins of their own, on a server of today and on one before version 16."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import psycopg
from psycopg import sql
from pydantic import SecretStr

from access.ports import GrantSpec, Secret
from countersign.demo import target as shop
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing import Obstacle, Refused
from tests.contracts.obstacles import Obstacles
from tests.contracts.postgres_world import PASSWORD, PersonsSession, PostgresWorld

PEOPLE = ("ann", "lea", "kim")
OLDER = [
    path for version in (13, 14, 15) if (path := Path(f"/usr/lib/postgresql/{version}/bin")).joinpath("initdb").exists()
]
"""Debian's own, which `make older` installs; a host without one has nothing to try on."""


def prepare_older(server: EmbeddedPostgres) -> Target:
    """The shop on a server before version 16; the bot needs no CREATEROLE here, with which it could give any role."""
    older = shop._SERVER.replace("WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", "WITH ADMIN OPTION")
    with patch.object(shop, "_SERVER", older.replace("LOGIN CREATEROLE", "LOGIN NOINHERIT")):
        return shop.prepare(server)


class MembershipWorld(PostgresWorld):
    """Ann, Lea and Kim have logins of their own."""

    mode: ClassVar[str] = "membership"

    def __init__(self, server: EmbeddedPostgres, target: Target) -> None:
        super().__init__(server, target)
        self._logins = ExitStack()
        for person in PEOPLE:
            self._logins.enter_context(self.own_login(person))
        self.apart = self.owner.info.server_version >= 160000

    def close(self) -> None:
        self._logins.close()
        super().close()

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> PersonsSession:
        session = self.own_session(spec)
        if not session.is_alive():
            session.close()
            raise Refused("logged in, but does not reach what was granted")
        return session

    def connect(self, secret: Secret | None, *, database: str = shop.DATABASE, **changed: str) -> psycopg.Connection:
        """As Ann, with her own login."""
        own = Secret(fields=(("Login", SecretStr("ann")), ("Password", SecretStr(PASSWORD))))
        return super().connect(own, database=database, options=changed.get("options", ""))

    def obstacles(self) -> Sequence[Obstacle]:
        return Obstacles(self, own_login=True).all()

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        """Before version 16 every member of a role may become it: it reaches nothing that was not granted."""
        becoming = set() if self.apart else {f"SET ROLE {role}" for role in spec.definition["grants"]}
        return [worked for worked in super().trespasses(spec, secret) if worked not in becoming]

    def login_of(self, spec: GrantSpec) -> str:
        return spec.principal

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        for role in spec.definition["grants"]:
            self._by_the_bot("REVOKE {} FROM {} GRANTED BY countersign CASCADE", role, spec.principal)

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        with self.given_by_hand(spec):
            yield lambda: self._stands(spec)

    def tamper(self, spec: GrantSpec) -> None:
        for role in spec.definition["grants"]:
            self._by_the_bot("GRANT {} TO {} WITH ADMIN OPTION GRANTED BY countersign", role, spec.principal)

    def _by_the_bot(self, statement: str, role: str, login: str) -> None:
        self.owner.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Identifier(login)))  # pyright: ignore[reportArgumentType] -- literals above
