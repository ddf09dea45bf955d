"""What a holder on a MariaDB can leave behind without any right, or lend: told, ended, or never made possible."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pymysql
import pytest

from access.errors import NotGrantable, Permanent
from access.ports import Deadline, Ended, GrantSpec
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import Client, ask, run
from tests.contracts.mysql_world import READ, MysqlWorld, make_direct_spec, make_spec
from tests.waiting import wait_until
from workers.providers.mysql import Mysql, left_behind

pytestmark = NEEDS_MARIADB


def soon() -> Deadline:
    return Deadline.after(20)


def cure_of(sentence: str) -> str:
    return sentence.rpartition("s an administrator: ")[2]


@pytest.fixture
def mallory(mysql_world: MysqlWorld) -> Iterator[Client]:
    """A colleague's session."""
    run(mysql_world.owner, "CREATE USER mallory@'%' IDENTIFIED BY 'of mallory'")
    try:
        with closing(mysql_world.log_in("mallory", "of mallory")) as session:
            yield session
    finally:
        run(mysql_world.owner, "DROP USER mallory@'%'; DELETE FROM mysql.proxies_priv WHERE User = 'mallory'")
        run(mysql_world.owner, "FLUSH PRIVILEGES")


def lends(world: MysqlWorld, provider: Mysql, spec: GrantSpec) -> None:
    """The holder, with no right but to log in."""
    secret = provider.reveal(spec, None, soon())
    with closing(world.connect(secret)) as session:
        ask(session, "GRANT PROXY ON CURRENT_USER() TO mallory@'%' WITH GRANT OPTION")


def test_an_identity_that_a_holder_lends_is_reported_as_more_than_was_granted(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client
) -> None:
    provider, spec = make_mysql(), make_spec()
    provider.grant(spec, soon())
    lends(mysql_world, provider, spec)

    seen = provider.observe(spec, None, soon()).extra_privileges
    (listed,) = [one for one in provider.list_managed(soon()) if one.grant_id == spec.grant_id]

    assert seen == {"its own identity, lent to mallory@%"}
    assert seen < listed.roles
    with pytest.raises(Permanent, match="lent to mallory"):
        provider.reveal(spec, None, soon())
    provider.revoke(spec, None, soon())


def test_the_row_of_an_identity_that_was_lent_is_told_with_the_statement_that_removes_it(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client
) -> None:
    """DROP USER leaves it, and the bot may not take it away."""
    ask(mysql_world.owner, "GRANT USAGE ON *.* TO mallory@'%'")  # as the server writes an account that was changed
    provider, spec, untouched = make_mysql(), make_spec(), mysql_world.snapshot()
    receipt = provider.grant(spec, soon()).receipt
    lends(mysql_world, provider, spec)

    removal = provider.revoke(spec, receipt, soon())
    found = provider.clean_up([Ended(spec=spec, receipt=receipt)], soon())[spec.grant_id]

    assert removal.state == "removed"
    assert found.left == removal.residual
    assert found.urgent
    run(mysql_world.owner, cure_of(found.left[0]))
    assert mysql_world.snapshot() == untouched
    assert provider.clean_up([Ended(spec=spec, receipt=receipt)], soon()) == {}


@pytest.mark.parametrize("made", [make_spec, make_direct_spec])
def test_rights_that_a_holder_passed_on_are_told_with_the_statement_that_takes_them_away(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client, made: Callable[[], GrantSpec]
) -> None:
    """MariaDB lets each login have GRANT OPTION by lending its identity to itself; and hide that again."""
    provider, spec = make_mysql(), made()
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    with closing(mysql_world.connect(secret)) as session:
        ask(session, "GRANT PROXY ON CURRENT_USER() TO CURRENT_USER() WITH GRANT OPTION")
    with closing(mysql_world.connect(secret)) as session:
        if spec.definition.get("grants"):
            ask(session, "SET ROLE support_read")
        ask(session, "GRANT SELECT (email) ON shop.customers TO mallory@'%'")
        ask(session, "REVOKE PROXY ON CURRENT_USER() FROM CURRENT_USER()")
    assert ask(mallory, READ)

    removal = provider.revoke(spec, receipt, soon())
    found = provider.clean_up([Ended(spec=spec, receipt=receipt)], soon())[spec.grant_id]

    assert ask(mallory, READ), "what is told is true"
    (told,) = [one for one in removal.residual if "shop.customers to mallory@%" in one]
    assert told in found.left
    run(mysql_world.owner, cure_of(told))
    with pytest.raises(pymysql.err.Error):
        ask(mallory, READ)


