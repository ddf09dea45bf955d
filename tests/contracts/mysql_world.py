"""The truth about the shop on a MariaDB: logs in as the person straight at the server, and looks at it as root."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql

from access.ids import GrantId, ulid
from access.ports import GrantSpec, Secret, SecretReference
from countersign.testing import Fault, FaultKind, Imposter, Obstacle, Refused
from tests.contracts.mysql_imposters import imposters
from tests.contracts.mysql_obstacles import Obstacles
from tests.contracts.mysql_server import BOT_PASSWORD, Client, MariaDb, ask, run
from tests.contracts.mysql_wire import error_packet, wire
from tests.waiting import wait_until
from workers.providers.mysql import Mysql, Settings

PASSWORD = "a person's own"
READ = "SELECT COUNT(email) FROM shop.customers"
_QUERIES = {"orders_fix": "SELECT COUNT(status) FROM shop.orders"}
DIRECT = {
    "rights": [{"privileges": ["SELECT"], "database": "shop", "table": "customers", "columns": ["id", "name", "email"]}]
}
_SNAPSHOT = (
    "SELECT User, Host, JSON_REMOVE(Priv, '$.version_id') FROM mysql.global_priv ORDER BY 1, 2",
    "SELECT * FROM mysql.db ORDER BY 1, 2, 3",
    "SELECT Host, Db, User, Table_name, Grantor, Table_priv, Column_priv FROM mysql.tables_priv ORDER BY 1, 2, 3, 4",
    "SELECT Host, Db, User, Table_name, Column_name, Column_priv FROM mysql.columns_priv ORDER BY 1, 2, 3, 4, 5",
    "SELECT Host, Db, User, Routine_name, Proc_priv FROM mysql.procs_priv ORDER BY 1, 2, 3, 4",
    "SELECT * FROM mysql.roles_mapping ORDER BY 1, 2, 3",
    "SELECT Host, User, Proxied_host, Proxied_user, With_grant FROM mysql.proxies_priv ORDER BY 1, 2, 3, 4",
    "SELECT db, name, definer, execute_at, status FROM mysql.event ORDER BY 1, 2",
    "SELECT db, name, definer FROM mysql.proc WHERE db NOT IN ('sys', 'mysql') ORDER BY 1, 2",
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('sys', 'mysql', "
    "'information_schema', 'performance_schema') ORDER BY 1, 2",
)
_TRESPASSES = (
    "SELECT card FROM shop.customers",
    "SELECT * FROM shop.customers",
    "SELECT COUNT(*) FROM shop.orders",
    "SELECT * FROM other.secrets",
    "UPDATE shop.customers SET name = 'x'",
    "DELETE FROM shop.orders",
    "CREATE TABLE shop.mine (i INT)",
    "CREATE DATABASE mine",
    "CREATE USER mine",
    "SET ROLE orders_fix",
    "SET ROLE countersign_logins WITH ADMIN OPTION",
    "GRANT support_read TO root@localhost",
    "GRANT SELECT (email) ON shop.customers TO PUBLIC",
    "ALTER USER root@localhost ACCOUNT LOCK",
    "SELECT 1 FROM DUAL WHERE LOAD_FILE('/etc/hostname') IS NOT NULL",
    "SELECT Priv FROM mysql.global_priv",
    "SELECT * FROM countersign.accounts",
    "DROP EVENT countersign.{login}",
    "ALTER EVENT countersign.{login} ON SCHEDULE AT NOW() + INTERVAL 1 YEAR",
    "SET GLOBAL event_scheduler = OFF",
    "ALTER USER CURRENT_USER() REQUIRE NONE",
    "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
    "ALTER USER CURRENT_USER() ACCOUNT UNLOCK",
    "GRANT support_read TO CURRENT_USER() WITH ADMIN OPTION",
    "REVOKE countersign_logins FROM CURRENT_USER()",
    "RENAME USER CURRENT_USER() TO innocent@'%'",
    "CREATE DEFINER = root@localhost VIEW shop.mine AS SELECT 1",
    "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER <> SUBSTRING_INDEX(USER(), '@', 1)",
)

LENDS = "GRANT PROXY ON CURRENT_USER() TO mallory@'%' WITH GRANT OPTION"
GETS_GRANT_OPTION = "GRANT PROXY ON CURRENT_USER() TO CURRENT_USER() WITH GRANT OPTION"
PASSES_ON = "GRANT SELECT (email) ON shop.customers TO mallory@'%'"
_OUTLASTING = (
    "GRANT support_read TO mallory@'%'",
    "GRANT countersign_logins TO mallory@'%'",
    "GRANT SELECT ON shop.* TO mallory@'%'",
    PASSES_ON,
    LENDS,
    GETS_GRANT_OPTION,
    PASSES_ON + " WITH GRANT OPTION",
    "CREATE USER another@'%'",
    "RENAME USER {login}@'%' TO innocent@'%'",
    "ALTER USER {login}@'%' ACCOUNT UNLOCK",
    "ALTER EVENT countersign.{login} DISABLE",
    "DROP EVENT countersign.{login}",
    "ALTER EVENT countersign.{login} ON SCHEDULE AT NOW() + INTERVAL 1 YEAR",
    "SET GLOBAL event_scheduler = OFF",
    "SET GLOBAL init_connect = 'DO 1'",
    "CREATE EVENT shop.again ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "CREATE SERVER back FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')",
    "CREATE TABLE shop.far (id INT) ENGINE = FEDERATED CONNECTION = 'mysql://{login}@127.0.0.1/shop/customers'",
)


def make_spec(principal: str = "ann") -> GrantSpec:
    now = datetime.now(UTC)
    return GrantSpec(
        grant_id=GrantId(ulid(now)), resource="shop", role="read", definition={"grants": ["support_read"]},
        settings={"host": "127.0.0.1", "password": {"env": "SHOP_PASSWORD"}}, scope={}, principal=principal,
        expires_at=now + timedelta(hours=1),
    )  # fmt: skip


def make_direct_spec(principal: str = "ann") -> GrantSpec:
    return replace(make_spec(principal), definition=DIRECT)


class PersonsSession:
    """One connection of the person."""

    def __init__(self, client: Client, role: str | None) -> None:
        self.client = client
        self._role = role
        self._query = _QUERIES.get(role or "", READ)

    def is_alive(self) -> bool:
        with suppress(pymysql.err.Error):
            if self._role is not None:
                ask(self.client, f"SET ROLE {self._role}")
                self._role = None
            return bool(ask(self.client, self._query))
        return False

    def close(self) -> None:
        with suppress(pymysql.err.Error, OSError):
            self.client.close()


class MysqlWorld:
    """A `World` of the shop; the provider's way to it leads over `wire`."""

    def __init__(self, server: MariaDb, directory: Path) -> None:
        self.server = server
        self.owner = server.owner()
        self.wire = wire(server.port)
        self.password = directory / "password"
        self.password.write_text(BOT_PASSWORD)
        # The wire reads what is said: the bot's way over loopback is the only one that may go without TLS.
        run(self.owner, "ALTER USER countersign@'%' REQUIRE NONE")

    def close(self) -> None:
        self.owner.close()
        self.wire.close()

    def version(self) -> str:
        """As the server says it, without the name of who built it."""
        return str(ask(self.owner, "SELECT VERSION()")[0][0]).partition("-")[0]

    def settings(self, **changed: Any) -> Settings:
        said: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.wire.port,
            "password": SecretReference(file=str(self.password)),
        }
        return Settings(**(said | changed))

    def connect(self, secret: Secret | None, **more: Any) -> Client:
        """As the person. Raises Refused."""
        told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
        return self.log_in(told.get("Login", "nobody"), told.get("Password", ""), **more)

    def log_in(self, login: str, password: str, **more: Any) -> Client:
        try:
            return self.server.log_in(login, password, **more)
        except pymysql.err.OperationalError as error:
            raise Refused(str(error)) from None

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> PersonsSession:
        role = spec.definition.get("grants")
        session = PersonsSession(self.connect(secret), role[0] if role else None)
        if not session.is_alive():
            session.close()
            raise Refused("logged in, but does not reach what was granted")
        return session

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        worked = list[str]()
        with closing(self.connect(secret)) as client:
            if spec.definition.get("grants"):
                ask(client, f"SET ROLE {spec.definition['grants'][0]}")
            for statement in _TRESPASSES:
                with suppress(pymysql.err.Error):
                    rows = ask(client, statement.format(login=f"cs_{spec.grant_id}"))
                    if rows or not statement.startswith("SELECT"):
                        worked.append(statement)
        with suppress(Refused):
            self.connect(secret, tls=False).close()
            worked.append("without TLS")
        return worked

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        run(self.owner, f"DROP USER cs_{spec.grant_id}@'%'; DROP EVENT countersign.cs_{spec.grant_id}")

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        """An own login of the person, with what it needs, and to pass on: more than we ever give."""
        name = spec.principal
        run(self.owner, f"CREATE USER {name}@'%' IDENTIFIED BY \"{PASSWORD}\"")
        if spec.definition.get("grants"):
            run(self.owner, f"GRANT support_read TO {name}@'%' WITH ADMIN OPTION")
        else:
            run(self.owner, f"GRANT SELECT (id, name, email) ON shop.customers TO {name}@'%' WITH GRANT OPTION")
        role = "support_read" if spec.definition.get("grants") else None

        def stands() -> bool:
            with closing(PersonsSession(self.server.log_in(name, PASSWORD), role)) as session:
                return session.is_alive()

        try:
            yield stands
        finally:
            run(self.owner, f"DROP USER {name}@'%'")

    def tamper(self, spec: GrantSpec) -> None:
        run(self.owner, f"GRANT SELECT ON shop.orders TO cs_{spec.grant_id}@'%'")

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        bot, of_roles = "countersign@'%'", bool(spec.definition.get("grants"))
        changes = [(f"GRANT {one} TO {bot}", f"REVOKE {one} FROM {bot}") for one in (
            "SUPER ON *.*", "SELECT ON *.*", "SELECT ON mysql.*", "UPDATE ON mysql.global_priv", "SET USER ON *.*",
        )]  # fmt: skip
        changes.append((f"GRANT USAGE ON *.* TO {bot} WITH GRANT OPTION", f"REVOKE GRANT OPTION ON *.* FROM {bot}"))
        if of_roles:
            given = (
                "FILE ON *.*",
                "TRIGGER ON shop.*",
                "INSERT ON mysql.*",
                "EVENT ON countersign.*",
                "CREATE USER ON *.*",
                "CREATE VIEW ON other.*",
                "CREATE ROUTINE ON shop.*",
                "EVENT ON other.*",
            )
            changes += [(f"GRANT {one} TO support_read", f"REVOKE {one} FROM support_read") for one in given]
            changes += [
                ("GRANT SELECT ON shop.orders TO support_read WITH GRANT OPTION",
                 "REVOKE GRANT OPTION ON shop.orders FROM support_read; "
                 "REVOKE SELECT ON shop.orders FROM support_read"),
                ("GRANT nothing TO support_read WITH ADMIN OPTION", "REVOKE nothing FROM support_read"),
                ("GRANT CREATE ROUTINE ON other.* TO PUBLIC", "REVOKE CREATE ROUTINE ON other.* FROM PUBLIC"),
                # As the database `test` of a server that was set up without a thought: its row is for everyone.
                ("INSERT INTO mysql.db (Host, Db, User, Create_view_priv) VALUES ('%', 'other', '', 'Y'); "
                 "FLUSH PRIVILEGES", "DELETE FROM mysql.db WHERE User = ''; FLUSH PRIVILEGES"),
            ]  # fmt: skip
        return [self.changed(does, undoes) for does, undoes in changes]

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        bot = "countersign@'%'"
        back = f"ALTER USER {bot} IDENTIFIED BY '{BOT_PASSWORD}'"
        return [
            self.changed(f"ALTER USER {bot} IDENTIFIED BY 'another'", back),
            self.changed(f"ALTER USER {bot} ACCOUNT LOCK", f"ALTER USER {bot} ACCOUNT UNLOCK"),
        ]

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        bot, given = "countersign@'%'", list(spec.definition.get("grants", ()))
        taken = [(one, f"{one} ON *.*", "") for one in ("CREATE USER", "CONNECTION ADMIN", "PROCESS")]
        taken += [("EVENT", "EVENT ON countersign.*", "")]
        taken += [(role, role, " WITH ADMIN OPTION") for role in given]
        return [self._taken(word, what, bot, option) for word, what, option in taken]

    @contextmanager
    def _taken(self, word: str, what: str, bot: str, option: str) -> Iterator[str]:
        with self.changed(f"REVOKE {what} FROM {bot}", f"GRANT {what} TO {bot}{option}"):
            yield word

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        login, tried = f"cs_{spec.grant_id}", dict[str, bool]()
        run(self.owner, "CREATE USER mallory@'%' IDENTIFIED BY 'of mallory'")
        try:
            for statement in _OUTLASTING:  # each in a session of its own: what one changed counts in the next
                with closing(self.connect(secret)) as client:
                    if role := spec.definition.get("grants"):
                        ask(client, f"SET ROLE {role[0]}")
                    tried[statement] = _goes_through(client, statement.format(login=login))
            yield tried
        finally:
            run(self.owner, "DROP USER mallory@'%'; DELETE FROM mysql.proxies_priv WHERE User = 'mallory'")
            run(self.owner, "FLUSH PRIVILEGES")

    @contextmanager
    def changed(self, does: str, undoes: str) -> Iterator[str]:
        run(self.owner, does)
        try:
            yield does
        finally:
            for statement in undoes.split(";"):
                with suppress(pymysql.err.Error):
                    run(self.owner, statement)

    @contextmanager
    def flooded(self) -> Iterator[None]:
        """The usual port is full of connections that say nothing."""
        ((most,),) = ask(self.owner, "SELECT @@GLOBAL.max_connections")
        with ExitStack() as silent:
            for _ in range(int(most) + 1):
                silent.enter_context(socket.create_connection((self.server.host, self.server.port), timeout=20))
            wait_until(self._is_full, "the server to have too many connections")
            yield
        wait_until(lambda: not self._is_full(), "the connections to be over")

    def _is_full(self) -> bool:
        try:
            self.server.log_in("nobody", "").close()
        except pymysql.err.OperationalError as error:
            return error.args[0] == 1040
        return False

    def widened(self, spec: GrantSpec) -> AbstractContextManager[None]:
        return self._widened()

    @contextmanager
    def _widened(self) -> Iterator[None]:
        with self.changed(
            "GRANT DELETE ON shop.orders TO support_read", "REVOKE DELETE ON shop.orders FROM support_read"
        ):
            yield

    @contextmanager
    def look_alike(self, spec: GrantSpec) -> Iterator[str]:
        name = f"cs_{spec.grant_id}"
        run(self.owner, f"CREATE USER {name}@'%'")
        try:
            yield name
        finally:
            run(self.owner, f"DROP USER {name}@'%'")

    def own_end(self, spec: GrantSpec) -> datetime | None:
        query = f"SELECT execute_at FROM mysql.event WHERE db = 'countersign' AND name = 'cs_{spec.grant_id}'"
        found = ask(self.owner, query)
        return found[0][0].replace(tzinfo=UTC) if found else None

    def snapshot(self) -> object:
        return [ask(self.owner, query) for query in _SNAPSHOT]

    def obstacles(self) -> Sequence[Obstacle]:
        return Obstacles(self).all()

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        return imposters(self.password)

    def type_by_hand(self, statements: Sequence[str]) -> None:
        with closing(self.server.owner()) as typed:
            refused = [statement for statement in statements if not _goes_through(typed, statement)]
            for statement in refused:
                _goes_through(typed, statement)

    @contextmanager
    def fault(self, kind: FaultKind, at: int) -> Iterator[Fault]:
        with self.wire.ordered(kind, at) as order:
            yield order

    @contextmanager
    def answer(self, code: str) -> Iterator[None]:
        with self.wire.ordered(None, 1, lambda _call: error_packet(int(code))):
            yield

    def written(self) -> str:
        return self.server.written()

    def credentials(self) -> list[str]:
        return [BOT_PASSWORD]


def _goes_through(client: Client, statement: str) -> bool:
    try:
        ask(client, statement)
    except pymysql.err.Error:
        return False
    return True


@contextmanager
def made_of(kind: type[Mysql], world: MysqlWorld) -> Iterator[Callable[[], Mysql]]:
    """Makes instances whose way leads over the wire; closes them all at the end."""
    with ExitStack() as made:
        yield lambda: made.enter_context(closing(kind(world.settings())))
