"""One guard for each server and account in a process, whatever databases and settings lead there.

With twenty databases on one server, and one each, the guards of four processes would hold eighty of its connections.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

from access.errors import ProviderError, Transient
from access.ports import Deadline
from workers.providers.postgres import connecting
from workers.providers.postgres.guard import Guard
from workers.providers.postgres.messages import Connection
from workers.providers.postgres.tls import Tls

Identity = frozenset[tuple[str, str]]

# All else may: `options` choose the server behind some poolers.
_DECIDES_NOT = frozenset(
    {
        "dbname", "application_name", "fallback_application_name", "client_encoding", "connect_timeout",
        "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        "password", "passfile", "sslpassword", "oauth_client_secret",
    }
)  # fmt: skip

_MOST_WAYS = 3
"""So many are tried at a time: a wrong password, of twenty users, must not get the account locked."""

Way = Callable[[Deadline], Connection]


def identity(said: Mapping[str, str], tls: Tls | None) -> Identity:
    """Whom a `dsn` leads to, as whom, and what is demanded of the server; no secret is in it."""
    known = {**connecting.defaults(), **{name: value for name, value in said.items() if value}}
    demands = {"tls": tls.model_dump_json()} if tls is not None else {}
    return frozenset(
        (name, value) for name, value in {**known, **demands}.items() if name not in _DECIDES_NOT
    )  # fmt: skip


class _Users:
    """How the users of one guard connect: what one cannot (an old password, a full database) another may."""

    def __init__(self) -> None:
        self._ways = list[Way]()
        self._lock = threading.Lock()
        self.guard = Guard(self._connect)

    def add(self, way: Way) -> None:
        with self._lock:
            self._ways.append(way)

    def remove(self, way: Way) -> bool:
        """Whether there are others."""
        with self._lock:
            if way in self._ways:
                self._ways.remove(way)
            return bool(self._ways)

    def _connect(self, deadline: Deadline) -> Connection:
        failed: ProviderError = Transient()
        for way in self._ways[:_MOST_WAYS]:
            try:
                return way(deadline)
            except ProviderError as error:
                failed = error
            self._put_last(way)
            if deadline.passed:
                break
        raise failed

    def _put_last(self, way: Way) -> None:
        with self._lock:
            if way in self._ways:  # its user may have left meanwhile
                self._ways.remove(way)
                self._ways.append(way)


_shared: WeakValueDictionary[Identity, _Users] = WeakValueDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class Share:
    """What one user has of a guard."""

    of: Identity
    users: _Users
    way: Way

    @property
    def guard(self) -> Guard:
        return self.users.guard

    def leave(self) -> bool:
        """Whether it was the last one. Then the guard stops as soon as it can; that is not waited for."""
        with _lock:
            if self.users.remove(self.way):
                return False
            if _shared.get(self.of) is self.users:
                del _shared[self.of]
        self.guard.stop()
        return True


def share(of: Identity, way: Way) -> Share:
    """The guard of this server and account, which may connect by this `way` until its user leaves."""
    with _lock:
        users = _shared.setdefault(of, _Users())
        users.add(way)
    return Share(of, users, way)
