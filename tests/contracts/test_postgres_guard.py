"""The guard of a target: with the table of locks full, or all connections taken, what is open can still be ended."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from access.errors import ProviderError, Transient
from access.ports import Deadline
from countersign.demo.target import BOT, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.guarded import (
    ANN,
    armed,
    connections_of,
    guards_elsewhere,
    guards_on,
    held_by_the_bot,
    hog,
    is_dead,
    works,
)
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, make_spec, soon
from tests.waiting import wait_until
from workers.providers.postgres.login import login_name
from workers.providers.postgres.session import Connections
from workers.providers.postgres.statements import Name, Statement

_SMALL = {"fsync": "off", "max_connections": "20", "max_locks_per_transaction": "10"}
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
    with connections_of(tmp_path / "dsn", target.bot_dsn) as made:
        yield made


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
            wait_until(lambda: works(lambda: session.write(REVOKE)), "the rights to go")


def test_the_ballast_lets_the_rights_go_while_another_holds_all_locks(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    armed(connections)
    with closing(hog(world)):
        with connections.session(soon()) as session:
            assert not works(lambda: session.write(REVOKE))
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
        wait_until(lambda: is_dead(hogging), "the hog to be gone")


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
    with connections_of(tmp_path / "dsn", target.bot_dsn) as connections:
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


BALLAST = 300
SLOT = 1


def test_the_guards_of_all_processes_hold_one_ballast_where_the_table_is_small(
    connections: Connections, world: PostgresWorld
) -> None:
    armed(connections)
    with guards_elsewhere(connections, 3) as others:
        before = [guard.renewals for guard in others]
        wait_until(
            lambda: all(guard.renewals >= was + 2 for guard, was in zip(others, before, strict=True)), "two renewals"
        )
        assert held_by_the_bot(world) <= BALLAST + SLOT
        assert all(guard.is_open for guard in others)
        assert all(guard.fault is None for guard in others), "no ballast is no fault"


def test_guards_in_two_databases_hold_one_ballast_as_well(connections: Connections, world: PostgresWorld) -> None:
    """A bot that may not connect to a database of its own has them there; a number of a lock is of one database."""
    armed(connections)
    with guards_elsewhere(connections, 1, database="shop") as (other,):
        before = other.renewals
        wait_until(lambda: other.renewals >= before + 2, "two renewals")
        assert not other.has_ballast
        assert held_by_the_bot(world) == BALLAST + SLOT


def test_the_ballast_passes_to_another_guard_when_its_holder_goes(
    connections: Connections, world: PostgresWorld
) -> None:
    armed(connections)
    with guards_elsewhere(connections, 1) as (other,):
        assert not other.has_ballast
        connections.close()
        wait_until(lambda: other.has_ballast, "the ballast to be the other's")
        assert held_by_the_bot(world) == BALLAST + SLOT


def test_a_guard_without_a_ballast_gets_room_from_the_one_that_has_it(
    connections: Connections, world: PostgresWorld, ann: int
) -> None:
    with guards_elsewhere(connections, 1) as (holder,):
        wait_until(lambda: holder.has_ballast, "a ballast elsewhere")
        with connections.session(soon()) as session:
            wait_until(lambda: connections.guard.is_open, "a guard")
            wait_until(lambda: guards_on(world) == 2, "two guards")
            assert not connections.guard.has_ballast
            with closing(hog(world)):
                assert not works(lambda: session.write(REVOKE))
                connections.guard.make_room(None)
                wait_until(lambda: works(lambda: session.write(REVOKE)), "the rights to go")
        wait_until(lambda: holder.is_open, "the other guard to be back", within=30)
        wait_until(lambda: held_by_the_bot(world) == BALLAST + SLOT, "a ballast to be taken again", within=30)


def test_no_session_but_a_guard_of_ours_is_ended_for_its_ballast(
    connections: Connections, world: PostgresWorld
) -> None:
    armed(connections)
    with _eve(world, "postgres") as eve:
        eve.execute("SELECT pg_advisory_lock(1668506729, n) FROM generate_series(1, 20) n")
        assert connections.guard.release_ballast()
        assert not connections.guard.release_ballast(), "there is no other of ours"
        assert not is_dead(eve)


def test_a_stranger_who_holds_the_slots_keeps_the_guard_from_no_ballast(
    connections: Connections, world: PostgresWorld
) -> None:
    with _eve(world, "postgres") as eve:
        eve.execute("SELECT pg_advisory_lock(1668506729, n) FROM generate_series(0, 20) n")
        armed(connections)
        assert held_by_the_bot(world) == BALLAST + SLOT
        with guards_elsewhere(connections, 1) as (other,):
            assert not other.has_ballast, "and it does not make room for more of ours"


def test_a_stranger_who_takes_the_locks_of_a_ballast_first_takes_nothing_from_it(
    connections: Connections, world: PostgresWorld
) -> None:
    armed(connections)
    ((pid,),) = world.owner.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename = %s AND state = 'idle in transaction'", [BOT]
    ).fetchall()
    with _eve(world, "postgres") as eve:
        assert connections.guard.release_ballast()
        eve.execute(f"SELECT pg_try_advisory_lock({pid}, n) FROM generate_series(1, 60) n".encode())
        wait_until(lambda: connections.guard.has_ballast, "the ballast to be taken again")
        assert held_by_the_bot(world) == BALLAST + SLOT


def test_no_ballast_is_taken_where_it_could_be_the_last_room(connections: Connections, world: PostgresWorld) -> None:
    with _eve(world, "shop") as eve:
        eve.execute("SELECT pg_advisory_lock(3000000 + n) FROM generate_series(1, 300) n")
        with connections.session(soon()) as session:
            session.read(Statement("SELECT 1", {}))
        wait_until(lambda: connections.guard.renewals >= 2, "two renewals")
        assert connections.guard.is_open
        assert not connections.guard.has_ballast
        eve.execute("SELECT pg_advisory_unlock_all()")
        wait_until(lambda: connections.guard.has_ballast, "the ballast where there is room")


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


@contextmanager
def _eve(world: PostgresWorld, database: str) -> Iterator[psycopg.Connection]:
    """Who may enter any database, and has no part in the bot's account."""
    lets, ends = f"GRANT CONNECT ON DATABASE {database} TO eve", f"REVOKE CONNECT ON DATABASE {database} FROM eve"
    dsn = world._server.dsn(user="eve", password="a person's own", database=database)
    with (
        world.own_login("eve"),
        for_a_while(world, lets, ends),
        closing(psycopg.connect(dsn, autocommit=True)) as session,
    ):
        yield session


def _take_all_slots(world: PostgresWorld, taken: ExitStack) -> None:
    dsn = world._server.dsn(user=ANN, password="a person's own", database="shop")
    while True:
        try:
            taken.enter_context(closing(psycopg.connect(dsn, autocommit=True)))
        except psycopg.OperationalError:
            return
