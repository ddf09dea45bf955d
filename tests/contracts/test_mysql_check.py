"""What the doctor hears of a MariaDB: what is missing, what is too much, what could mislead."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from access.errors import BadConfig, Transient, Unsupported
from access.ports import Deadline, Finding, host_time
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import run
from tests.contracts.mysql_world import MysqlWorld, make_direct_spec, make_spec
from workers.providers.mysql import Mysql, Role, check

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


def test_a_bot_that_is_overprivileged_is_named_with_what_takes_it_away(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    for right in (
        "SUPER ON *.*",
        "SELECT ON *.*",
        "FILE ON *.*",
        "DELETE ON mysql.*",
        "SELECT ON mysql.global_priv",
        "SELECT (Priv) ON mysql.global_priv",
        "UPDATE ON `mysq_`.*",
    ):
        with mysql_world.changed(f"GRANT {right} TO {BOT}", f"REVOKE {right} FROM {BOT}"):
            told = bad(make_mysql())["too many privileges"]
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


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (20, "warning"), (-90, "error")])
def test_a_clock_that_is_off_is_named(
    seconds: int, level: str, make_mysql: Callable[[], Mysql], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "host_time", lambda: host_time() + timedelta(seconds=seconds))
    (told,) = [one for one in findings(make_mysql()) if one.subject == "clock"]
    assert told.level == level


def test_what_everyone_has_is_named(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    with mysql_world.changed("GRANT SELECT ON shop.orders TO PUBLIC", "REVOKE SELECT ON shop.orders FROM PUBLIC"):
        assert "SELECT on shop.orders" in bad(make_mysql())["public"].sentence
