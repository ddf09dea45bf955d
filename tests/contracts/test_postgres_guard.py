"""The guard of a target: with the table of locks full, or all connections taken, what is open can still be ended."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from access.errors import ProviderError, Transient
from access.ports import Deadline, SecretReference
from countersign.demo.target import BOT, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import make_spec, soon
from tests.waiting import wait_until
from workers.providers.postgres import guard as guards
from workers.providers.postgres.login import login_name
from workers.providers.postgres.session import Connections
from workers.providers.postgres.statements import Name, Statement

_SMALL = {"fsync": "off", "max_connections": "20", "max_locks_per_transaction": "10"}
ANN = "ann_hog"
REVOKE = Statement("REVOKE support_read FROM {login}", {"login": Name(ANN)})
GRANT = Statement("GRANT support_read TO {login}", {"login": Name(ANN)})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server whose table of locks is soon full."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("small"), settings=_SMALL).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def target(small: EmbeddedPostgres) -> Target:
    return prepare(small)


@pytest.fixture
def world(small: EmbeddedPostgres, target: Target) -> Iterator[PostgresWorld]:
    with closing(PostgresWorld(small, target)) as world:
        yield world


@pytest.fixture
def ann(world: PostgresWorld) -> Iterator[int]:
    """The number of a login with what the bot gave it."""
    with world.own_login(ANN):
        world.owner.execute(f"SET ROLE countersign; GRANT support_read TO {ANN}; RESET ROLE".encode())
        ((oid,),) = world.owner.execute("SELECT oid::int8 FROM pg_roles WHERE rolname = %s", [ANN]).fetchall()
        yield oid


@pytest.fixture
def connections(world: PostgresWorld, target: Target, tmp_path: Path) -> Iterator[Connections]:
    file = tmp_path / "dsn"
    file.write_text(target.bot_dsn)
    with closing(Connections(SecretReference(file=str(file)), None)) as made:
        yield made


def armed(connections: Connections) -> None:
    with connections.session(soon()) as session:
        session.read(Statement("SELECT 1", {}))
    wait_until(lambda: connections.guard.has_ballast, "the guard to be there")


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


def guards_on(world: PostgresWorld) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state = 'idle in transaction'"
    return world.owner.execute(query, [BOT]).fetchall()[0][0]


def is_dead(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_with_the_table_of_locks_full_the_guard_ends_the_sessions_that_filled_it(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    armed(connections)
    with closing(hog(world)) as hogging:
        with connections.session(soon()) as session, pytest.raises(ProviderError) as caught:
            session.write(REVOKE)
        assert caught.value.code == "53200"
        assert connections.guard.terminate(ann) == [hogging.info.backend_pid]
        wait_until(lambda: is_dead(hogging), "the hog to be gone")
        with connections.session(soon()) as session:
            wait_until(lambda: _works(lambda: session.write(REVOKE)), "the rights to go")


def test_the_ballast_lets_the_rights_go_while_another_holds_all_locks(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    armed(connections)
    with closing(hog(world)):
        with connections.session(soon()) as session:
            assert not _works(lambda: session.write(REVOKE))
            assert connections.guard.release_ballast()
            session.write(REVOKE)
        assert not connections.guard.release_ballast(), "it was let go already"
    wait_until(lambda: connections.guard.has_ballast, "the ballast to be taken again", within=20)


def test_a_guard_outlives_its_renewals_while_there_is_no_lock_to_be_had(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    armed(connections)
    with closing(hog(world)) as hogging:
        before = connections.guard.renewals
        wait_until(lambda: connections.guard.renewals >= before + 2, "two more renewals")
        assert connections.guard.terminate(ann) == [hogging.info.backend_pid]


def test_a_shared_catalogue_is_rewritten_beside_the_guard(connections: Connections, world: PostgresWorld) -> None:
    armed(connections)
    with closing(psycopg.connect(world.owner_dsn, autocommit=True)) as dba:
        dba.execute("SET lock_timeout = '10s'; SET statement_timeout = '10s'")
        dba.execute("VACUUM FULL pg_authid")
    wait_until(lambda: connections.guard.has_ballast, "the guard to be there again")


def test_a_guard_that_was_cut_off_comes_back(connections: Connections, world: PostgresWorld) -> None:
    armed(connections)
    world.owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [BOT])
    wait_until(lambda: guards_on(world) == 1, "a new guard")
    wait_until(lambda: connections.guard.has_ballast, "its ballast")


def test_the_guard_lets_go_when_nothing_is_open_and_stays_while_something_is(
    world: PostgresWorld, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "dsn"
    file.write_text(target.bot_dsn)
    with closing(Connections(SecretReference(file=str(file)), None)) as connections:
        connections.guard.idle = 0.1
        armed_before = connections.guard.renewals
        with world.own_login(ANN):
            world.owner.execute(f"SET ROLE countersign; GRANT support_read TO {ANN}; RESET ROLE".encode())
            armed(connections)
            wait_until(lambda: connections.guard.renewals >= armed_before + 3, "renewals beyond the idle time")
            assert guards_on(world) == 1
        wait_until(lambda: guards_on(world) == 0, "the guard to let go")
        assert not connections.guard.is_open


def test_close_leaves_no_guard(connections: Connections, world: PostgresWorld) -> None:
    armed(connections)
    connections.close()
    wait_until(lambda: guards_on(world) == 0, "the guard to be gone")
    with pytest.raises(Transient):
        connections.guard.terminate(1)


def test_two_guards_of_one_target_have_a_ballast_each(
    connections: Connections, world: PostgresWorld, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "second"
    file.write_text(target.bot_dsn)
    with closing(Connections(SecretReference(file=str(file)), None)) as second:
        armed(connections)
        armed(second)
        held = world.owner.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchall()[0][0]
        assert held == 2 * guards.BALLAST


def test_with_all_connections_taken_rights_go_over_the_guards(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    armed(connections)
    with ExitStack() as taken:
        connections._drop_idle()
        _take_all_slots(world, taken)
        with connections.own_session(Deadline.after(5)) as session:
            session.write(REVOKE)
        assert len(connections.guard.terminate(ann)) > 5


def test_a_login_of_ours_is_ended_by_its_number(connections: Connections, world: PostgresWorld) -> None:
    """Also one that was made after the guard began to look."""
    armed(connections)
    name = login_name(make_spec())
    with world.own_login(name):
        ((oid,),) = world.owner.execute("SELECT oid::int8 FROM pg_roles WHERE rolname = %s", [name]).fetchall()
        with closing(hog(world, name)) as hogging:
            assert connections.guard.terminate(oid) == [hogging.info.backend_pid]
            wait_until(lambda: is_dead(hogging), "it to be gone")


def _take_all_slots(world: PostgresWorld, taken: ExitStack) -> None:
    dsn = world._server.dsn(user=ANN, password="a person's own", database="shop")
    while True:
        try:
            taken.enter_context(closing(psycopg.connect(dsn, autocommit=True)))
        except psycopg.OperationalError:
            return


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except Transient as error:
        if error.code != "53200":
            raise
        return False
    return True
