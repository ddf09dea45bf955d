"""Obstacles that are sessions: hidden, deaf, in the middle of a cursor or a copy."""

import threading
from contextlib import suppress

import psycopg

from tests.adversary.attack import Attack
from tests.adversary.obstacles import Obstacle
from tests.waiting import wait_until

_DELAY = 1
_DEAF = "repeat('a', 80000) LIKE '%' || repeat('a', 40000) || 'b'"
"""Some two seconds of C code that never looks for interrupts; four times as long with twice as many letters."""
_COPIED = 20_000


def hidden_session(attack: Attack) -> None:
    """Shows no role until it wakes up."""
    before = _backends(attack)
    came: list[psycopg.Connection] = []
    back = threading.Event()

    def come_in(_over: threading.Event) -> None:
        with suppress(psycopg.Error):
            came.append(attack.connect(options=f"-c post_auth_delay={_DELAY}"))
        back.set()

    attack.in_background(come_in)
    # The role is set in it already when it waits, which shows nowhere; so: when all but it has been seen to settle.
    wait_until(lambda: _backends(attack) - before, "the hidden session to be there")
    wait_until(lambda: _waits_hidden(attack), "the hidden session to wait")

    def later() -> bool:
        assert back.wait(20), "the hidden session never came back"
        return any(_serves(attack, session) for session in came)

    attack.trials["the hidden session woke up and reads"] = later


def _waits_hidden(attack: Attack) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND usesysid IS NULL"
    return attack.shop.superuser.execute(query).fetchone() is not None


def _backends(attack: Attack) -> set[int]:
    return {pid for (pid,) in attack.shop.superuser.execute("SELECT pid FROM pg_stat_get_activity(NULL)").fetchall()}


def _serves(attack: Attack, session: psycopg.Connection) -> bool:
    """In login mode any answer is too much; by a login of her own she may connect, and nothing more."""
    for statement in attack.power.uses if attack.own_login else ("SELECT 1",):
        with suppress(psycopg.Error):
            session.execute(statement.encode())
            return True
    return False


def deaf_session(attack: Attack) -> None:
    """Nothing but a restart of the server ends it before it is done; it must give nothing when it is."""
    session = attack.connect()
    session.execute("SET statement_timeout = 0")
    pid = session.info.backend_pid
    rows, done = [], threading.Event()
    statement = f"WITH d AS MATERIALIZED (SELECT {_DEAF} AS x) SELECT v.* FROM ({attack.power.reads[0]}) AS v, d"

    def compute(_over: threading.Event) -> None:
        with suppress(psycopg.Error):
            rows.extend(session.execute(statement.encode()).fetchall())
        done.set()

    attack.in_background(compute)
    query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND query LIKE 'WITH d%%'"
    wait_until(lambda: attack.shop.superuser.execute(query, [pid]).fetchone(), "the computation to begin")

    def later() -> bool:
        assert done.wait(60), "the computation never came to its end"
        return bool(rows)

    attack.trials["a computation in hand gave its rows"] = later


def open_cursor(attack: Attack) -> None:
    session = attack.connect()
    session.execute("BEGIN")
    session.execute(f"DECLARE c CURSOR FOR {attack.power.reads[0]}".encode())
    session.execute("FETCH 1 FROM c")
    attack.trials["an open cursor reads on"] = lambda: session.execute("FETCH 5 FROM c").fetchall()


def held_cursor(attack: Attack) -> None:
    """Made whole at the commit: in a session of her own it is a copy like any other, so this is of login mode."""
    session = attack.connect()
    session.execute(f"DECLARE h CURSOR WITH HOLD FOR {attack.power.reads[0]}".encode())
    attack.trials["a held cursor reads on"] = lambda: session.execute("FETCH 5 FROM h").fetchall()


def copy_in(attack: Attack) -> None:
    """Rows that are sent when the end is over."""
    superuser = attack.shop.superuser
    superuser.execute("DELETE FROM public.ledger WHERE id = 888")
    session = attack.connect()
    cursor = session.cursor()
    entered = cursor.copy("COPY ledger FROM STDIN")
    copy = entered.__enter__()
    copy.write_row((889, "before"))
    attack.stack.callback(superuser.execute, "DELETE FROM public.ledger WHERE id IN (888, 889)")

    def later() -> bool:
        with suppress(psycopg.Error):
            copy.write_row((888, "after the end"))
        with suppress(psycopg.Error):
            entered.__exit__(None, None, None)
        return superuser.execute("SELECT FROM public.ledger WHERE id = 888").fetchone() is not None

    attack.trials["a copy under way wrote on"] = later


def copy_out(attack: Attack) -> None:
    """More than fits into any buffer on the way: it stands still until it is read."""
    session = attack.connect()
    rows_of = f"({attack.power.reads[0]}) AS v, generate_series(1, 500)"
    statement = f"COPY (SELECT repeat('x', 1000) FROM {rows_of} LIMIT {_COPIED}) TO STDOUT"
    entered = session.cursor().copy(statement.encode())
    copy = entered.__enter__()
    rows = iter(copy)
    next(rows)

    def later() -> bool:
        seen = 0
        with suppress(psycopg.Error):
            seen = sum(1 for _ in rows)
        with suppress(psycopg.Error):
            entered.__exit__(None, None, None)
        return seen >= _COPIED - 1

    attack.trials["a copy under way was read to its end"] = later


def in_the_middle(attack: Attack) -> None:
    """An update that runs when the end comes: what it changes must not become true."""
    superuser = attack.shop.superuser
    session = attack.connect()
    session.execute("BEGIN")
    session.execute("UPDATE ledger SET word = 'changed' WHERE id = 2")

    def later() -> bool:
        with suppress(psycopg.Error):
            session.execute("COMMIT")
        return superuser.execute("SELECT FROM public.ledger WHERE id = 2 AND word = 'changed'").fetchone() is not None

    attack.trials["an open transaction was committed after the end"] = later
    attack.stack.callback(superuser.execute, "UPDATE public.ledger SET word = 'line 2' WHERE id = 2")


def many_sessions(attack: Attack) -> None:
    """As many as the login may have, each busy."""
    for _ in range(3):
        session = attack.session()
        session.execute("BEGIN")
        session.execute("SELECT pg_advisory_xact_lock_shared(1)")


SESSIONS = (
    # Before version 16 it shows nowhere, so that no test could tell when it is there.
    Obstacle("hidden session", hidden_session, modes=("login", "membership")),
    Obstacle("deaf session", deaf_session, needs_reads=True),
    Obstacle("open cursor", open_cursor, needs_reads=True),
    Obstacle("held cursor", held_cursor, needs_reads=True, modes=("login",)),
    Obstacle("copy in", copy_in, needs_writes=True),
    Obstacle("copy out", copy_out, needs_reads=True),
    Obstacle("open transaction", in_the_middle, needs_writes=True),
    Obstacle("many sessions", many_sessions),
)
