"""Each provider on its target, and beside it what it does said bare: by hand, on the same conditions."""

import json
import re
import ssl
import subprocess
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pymysql
from psycopg import pq
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec, Provider, SecretReference
from bench.servers import Servers
from countersign.demo import console
from countersign.demo.target import DATABASE, READ, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.mysql_server import BOT, BOT_PASSWORD, Client, MariaDb, ask, run, serving
from tests.contracts.webhook_receiver import HOST, PATH, receiving
from workers.providers.command import Command
from workers.providers.command import Settings as CommandSettings
from workers.providers.mysql import Mysql
from workers.providers.mysql import Settings as MysqlSettings
from workers.providers.mysql.statements import PINNED
from workers.providers.postgres import Postgres
from workers.providers.postgres import Settings as PostgresSettings
from workers.providers.webhook import Webhook
from workers.providers.webhook.signing import read_key, sign_call

_CALL = 10.0


@dataclass(frozen=True)
class Pair:
    """A provider on a target, and what it does said by hand. The latter is called with a spec of its own."""

    provider: Provider
    definition: dict[str, Any]
    settings: dict[str, Any]
    grant: Callable[[GrantSpec], None]
    revoke: Callable[[GrantSpec], None]
    """It ends the access, and looks whether that holds."""
    between: Callable[[GrantSpec], None] = lambda _spec: None
    """Of the bare ones, what is not counted."""

    def spec(self) -> GrantSpec:
        now = datetime.now(UTC)
        return GrantSpec(
            grant_id=GrantId(ulid(now)), resource="bench", role="use", definition=self.definition,
            settings=self.settings, scope={}, principal="ann", expires_at=now + timedelta(hours=1),
        )  # fmt: skip


def granted(pair: Pair, spec: GrantSpec) -> None:
    assert pair.provider.grant(spec, Deadline.after(_CALL)).state == "active"


def ended(pair: Pair, spec: GrantSpec) -> None:
    assert pair.provider.revoke(spec, None, Deadline.after(_CALL)).state == "removed"
    assert not pair.provider.observe(spec, None, Deadline.after(_CALL)).present


@contextmanager
def _postgres(servers: Servers) -> Generator[Pair]:
    """What the provider says to the server, as the server's log has it, said again by the driver alone."""
    logged = {"log_statement": "all", "log_line_prefix": "[%p %d] "}
    server = EmbeddedPostgres(servers.directory / "providers", settings=logged).start()
    try:
        target = prepare(server)
        file = servers.directory / "providers.dsn"
        file.write_text(target.bot_dsn, encoding="utf-8")
        with ExitStack() as stack:
            provider = stack.enter_context(closing(Postgres(PostgresSettings(dsn=SecretReference(file=str(file))))))
            bare = BarePostgres(server, stack.enter_context(psycopg.connect(target.superuser_dsn, autocommit=True)))
            for database in (DATABASE, "postgres"):
                dsn = make_conninfo(target.bot_dsn, dbname=database)
                bare.sessions[database] = stack.enter_context(psycopg.connect(dsn, autocommit=True))
            settings = {"dsn": {"file": str(file)}}
            pair = Pair(provider, {"grants": [READ]}, settings, bare.grant, bare.revoke, bare.note_number)
            for _ in range(2):  # the first one connects
                spec, before = pair.spec(), server.log.stat().st_size
                granted(pair, spec)
                between = server.log.stat().st_size
                bare.recorded_of, bare.recorded_oid = spec, bare.oid(spec)
                ended(pair, spec)
                log = server.log.read_bytes()
                bare.said = {"grant": _said(log[before:between], spec), "revoke": _said(log[between:], spec)}
            yield pair
    finally:
        server.remove()


