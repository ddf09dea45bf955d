"""The provider postgres's connections: kept warm, never shared by two threads, every wait bounded, every error ours.

What is said over one of them is in `messages`, how it comes about in `connecting`, what it is told to believe in
`pinned`, whom it trusts in `tls`.
"""

import math
import select
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import conninfo

from access.errors import BadConfig, BadCredential, NotPermitted, ProviderError, TargetNotFound, Transient
from access.ports import Deadline, SecretReference
from workers.providers.postgres import connecting, pinned
from workers.providers.postgres.errors import NO_LOCKS, NO_SLOTS, connect_failures
from workers.providers.postgres.guard import Guard
from workers.providers.postgres.messages import Connection, Row, Session, compose
from workers.providers.postgres.place import place
from workers.providers.postgres.shared_guard import Identity, Share, identity, share
from workers.providers.postgres.statements import Statement
from workers.providers.postgres.tls import Tls, demanded, refusal

__all__ = ["Connections", "Row", "Session", "connection_string", "render", "to_paste"]

OWN_DATABASE = "postgres"
"""Where the owner of a target's database has no say; roles belong to all databases."""
_OWN_AGAIN = 300.0
"""Seconds until it is tried again where it was refused."""
_OWN_SLOW_AGAIN = 60.0
"""The same where it let nobody in while the target's own did: a login trigger that hangs or fails there does that."""
_KEPT_IDLE = 4
_KEEPALIVE = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000"}
"""A server that is gone without a word is noticed; and words that it did not take in so many milliseconds are thrown
away by the kernel, so that no change arrives long after it was given up."""


@dataclass(frozen=True)
class _Manner:
    """How a connection is asked for. What an end must not fail for is left out where the server refuses it."""

    version: int | None
    pinned: bool = True
    proven: bool = True
    """It demands of the server what the settings say."""

    @property
    def opens(self) -> bool:
        return self.pinned and self.proven

    def after(self, words: str) -> "_Manner | None":
        """What to try next; None: nothing would help."""
        if self.version is not None and "unrecognized configuration parameter" in words:
            return _Manner(None, self.pinned, self.proven)  # the server was exchanged for an older one
        if self.version is None and "due to transaction timeout" in words:
            # The database's owner set it to next to nothing; a version that knows it can be told that it is off.
            return _Manner(pinned.KNOWS_TRANSACTION_TIMEOUT, self.pinned, self.proven)
        if self.pinned and "unsupported startup parameter" in words:
            return _Manner(self.version, False, self.proven)
        # A driver of before 16 does not know what to demand.
        if self.proven and ("authentication method requirement" in words or "invalid connection option" in words):
            return _Manner(self.version, self.pinned, False)
        return None


