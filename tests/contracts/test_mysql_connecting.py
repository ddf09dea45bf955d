"""How the provider mysql reaches a server: proven, in time, and told from what is none."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

import pytest

from access.errors import BadConfig, BadCredential, NotPermitted, ProviderError, Transient, Unsupported
from access.ports import Deadline, Finding, SecretReference
from countersign.testing import Refused
from countersign.testing.faulty_proxy import FaultyProxy
from tests.contracts.imposters import resolving
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_imposters import packet
from tests.contracts.mysql_server import BOT_PASSWORD, Client, run
from tests.contracts.mysql_world import MysqlWorld, make_direct_spec, make_spec
from workers.providers.mysql import Mysql, Role, Settings
from workers.providers.mysql.session import Session

pytestmark = NEEDS_MARIADB

READ = Role.model_validate(make_spec().definition)
DIRECT = Role.model_validate(make_direct_spec().definition)
BOT = "countersign@'%'"


def soon() -> Deadline:
    return Deadline.after(20)


def findings(provider: Mysql, **roles: Role) -> list[Finding]:
    return provider.check(roles, soon())


def bad(provider: Mysql, **roles: Role) -> dict[str, Finding]:
    return {one.subject: one for one in findings(provider, **roles) if one.level != "ok"}


def test_the_credential_of_the_bot_and_what_it_lacks_are_told_apart(mysql_world: MysqlWorld) -> None:
    wrong = mysql_world.password.with_name("wrong")
    wrong.write_text("wrong")
    with pytest.raises(BadCredential):
        Mysql(mysql_world.settings(password=SecretReference(file=str(wrong)))).observe(make_spec(), None, soon())
    with pytest.raises(BadConfig, match="NO_SUCH_VARIABLE"):
        Mysql(mysql_world.settings(password=SecretReference(env="NO_SUCH_VARIABLE"))).observe(make_spec(), None, soon())
    run(mysql_world.owner, f"CREATE USER weak@'%' IDENTIFIED BY '{BOT_PASSWORD}'")
    try:
        with pytest.raises(NotPermitted):
            Mysql(mysql_world.settings(user="weak")).grant(make_spec(), soon())
    finally:
        run(mysql_world.owner, "DROP USER weak@'%'")


def test_the_bot_works_over_tls_that_proves_the_server(mysql_world: MysqlWorld) -> None:
    server, spec = mysql_world.server, make_direct_spec()
    proven = Mysql(mysql_world.settings(port=server.port, ca=str(server.authority.certificate)))
    with mysql_world.changed(f"ALTER USER {BOT} REQUIRE SSL", f"ALTER USER {BOT} REQUIRE NONE"):
        proven.grant(spec, soon())
        secret = proven.reveal(spec, None, soon())
        mysql_world.open_session(spec, secret).close()
        assert proven.revoke(spec, None, soon()).state == "removed"
        with pytest.raises(BadConfig, match="cannot be read"):
            Mysql(mysql_world.settings(ca="/no/such/file")).observe(spec, None, soon())
        with pytest.raises(BadCredential):
            Mysql(mysql_world.settings()).observe(spec, None, soon())
    line = {label: value.get_secret_value() for label, value in secret.fields}["mariadb"]
    assert "--ssl-verify-server-cert" in line
    assert str(server.authority.certificate) in line


def test_no_password_is_in_the_line_that_is_typed(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    provider, spec = make_mysql(), make_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    told = {label: value.get_secret_value() for label, value in secret.fields}
    provider.revoke(spec, None, soon())
    assert told["Password"] not in told["mariadb"]
    assert "SET ROLE `support_read`" in told["mariadb"]
    assert secret.environment["MYSQL_PWD"] == "Password"


@contextmanager
def answering(first: bytes) -> Iterator[int]:
    """A server that says this and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    guest, _ = listener.accept()
                    with guest:
                        guest.sendall(first)
                        while guest.recv(65536):
                            pass

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 5000, b"", packet(0, b"\x0a"), packet(0, b"\x0a" + b"x" * 200),
     b"\xff\xff\xff\x00" + b"\x0a" * 100, packet(0, b"\xff\x10\x04Too many connections")],
    ids=["http", "ff", "silence", "short", "no-nul", "endless", "full"],
)  # fmt: skip
def test_what_is_no_database_server_is_one_sentence_within_the_deadline(first: bytes, mysql_world: MysqlWorld) -> None:
    with answering(first) as port:
        deadline = Deadline.after(1)
        with pytest.raises(ProviderError) as caught:
            Mysql(mysql_world.settings(port=port)).grant(make_spec(), deadline)
        assert not Deadline(deadline.at + 2).passed
        assert caught.value.sentence.endswith((".", "…"))
        assert BOT_PASSWORD not in str(caught.value)