@dataclass
class BarePostgres:
    """Says again, on warm connections, what was said of one grant; with another name, and that one's number."""

    server: EmbeddedPostgres
    owner: psycopg.Connection
    sessions: dict[str, psycopg.Connection] = field(default_factory=dict[str, psycopg.Connection])
    said: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])
    """By the verb: in which database, and what."""
    recorded_of: GrantSpec | None = None
    recorded_oid: int = 0
    _oids: dict[str, int] = field(default_factory=dict[str, int])

    def oid(self, spec: GrantSpec) -> int:
        found = self.owner.execute(
            "SELECT oid::int8 FROM pg_roles WHERE rolname = %s", [f"cs_{spec.grant_id}"]
        ).fetchone()
        assert found is not None
        return found[0]

    def grant(self, spec: GrantSpec) -> None:
        self._say("grant", spec, self.recorded_oid)

    def note_number(self, spec: GrantSpec) -> None:
        self._oids[spec.grant_id] = self.oid(spec)

    def revoke(self, spec: GrantSpec) -> None:
        self._say("revoke", spec, self._oids[spec.grant_id])

    def _say(self, verb: str, spec: GrantSpec, oid: int) -> None:
        assert self.recorded_of is not None
        for database, statement in self.said[verb]:
            now = statement.replace(self.recorded_of.grant_id, spec.grant_id)
            now = re.sub(rf"\b{self.recorded_oid}\b", str(oid), now)
            answer = self.sessions[database].pgconn.exec_(now.encode())
            assert answer.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK), answer.error_message


def _said(log: bytes, spec: GrantSpec) -> list[tuple[str, str]]:
    """By the sessions that named this grant; another one keeps guard meanwhile."""
    entries = re.findall(
        r"^\[(\d+) (\w+)\] LOG:  statement: (.*?)(?=^\[\d+ )", log.decode() + "[0 ", re.MULTILINE | re.DOTALL
    )
    ours = {pid for pid, _, statement in entries if spec.grant_id in statement}
    return [(database, statement.replace("\n\t", "\n")) for pid, database, statement in entries if pid in ours]


@contextmanager
def _command(servers: Servers) -> Generator[Pair]:
    """The demo's console: its program, started for each question."""
    made = console.prepare(servers.directory / "console")
    settings = made.settings()
    provider = Command(CommandSettings.model_validate(settings))

    def ask(verb: str, spec: GrantSpec) -> None:
        grant = {"id": spec.grant_id, "name": f"cs_{spec.grant_id}", "principal": spec.principal, "grants": ["answer"],
                 "expires_at": spec.expires_at.isoformat()}  # fmt: skip
        done = subprocess.run(
            [made.program], input=json.dumps({"verb": verb, "grant": grant}).encode(), capture_output=True, check=True,
            user=made.user, cwd="/",
        )  # fmt: skip
        assert b"error" not in done.stdout, done.stdout

    def revoke(spec: GrantSpec) -> None:
        ask("revoke", spec)
        ask("observe", spec)

    yield Pair(provider, {"grants": ["answer"]}, settings, lambda spec: ask("grant", spec), revoke)


@contextmanager
def _mysql(servers: Servers) -> Generator[Pair]:
    """What the provider says to the server, as the server's log has it, said again by the driver alone."""
    password = servers.directory / "mysql.password"
    password.write_text(BOT_PASSWORD, encoding="utf-8")
    with serving() as server, server.owner() as owner:
        settings = MysqlSettings(host=server.host, port=server.port, user=BOT, ca=str(server.authority.certificate),
                                 password=SecretReference(file=str(password)))  # fmt: skip
        with closing(Mysql(settings)) as provider:
            bare = BareMysql(server, owner)
            said = settings.model_dump(mode="json")
            pair = Pair(provider, {"grants": ["support_read"]}, said, bare.grant, bare.revoke)
            bare.record(pair)
            yield pair