def test_where_logins_can_take_an_identity_the_sessions_of_those_it_was_lent_to_are_ended_too(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session keeps the name that it logged in with, so one that is in as this login shows as another's."""
    monkeypatch.setattr(left_behind, "_LENDS_NOTHING", frozenset({"mysql_native_password"}))
    provider, spec = make_mysql(), make_spec()
    provider.grant(spec, soon())
    lends(mysql_world, provider, spec)
    ask(mallory, "SELECT 1")

    provider.revoke(spec, None, soon())

    with pytest.raises(pymysql.err.Error):
        ask(mallory, "SELECT 1")


def test_a_holder_cannot_have_the_sessions_of_others_ended_by_lending_them_an_identity_that_no_login_takes(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client
) -> None:
    provider, spec = make_mysql(), make_spec()
    provider.grant(spec, soon())
    lends(mysql_world, provider, spec)

    provider.revoke(spec, None, soon())

    assert ask(mallory, "SELECT 1")


def test_what_could_be_made_in_the_name_of_a_role_is_refused_with_the_cure(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    """A view that has the role as its maker still reads for everyone when the login is gone."""
    does = "GRANT CREATE VIEW ON other.* TO support_read"
    with mysql_world.changed(does, "REVOKE CREATE VIEW ON other.* FROM support_read"):
        with pytest.raises(NotGrantable, match=r"in the name of the role, by CREATE VIEW on other\.\*"):
            make_mysql().grant(make_spec(), soon())
        spec = make_direct_spec()
        make_mysql().grant(spec, soon())  # there the login itself is the maker
        make_mysql().revoke(spec, None, soon())


def test_what_was_made_in_the_name_of_the_role_is_named_at_the_end(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client
) -> None:
    """By one whom an administrator let make things, or whose access was opened by a version that did not look."""
    owner, provider, spec = mysql_world.owner, make_mysql(), make_spec()
    run(owner, "CREATE DATABASE left_over; GRANT SELECT ON left_over.* TO mallory@'%'")
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    run(owner, f"GRANT CREATE VIEW, CREATE ROUTINE, EVENT ON left_over.* TO cs_{spec.grant_id}@'%'")
    try:
        with closing(mysql_world.connect(secret)) as session:
            for statement in (
                "SET ROLE support_read",
                "CREATE DEFINER = CURRENT_ROLE VIEW left_over.reads AS SELECT email FROM shop.customers",
                f"CREATE DEFINER = CURRENT_ROLE PROCEDURE left_over.code() {READ}",
                "CREATE DEFINER = CURRENT_ROLE EVENT left_over.tick ON SCHEDULE EVERY 1 DAY DO SELECT 1",
            ):
                ask(session, statement)

        (told,) = provider.revoke(spec, receipt, soon()).residual

        assert ask(mallory, "SELECT * FROM left_over.reads"), "what is told is true"
        for thing in ("event left_over.tick", "procedure left_over.code"):
            assert thing in told
        views = ask(owner, cure_of(told).rstrip(";"))
        assert "reads" in str(views)
    finally:
        run(owner, "DROP DATABASE left_over")


def test_a_bot_that_cannot_see_sessions_ends_them_all_the_same_and_proves_nothing(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    provider, spec = make_mysql(), make_spec()
    receipt = provider.grant(spec, soon()).receipt
    session = mysql_world.open_session(spec, provider.reveal(spec, receipt, soon()))
    with mysql_world.changed("REVOKE PROCESS ON *.* FROM countersign@'%'", "GRANT PROCESS ON *.* TO countersign@'%'"):
        with pytest.raises(Permanent, match="GRANT PROCESS ON"):
            provider.revoke(spec, receipt, soon())
        assert not session.is_alive()
    assert provider.revoke(spec, receipt, soon()).state == "absent"


def test_a_routine_of_the_holder_that_a_colleague_runs_over_the_end_stops_with_it(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql], mallory: Client
) -> None:
    owner, provider, spec = mysql_world.owner, make_mysql(), make_direct_spec()
    run(owner, "CREATE DATABASE left_over; GRANT EXECUTE ON left_over.* TO mallory@'%'")
    receipt = provider.grant(spec, soon()).receipt
    secret = provider.reveal(spec, receipt, soon())
    run(owner, f"GRANT CREATE, INSERT, CREATE ROUTINE ON left_over.* TO cs_{spec.grant_id}@'%'")
    begun = "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP(%'"
    try:
        with closing(mysql_world.connect(secret)) as session, mallory.cursor() as called:
            ask(session, "CREATE PROCEDURE left_over.code() WHILE TRUE DO DO SLEEP(0.05); END WHILE")
            mallory._execute_command(3, "CALL left_over.code()")
            wait_until(lambda: ask(owner, begun), "the routine to run")
            assert called is not None
            assert provider.revoke(spec, receipt, soon()).state == "removed"
            assert not ask(owner, begun)
    finally:
        with suppress(pymysql.err.Error):
            mallory._force_close()
        run(owner, "DROP DATABASE left_over")
