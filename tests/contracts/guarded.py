"""For the tests of the guard: connections that have one, other processes' guards, and a table of locks that is full."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg

from access.errors import Transient
from access.ports import Deadline, SecretReference
from countersign.demo.target import BOT
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import soon
from tests.waiting import wait_until
from workers.providers.postgres.guard import Guard
from workers.providers.postgres.session import Connections
from workers.providers.postgres.statements import Statement

ANN = "ann_hog"
HELD = (
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND usename = %s"
)


@contextmanager
def connections_of(file: Path, dsn: str, database: str | None = None) -> Iterator[Connections]:
    file.write_text(dsn)
    with closing(Connections(SecretReference(file=str(file)), database)) as made:
        yield made


def called(connections: Connections) -> None:
    with connections.session(soon()) as session:
        session.read(Statement("SELECT 1", {}))


def armed(connections: Connections) -> None:
    called(connections)
    wait_until(lambda: connections.guard.has_ballast, "the guard to be there")


@contextmanager
def guards_elsewhere(connections: Connections, count: int, *, database: str | None = None) -> Iterator[list[Guard]]:
    """As other processes have them: what those share with this one is the server alone."""

    def connect(deadline: Deadline) -> psycopg.Connection:
        if database is not None:
            return connections._open(database, deadline)
        return connections._own_connection(deadline, connections._open)

    with ExitStack() as stack:
        made = [stack.enter_context(closing(Guard(connect))) for _ in range(count)]  # type: ignore[arg-type]
        for guard in made:
            guard.needed()
            wait_until(
                lambda guard=guard: guard.is_open and guard.renewals >= 1 and _settled(guard), "a guard elsewhere"
            )
        yield made


def _settled(guard: Guard) -> bool:
    """It has said what it says at once."""
    with guard._lock:
        return guard.is_open


def guards_on(world: PostgresWorld, account: str = BOT) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state = 'idle in transaction'"
    return world.owner.execute(query, [account]).fetchall()[0][0]


def held_by_the_bot(world: PostgresWorld) -> int:
    """Locks of ballast and slots."""
    return world.owner.execute(HELD, [BOT]).fetchall()[0][0]


def hog(world: PostgresWorld, name: str = ANN) -> psycopg.Connection:
    """A session that takes locks until there are none."""
    dsn = world._server.dsn(user=name, password="a person's own", database="shop")
    connection = psycopg.connect(dsn, autocommit=True)
    number = 0
    connection.execute("BEGIN")
    while True:
        try:
            connection.execute("SAVEPOINT more")
            connection.execute(
                f"SELECT pg_advisory_lock(1000000 + n) FROM generate_series({number}, {number + 19}) n".encode()
            )
            number += 20
        except psycopg.errors.OutOfMemory:
            connection.execute("ROLLBACK TO more")
            break
    while True:  # and one by one
        try:
            connection.execute("SAVEPOINT more")
            connection.execute(f"SELECT pg_advisory_lock(2000000 + {number})".encode())
            number += 1
        except psycopg.errors.OutOfMemory:
            connection.execute("ROLLBACK TO more")
            return connection


def is_dead(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def works(act: Callable[[], object]) -> bool:
    """False where the table of locks is full."""
    try:
        act()
    except Transient as error:
        if error.code != "53200":
            raise
        return False
    return True