class BareMysql:
    """Says again what was said of one grant, with another name: on a TLS connection for each call, as the provider."""

    def __init__(self, server: MariaDb, owner: Client) -> None:
        self._server, self._owner = server, owner
        self._proof = ssl.create_default_context(cafile=str(server.authority.certificate))
        self._recorded_of = ""
        self._said: dict[str, list[list[str]]] = {}
        """By the verb: for each connection, what."""

    def record(self, pair: Pair) -> None:
        spec = pair.spec()
        self._recorded_of = spec.grant_id
        run(self._owner, "SET GLOBAL log_output = 'TABLE'")
        for verb, does in (("grant", granted), ("revoke", ended)):
            run(self._owner, "TRUNCATE mysql.general_log")
            does(pair, spec)
            self._said[verb] = self._logged()
        run(self._owner, "SET GLOBAL general_log = OFF")
        self._rehearse(pair.spec())

    def _rehearse(self, spec: GrantSpec) -> None:
        """That what is said again does the same."""
        given = f"SELECT Role FROM mysql.roles_mapping WHERE User = 'cs_{spec.grant_id}' ORDER BY 1"
        self.grant(spec)
        assert ask(self._owner, given) == (("countersign_logins",), ("support_read",))
        self.revoke(spec)
        assert not ask(self._owner, given)
        assert not ask(self._owner, f"SELECT 1 FROM mysql.global_priv WHERE User = 'cs_{spec.grant_id}'")

    def grant(self, spec: GrantSpec) -> None:
        self._say("grant", spec)

    def revoke(self, spec: GrantSpec) -> None:
        self._say("revoke", spec)

    def _logged(self) -> list[list[str]]:
        """By the bot's connections, from the provider's first word on: what is before it, the driver says by itself."""
        said = dict[int, list[str]]()
        for thread, statement in ask(
            self._owner, "SELECT thread_id, CONVERT(argument USING utf8mb4) FROM mysql.general_log "
            f"WHERE command_type = 'Query' AND user_host LIKE '{BOT}[%'",
        ):  # fmt: skip
            said.setdefault(thread, []).append(statement)
        return [statements[statements.index(PINNED) :] for statements in said.values()]

    def _say(self, verb: str, spec: GrantSpec) -> None:
        for statements in self._said[verb]:
            with self._connected() as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement.replace(self._recorded_of, spec.grant_id))
                    cursor.fetchall()

    def _connected(self) -> Client:
        there: Any = {"host": self._server.host, "port": self._server.port, "user": BOT, "password": BOT_PASSWORD}
        return pymysql.connect(**there, ssl=self._proof, autocommit=None)


@contextmanager
def _webhook(servers: Servers) -> Generator[Pair]:
    """The reference endpoint, called over a TLS connection for each question."""
    directory = Path(mkdtemp(prefix="webhook-", dir=servers.directory))
    with receiving(directory) as receiver:
        settings = receiver.settings()
        key, trust = read_key(SecretStr(receiver.key.read_text().strip())), receiver.trust

        def ask(verb: str, spec: GrantSpec) -> None:
            grant = {"id": spec.grant_id, "resource": "bench", "role": "use", "principal": spec.principal,
                     "grants": ["sales"], "name": f"cs_{spec.grant_id}", "kept": [],
                     "expires_at": spec.expires_at.isoformat()}  # fmt: skip
            until = (datetime.now(UTC) + timedelta(seconds=_CALL)).isoformat()
            body = json.dumps({"version": 1, "verb": verb, "grant": grant, "deadline": until}).encode()
            headers = {"Content-Type": "application/json", "Connection": "close"}
            headers |= dict(sign_call(key, body, datetime.now(UTC)).headers)
            with closing(HTTPSConnection(HOST, receiver.port, timeout=_CALL, context=trust)) as connection:
                connection.request("POST", PATH, body, headers)
                answer = connection.getresponse()
                said = answer.read()
            assert answer.status == 200, said

        def revoke(spec: GrantSpec) -> None:
            ask("revoke", spec)
            ask("observe", spec)

        with closing(Webhook(settings)) as provider:
            said = settings.model_dump(mode="json")
            yield Pair(provider, {"grants": ["sales"]}, said, lambda spec: ask("grant", spec), revoke)


BARE: dict[str, Callable[[Servers], AbstractContextManager[Pair]]] = {
    "command": _command, "mysql": _mysql, "postgres": _postgres, "webhook": _webhook,
}  # fmt: skip
"""A new provider is a line here, and the same said by hand."""
