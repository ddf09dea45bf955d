"""Between us and our own PostgreSQL: every wait has an end, what was not committed is not there, and then it serves."""

import socket
import time
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from access import store
from access.errors import Unavailable
from access.ids import MessageId
from access.models import Message, MessageKind
from access.postgres_session import POSTGRES_TIMEOUTS
from access.store import Database
from countersign.testing.faulty_proxy import FaultyProxy
from tests.databases import PostgresDatabases
from tests.fakes import NOON
from tests.network.conftest import FAULTS, LOUD, SILENT, Between

PATIENCE = 1.0


@pytest.fixture
def url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
def proxy(url: str, between: Between) -> FaultyProxy:
    parsed = sa.make_url(url)
    return between((str(parsed.host), int(parsed.port or 0)))


@pytest.fixture
def database(url: str, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """By way of the proxy; both connections of the pool were in use once, and from then on with less patience."""
    far = sa.make_url(url).set(port=proxy.port)
    database = Database(far.render_as_string(hide_password=False), pool_size=2)
    fill(database)
    monkeypatch.setattr(store, "ANSWER_WITHIN", PATIENCE)
    yield database
    proxy.heal()
    database.close()


def message(name: str) -> Message:
    return Message(
        id=MessageId(name), kind=MessageKind.ALERT, subject=name, recipient="C0", due_at=NOON, created_at=NOON
    )  # fmt: skip


def messages(database: Database) -> set[str]:
    with database.read() as session:
        return {one.id for one in session.exec(sa.select(Message)).scalars()}  # pyright: ignore[reportCallIssue, reportArgumentType] -- SQLModel's overloads


def fill(database: Database) -> None:
    with database.write() as one, database.write() as two:
        one.add(message("one"))
        two.add(message("two"))


@pytest.mark.parametrize("fault", FAULTS)
def test_nobody_waits_for_ever_and_it_serves_again(database: Database, proxy: FaultyProxy, fault: str) -> None:
    FAULTS[fault](proxy)
    began = time.monotonic()
    if fault in SILENT or fault == "refused":
        with pytest.raises(Unavailable), database.write() as session:
            session.add(message("three"))
        # One connection that is looked at in vain, and one that does not come about.
        assert time.monotonic() - began < PATIENCE + 5 + 8
    proxy.heal()

    with database.write() as session:
        session.add(message("four"))
    assert messages(database) == {"one", "two", "four"}


@pytest.mark.parametrize("fault", FAULTS)
def test_in_the_middle_of_a_transaction_nothing_of_it_is_done(
    database: Database, proxy: FaultyProxy, fault: str
) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match="nothing was changed"), database.write() as session:  # noqa: PT012 -- the point
        session.add(message("three"))
        session.flush()
        FAULTS[fault](proxy)
        session.add(message("four"))
        session.flush()
    assert time.monotonic() - began < PATIENCE + 8
    proxy.heal()

    assert messages(database) == {"one", "two"}


@pytest.mark.parametrize("fault", ["no answer arrives", "half closed"])
def test_a_commit_without_an_answer_is_told_as_in_doubt(
    database: Database, proxy: FaultyProxy, url: str, fault: str
) -> None:
    with pytest.raises(Unavailable, match="not known whether"), database.write() as session:  # noqa: PT012 -- the point
        session.add(message("three"))
        session.flush()
        (SILENT | LOUD)[fault](proxy)

    direct = Database(url)
    assert messages(direct) == {"one", "two", "three"}
    direct.close()


def test_a_look_that_is_not_answered_ends_too(database: Database, proxy: FaultyProxy) -> None:
    proxy.swallow()
    with pytest.raises(Unavailable):
        messages(database)
    proxy.heal()

    assert messages(database) == {"one", "two"}


@pytest.mark.parametrize("fault", [*SILENT, "refused"])
def test_its_clock_is_not_waited_for_either(database: Database, proxy: FaultyProxy, fault: str) -> None:
    """A process asks for it when it starts, and says in a sentence why it cannot."""
    FAULTS[fault](proxy)
    with pytest.raises(Unavailable, match="can't read its database"):
        database.time()
    proxy.heal()

    database.time()


def test_latency_alone_harms_nobody(database: Database, proxy: FaultyProxy) -> None:
    proxy.delay(0.05)

    with database.write() as session:
        session.add(message("three"))
    assert messages(database) == {"one", "two", "three"}


def test_the_server_speaks_before_we_give_it_up() -> None:
    """Else a statement that is only slow would look like a connection that is dead."""
    limits = [float(limit.removesuffix("s")) for limit in POSTGRES_TIMEOUTS.values()]

    assert max(limits) <= store.ANSWER_WITHIN


def test_a_peer_that_is_gone_without_a_word_is_noticed(database: Database) -> None:
    """By the kernel: a pool's connections lie idle for hours, and unsent words must not arrive in an hour."""
    with database.engine().connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with socket.socket(fileno=socket.dup(raw.fileno())) as seen:  # pyright: ignore[reportAttributeAccessIssue] -- POSIX
            assert seen.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert seen.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 30
            assert 0 < seen.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000