def test_a_server_that_is_no_mariadb_is_refused_before_anything_is_written(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = mysql_world.snapshot()
    for version, words in (((8, 0, 36), "no MariaDB"), ((10, 6, 5), "10.6.5")):
        monkeypatch.setattr(Session, "version", version)
        monkeypatch.setattr(Session, "is_mariadb", version[0] == 10)
        with pytest.raises(Unsupported, match=words):
            make_mysql().grant(make_spec(), soon())
        assert "version" in bad(make_mysql())
    assert mysql_world.snapshot() == untouched


def test_a_network_that_drops_answers_ends_a_call_at_its_deadline(mysql_world: MysqlWorld) -> None:
    with FaultyProxy(("127.0.0.1", mysql_world.server.port)).running() as proxy:
        provider = Mysql(mysql_world.settings(port=proxy.port))
        for harm in (proxy.swallow, lambda: proxy.drop("to us")):
            harm()
            deadline = Deadline.after(0.5)
            with pytest.raises(ProviderError):
                provider.observe(make_spec(), None, deadline)
            assert not Deadline(deadline.at + 2).passed
            proxy.heal()


def test_a_missing_driver_is_a_sentence(mysql_world: MysqlWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    drives = ("pymysql", "workers.providers.mysql.session", "workers.providers.mysql.connecting")
    for module in [name for name in sys.modules if name.startswith(drives)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(BadConfig, match=r"pip install 'countersign-access\[mysql\]'"):
        Mysql(mysql_world.settings()).observe(make_spec(), None, soon())


def test_without_tls_no_login_gets_in(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    with pytest.raises(Refused):
        mysql_world.connect(secret, tls=False)
    provider.revoke(spec, None, soon())


def test_settings_that_could_tell_another_server_the_password_are_refused() -> None:
    for wrong in (
        {"host": "db.example"},
        {"host": "db.example", "ca": "relative.pem"},
        {"host": "-x", "ca": "system"},
        {"host": "127.0.0.1", "user": "x" * 33},
        {"host": "127.0.0.1", "logins_from": "x' OR '"},
    ):
        with pytest.raises(ValueError, match="validation error"):
            Settings.model_validate({"password": {"env": "X"}} | wrong)


def test_an_answer_that_trickles_in_ends_at_the_deadline(mysql_world: MysqlWorld) -> None:
    with trickling(packet(0, b"\x0a" + b"x" * 4000)) as port:
        deadline = Deadline.after(1)
        with pytest.raises(Transient):
            Mysql(mysql_world.settings(port=port)).observe(make_spec(), None, deadline)
        assert not Deadline(deadline.at + 2).passed


@contextmanager
def trickling(said: bytes) -> Iterator[int]:
    """A server that says this letter by letter."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                guest, _ = listener.accept()
                with guest:
                    for letter in said:
                        guest.sendall(bytes([letter]))
                        if over.wait(0.05):
                            return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join(20)


def test_where_all_connections_are_taken_the_bot_still_gets_in_to_end(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    """CONNECTION ADMIN has one more."""
    provider, spec, taken = make_mysql(), make_direct_spec(), list[Client]()
    receipt = provider.grant(spec, soon()).receipt
    run(mysql_world.owner, "CREATE USER mallory@'%' IDENTIFIED BY 'of mallory'")
    try:
        with mysql_world.changed("SET GLOBAL max_connections = 10", "SET GLOBAL max_connections = 80"):
            with suppress(Refused):
                while len(taken) < 20:
                    taken.append(mysql_world.log_in("mallory", "of mallory"))
            with pytest.raises(Refused, match="1040"):
                mysql_world.log_in("mallory", "of mallory")
            assert provider.revoke(spec, receipt, soon()).state == "removed"
    finally:
        for session in taken:
            session.close()
        run(mysql_world.owner, "DROP USER mallory@'%'")


def test_an_address_that_answers_nothing_leaves_time_for_the_next(mysql_world: MysqlWorld) -> None:
    server, port = mysql_world.server, mysql_world.server.port
    proof = {"ca": str(server.authority.certificate)}
    with full("127.0.0.3", port), resolving({"localhost": ["127.0.0.3", "127.0.0.1"]}):
        provider = Mysql(mysql_world.settings(host="localhost", port=port))
        assert not provider.observe(make_spec(), None, Deadline.after(8)).present
        with pytest.raises(BadConfig, match="the host's name"):
            Mysql(mysql_world.settings(host="localhost", port=port, **proof)).observe(
                make_spec(), None, Deadline.after(8)
            )


@contextmanager
def full(host: str, port: int) -> Iterator[None]:
    """A listener whose queue is full: the kernel answers no more calls."""
    with socket.socket() as listener:
        listener.bind((host, port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect((host, port))
        try:
            yield
        finally:
            for one in waiting:
                one.close()


def test_a_resolver_that_hangs_ends_with_the_deadline(mysql_world: MysqlWorld) -> None:
    over = threading.Event()
    provider = Mysql(mysql_world.settings(host="localhost"))
    with patch.object(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and []):
        try:
            deadline = Deadline.after(0.3)
            with pytest.raises(Transient):
                provider.observe(make_spec(), None, deadline)
            assert not Deadline(deadline.at + 2).passed
        finally:
            over.set()


def test_an_address_is_reached_also_where_the_resolver_hangs(mysql_world: MysqlWorld) -> None:
    over = threading.Event()
    provider = Mysql(mysql_world.settings(host="127.0.0.1", port=mysql_world.server.port))
    with patch.object(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and []):
        try:
            assert not provider.observe(make_spec(), None, Deadline.after(5)).present
        finally:
            over.set()


def test_settings_and_roles_are_read_without_the_driver() -> None:
    read = "import sys, workers.providers.mysql as m; m.Settings; m.Role; m.Mysql; print('pymysql' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", read], capture_output=True, check=True, text=True, timeout=60)
    assert said.stdout.strip() == "False"
