"""The locks that a guard holds to let go, and how many of our guards may hold them at once.

A ballast takes room that the customer's applications have none of then: all guards of the bot's account on a server,
of however many worker processes, hold at most a tenth of its table of locks, in slots that they look at and take. What
others do with the numbers of our locks counts for nothing.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workers.providers.postgres.statements import Statement

SIZE = 300
_SHARE = 10
"""One part in so many of the table may be ballast; one is always allowed."""
ROOM = 60
"""More locks than a renewal needs. Taking a ballast leaves at least so many free, by what the table was made for."""
_SLOTS = 1_668_506_729
"""The first number of each lock that is a slot; no process has such a number."""
_NO_SLOTS = _SLOTS + 1
_LARGEST = 2**31 - 1

LET_GO = Statement("ROLLBACK TO ballast; RELEASE ballast", {})
"""Without looking up anything: the locks of a part of a transaction go with it. A slot goes with its ballast."""

_HOLDERS = """pg_catalog.pg_lock_status() l
        LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid OPERATOR(pg_catalog.=) l.pid
        LEFT JOIN pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) me
            ON me.usesysid OPERATOR(pg_catalog.=) a.usesysid"""
_IS_SLOT = """l.granted AND l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 2
        AND l.classid OPERATOR(pg_catalog.=) {slots}::pg_catalog.oid"""

LOOK = Statement(
    f"""
    SAVEPOINT look; SELECT pg_catalog.pg_stat_clear_snapshot();
    SELECT
        pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8 OPERATOR(pg_catalog.*) ((
            SELECT pg_catalog.sum(pg_catalog.current_setting(name)::pg_catalog.int8)
            FROM pg_catalog.unnest({{processes}}::pg_catalog.text[]) AS name)::pg_catalog.int8
            OPERATOR(pg_catalog.+) greatest(
                pg_catalog.current_setting('autovacuum_worker_slots', true)::pg_catalog.int8,
                pg_catalog.current_setting('autovacuum_max_workers')::pg_catalog.int8)),
        pg_catalog.count(*) FILTER (WHERE NOT l.fastpath
            AND NOT (me.pid IS NOT NULL AND l.database OPERATOR(pg_catalog.=) 0::pg_catalog.oid)),
        coalesce(pg_catalog.array_agg(l.objid::pg_catalog.int8) FILTER (
            WHERE {_IS_SLOT} AND me.pid IS NOT NULL), '{{{{}}}}'),
        coalesce(pg_catalog.array_agg(l.objid::pg_catalog.int8) FILTER (
            WHERE {_IS_SLOT} AND me.pid IS NULL), '{{{{}}}}')
    FROM {_HOLDERS}; RELEASE look
    """,  # noqa: S608  (all of it is fixed)
    {
        "slots": _SLOTS,
        "processes": ["max_connections", "max_prepared_transactions", "max_worker_processes", "max_wal_senders"],
    },
)
"""For each process that there may be the server makes room for so many locks.

In all databases, where a number is of one only; 4 ms with 6,000 locks, and it takes none.

Each of our guards locks the same shared catalogues: that is not counted again and again.
"""


@dataclass(frozen=True)
class Table:
    """The server's table of locks; the fields are the columns of `LOOK`."""

    capacity: int
    """What it is made for. A server may find more."""
    used: int
    ours: Collection[int]
    """Slots that guards of ours hold."""
    others: Collection[int]
    """Numbers of slots that somebody else holds: they are passed over, or he could keep us from any ballast."""

    @property
    def has_room(self) -> bool:
        return self.used + SIZE + ROOM <= self.capacity

    @property
    def free_slots(self) -> Sequence[int]:
        wanted = max(1, self.capacity // _SHARE // SIZE)
        others = set(self.others)
        passable = [number for number in range(1, wanted + len(others) + 1) if number not in others]
        return [number for number in passable[:wanted] if number not in self.ours]


# By the number of its own process, and where they begin cannot be guessed: others' are never waited for, and another
# who took them before us would leave us none.
_TAKE = """SELECT pg_catalog.count(*) FILTER (
            WHERE pg_catalog.pg_try_advisory_xact_lock(pg_catalog.pg_backend_pid(), {begin} OPERATOR(pg_catalog.+) n))
        FROM pg_catalog.generate_series(1, {size}) AS n"""


def _begin() -> int:
    return secrets.randbelow(_LARGEST - 2 * SIZE)


def take(slot: int) -> Statement:
    """How many locks it got; none where another was faster at the slot."""
    return Statement(
        f"SAVEPOINT ballast; {_TAKE} WHERE (SELECT pg_catalog.pg_try_advisory_xact_lock({{slots}}, {{slot}}))",
        {"begin": _begin(), "size": SIZE, "slots": _SLOTS, "slot": slot},
    )


def room() -> Statement:
    """How many of `ROOM` locks it could have. It takes the last one only where fewer than so many are left to all."""
    return Statement(f"SAVEPOINT room; {_TAKE}; ROLLBACK TO room; RELEASE room", {"begin": _begin(), "size": ROOM})


def _end_another(slots: int) -> Statement:
    return Statement(
        f"""
        SAVEPOINT call; SELECT pg_catalog.pg_stat_clear_snapshot();
        SELECT pg_catalog.pg_terminate_backend(q.pid) FROM (
            SELECT pg_catalog.min(l.pid) AS pid FROM {_HOLDERS}
            WHERE {_IS_SLOT} AND me.pid IS NOT NULL AND me.pid OPERATOR(pg_catalog.<>) l.pid) q
        WHERE q.pid IS NOT NULL; RELEASE call
        """,  # noqa: S608  (all of it is fixed)
        {"slots": slots},
    )


END_ANOTHER = _end_another(_SLOTS)
"""Ends one of our guards that has a ballast, and that comes back by itself. It needs no lock. No row: there is none.
The holders are looked at just then: a number of a process that was remembered could be another's by now."""
REHEARSAL = _end_another(_NO_SLOTS)
"""Ends none; what it takes to say it is then at hand where the table is full."""
