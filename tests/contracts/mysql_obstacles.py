"""What an adversary inside a MariaDB can do against the end of an access, for the contract's promises C31 to C36."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pymysql

from access.ports import GrantSpec, Secret
from countersign.testing import Left, Obstacle, Refused
from tests.contracts.mysql_server import Client, ask, run
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.contracts.mysql_world import MysqlWorld

Played = Generator[Left]
_VIEWS = 100
_ROWS = 20_000
_PAIRS = 220_000
"""Some seconds of work; it grows with the square."""


class Obstacles:
    """One world's; each method plays one obstacle. What a holder needs for it beyond the role, the owner has given."""

    def __init__(self, world: "MysqlWorld") -> None:
        self._world = world

    def all(self) -> Sequence[Obstacle]:
        return (
            Obstacle("C31", "the holder's open transaction and named lock", self._open_transaction),
            Obstacle("C31", "the holder's lock on tables", self._table_lock),
            Obstacle("C31", "the holder's lock on the whole server", self._global_lock),
            Obstacle("C31", "the holder's prepared transaction", self._prepared),
            Obstacle("C31", "the holder's long query", self._long_query),
            Obstacle("C31", "a session of the holder that may end those of others", self._may_kill),
            Obstacle("C35", "a statement that was prepared in a role taken before", self._prepared_statement),
            Obstacle("C31", "the holder's query that no KILL interrupts", self._stubborn_query, by_hand=False),
            Obstacle("C32", "an administrator's lock on the granted table", self._lock_of_an_administrator),
            Obstacle("C32", "an administrator who reads the grant tables", self._grant_tables_being_read),
            Obstacle("C33", "code of the holder that runs as its maker", self._definers),
            Obstacle("C33", "an event of the holder", self._event),
            Obstacle("C34", "planted names, and a server that quotes otherwise", self._planted_names),
            Obstacle("C35", "a session that is half-way in", self._half_way),
            Obstacle("C36", f"{_VIEWS} views of the holder, and much to undo", self._much),
        )

    @contextmanager
    def _open_transaction(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._holder(spec, secret, "UPDATE ON shop.orders") as session:
            ask(session, "SELECT GET_LOCK('countersign', 0), GET_LOCK(USER(), 0)")
            ask(session, "START TRANSACTION")
            ask(session, "UPDATE shop.orders SET status = 'held'")
            yield lambda: self._still_there(session)

    @contextmanager
    def _table_lock(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._holder(spec, secret, "SELECT, LOCK TABLES ON shop.*") as session:
            ask(session, "LOCK TABLES shop.customers WRITE, shop.orders WRITE")
            yield lambda: self._still_there(session)

    @contextmanager
    def _global_lock(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """No role with RELOAD is granted; here another gave it to the login."""
        with self._holder(spec, secret, "RELOAD ON *.*") as session:
            ask(session, "FLUSH TABLES WITH READ LOCK")
            yield lambda: self._still_there(session)

    @contextmanager
    def _prepared(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._holder(spec, secret, "UPDATE ON shop.orders") as session:
            for statement in (
                "XA START 'held'",
                "UPDATE shop.orders SET status = 'prepared'",
                "XA END 'held'",
                "XA PREPARE 'held'",
            ):
                ask(session, statement)
            session.close()
        try:
            yield lambda: []
        finally:
            run(self._world.owner, "XA ROLLBACK 'held'")

    @contextmanager
    def _may_kill(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """No role with CONNECTION ADMIN is granted; here another gave it to the login."""
        with self._holder(spec, secret, "CONNECTION ADMIN ON *.*") as session:
            ask(session, "SELECT 1")
            yield lambda: self._still_there(session)

    @contextmanager
    def _prepared_statement(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._holder(spec, secret) as session:
            if role := spec.definition.get("grants"):
                ask(session, f"SET ROLE {role[0]}")
            ask(session, "PREPARE held FROM 'SELECT MAX(email) FROM shop.customers'")
            ask(session, "EXECUTE held")
            yield lambda: ["the prepared statement still serves"] if _serves(session, "EXECUTE held") else []

    @contextmanager
    def _long_query(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._holder(spec, secret, "SELECT ON shop.*") as session:
            query = "SELECT BENCHMARK(2000000000, SHA2('x', 512)) FROM shop.orders"
            thread = threading.Thread(target=_in_vain, args=(lambda: ask(session, query),))
            thread.start()
            try:
                self._wait_for(spec, "COMMAND = 'Query'")
                yield lambda: ["the query runs on"] if self._sessions(spec, "COMMAND = 'Query'") else []
            finally:
                with suppress(pymysql.err.Error):
                    ask(self._world.owner, f"KILL HARD USER 'cs_{spec.grant_id}'")
                thread.join(20)

    @contextmanager
    def _stubborn_query(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """The server looks for a KILL only when it has the answer."""
        query = f"SELECT LENGTH(REPLACE(REPEAT('ab', {_PAIRS}), 'ba', 'c')), (SELECT MAX(email) FROM shop.customers)"
        answers = list[object]()
        session = self._world.connect(secret)
        if role := spec.definition.get("grants"):
            ask(session, f"SET ROLE {role[0]}")
        thread = threading.Thread(target=_in_vain, args=(lambda: answers.append(ask(session, query)),))
        thread.start()
        try:
            self._wait_for(spec, "COMMAND = 'Query'")
            yield lambda: ["the query gave an answer"] if answers else []
        finally:
            thread.join(30)
            wait_until(lambda: not self._sessions(spec, "TRUE"), "the query to end", within=60)

    @contextmanager
    def _lock_of_an_administrator(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with closing(self._world.server.owner()) as administrator:
            ask(administrator, "LOCK TABLES shop.customers WRITE")
            # Whoever reads it waits for the administrator, we wait for neither.
            ask(administrator, "UNLOCK TABLES")
            ask(administrator, "START TRANSACTION")
            ask(administrator, "SELECT * FROM shop.customers FOR UPDATE")
            yield lambda: []
            administrator.rollback()

    @contextmanager
    def _grant_tables_being_read(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with closing(self._world.server.owner()) as administrator:
            ask(administrator, "START TRANSACTION")
            for table in ("global_priv", "db", "tables_priv", "columns_priv", "roles_mapping", "event"):
                ask(administrator, f"SELECT COUNT(*) FROM mysql.{table}")
            yield lambda: []
            administrator.rollback()

    @contextmanager
    def _definers(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """A colleague calls them after the end: they must not give what the holder had."""
        owner = self._world.owner
        with self._holder(spec, secret, "SELECT, CREATE VIEW, CREATE ROUTINE, EXECUTE, SHOW VIEW ON shop.*") as session:
            ask(session, "CREATE SQL SECURITY DEFINER VIEW shop.left_view AS SELECT email FROM shop.customers")
            ask(session, "CREATE PROCEDURE shop.left_code() SQL SECURITY DEFINER SELECT email FROM shop.customers")
            session.close()
            with self._colleague("SELECT ON shop.left_view", "EXECUTE ON PROCEDURE shop.left_code") as colleague:
                try:
                    yield lambda: [
                        f"{call} still serves" for call in ("SELECT * FROM shop.left_view", "CALL shop.left_code()")
                        if _serves(colleague, call)
                    ]  # fmt: skip
                finally:
                    run(owner, "DROP VIEW IF EXISTS shop.left_view; DROP PROCEDURE IF EXISTS shop.left_code")

    @contextmanager
    def _event(self, spec: GrantSpec, secret: Secret | None) -> Played:
        owner = self._world.owner
        run(owner, "CREATE TABLE shop.ticks (at TIMESTAMP(6) DEFAULT NOW(6), by_whom VARCHAR(100))")
        with self._holder(spec, secret, "INSERT, EVENT ON shop.*") as session:
            every = "ON SCHEDULE EVERY 1 SECOND STARTS NOW() - INTERVAL 1 DAY"
            ask(
                session,
                f"CREATE EVENT shop.left_event {every} DO INSERT INTO shop.ticks (by_whom) VALUES (CURRENT_USER())",
            )
            wait_until(lambda: ask(owner, "SELECT 1 FROM shop.ticks"), "the event to run")
            session.close()

            def runs_on() -> list[str]:
                run(owner, "DELETE FROM shop.ticks")
                run(owner, "DO SLEEP(1.2)")
                return ["the event runs on"] if ask(owner, "SELECT 1 FROM shop.ticks") else []

            try:
                yield runs_on
            finally:
                run(owner, "DROP EVENT IF EXISTS shop.left_event; DROP TABLE shop.ticks")

    @contextmanager
    def _planted_names(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """By one who may create in a database, and by settings that read quotes and backslashes otherwise."""
        owner = self._world.owner
        ((before,),) = ask(owner, "SELECT @@GLOBAL.sql_mode")
        run(owner, "CREATE DATABASE planted; CREATE TABLE planted.sprung (who VARCHAR(200))")
        for name in ("current_user_", "connection_id_", "json_value_"):
            ask(owner, f"CREATE FUNCTION planted.{name}() RETURNS INT RETURN 0")
        ask(owner, "CREATE VIEW planted.processlist AS SELECT 0 AS ID")
        ask(owner, "SET GLOBAL init_connect = 'INSERT INTO planted.sprung VALUES (CURRENT_USER())'")
        ask(owner, "GRANT INSERT ON planted.sprung TO PUBLIC")
        ask(owner, "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,ORACLE'")
        try:
            yield lambda: [
                str(who) for (who,) in ask(owner, "SELECT who FROM planted.sprung WHERE who LIKE 'countersign@%'")
            ]
        finally:
            ask(owner, f"SET GLOBAL sql_mode = '{before}', GLOBAL init_connect = ''")
            ask(owner, "REVOKE INSERT ON planted.sprung FROM PUBLIC")
            run(owner, "DROP DATABASE planted")

    @contextmanager
    def _half_way(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """Says who it is, and proves it only after the end."""
        go_on, waits = threading.Event(), threading.Event()
        came = list[Client]()

        driver: Any = pymysql.connections.Connection

        class Slow(driver):
            def _get_server_information(self) -> None:
                super()._get_server_information()
                self._auth_plugin_name = "of_another_kind"  # so that the server asks once more

            def _process_auth(self, plugin_name: bytes, auth_packet: Any, *more: Any, **said: Any) -> Any:
                waits.set()
                assert go_on.wait(20), "the end never came"
                return super()._process_auth(plugin_name, auth_packet, *more, **said)

        def come_in() -> None:
            told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
            server = self._world.server
            with suppress(pymysql.err.Error):
                came.append(Slow(host=server.host, port=server.port, user=told["Login"], password=told["Password"],
                                 ssl={"ca": str(server.authority.certificate)}, autocommit=True))  # fmt: skip

        def read() -> list[str]:
            go_on.set()
            thread.join(20)
            role = spec.definition.get("grants")
            for session in came:
                with suppress(pymysql.err.Error):
                    if role:
                        ask(session, f"SET ROLE {role[0]}")
                    ask(session, "SELECT email FROM shop.customers")
                    return ["the session that was half-way in reads"]
            return []

        thread = threading.Thread(target=come_in)
        thread.start()
        try:
            assert waits.wait(20), "the server asked for no other proof"
            yield read
        finally:
            go_on.set()
            thread.join(20)
            for session in came:
                with suppress(pymysql.err.Error):
                    session.close()

    @contextmanager
    def _much(self, spec: GrantSpec, secret: Secret | None) -> Played:
        owner = self._world.owner
        run(owner, "CREATE DATABASE much; CREATE TABLE much.rows_ (i INT) ENGINE = InnoDB")
        with self._holder(spec, secret, "ALL ON much.*") as session:
            for number in range(_VIEWS):
                ask(session, f"CREATE VIEW much.left_{number} AS SELECT {number} AS one")
            ask(session, "START TRANSACTION")
            ask(session, f"INSERT INTO much.rows_ SELECT seq FROM much.seq_1_to_{_ROWS}")
            try:
                yield lambda: []
            finally:
                with suppress(pymysql.err.Error):
                    session.close()  # else what it has open would be waited for
                run(owner, "DROP DATABASE much")

    # What they are made of

    @contextmanager
    def _holder(self, spec: GrantSpec, secret: Secret | None, *more: str) -> Generator[Client]:
        """A session of the holder, who was given more."""
        for one in more:
            run(self._world.owner, f"GRANT {one} TO cs_{spec.grant_id}@'%'")
        session = self._world.connect(secret)
        try:
            yield session
        finally:
            with suppress(pymysql.err.Error):
                session.close()

    @contextmanager
    def _colleague(self, *given: str) -> Generator[Client]:
        owner = self._world.owner
        run(owner, "CREATE USER mallory@'%' IDENTIFIED BY 'of mallory'")
        for one in given:
            run(owner, f"GRANT {one} TO mallory@'%'")
        try:
            with closing(self._world.log_in("mallory", "of mallory")) as session:
                yield session
        finally:
            run(owner, "DROP USER mallory@'%'")

    def _still_there(self, session: Client) -> list[str]:
        with suppress(pymysql.err.Error):
            ask(session, "SELECT 1")
            return ["the session that held it lives on"]
        return []

    def _sessions(self, spec: GrantSpec, condition: str) -> Sequence[tuple[Any, ...]]:
        of = f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'cs_{spec.grant_id}'"
        return ask(self._world.owner, f"{of} AND {condition}")

    def _wait_for(self, spec: GrantSpec, condition: str) -> None:
        wait_until(lambda: self._sessions(spec, condition), f"a session of the holder with {condition}")


def _serves(session: Client, call: str) -> bool:
    with suppress(pymysql.err.Error):
        return bool(ask(session, call))
    return False


def _in_vain(call: Callable[[], object]) -> None:
    with suppress(pymysql.err.Error, OSError):
        call()


__all__ = ["Obstacles", "Refused"]
