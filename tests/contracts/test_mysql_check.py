"""What the doctor and the drift hear of a MariaDB: what is missing, what is too much, who holds what."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pymysql
import pytest
import yaml

from access.errors import BadConfig, BadCredential, NotPermitted, ProviderError, Transient, Unsupported
from access.ports import EVERYBODY, Deadline, Finding, SecretReference
from access.provider import target_of
from countersign.providers import ProviderClasses
from countersign.testing import Refused
from tests.contracts.mysql_fixtures import NEEDS_MARIADB, make_mysql, mariadb, mysql_world
from tests.contracts.mysql_imposters import packet
from tests.contracts.mysql_server import BOT_PASSWORD, PAGE, ask, run
from tests.contracts.mysql_world import MysqlWorld, make_direct_spec, make_spec
from tests.faulty_proxy import FaultyProxy
from workers.providers.mysql import Mysql, Role, Settings
from workers.providers.mysql.session import Session
from workers.providers.mysql.settings import Privilege

__all__ = ["make_mysql", "mariadb", "mysql_world"]

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


def test_the_script_of_the_page_leaves_nothing_to_mend(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    found = findings(make_mysql(), read=READ, direct=DIRECT)
    assert [one.sentence for one in found if one.level != "ok"] == []
    assert {"connection", "version", "TLS", "clock", "CREATE USER", "own end", "read", "direct"} <= {
        one.subject for one in found
    }


@pytest.mark.parametrize("right", ["CREATE USER", "CONNECTION ADMIN", "PROCESS"])
def test_a_right_that_is_missing_is_named_with_its_statement(
    right: str, mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    with mysql_world.changed(f"REVOKE {right} ON *.* FROM {BOT}", f"GRANT {right} ON *.* TO {BOT}"):
        told = bad(make_mysql())[right]
        assert f"GRANT {right} ON *.* TO 'countersign'@'%'" in told.cure
        run(mysql_world.owner, told.cure.partition(": ")[2])
        assert bad(make_mysql()) == {}


def test_each_other_right_that_is_missing_is_named(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    taken = [
        ("own end", f"REVOKE EVENT ON countersign.* FROM {BOT}", f"GRANT EVENT ON countersign.* TO {BOT}"),
        ("own database", f"REVOKE SELECT ON mysql.db FROM {BOT}", f"GRANT SELECT ON mysql.db TO {BOT}"),
        ("read", f"REVOKE support_read FROM {BOT}", f"GRANT support_read TO {BOT} WITH ADMIN OPTION"),
        ("direct", f"REVOKE GRANT OPTION ON shop.customers FROM {BOT}",
         f"GRANT SELECT (id) ON shop.customers TO {BOT} WITH GRANT OPTION"),
    ]  # fmt: skip
    for subject, does, undoes in taken:
        with mysql_world.changed(does, undoes):
            told = bad(make_mysql(), read=READ, direct=DIRECT)
            assert subject in told, does
            assert told[subject].cure


def test_a_bot_that_is_too_mighty_is_named_with_what_takes_it_away(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    for right in ("SUPER ON *.*", "SELECT ON *.*", "FILE ON *.*", "DELETE ON mysql.*", "SELECT ON mysql.global_priv"):
        with mysql_world.changed(f"GRANT {right} TO {BOT}", f"REVOKE {right} FROM {BOT}"):
            told = bad(make_mysql())["too mighty"]
            assert right.partition(" ")[0] in told.sentence
            run(mysql_world.owner, told.cure.partition(": ")[2])
            assert bad(make_mysql()) == {}, right


def test_a_mighty_bot_shows_no_password_and_still_ends(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    with mysql_world.changed(f"GRANT SUPER ON *.* TO {BOT}", f"REVOKE SUPER ON *.* FROM {BOT}"):
        with pytest.raises(BadConfig, match="more than it needs"):
            provider.reveal(spec, receipt, soon())
        assert provider.revoke(spec, receipt, soon()).state == "removed"


def test_a_server_that_cannot_be_written_to_is_named_and_refuses_nothing_for_good(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    with mysql_world.changed("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"):
        assert "read only" in bad(make_mysql())
        with pytest.raises(Transient):
            make_mysql().grant(make_direct_spec(), soon())


def test_a_scheduler_that_is_off_is_told_and_access_is_given_without_an_end_of_the_server(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    spec = make_direct_spec()
    with mysql_world.changed("SET GLOBAL event_scheduler = OFF", "SET GLOBAL event_scheduler = ON"):
        assert bad(make_mysql())["own end"].level == "warning"
        assert make_mysql().grant(spec, soon()).receipt.native_expiry is None
        assert make_mysql().observe(spec, None, soon()).expires_at is None
        make_mysql().revoke(spec, None, soon())
    without = Mysql(mysql_world.settings(events=False))
    assert without.grant(spec, soon()).receipt.native_expiry is None
    with pytest.raises(Unsupported):
        without.extend(spec, None, soon())
    without.revoke(spec, None, soon())
    assert Mysql.capabilities.of({"events": False}).native_expiry is None


def test_an_account_without_a_name_is_told_for_it_takes_the_place_of_a_login(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    with mysql_world.changed("CREATE USER ''@'10.9.9.9'", "DROP USER ''@'10.9.9.9'"):
        assert "DROP USER ''@'10.9.9.9'" in bad(make_mysql())["accounts without a name"].cure


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


def test_a_mark_that_carries_something_opens_nothing_and_is_named(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    given = mysql_world.changed(
        "GRANT SELECT ON shop.orders TO countersign_logins", "REVOKE SELECT ON shop.orders FROM countersign_logins"
    )
    with given:
        assert "as a mark it must have no rights" in bad(make_mysql())["mark"].cure
        with pytest.raises(BadConfig, match="only marks temporary logins"):
            make_mysql().grant(make_direct_spec(), soon())


def test_what_everyone_has_is_named(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    with mysql_world.changed("GRANT SELECT ON shop.orders TO PUBLIC", "REVOKE SELECT ON shop.orders FROM PUBLIC"):
        assert "SELECT on shop.orders" in bad(make_mysql())["public"].sentence


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


def test_who_else_holds_what_can_be_given_is_listed_through_whatever(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    owner, provider, spec = mysql_world.owner, make_mysql(), make_spec()
    provider.grant(spec, soon())
    run(owner, "CREATE USER lea@'%'; CREATE USER kim@'%'; CREATE USER eve@'%'; CREATE ROLE between_")
    run(
        owner,
        "GRANT support_read TO lea@'%' WITH ADMIN OPTION; GRANT support_read TO between_; GRANT between_ TO kim@'%'",
    )
    run(owner, "GRANT SELECT ON shop.* TO eve@'%'; GRANT SELECT (email) ON shop.customers TO PUBLIC")
    try:
        held = provider.list_holders(soon())
        seen = {(one.principal, one.role, one.via): one for one in held}
        assert seen["lea", "the role support_read", ""].options == {"admin"}
        assert ("kim", "the role support_read", "between_") in seen
        assert ("eve", "SELECT (email) on shop.customers", "") in seen
        assert (EVERYBODY, "SELECT (email) on shop.customers", "") in seen
        ours = seen[f"cs_{spec.grant_id}", "the role support_read", ""]
        assert (ours.ours, ours.grant_id) == (True, spec.grant_id)
        told = {one.role: one for one in provider.role_rights({"read": READ}, soon())}
        assert told[EVERYBODY].allows == {"SELECT (email) on shop.customers"}
    finally:
        run(owner, "REVOKE SELECT (email) ON shop.customers FROM PUBLIC")
        run(owner, "DROP USER lea@'%', kim@'%', eve@'%'; DROP ROLE between_")
        provider.revoke(spec, None, soon())


def test_a_role_that_may_make_things_says_so(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    makes = Role.model_validate(
        {"rights": [{"privileges": ["CREATE VIEW", "EVENT", "CREATE TEMPORARY TABLES"], "database": "shop"}]}
    )
    (told, _) = make_mysql().role_rights({"makes": makes}, soon())
    assert told.creates == ("events in shop.*", "temporary tables in shop.*", "views in shop.*")


def test_letters_of_a_database_are_no_pattern(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    rights = [{"privileges": ["SELECT"], "database": "shop_1"}]
    spec, provider = replace(make_spec(), definition={"rights": rights}), make_mysql()
    with mysql_world.changed(
        f"GRANT SELECT ON `shop\\_1`.* TO {BOT} WITH GRANT OPTION",
        f"REVOKE GRANT OPTION ON `shop\\_1`.* FROM {BOT}; REVOKE SELECT ON `shop\\_1`.* FROM {BOT}",
    ):
        receipt = provider.grant(spec, soon()).receipt
        assert not provider.observe(spec, receipt, soon()).beyond
        with closing(mysql_world.connect(provider.reveal(spec, receipt, soon()))) as client:
            assert ask(client, "SELECT COUNT(*) FROM shop_1.things")
            with pytest.raises(pymysql.err.Error):
                ask(client, "SELECT COUNT(*) FROM shopx1.things")
        provider.revoke(spec, receipt, soon())


@pytest.mark.parametrize("pattern", ["%", "m%", "mysq_", "sy_", "counter%"])
def test_a_role_whose_pattern_leads_into_the_servers_own_databases_is_refused(
    pattern: str, mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    where = f"`{pattern}`.*"
    widened = mysql_world.changed(
        f"GRANT SELECT ON {where} TO support_read", f"REVOKE SELECT ON {where} FROM support_read"
    )
    with widened, pytest.raises(ProviderError, match="never granted"):
        make_mysql().grant(make_spec(), soon())


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


def test_the_provider_is_found_by_its_name_and_names_its_target() -> None:
    found = ProviderClasses()
    settings = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["resources"][0]["settings"]
    assert target_of(found, "mysql", settings) == "mysql:db.example.com:3306 by countersign"


def test_the_page_has_every_word_of_the_settings_and_every_privilege() -> None:
    words = [*Settings.model_fields, "rights", "grants", "privileges", "columns", *Privilege.__args__]
    assert [word for word in words if f"`{word}`" not in PAGE] == []
    resource = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["resources"][0]
    for role in resource["roles"].values():
        Role.model_validate({word: value for word, value in role.items() if word != "title"})
