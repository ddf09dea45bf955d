"""The truth about the demo's shop: logs in as the person straight at the server, and looks at it as a superuser."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import ClassVar, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from access.ports import GrantSpec, Secret
from countersign.demo.target import DATABASE, Target
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing import Fault, FaultKind, Imposter, Obstacle, Refused
from tests.contracts.imposters import imposters
from tests.contracts.obstacles import Obstacles
from tests.contracts.wire import error_message, wire

PASSWORD = "a person's own"
_GRANTED = {"support_read": "SELECT count(email) FROM customers", "orders_fix": "SELECT count(status) FROM orders"}

_SNAPSHOT = """
SELECT 'role', rolname, concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
    rolconnlimit, rolvaliduntil, shobj_description(r.oid, 'pg_authid')) FROM pg_roles r
UNION ALL SELECT 'member', g.rolname, concat_ws(' ', m.rolname, by.rolname,
        to_jsonb(a) ->> 'inherit_option', to_jsonb(a) ->> 'set_option', admin_option)
    FROM pg_auth_members a JOIN pg_roles g ON g.oid = roleid JOIN pg_roles m ON m.oid = member
    JOIN pg_roles by ON by.oid = grantor
UNION ALL SELECT 'relation', relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'column', attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL
UNION ALL SELECT 'database', datname, datacl::text FROM pg_database
UNION ALL SELECT 'large object', oid::text, lomowner::regrole::text FROM pg_largeobject_metadata
ORDER BY 1, 2, 3
"""

_TRESPASSES = (
    "SELECT card FROM customers",
    "SELECT * FROM customers",
    "UPDATE customers SET name = 'x'",
    "UPDATE orders SET status = 'paid'",
    "DELETE FROM orders",
    "CREATE TABLE public.mine (i integer)",
    "CREATE TEMPORARY TABLE mine (i integer)",
    "SET ROLE support_read",
    "SET ROLE orders_fix",
    "SET ROLE countersign",
    "GRANT support_read TO postgres",
    # In vain it only warns, so the second half fails where the first had no effect.
    "GRANT SELECT (email) ON customers TO PUBLIC; "
    "SELECT 1 / has_column_privilege('public', 'customers', 'email', 'SELECT')::int",
    "CREATE ROLE mine",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT rolpassword FROM pg_authid",
)

_OUTLASTING = (
    "GRANT {role} TO mallory",
    "GRANT {role} TO mallory WITH ADMIN OPTION",
    "GRANT {role} TO {login} WITH ADMIN OPTION",
    "ALTER ROLE {login} VALID UNTIL 'infinity'",
    "ALTER ROLE {login} CONNECTION LIMIT -1",
    "ALTER ROLE {login} RENAME TO innocent",
    "COMMENT ON ROLE {login} IS 'not of Countersign'",
    "CREATE ROLE another LOGIN",
    "CREATE USER MAPPING FOR mallory SERVER nothing",
    "CREATE FUNCTION public.again() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM customers'",
    "CREATE VIEW public.again AS SELECT email FROM customers",
    "CREATE EVENT TRIGGER again ON ddl_command_start EXECUTE FUNCTION pg_event_trigger_ddl_commands()",
    "CREATE PUBLICATION again FOR TABLE customers",
    "SELECT pg_create_logical_replication_slot('again', 'test_decoding')",
    "SET SESSION AUTHORIZATION mallory",
    "SET session_replication_role = replica",
    "GRANT SELECT (email) ON customers TO mallory; "
    "SELECT 1 / has_column_privilege('mallory', 'customers', 'email', 'SELECT')::int",
)


def _goes_through(session: psycopg.Connection, statement: str) -> bool:
    try:
        session.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


class PersonsSession:
    """One connection of the person."""

    def __init__(self, connection: psycopg.Connection, query: str) -> None:
        self._connection = connection
        self._query = query

    def is_alive(self) -> bool:
        try:
            return self._connection.execute(self._query.encode()).fetchone() is not None
        except psycopg.Error:
            return False

    def close(self) -> None:
        self._connection.close()


class PostgresWorld:
    """A `World` of the shop; the provider's way to it leads over `wire`."""

    mode: ClassVar[str] = "login"

    def __init__(self, server: EmbeddedPostgres, target: Target) -> None:
        self._server = server
        self._target = target
        self._owner = psycopg.connect(target.superuser_dsn, autocommit=True)
        self.wire = wire(server.port)

    @property
    def bot_dsn(self) -> str:
        """The bot's way, over the wire."""
        return make_conninfo(self._target.bot_dsn, port=self.wire.port)

    @property
    def owner_dsn(self) -> str:
        """A superuser's."""
        return self._target.superuser_dsn

    @property
    def owner(self) -> psycopg.Connection:
        """A superuser in the shop."""
        return self._owner

    def close(self) -> None:
        self._owner.close()
        self.wire.close()

    def connect(self, secret: Secret | None, *, database: str = DATABASE, **changed: str) -> psycopg.Connection:
        """As the person. Raises Refused."""
        told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
        login, password = told.get("Login", "nobody"), changed.get("password", told.get("Password", ""))
        return self.log_in(login, password, database=database, options=changed.get("options", ""))

    def log_in(
        self, login: str, password: str = PASSWORD, *, database: str = DATABASE, options: str = ""
    ) -> psycopg.Connection:
        """With a login and a password. Raises Refused."""
        dsn = self._server.dsn(user=login, password=password, database=database)
        try:
            return psycopg.connect(dsn, autocommit=True, connect_timeout=5, options=options)
        except psycopg.OperationalError as error:
            raise Refused(str(error)) from None

    def set_password(self, login: str) -> None:
        """Back to the one that a person has."""
        back = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(PASSWORD))
        self._owner.execute(back)

    def obstacles(self) -> Sequence[Obstacle]:
        return Obstacles(self, own_login=False).all()

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        return imposters(self._target.bot_dsn, self.mode)

    def type_by_hand(self, statements: Sequence[str]) -> None:
        with psycopg.connect(self.owner_dsn, autocommit=True) as typed:
            typed.execute("SET statement_timeout = '5s'")
            refused = [statement for statement in statements if not _goes_through(typed, statement)]
            for statement in refused:
                _goes_through(typed, statement)

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> PersonsSession:
        connection = self.connect(secret)
        granted: list[str] = spec.definition["grants"]
        session = PersonsSession(connection, _GRANTED.get(granted[0], "SELECT 1"))
        if not session.is_alive():
            connection.close()
            raise Refused("logged in, but does not reach what was granted")
        return session

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        worked: list[str] = []
        with self.connect(secret) as connection:
            for statement in _TRESPASSES:
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(statement.encode())
                except psycopg.Error:
                    continue
                worked.append(statement)
        for database in ("postgres", "template1"):
            try:
                self.connect(secret, database=database).close()
            except Refused:
                continue
            worked.append(f"the database {database}")
        return worked

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        self._owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(f"cs_{spec.grant_id}")))

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        """An own login of the person, with what it needs."""
        with self.own_login(spec.principal), self.given_by_hand(spec):
            yield lambda: self._stands(spec)

    def tamper(self, spec: GrantSpec) -> None:
        self._owner.execute(sql.SQL("GRANT orders_fix TO {}").format(sql.Identifier(f"cs_{spec.grant_id}")))

    @contextmanager
    def own_login(self, name: str) -> Iterator[None]:
        login = sql.Identifier(name)
        make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}; GRANT CONNECT ON DATABASE {} TO {}")
        self._owner.execute(make.format(login, sql.Literal(PASSWORD), sql.Identifier(DATABASE), login))
        try:
            yield
        finally:
            self._owner.execute(sql.SQL("DROP OWNED BY {r} CASCADE; DROP ROLE {r}").format(r=login))

    @contextmanager
    def given_by_hand(self, spec: GrantSpec) -> Iterator[None]:
        """With ADMIN: more than we ever give."""
        names = [sql.Identifier(spec.definition["grants"][0]), sql.Identifier(spec.principal)]
        self._owner.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(*names))
        try:
            yield
        finally:
            self._owner.execute(sql.SQL("REVOKE {} FROM {} CASCADE").format(*names))

    def _stands(self, spec: GrantSpec) -> bool:
        session = self.own_session(spec)
        try:
            return session.is_alive()
        finally:
            session.close()

    def own_session(self, spec: GrantSpec) -> PersonsSession:
        """The person logs in with the own login. Raises Refused."""
        dsn = self._server.dsn(user=spec.principal, password=PASSWORD, database=DATABASE)
        try:
            connection = psycopg.connect(dsn, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise Refused(str(error)) from None
        return PersonsSession(connection, _GRANTED.get(spec.definition["grants"][0], "SELECT 1"))

    def too_much(self, spec: GrantSpec) -> list[AbstractContextManager[str]]:
        role = sql.Identifier(spec.definition["grants"][0])
        bot = sql.Identifier(str(conninfo_to_dict(self._target.bot_dsn)["user"]))
        changes: list[tuple[LiteralString, LiteralString]] = [
            ("ALTER ROLE {bot} SUPERUSER", "ALTER ROLE {bot} NOSUPERUSER"),
            ("GRANT TRIGGER ON orders TO {role}", "REVOKE TRIGGER ON orders FROM {role}"),
            (
                "GRANT UPDATE ON orders TO {role} WITH GRANT OPTION",
                "REVOKE UPDATE ON orders FROM {role}",
            ),
            ("CREATE TABLE owned (i integer); ALTER TABLE owned OWNER TO {role}", "DROP TABLE owned"),
        ]
        return [
            self._changed(sql.SQL(does).format(role=role, bot=bot), sql.SQL(undoes).format(role=role, bot=bot))
            for does, undoes in changes
        ]

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        told = conninfo_to_dict(self._target.bot_dsn)
        bot, password = sql.Identifier(str(told["user"])), sql.Literal(str(told["password"]))
        changes: list[tuple[LiteralString, LiteralString]] = [
            ("ALTER ROLE {bot} PASSWORD 'another'", "ALTER ROLE {bot} PASSWORD {password}"),
            ("ALTER ROLE {bot} NOLOGIN", "ALTER ROLE {bot} LOGIN"),
        ]
        return [
            self._changed(sql.SQL(does).format(bot=bot), sql.SQL(undoes).format(bot=bot, password=password))
            for does, undoes in changes
        ]

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        role = sql.Identifier(spec.definition["grants"][0])
        given = sql.SQL("WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" if self.knows_options else "WITH ADMIN OPTION")
        admin = self._taken(
            spec.definition["grants"][0],
            sql.SQL("REVOKE {} FROM countersign CASCADE").format(role),
            sql.SQL("GRANT {} TO countersign {}").format(role, given),
        )  # fmt: skip
        signals = self._taken(
            "pg_signal_backend",
            sql.SQL("REVOKE pg_signal_backend FROM countersign"), sql.SQL("GRANT pg_signal_backend TO countersign"),
        )  # fmt: skip
        makes = self._taken(
            "CREATEROLE",
            sql.SQL("ALTER ROLE countersign NOCREATEROLE"), sql.SQL("ALTER ROLE countersign CREATEROLE"),
        )  # fmt: skip
        return [admin, signals, *([makes] if self.mode == "login" else [])]

    @property
    def knows_options(self) -> bool:
        """Whether a membership has INHERIT and SET."""
        return self._owner.info.server_version >= 160000

    @contextmanager
    def _taken(self, word: str, does: sql.Composable, undoes: sql.Composable) -> Iterator[str]:
        self._owner.execute(sql.SQL("{}").format(does))
        try:
            yield word
        finally:
            self._owner.execute(sql.SQL("{}").format(undoes))

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        login = self.login_of(spec)
        with self.own_login("mallory"), self.connect(secret) as connection:
            tried = dict[str, bool]()
            for statement in _OUTLASTING:
                words = statement.format(login=login, role=spec.definition["grants"][0])
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(words.encode())
                    tried[statement] = True
                except psycopg.Error:
                    tried[statement] = False
            yield tried

    def login_of(self, spec: GrantSpec) -> str:
        """By which the person comes."""
        return f"cs_{spec.grant_id}"

    @contextmanager
    def widened(self, spec: GrantSpec) -> Iterator[None]:
        role = sql.Identifier(spec.definition["grants"][0])
        with self._changed(
            sql.SQL("GRANT DELETE ON orders TO {}").format(role),
            sql.SQL("REVOKE DELETE ON orders FROM {}").format(role),
        ):
            yield

    @contextmanager
    def _changed(self, does: sql.Composed, undoes: sql.Composed) -> Iterator[str]:
        self._owner.execute(does)
        try:
            yield does.as_string()
        finally:
            self._owner.execute(undoes)

    @contextmanager
    def look_alike(self, spec: GrantSpec) -> Iterator[str]:
        name = f"cs_{spec.grant_id}"
        self.owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            self.owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def own_end(self, spec: GrantSpec) -> datetime | None:
        query = "SELECT rolvaliduntil FROM pg_roles WHERE rolname = %s AND isfinite(rolvaliduntil)"
        found = self._owner.execute(query, [f"cs_{spec.grant_id}"]).fetchone()
        return found[0] if found else None

    def snapshot(self) -> object:
        return self._owner.execute(_SNAPSHOT).fetchall()

    @contextmanager
    def fault(self, kind: FaultKind, at: int) -> Iterator[Fault]:
        with self.wire.ordered(kind, at) as order:
            yield order

    @contextmanager
    def answer(self, code: str) -> Iterator[None]:
        with self.wire.ordered(None, 1, lambda _: error_message(code)):
            yield

    def written(self) -> str:
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    def credentials(self) -> list[str]:
        return [str(conninfo_to_dict(self._target.bot_dsn)["password"])]
