"""How a connection comes about: one deadline over all hosts of a `dsn`, their names and all their addresses.

libpq's own `connect_timeout` counts anew for each host and address, and waits for the resolver without one.
"""

import ipaddress
import math
import os
import random
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import psycopg
from psycopg import conninfo, pq
from psycopg.pq.abc import PGconn

from access.errors import BadConfig
from access.ports import Deadline

_HEAD_START = 1.0
"""Seconds that an address has for itself before the next one is tried beside it."""
_TICK = 0.02
"""How often names that are still being looked up are asked for, in seconds."""

Keywords = dict[str, str]


class Refused(Exception):
    """No connection came about. `words` are those of libpq and of the servers, one text for each way that was tried.

    They name hosts and logins: they are looked at, and never shown.
    """

    def __init__(self, words: list[str]) -> None:
        super().__init__("the connection was refused")
        self.words = words


def keywords(dsn: str) -> Keywords:
    """What the `dsn` says. Raises BadConfig, which never quotes it."""
    try:
        return {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        raise BadConfig(
            "The target's dsn cannot be read; it looks like postgresql://bot:password@host:5432/database."
        ) from None


def surroundings() -> Keywords:
    """What libpq takes from the environment (PGSSLMODE and the like) where a `dsn` says nothing."""
    return {
        option.keyword.decode(): option.val.decode()
        for option in pq.Conninfo.get_defaults()
        if option.val and option.envvar and (option.envvar.decode() in os.environ or "PGSERVICE" in os.environ)
    }


def defaults() -> Keywords:
    """What libpq takes where neither a `dsn` nor the environment says anything, and what the environment says."""
    return {option.keyword.decode(): option.val.decode() for option in pq.Conninfo.get_defaults() if option.val}


def connect(said: Mapping[str, str], deadline: Deadline) -> PGconn:
    """The first connection that comes about before the deadline. Raises Refused."""
    waiting, running, failed = _Ways(said), list[_Attempt](), list[str]()
    try:
        while not deadline.passed:
            if not running or all(attempt.had_its_head_start for attempt in running):
                running += waiting.next()
            if not running and waiting.over:
                break
            for attempt in _moved(running, min(_TICK if waiting.unresolved else _HEAD_START, deadline.left())):
                if attempt.step():
                    running.remove(attempt)
                    return attempt.taken()
                if attempt.failed:
                    running.remove(attempt)
                    failed.append(attempt.taken().get_error_message())
                    attempt.taken().finish()  # libpq keeps the socket of a connection that failed
    finally:
        for attempt in running:
            attempt.taken().finish()
    raise Refused([*failed, *waiting.failed] or ["timeout expired"])


class _Ways:
    """The ways to the hosts of a `dsn`, in its order; a name that takes long to look up holds up no other."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._pending = [(way, _addresses(way)) for way in _hosts(said)]
        if said.get("load_balance_hosts") == "random":
            random.shuffle(self._pending)
        self._ready = list[Keywords]()
        self.failed = list[str]()

    @property
    def unresolved(self) -> bool:
        return any(not found.done() for _, found in self._pending)

    @property
    def over(self) -> bool:
        return not self._pending and not self._ready

    def next(self) -> "list[_Attempt]":
        """One, if there is one."""
        self._take_in()
        return [_Attempt(self._ready.pop(0))] if self._ready else []

    def _take_in(self) -> None:
        if self._ready:
            return
        for one in list(self._pending):
            way, found = one
            if not found.done():
                continue
            self._pending.remove(one)
            if found.exception() is not None:
                self.failed.append("could not translate host name to address")
                continue
            self._ready += [way | {"hostaddr": address} if address else way for address in found.result()]
            return


class _Attempt:
    """One way, tried without waiting."""

    def __init__(self, said: Keywords) -> None:
        self._began = Deadline.after(_HEAD_START)
        self._connection = pq.PGconn.connect_start(conninfo.make_conninfo("", **said).encode())
        self._wants = select.POLLOUT  # libpq: as if it had been told to wait for that
        self.failed = self._connection.status == pq.ConnStatus.BAD

    @property
    def had_its_head_start(self) -> bool:
        return self._began.passed

    @property
    def waits_for(self) -> tuple[int, int]:
        return self._connection.socket, self._wants

    def step(self) -> bool:
        """Whether it is connected."""
        if self.failed:
            return False
        status = self._connection.connect_poll()
        self.failed = status == pq.PollingStatus.FAILED
        self._wants = select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT
        return status == pq.PollingStatus.OK

    def taken(self) -> PGconn:
        return self._connection


def _moved(running: list[_Attempt], seconds: float) -> list[_Attempt]:
    """Those for which something has come, or which can't go on; waits so long for one."""
    dead = [attempt for attempt in running if attempt.failed]
    if dead:
        return dead
    poll = select.poll()
    by_socket = dict[int, _Attempt]()
    for attempt in running:
        fd, wants = attempt.waits_for
        poll.register(fd, wants)
        by_socket[fd] = attempt
    return [by_socket[fd] for fd, _ in poll.poll(math.ceil(seconds * 1000))]


def _hosts(said: Mapping[str, str]) -> Iterator[Keywords]:
    """One set of keywords for each host. What does not go together is left to libpq, which says so."""
    lists = {name: said[name].split(",") for name in ("host", "hostaddr", "port") if said.get(name)}
    count = max((len(values) for name, values in lists.items() if name != "port"), default=1)
    if any(len(values) not in ((1, count) if name == "port" else (count,)) for name, values in lists.items()):
        yield dict(said)
        return
    for index in range(count):
        yield {**said, **{name: values[index if len(values) > 1 else 0] for name, values in lists.items()}}


def _addresses(way: Keywords) -> "Future[list[str]]":
    """Of its host; an empty text where libpq needs none."""
    host = way.get("host", "")
    if way.get("hostaddr") or not host or host.startswith(("/", "@")) or "," in host or _is_address(host):
        return _settled([""])
    return _looked_up(host)


def _settled(value: list[str]) -> "Future[list[str]]":
    future = Future[list[str]]()
    future.set_result(value)
    return future


def _looked_up(host: str) -> "Future[list[str]]":
    # The resolver can't be told to stop: it has a thread to itself, which nobody waits for longer than the deadline.
    future = Future[list[str]]()
    threading.Thread(target=_look_up, args=(host, future), name="look up a host", daemon=True).start()
    return future


def _look_up(host: str, future: "Future[list[str]]") -> None:
    try:
        found: list[tuple[Any, ...]] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        future.set_exception(error)
        return
    future.set_result(list(dict.fromkeys(str(address[0]) for *_, address in found)))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
