"""A session a target that is open before it is needed: it ends sessions while the server can start nothing new.

A login fills the table of locks or takes all connection slots, and no statement and no connection of anybody gets
through: taking rights away needs a lock, ending a session the rows of its role. A transaction that has touched the
shared catalogues before has those locks; and some locks that nobody needs, the ballast, are there to be let go.
docs/adr/0017-sessions-that-believe-no-names.md
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta

import psycopg
from psycopg.pq import TransactionStatus

from access.errors import ProviderError, Transient
from access.ports import Deadline
from workers.providers.postgres import ballast
from workers.providers.postgres.errors import failure
from workers.providers.postgres.messages import Connection, Row, Session, compose
from workers.providers.postgres.statements import Statement

RENEWED_EVERY = timedelta(seconds=1.5)
"""A DBA's VACUUM FULL of a shared catalogue waits for the guard, and each new login waits behind the DBA."""
IDLE = 60.0
"""Seconds without a call after which it lets go, where nothing is open through the bot's account."""
_CALL = 2.0
"""Seconds for one of its own calls."""
_LATEST_RETRY = 30.0
_ARM = Statement(
    """
    BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL search_path = ''; SET LOCAL role = none;
    SET LOCAL statement_timeout = 1500; SET LOCAL lock_timeout = 500; SET LOCAL idle_in_transaction_session_timeout = 0;
    SELECT 1 FROM pg_catalog.pg_roles r, pg_catalog.pg_auth_members m, pg_catalog.pg_database d,
        pg_catalog.pg_shdepend s, pg_catalog.pg_stat_activity a LIMIT 1;
    SELECT pg_catalog.pg_stat_clear_snapshot();
    SELECT pid, pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_get_activity(NULL)
        WHERE usesysid OPERATOR(pg_catalog.=) 1::pg_catalog.oid;
    SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles me
            ON me.oid OPERATOR(pg_catalog.=) m.grantor
        WHERE me.rolname OPERATOR(pg_catalog.=) CURRENT_USER AND m.member OPERATOR(pg_catalog.<>) me.oid);
    """,
    {},
)
"""The locks that a later call needs, a run of it that ends nobody (its plans and rows are then at hand), and whether
anything that the bot gave is open: in both modes that is a membership of its own giving."""

_INHERITS = 160000
_BECOME = Statement("SAVEPOINT role; SET LOCAL ROLE pg_signal_backend", {})
"""Before 16 the bot's account need not inherit, or it would have what it gives."""


def _end_sessions(oid: int) -> Statement:
    # Its transaction would otherwise answer with the sessions of its first look.
    return Statement(
        """
        SAVEPOINT call; SELECT pg_catalog.pg_stat_clear_snapshot();
        SELECT pid, pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_get_activity(NULL)
            WHERE usesysid OPERATOR(pg_catalog.=) {oid}::pg_catalog.oid
        """,
        {"oid": oid},
    )


