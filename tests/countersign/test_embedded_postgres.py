"""The embedded PostgreSQL: checks passwords, keeps its data, leaves nothing running."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from access.errors import Unready
from countersign.demo.target import prepare
from countersign.embedded import postgres
from countersign.embedded.postgres import EmbeddedPostgres
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres", settings={"fsync": "off"})
    yield server
    server.remove()


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        return connection.execute(query.encode()).fetchall()


def test_it_checks_passwords_and_listens_on_loopback_alone(server: EmbeddedPostgres) -> None:
    with server:
        assert ask(server.superuser_dsn, "SHOW listen_addresses") == [("127.0.0.1",)]
        assert ask(server.superuser_dsn, "SHOW unix_socket_directories") == [("",)]
        assert ask(server.superuser_dsn, "SHOW fsync") == [("off",)]
        assert ask(server.superuser_dsn, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.dsn(password="guessed"))


def test_what_it_keeps_is_private_whatever_the_umask_and_whatever_was_there(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "postgres").mkdir()
        with server:
            modes = {
                name: (tmp_path / "postgres" / name).stat().st_mode & 0o777 for name in ("postgres.log", "state.json")
            }
            directory = (tmp_path / "postgres").stat().st_mode & 0o777
    finally:
        os.umask(before)

    assert modes == {"postgres.log": 0o600, "state.json": 0o600}
    assert directory == (0o711 if os.geteuid() == 0 else 0o700)


def test_it_does_not_run_as_root(server: EmbeddedPostgres) -> None:
    with server:
        owner = Path(ask(server.superuser_dsn, "SHOW data_directory")[0][0]).owner()
        assert owner == ("nobody" if os.geteuid() == 0 else Path.home().owner())


def test_it_keeps_its_data_its_port_and_its_passwords(server: EmbeddedPostgres, tmp_path: Path) -> None:
    with server:
        port, dsn = server.port, server.superuser_dsn
        with closing(psycopg.connect(dsn, autocommit=True)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)
    with EmbeddedPostgres(tmp_path / "postgres") as again:
        assert again.port == port
        assert ask(dsn, "SELECT answer FROM kept") == [(42,)]


def test_it_moves_when_its_port_was_taken(server: EmbeddedPostgres) -> None:
    with server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)), server:
        assert server.port != port
        assert ask(server.superuser_dsn, "SELECT 1") == [(1,)]


def test_a_stop_does_not_wait_for_open_sessions(server: EmbeddedPostgres) -> None:
    with server:
        connection = psycopg.connect(server.superuser_dsn)
    with closing(connection), pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    assert not server.running


def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even when that is killed and can do nothing more."""
    program = (
        "import pathlib, sys, time\n"
        "from countersign.embedded.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    directory = str(tmp_path / "postgres")
    starter = subprocess.Popen([sys.executable, "-c", program, directory], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the server to end")
    EmbeddedPostgres(Path(directory)).remove()


def test_a_set_up_that_was_cut_short_is_begun_anew(server: EmbeddedPostgres, tmp_path: Path) -> None:
    left = tmp_path / "postgres" / "cluster" / "data"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18")
    with server:
        assert ask(server.superuser_dsn, "SELECT 1") == [(1,)]


def test_a_server_that_will_not_start_says_why(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", settings={"shared_buffers": "nonsense"})
    with pytest.raises(Unready, match=r"does not start: .*shared_buffers.* See .*postgres\.log"):
        server.start()
    server.remove()


def test_without_the_wheel_it_says_which_command_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unready, match=r"run pip install '\.\[demo\]'"):
        postgres.wheel_binaries()


def test_the_shop_is_the_same_each_time_and_opens_no_card(server: EmbeddedPostgres) -> None:
    with server:
        first = prepare(server)
        customers = ask(first.superuser_dsn, "SELECT * FROM customers ORDER BY id")
        assert len(customers) == 240
        assert customers[16] == (17, "Customer 017", "customer017@example.net", "apac", "0000 0000 0000 0017")
        second = prepare(server)
        assert ask(second.superuser_dsn, "SELECT * FROM customers ORDER BY id") == customers
        assert second.bot_dsn != first.bot_dsn
        ask(second.bot_dsn, "SELECT 1")
        allowed = """SELECT grantee, privilege_type FROM information_schema.column_privileges
            WHERE table_name = 'customers' AND column_name = 'card' AND grantee <> 'postgres'"""
        assert ask(second.superuser_dsn, allowed) == []
        statuses = ask(second.superuser_dsn, "SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1")
        assert statuses == [("new", 180), ("paid", 180), ("returned", 180), ("sent", 180)]


def test_the_canary_is_not_counted_among_those_who_may_read(server: EmbeddedPostgres) -> None:
    with server:
        shop = prepare(server)
        with closing(psycopg.connect(shop.superuser_dsn, autocommit=True)) as connection:
            connection.execute("CREATE ROLE cs_canary IN ROLE nothing")
            connection.execute("CREATE ROLE cs_reader IN ROLE support_read")
        assert shop.readers() == ["cs_reader"]