class Connections:
    """The connections of one provider instance."""

    def __init__(self, dsn: SecretReference, database: str | None, tls: Tls | None = None) -> None:
        self._dsn = dsn
        self._database = database
        self._tls = tls
        self._idle: dict[str | None, list[Connection]] = {}
        self._lock = threading.Lock()
        self._version: int | None = None
        self._own_refused_until = Deadline(-math.inf)
        self._share: Share | None = None
        self._closed = False

    @property
    def guard(self) -> Guard:
        """Shared with all that lead to the same server as the same account. Raises BadConfig where that is not said."""
        had = self._share
        return had.guard if had is not None else self._guarded_by(self._leads_to()).guard

    def session(self, deadline: Deadline) -> AbstractContextManager[Session]:
        """A session on the target's database, as the `dsn` says. Raises ProviderError."""
        return self._with(lambda: self._take_or_open(self._database, deadline), deadline)

    @contextmanager
    def own_session(self, deadline: Deadline) -> Iterator[Session]:
        """For all that concerns roles and sessions: on a database of the bot's own where it may connect.

        Where no connection can be had, it is the guard's, whatever the reason.
        """
        guarded = self.guard.is_open
        try:
            first = Deadline.after(deadline.left() * 2 / 3) if guarded else deadline
            connection = self._own_connection(first, self._take_or_open)
        except Transient:
            if not guarded:
                raise
            connection = None
        if connection is None:
            with self.guard.lend(deadline) as session:
                yield session
            return
        with self._with(lambda: connection, deadline) as session:
            yield session

    @contextmanager
    def session_on(self, database: str, deadline: Deadline) -> Iterator[Session]:
        """A session on another database of the same server, not kept."""
        connection = self._open(database, deadline)
        connection.deadline = deadline
        try:
            yield Session(connection)
        finally:
            connection.close()

    def session_that_opens(self, deadline: Deadline) -> AbstractContextManager[Session]:
        """As `session`, where the target is proven and believes what we say; raises BadConfig with the cure."""
        return self._with(lambda: self._take_or_open(self._database, deadline, opens=True), deadline)

    @property
    def refusal(self) -> str | None:
        """Why nothing is opened over this `dsn`. Raises BadConfig where it cannot be read."""
        return refusal(self._effective(self._said()), self._tls)

    def place(self) -> str:
        """Where it leads, for people; asks nobody. Empty where that cannot be said."""
        try:
            said = self._effective(self._said())
        except ProviderError:
            return ""
        return place(said | ({"dbname": self._database} if self._database else {}))

    @property
    def is_loosened(self) -> bool:
        """Whether the settings say that less than the usual is demanded of the server."""
        return self._tls is not None and self._tls != Tls()

    def has_own_database(self, deadline: Deadline) -> bool:
        """Whether the bot may connect to a database of its own. Raises ProviderError where that cannot be told."""
        try:
            self._give_back(self._open(OWN_DATABASE, deadline))
        except (NotPermitted, TargetNotFound, BadCredential):
            return False
        return True

    def close(self) -> None:
        with self._lock:
            self._closed, last = True, self._share
        if last is not None and last.leave():
            last.guard.close()
        self._drop_idle()

    def _guarded_by(self, of: Identity) -> Share:
        """It follows a `dsn` that was exchanged. Nothing here waits: a guard may be connecting through us."""
        with self._lock:
            had = self._share
            if had is not None and (had.of == of or self._closed):
                return had
            self._share = now = share(of, lambda deadline: self._connection_for_guard(of, deadline))
            closed = self._closed
        if had is not None:
            had.leave()
        if closed:
            now.leave()
        return now

    def _connection_for_guard(self, of: Identity, deadline: Deadline) -> Connection:
        if self._leads_to() != of:
            self._drop_idle()  # those lead there as well; the next one is opened, and is guarded by another
            raise Transient("The dsn names another server or account by now.")
        # Not one that lies ready: that one is needed beside the guard.
        return self._own_connection(deadline, self._open)

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for kept in idle.values() for one in kept):
            connection.close()

    @contextmanager
    def _with(self, take: Callable[[], Connection], deadline: Deadline) -> Iterator[Session]:
        connection = take()
        self.guard.needed()
        connection.deadline = deadline
        try:
            yield Session(connection)
        finally:
            self._give_back(connection)

    def _own_connection(self, deadline: Deadline, get: Callable[[str | None, Deadline], Connection]) -> Connection:
        if not self._own_refused_until.passed:
            return get(self._database, deadline)
        try:
            # Half of the time: a database that lets nobody in must not keep us from the other.
            return get(OWN_DATABASE, Deadline.after(deadline.left() / 2))
        except (NotPermitted, TargetNotFound, BadCredential):
            again = _OWN_AGAIN
        except Transient as error:  # one to the target's own may lie ready
            again = 0.0 if error.code in (NO_SLOTS, NO_LOCKS) else _OWN_SLOW_AGAIN
        connection = get(self._database, deadline)
        self._own_refused_until = Deadline.after(again)
        return connection

    def _take_or_open(self, database: str | None, deadline: Deadline, *, opens: bool = False) -> Connection:
        return self._take(database, opens=opens) or self._open(database, deadline, opens=opens)

    def _take(self, database: str | None, *, opens: bool) -> Connection | None:
        while True:
            with self._lock:
                kept = self._idle.get(database, [])
                fit = [connection for connection in kept if connection.opens or not opens]
                if not fit:
                    return None
                connection = fit[-1]
                kept.remove(connection)
            if _is_quiet(connection):
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        # A connection in the middle of an answer would give it to the next call.
        quiet = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            kept = self._idle.setdefault(connection.kept_as, [])
            if quiet and connection.reusable and len(kept) < _KEPT_IDLE:
                kept.append(connection)
                return
        connection.close()

    def _open(self, database: str | None, deadline: Deadline, *, opens: bool = False) -> Connection:
        said = self._said()
        effective = self._effective(said)
        fault = refusal(effective, self._tls)
        if opens and fault is not None:
            raise BadConfig(fault)
        manner: _Manner | None = _Manner(self._version, proven=fault is None)
        while True:
            try:
                connection = self._opened(said, effective, database, manner, deadline)
                self._guarded_by(identity(effective, self._tls))
                return connection
            except connecting.Refused as refused:
                manner = manner.after("\n".join(refused.words))
                if manner is None or deadline.passed or (opens and not manner.opens):
                    raise connect_failures(refused.words) from None

    def _opened(
        self,
        said: connecting.Keywords,
        effective: connecting.Keywords,
        database: str | None,
        manner: _Manner,
        deadline: Deadline,
    ) -> Connection:
        wanted = {**said, "application_name": "countersign", "client_encoding": "UTF8", **_KEEPALIVE}
        # What libpq would take from the environment is split up with the rest.
        wanted |= {name: effective[name] for name in ("host", "hostaddr", "port") if name in effective}
        wanted.pop("connect_timeout", None)
        wanted.pop("options", None)
        if database is not None:
            wanted["dbname"] = database
        if manner.pinned:
            wanted["options"] = pinned.options(effective.get("options", ""), manner.version)
        proofs = {} if refusal(effective, self._tls) else demanded(effective, self._tls)
        if not manner.proven:
            proofs.pop("require_auth", None)
        pgconn = connecting.connect(wanted | proofs, deadline)
        self._version = pgconn.server_version
        if manner.pinned and pinned.newer(self._version) != pinned.newer(manner.version):
            # What this version can be told besides has to be said before the first message.
            pgconn.finish()
            return self._opened(said, effective, database, _Manner(self._version, proven=manner.proven), deadline)
        connection = Connection.over(pgconn)
        connection.opens = manner.opens
        connection.kept_as = database
        connection.shown = _shown(effective, proofs)
        connection.methods = proofs.get("require_auth", "")
        return connection

    def _said(self) -> connecting.Keywords:
        return connecting.keywords(self._dsn.read().get_secret_value())

    def _leads_to(self) -> Identity:
        return identity(self._effective(self._said()), self._tls)

    @staticmethod
    def _effective(said: connecting.Keywords) -> connecting.Keywords:
        return {**connecting.surroundings(), **said}


def connection_string(address: dict[str, str]) -> str:
    """As psql and every client of libpq read it."""
    return conninfo.make_conninfo("", **address)


def render(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The statements as text, for people."""
    return tuple(compose(statement).as_string() for statement in statements)


def to_paste(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The same for people who put them into psql, one below the other."""
    return tuple(f"{said};" for said in render(statements))


def _shown(effective: connecting.Keywords, proofs: connecting.Keywords) -> dict[str, str]:
    """What a holder's connection demands of the server: no less than ours."""
    shown = {name: effective[name] for name in ("sslmode", "channel_binding") if name in effective}
    if effective.get("sslrootcert") == "system":  # any other is a file of the worker
        shown["sslrootcert"] = "system"
    return shown | ({"sslmode": proofs["sslmode"]} if proofs else {})


def _is_quiet(connection: Connection) -> bool:
    """Nothing to read on an idle connection: the server has not hung up meanwhile."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