class Guard:
    """One for each server and account, see `shared_guard`; it begins with the first call, in a thread of its own."""

    def __init__(self, connect: Callable[[Deadline], Connection], *, idle: float = IDLE) -> None:
        self._connect = connect
        self.idle = idle
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self.has_ballast = False
        self._lent = False
        self._something_open = False
        self._idle_since = Deadline.after(idle)
        self._closed = False
        self.renewals = 0
        """How often it has seen to itself."""
        self.fault: str | None = None
        """Why there is none just now, as a sentence."""

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def needed(self) -> None:
        """Called at each call of the provider; takes no time."""
        self._idle_since = Deadline.after(self.idle)
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._keep, name="guard of a target", daemon=True)
                self._thread.start()

    def terminate(self, oid: int) -> list[int]:
        """Ends the sessions of a role, also while the table of locks is full. Returns whom it told to end.

        Raises Transient where there is no guard, NotPermitted where the bot may not.
        """
        with self._at_hand():
            rows = self._say(_end_sessions(oid))
            self._say(Statement("RELEASE call", {}))
        return [pid for pid, told in rows if told]

    def make_room(self, oid: int | None) -> list[int]:
        """Where the table of locks is full: ends the sessions of that role, and lets go what was held for this."""
        ended = list[int]()
        with suppress(ProviderError):
            ended = self.terminate(oid) if oid is not None else []
        with suppress(ProviderError):
            self.release_ballast()
        return ended

    def release_ballast(self) -> bool:
        """Makes room in the table of locks for a few statements; taken again once there is room.

        Where it has no ballast, another guard of ours lets go of its own. False: there is none.
        """
        with self._at_hand():
            if self._connection is None:
                return False
            if self.has_ballast:
                self._say(ballast.LET_GO)
                self.has_ballast = False
                return True
            return bool(self._say(ballast.END_ANOTHER))

    @contextmanager
    def lend(self, deadline: Deadline) -> Iterator[Session]:
        """Its connection for a call, where no other can be had; one call at a time, and it guards nothing meanwhile.

        Raises Transient.
        """
        with self._held(deadline):
            self._say(Statement("COMMIT", {}))
            assert self._connection is not None
            self._connection.deadline = deadline
            self.has_ballast, self._lent = False, True
            try:
                yield Session(self._connection)
            finally:
                self._lent = False
                if self._connection.reusable:
                    self._arm_or_drop()
                else:
                    self._drop()
                self._wake.set()

    @contextmanager
    def _held(self, deadline: Deadline) -> Iterator[None]:
        """For one call, which has waited for another until the deadline. Raises Transient."""
        if not self._lock.acquire(timeout=deadline.left()):
            raise Transient
        try:
            if self._lent:  # to the very call that asks
                raise Transient
            yield
        finally:
            self._lock.release()

    def _at_hand(self) -> AbstractContextManager[None]:
        """As `_held`; who has it lent may need it for long."""
        return self._held(Deadline.after(0 if self._lent else _CALL))

    def stop(self) -> None:
        """For good, and as soon as it can; whoever has it meanwhile keeps it until then."""
        self._closed = True
        self._wake.set()

    def close(self) -> None:
        self.stop()
        thread = self._thread
        if thread is not None:
            thread.join(2 * _CALL)
        with self._lock:
            self._drop()

    # In its own thread

    def _keep(self) -> None:
        pause = 0.0
        try:
            while not self._closed:
                self._wake.wait(pause)
                self._wake.clear()
                with self._lock:
                    if self._closed or self._is_over():
                        return
                    pause = self._renew(pause)
        finally:
            with self._lock:
                self._drop()
                self._thread = None  # the next call begins another

    def _is_over(self) -> bool:
        return self._idle_since.passed and not (self._something_open and self._connection is not None)

    def _renew(self, pause: float) -> float:
        """Returns how long it holds."""
        self.renewals += 1
        try:
            if self._connection is None:
                self._connection = self._connect(Deadline.after(2 * _CALL))
                self._arm()
            elif self._has_room():
                self._say(Statement("COMMIT", {}))
                self._arm()
        except ProviderError as error:
            self.fault = error.sentence
            self._drop()
            return min(_LATEST_RETRY, max(RENEWED_EVERY.total_seconds(), 2 * pause))
        self.fault = None
        return RENEWED_EVERY.total_seconds()

    def _has_room(self) -> bool:
        """Else it stays as it is: what it let go now it might not get again."""
        try:
            ((could_have,),) = self._say(ballast.room(), undo="ROLLBACK TO room; RELEASE room")
        except Transient:
            if self._connection is None:
                raise
            return False
        return could_have == ballast.ROOM

    def _arm(self) -> None:
        ((self._something_open,),) = self._say(_ARM)
        assert self._connection is not None
        if self._connection.info.server_version < _INHERITS:
            with suppress(ProviderError):  # without it, it ends nobody, and says so when it is asked to
                self._say(_BECOME, undo="ROLLBACK TO role; RELEASE role")
        had_ballast, self.has_ballast = self.has_ballast, False
        try:
            self._say(ballast.REHEARSAL)
            self.has_ballast = self._takes_ballast(even_where_full=had_ballast)
        except ProviderError:  # also where it may not look: without a ballast it still ends sessions
            if self._connection is None:
                raise

    def _takes_ballast(self, *, even_where_full: bool) -> bool:
        """Not where others of ours have enough, nor where it could be the last room; what it had is there for it."""
        (row,) = self._say(ballast.LOOK, undo="ROLLBACK TO look; RELEASE look")
        table = ballast.Table(*row)
        if not (table.has_room or even_where_full):
            return False
        for slot in table.free_slots:
            ((taken,),) = self._say(ballast.take(slot), undo="ROLLBACK TO ballast; RELEASE ballast")
            if taken == ballast.SIZE:
                return True
            self._say(ballast.LET_GO)
        return False

    def _arm_or_drop(self) -> None:
        try:
            self._arm()
        except ProviderError as error:
            self.fault = error.sentence
            self._drop()

    def _say(self, statement: Statement, *, undo: str | None = None) -> list[Row]:
        """The rows of its last query; what fails leaves the transaction as it was, or there is no guard any more."""
        connection = self._connection
        if connection is None:
            raise Transient(self.fault or "The database server can't be reached just now.")
        connection.deadline = Deadline.after(_CALL)
        rows = list[Row]()
        try:
            cursor = connection.execute(compose(statement))
            while True:
                if cursor.description:
                    rows = cursor.fetchall()
                if not cursor.nextset():
                    return rows
        except psycopg.Error as error:
            self._undo(undo or ("ROLLBACK TO call; RELEASE call" if "SAVEPOINT call" in statement.text else None))
            raise failure(error.sqlstate, changes=False) from None

    def _undo(self, back: str | None) -> None:
        connection = self._connection
        assert connection is not None
        if back is None or connection.info.transaction_status != TransactionStatus.INERROR:
            self._drop()
            return
        try:
            connection.execute(back.encode())
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self.has_ballast = False
        if connection is not None:
            connection.close()
