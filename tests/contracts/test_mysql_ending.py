"""What ends on a MariaDB beside the contract: under a backup's lock, renamed, half removed, at another host, late."""

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta

import pymysql
import pytest

from access.errors import ProviderError, TargetNotFound
from access.ports import Deadline, Ended, host_time
from countersign.testing import Refused
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import ask, run
from tests.contracts.mysql_world import READ, MysqlWorld, make_direct_spec, make_spec
from tests.waiting import wait_until
from workers.providers.mysql import Mysql

pytestmark = NEEDS_MARIADB


def soon() -> Deadline:
    return Deadline.after(20)


def test_under_anothers_lock_on_the_server_sessions_end_and_the_end_stays_open_until_it_is_gone(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    session = mysql_world.open_session(spec, secret)
    with closing(mysql_world.server.owner()) as backup:
        ask(backup, "FLUSH TABLES WITH READ LOCK")
        pending = provider.revoke(spec, receipt, Deadline.after(4))
        assert pending.state == "pending"
        assert pending.look_again is not None
        assert "is not removed yet" in pending.residual[0]
        assert not session.is_alive()
        assert provider.observe(spec, receipt, soon()).present
    assert provider.revoke(spec, receipt, soon()).state == "removed"
    assert not provider.observe(spec, receipt, soon()).present


def test_the_call_of_an_end_is_over_at_its_deadline_whoever_locks_what(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    """The server says how long it waited, not our clock: no statement of ours waits there any more."""
    provider, spec = make_mysql(), make_direct_spec()
    provider.grant(spec, soon())
    with closing(mysql_world.server.owner()) as dba:
        ask(dba, "LOCK TABLES mysql.global_priv READ, mysql.db READ")
        deadline = Deadline.after(3)
        assert provider.revoke(spec, None, deadline).state == "pending"
        assert not deadline.passed
        waiting = "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'countersign' AND COMMAND = 'Query'"
        assert not ask(mysql_world.owner, waiting)
    provider.revoke(spec, None, soon())


def test_a_login_that_was_renamed_is_told_and_not_taken_for_gone(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    session = mysql_world.open_session(spec, secret)
    run(mysql_world.owner, f"RENAME USER cs_{spec.grant_id}@'%' TO innocent@'%'")
    try:
        removal = provider.revoke(spec, receipt, soon())
        assert not session.is_alive(), "a session keeps the name that it logged in with"
        assert any("innocent" in sentence for sentence in removal.residual)
        (told,) = [one for one in provider.list_managed(soon()) if one.name == "innocent@%"]
        assert told.grant_id is None
        assert "DROP USER 'innocent'@'%'" in next(iter(told.told.values()))
    finally:
        run(mysql_world.owner, "DROP USER innocent@'%'")


def test_a_login_of_the_same_name_at_another_host_is_left_alone_and_told(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    run(mysql_world.owner, f"CREATE USER cs_{spec.grant_id}@'10.9.9.9'")
    try:
        removal = provider.revoke(spec, receipt, soon())
        assert removal.state == "removed"
        assert any("@10.9.9.9, which Countersign did not make" in sentence for sentence in removal.residual)
        left = ask(mysql_world.owner, f"SELECT Host FROM mysql.global_priv WHERE User = 'cs_{spec.grant_id}'")
        assert left == (("10.9.9.9",),)
    finally:
        run(mysql_world.owner, f"DROP USER cs_{spec.grant_id}@'10.9.9.9'")


def test_a_login_that_was_made_for_another_network_still_ends_when_the_settings_name_a_new_one(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    spec, moved = make_direct_spec(), Mysql(mysql_world.settings(logins_from="10.%"))
    receipt = make_mysql().grant(spec, soon()).receipt
    assert moved.observe(spec, None, soon()).present
    assert spec.grant_id in {one.grant_id for one in moved.list_managed(soon())}
    assert moved.revoke(spec, None, soon()).state == "removed"
    assert moved.revoke(spec, receipt, soon()).state == "absent"
    assert not ask(mysql_world.owner, f"SELECT 1 FROM mysql.global_priv WHERE User = 'cs_{spec.grant_id}'")


def test_a_reveal_after_the_end_began_opens_nothing(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    provider, spec = make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    login = f"cs_{spec.grant_id}@'%'"
    run(mysql_world.owner, f"ALTER USER {login} ACCOUNT LOCK; REVOKE ALL PRIVILEGES, GRANT OPTION FROM {login}")
    with pytest.raises(TargetNotFound, match="no longer open"):
        provider.reveal(spec, receipt, soon())
    assert provider.revoke(spec, receipt, soon()).state == "removed"


def test_many_reveals_during_the_end_leave_no_way_in(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    provider, spec, shown, over = make_mysql(), make_direct_spec(), list[object](), threading.Event()
    receipt = provider.grant(spec, soon()).receipt

    def keep_asking() -> None:
        while not over.is_set():
            with suppress(ProviderError):
                shown.append(provider.reveal(spec, receipt, soon()))

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert provider.revoke(spec, receipt, soon()).state == "removed"
    finally:
        over.set()
        for thread in threads:
            thread.join()
    for secret in shown:
        with pytest.raises(Refused):
            mysql_world.open_session(spec, secret)  # pyright: ignore[reportArgumentType] -- a Secret


def test_the_prepared_transaction_of_who_may_write_is_told_at_the_end(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_spec()
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    run(mysql_world.owner, f"GRANT UPDATE ON shop.orders TO cs_{spec.grant_id}@'%'")
    with closing(mysql_world.connect(secret)) as session:
        for statement in (
            "XA START 'left'",
            "UPDATE shop.orders SET status = 'x'",
            "XA END 'left'",
            "XA PREPARE 'left'",
        ):
            ask(session, statement)
    try:
        removal = provider.revoke(spec, receipt, soon())
        assert removal.state == "removed"
        assert any("XA ROLLBACK" in sentence for sentence in removal.residual)
    finally:
        run(mysql_world.owner, "XA ROLLBACK 'left'")


def test_what_a_holder_made_is_named_and_its_event_dropped_by_the_clean_up(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    owner, provider, spec = mysql_world.owner, make_mysql(), make_direct_spec()
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    given = "SELECT, CREATE VIEW, CREATE ROUTINE, EVENT ON shop.*"
    run(owner, f"GRANT {given} TO cs_{spec.grant_id}@'%'")
    with closing(mysql_world.connect(secret)) as session:
        ask(session, "CREATE PROCEDURE shop.left_code() SELECT email FROM shop.customers")
        ask(session, "CREATE EVENT shop.left_event ON SCHEDULE EVERY 1 DAY STARTS NOW() + INTERVAL 1 DAY DO SELECT 1")
    try:
        provider.revoke(spec, receipt, soon())
        ended = [Ended(spec=spec, receipt=receipt)]
        first = provider.clean_up(ended, soon())[spec.grant_id]
        assert "`shop`.`left_event`" in first.left[0], "the bot has no right on events there: told with the statement"
        assert not first.urgent
        assert "procedure shop.left_code" in first.kept[0]

        with mysql_world.changed(
            "GRANT EVENT ON shop.* TO countersign@'%'", "REVOKE EVENT ON shop.* FROM countersign@'%'"
        ):
            assert provider.clean_up(ended, soon())[spec.grant_id].left == ()
        assert not ask(owner, "SELECT 1 FROM mysql.event WHERE name = 'left_event'")
    finally:
        run(owner, "DROP EVENT IF EXISTS shop.left_event; DROP PROCEDURE IF EXISTS shop.left_code")
    assert provider.clean_up(ended, soon()) == {}


def test_the_servers_own_end_also_ends_what_is_open(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    """All of ours are dead."""
    provider, spec = make_mysql(), replace(make_direct_spec(), expires_at=host_time() + timedelta(seconds=2))
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    session = mysql_world.open_session(spec, secret)
    ask(session.client, "START TRANSACTION")

    def is_gone() -> bool:
        return not ask(mysql_world.owner, f"SELECT 1 FROM mysql.global_priv WHERE User = 'cs_{spec.grant_id}'")

    wait_until(is_gone, "the server to drop the login", within=20)
    with pytest.raises(pymysql.err.Error):
        ask(session.client, READ)
    assert provider.revoke(spec, receipt, soon()).state == "absent"
