"""What an adversary inside a PostgreSQL can do against the end of an access, for the contract's promises C31 to C36.

The whole house against very many of them: `tests/adversary`.
"""

import re
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from access.ports import GrantSpec, Secret
from countersign.demo.target import BOT
from countersign.testing import Left, Obstacle, Refused
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.contracts.postgres_world import PostgresWorld

Played = Generator[Left]
_LOCK_OWN_ROW = b"ALTER ROLE CURRENT_USER PASSWORD 'of my own'"
_SPRUNG = re.compile(r"sprung in a session of (\S+) as (\S+)")
_TABLES = 2000
"""Too many for one transaction on the tests' server."""
_BATCH = 200


class Obstacles:
    """One world's; each method plays one obstacle."""

    def __init__(self, world: "PostgresWorld", *, own_login: bool) -> None:
        self._world = world
        self._own_login = own_login

    def all(self) -> Sequence[Obstacle]:
        return (
            Obstacle("C31", "the holder's open lock on the own account", self._own_lock),
            Obstacle("C31", "the holder's prepared lock on the own account", self._own_prepared_lock),
            Obstacle("C32", "an administrator's open change of the login", self._lock_of_an_administrator),
            Obstacle("C32", "a colleague who reads what the holder made", self._table_being_read),
            Obstacle("C33", "a function of the holder that runs as its owner", self._definer_function),
            Obstacle("C34", "planted names", self._planted_names),
            Obstacle("C35", "a session that shows no role yet", self._hidden_session),
            Obstacle("C36", f"{_TABLES} tables of the holder", self._many_tables),
        )

    @contextmanager
    def _own_lock(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._world.connect(secret) as session:
            session.execute("BEGIN")
            session.execute(_LOCK_OWN_ROW)
            yield lambda: self._after_commit(spec, lambda: session.execute("COMMIT"))
        self._restore_password(spec)

    @contextmanager
    def _own_prepared_lock(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._world.connect(secret) as session:
            session.execute("BEGIN")
            session.execute(_LOCK_OWN_ROW)
            session.execute("PREPARE TRANSACTION 'held'")
        try:
            yield lambda: []
        finally:
            with suppress(psycopg.errors.UndefinedObject):
                self._world.owner.execute("ROLLBACK PREPARED 'held'")

    @contextmanager
    def _lock_of_an_administrator(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with psycopg.connect(self._world.owner_dsn) as administrator:
            set_one = sql.SQL("ALTER ROLE {} SET work_mem = '8MB'").format(sql.Identifier(self._login(spec)))
            administrator.execute(set_one)
            yield lambda: []
            administrator.rollback()

    @contextmanager
    def _table_being_read(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """Who wants to read it too must not wait because we do."""
        waited = list[str]()
        over = threading.Event()
        with self._may_create(), self._world.connect(secret) as session:
            session.execute("CREATE TABLE public.left_here AS SELECT 1 AS one; GRANT SELECT ON left_here TO PUBLIC")
            with psycopg.connect(self._world.owner_dsn) as reader:
                reader.execute("SELECT * FROM public.left_here")
                bystander = threading.Thread(target=self._keep_reading, args=(over, waited))
                bystander.start()
                try:
                    yield lambda: waited
                finally:
                    over.set()
                    bystander.join()
                    reader.rollback()
                    session.close()
                    self._world.owner.execute("DROP TABLE public.left_here")

    def _keep_reading(self, over: threading.Event, waited: list[str]) -> None:
        with psycopg.connect(self._world.owner_dsn, autocommit=True) as bystander:
            # The server says it, not our clock: two seconds are ten times what we may wait ourselves.
            bystander.execute("SET lock_timeout = '2s'")
            while not over.is_set():
                try:
                    bystander.execute("SELECT * FROM public.left_here")
                except psycopg.errors.LockNotAvailable:
                    waited.append("another had to queue for the table")
                over.wait(0.02)

    @contextmanager
    def _definer_function(self, spec: GrantSpec, secret: Secret | None) -> Played:
        before = self._log_size()
        with self._may_create(), self._world.connect(secret) as session:
            session.execute(_trap("public.left_here()", "integer", "RETURN 1;", "SECURITY DEFINER"))
            try:
                yield lambda: [*self._run_by_another(), *self._sprung(before)]
            finally:
                session.close()
                self._world.owner.execute("DROP FUNCTION public.left_here()")

    def _run_by_another(self) -> list[str]:
        with self._world.own_login("mallory"), self._world.log_in("mallory") as mallory:
            mallory.execute("SELECT public.left_here()")
        return []

    @contextmanager
    def _planted_names(self, spec: GrantSpec, secret: Secret | None) -> Played:
        """By one who may create in a schema that is searched, before the server's own."""
        before = self._log_size()
        planted = (
            ("shobj_description(oid, name)", "text", "RETURN NULL;"),
            ("shobj_description(oid, text)", "text", "RETURN NULL;"),
            ("pg_terminate_backend(integer, integer)", "boolean", "RETURN true;"),
            ("oid_is(oid, integer)", "boolean", "RETURN false;"),
        )
        owner = self._world.owner
        with self._world.own_login("mallory"):
            owner.execute("GRANT CREATE, USAGE ON SCHEMA public TO mallory")
            with self._world.log_in("mallory") as mallory:
                for name, returns, body in planted:
                    mallory.execute(_trap(f"public.{name}", returns, body))
                mallory.execute(
                    "CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = public.oid_is)"
                )
            owner.execute("ALTER DATABASE shop SET search_path = public, pg_catalog")
            owner.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{BOT}'".encode())
            try:
                yield lambda: self._sprung(before)
            finally:
                owner.execute("ALTER DATABASE shop RESET search_path")

    @contextmanager
    def _hidden_session(self, spec: GrantSpec, secret: Secret | None) -> Played:
        came, back = list[psycopg.Connection](), threading.Event()

        def come_in() -> None:
            with suppress(Refused):
                came.append(self._world.connect(secret, options="-c post_auth_delay=2"))
            back.set()

        def read() -> list[str]:
            assert back.wait(20), "the hidden session never came back"
            with suppress(psycopg.Error):
                # A login that is gone has no session at all; a person's own only lacks the rights.
                wakes = _READ if self._own_login else b"SELECT 1"
                return ["the hidden session lives on"] if came and came[0].execute(wakes).fetchone() else []
            return []

        thread = threading.Thread(target=come_in)
        thread.start()
        query = "SELECT 1 FROM pg_stat_activity WHERE usesysid IS NULL AND backend_type = 'client backend'"
        try:
            # Before version 16 it shows nowhere, not even as a session without a role: there it has come in by then.
            wait_until(lambda: back.is_set() or self._world.owner.execute(query).fetchone(), "the session to hide")
            yield read
        finally:
            thread.join()
            for session in came:
                session.close()

    @contextmanager
    def _many_tables(self, spec: GrantSpec, secret: Secret | None) -> Played:
        with self._may_create(), self._world.connect(secret) as session:
            _for_each_table(session, "CREATE TABLE public.left_{} (i int);")
            try:
                yield lambda: []
            finally:
                session.close()
                _for_each_table(self._world.owner, "DROP TABLE IF EXISTS public.left_{};")

    @contextmanager
    def _may_create(self) -> Generator[None]:
        """As in a database that has seen a version before 15: everybody may create in `public`."""
        self._world.owner.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        try:
            yield
        finally:
            self._world.owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    def _after_commit(self, spec: GrantSpec, commit: Callable[[], object]) -> list[str]:
        """The holder lets go of the lock, and the new password is true if the change of it is."""
        with suppress(psycopg.Error):
            commit()
        if self._own_login:
            return []
        with suppress(Refused, psycopg.Error):
            self._world.log_in(self._login(spec), "of my own").close()
            return ["the holder's new password lets in"]
        return []

    def _restore_password(self, spec: GrantSpec) -> None:
        if self._own_login:
            self._world.set_password(spec.principal)

    def _login(self, spec: GrantSpec) -> str:
        return spec.principal if self._own_login else f"cs_{spec.grant_id}"

    def _log_size(self) -> int:
        return len(self._world.written())

    def _sprung(self, since: int) -> list[str]:
        """What ran in our session, or with our rights; what was undone leaves its line in the server's log too."""
        found = set(_SPRUNG.findall(self._world.written()[since:]))
        return [f"it ran in a session of {session} as {current}" for session, current in sorted(found)
                if {session, current} & {BOT, "postgres"}]  # fmt: skip


_READ = b"SELECT count(email) FROM customers"


def _for_each_table(session: psycopg.Connection, statement: str) -> None:
    for first in range(0, _TABLES, _BATCH):
        session.execute("".join(statement.format(number) for number in range(first, first + _BATCH)).encode())


def _trap(name: str, returns: str, body: str, options: str = "") -> bytes:
    """Says in the server's log who runs it; the words are put together, so that the statement itself does not."""
    return (
        f"CREATE FUNCTION {name} RETURNS {returns} LANGUAGE plpgsql {options} AS $$ BEGIN "
        f"RAISE LOG '% in a session of % as %', 'sprung', session_user, current_user; {body} END $$"
    ).encode()
