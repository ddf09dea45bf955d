"""What the provider postgres does beyond the contract: who can't get in, and what a person leaves behind."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import conninfo, sql

from access.errors import (
    Permanent,
    ProviderError,
    Transient,
)
from access.ports import Deadline, Ended, GrantSpec, Receipt, Removal
from countersign.demo.target import DATABASE
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing import Refused
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, logins, make_spec, refused, soon
from tests.waiting import wait_until
from workers.providers.postgres import Postgres
from workers.providers.postgres.ending import Ending
from workers.providers.postgres.login import login_name
from workers.providers.postgres.managed import ATTRIBUTES, DIRECT


def test_nobody_can_log_in_before_the_first_look(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    query = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = %s"
    assert world.owner.execute(query, [login_name(spec)]).fetchone() == (True,)
    provider.revoke(spec, None, soon())


def test_the_revealed_command_line_connects(provider: Postgres) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    shown = {label: value.get_secret_value() for label, value in secret.fields}
    assert list(shown) == ["Host", "Port", "Database", "Login", "Password", "psql"]
    assert shown["Password"] not in shown["psql"]
    conninfo = shown["psql"].removeprefix("psql '").removesuffix("'")
    with psycopg.connect(conninfo, password=shown["Password"]) as connection:
        assert connection.info.user == login_name(spec)
        assert connection.info.dbname == DATABASE
    provider.revoke(spec, None, soon())


def test_the_environment_that_is_told_connects_and_demands_what_the_command_line_does(
    provider: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    shown = {label: value.get_secret_value() for label, value in secret.fields}
    told = {name: shown.get(said, said) for name, said in secret.environment.items()}
    demands = conninfo.conninfo_to_dict(shown["psql"].removeprefix("psql '").removesuffix("'"))
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect("") as connection:
        assert (connection.info.user, connection.info.dbname) == (login_name(spec), DATABASE)
    assert told == {"PGPASSWORD": shown["Password"]} | {
        "PG" + {"dbname": "database"}.get(word, word).replace("_", "").upper(): str(value)
        for word, value in demands.items()
    }
    provider.revoke(spec, None, soon())


def test_the_server_itself_stops_letting_in_at_the_end(provider: Postgres, world: PostgresWorld) -> None:
    spec = replace(make_spec(), expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
    receipt = provider.grant(spec, soon()).receipt
    assert receipt.native_expiry is not None
    assert timedelta(0) <= receipt.native_expiry - spec.expires_at < timedelta(seconds=1)
    observed = provider.observe(spec, None, soon())
    assert observed.expires_at == receipt.native_expiry
    secret = provider.reveal(spec, None, soon())
    wait_until(lambda: refused(world, secret), "the server to refuse an expired login")
    assert provider.observe(spec, None, soon()).present, "it is still there to be dropped"
    provider.revoke(spec, None, soon())


def test_the_person_cannot_prolong_and_a_password_of_ones_own_does_not_help(
    provider: Postgres, world: PostgresWorld
) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    with world.connect(secret) as connection:
        for attempt in ("VALID UNTIL 'infinity'", "CONNECTION LIMIT 50", "CREATEROLE", "SUPERUSER"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"ALTER ROLE CURRENT_USER {attempt}".encode())
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'my own'")
    world.connect(secret, password="my own").close()
    provider.revoke(spec, None, soon())
    with pytest.raises(Refused):
        world.connect(secret, password="my own")


def test_rights_added_by_hand_are_seen_and_stop_the_reveal(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    name = sql.Identifier(login_name(spec))
    world.owner.execute(sql.SQL("ALTER ROLE {} CREATEDB; GRANT orders_fix TO {}").format(name, name))
    assert provider.observe(spec, None, soon()).extra_privileges == {"orders_fix", ATTRIBUTES}
    with pytest.raises(Permanent, match="more rights"):
        provider.reveal(spec, None, soon())
    assert provider.revoke(spec, None, soon()).state == "removed"


@pytest.mark.parametrize(
    "right",
    [
        "SELECT ON customers", "SELECT (email) ON customers", "USAGE ON SCHEMA public", "CONNECT ON DATABASE postgres",
        "EXECUTE ON FUNCTION lo_create(oid)",
    ],
)  # fmt: skip
def test_c18_a_right_granted_to_the_login_itself_is_seen_and_ends_with_the_rest(
    provider: Postgres, world: PostgresWorld, right: str
) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    assert seen_beyond(provider, spec) == (set(), set())
    world.owner.execute(sql.SQL(f"GRANT {right} TO {{}}").format(sql.Identifier(login_name(spec))))  # pyright: ignore[reportArgumentType] -- literals above
    assert seen_beyond(provider, spec) == ({DIRECT}, {DIRECT})
    removal = provider.revoke(spec, None, soon())
    assert removal.state == "removed"
    assert not provider.observe(spec, None, soon()).present
    (tidied,) = provider.clean_up([Ended(spec=spec, receipt=None)], soon()).values()
    assert f'DROP OWNED BY "{login_name(spec)}"' in tidied.left[0], "the bot cannot take back what another gave"
    world.owner.execute(sql.SQL("DROP OWNED BY {r}; DROP ROLE {r}").format(r=sql.Identifier(login_name(spec))))


def seen_beyond(provider: Postgres, spec: GrantSpec) -> tuple[set[str], set[str]]:
    """What a look at this login, and the list of all, show beyond what was granted."""
    (listed,) = [one.roles for one in provider.list_managed(soon()) if one.grant_id == spec.grant_id]
    return set(provider.observe(spec, None, soon()).extra_privileges), set(listed - provider.rights(spec).roles)


def test_what_one_holder_shares_with_another_is_no_reason_to_end_the_others_access(
    provider: Postgres, world: PostgresWorld
) -> None:
    with for_a_while(world, "SELECT 1", "SELECT lo_unlink(4712)"):
        spec, other = make_spec("ann"), make_spec("lea")
        provider.grant(spec, soon())
        provider.grant(other, soon())
        with world.connect(provider.reveal(spec, None, soon())) as connection:
            share = sql.SQL("SELECT lo_create(4712); GRANT SELECT ON LARGE OBJECT 4712 TO {}")
            connection.execute(share.format(sql.Identifier(login_name(other))))
        assert seen_beyond(provider, other) == (set(), set())
        provider.revoke(spec, None, soon())
        assert seen_beyond(provider, other) == (set(), set()), "it is the bot's now"
        assert provider.revoke(other, None, soon()).state == "removed"


def test_a_login_that_owns_something_out_of_reach_is_shut_and_says_what_to_do(
    provider: Postgres, world: PostgresWorld, server: EmbeddedPostgres
) -> None:
    world.owner.execute("CREATE DATABASE elsewhere")
    world.owner.execute("REVOKE CONNECT ON DATABASE elsewhere FROM PUBLIC")
    spec = make_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    with closing(psycopg.connect(server.dsn(database="elsewhere"), autocommit=True)) as there:
        name = sql.Identifier(login_name(spec))
        there.execute(sql.SQL("CREATE TABLE far (i int); ALTER TABLE far OWNER TO {}").format(name))

    for _ in range(2):
        removal = provider.revoke(spec, None, soon())
        assert removal.state == "removed"
        (tidied,) = provider.clean_up([Ended(spec=spec, receipt=None)], soon()).values()
        assert "owns something in the database elsewhere, which the bot may not enter" in tidied.left[0]
        typed = f'DROP OWNED BY "{login_name(spec)}"; DROP ROLE "{login_name(spec)}";'
        assert typed in tidied.left[0]
        assert not provider.observe(spec, None, soon()).present
        assert refused(world, secret)

    world.owner.execute("GRANT CONNECT ON DATABASE elsewhere TO countersign")
    with closing(psycopg.connect(server.dsn(database="elsewhere"), autocommit=True)) as there:
        there.execute("GRANT CREATE ON SCHEMA public TO support_read")
    assert provider.clean_up([Ended(spec=spec, receipt=None)], soon())[spec.grant_id].left == ()
    assert logins(world, spec) == []
    world.owner.execute("DROP DATABASE elsewhere")


def test_sessions_of_a_login_dropped_by_hand_are_found_by_the_receipt(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    receipt = provider.grant(spec, soon()).receipt
    with closing(world.open_session(spec, provider.reveal(spec, None, soon()))):
        world.remove_behind_our_back(spec)
        assert provider.observe(spec, receipt, soon()).sessions == 1
        without = provider.revoke(spec, None, soon())
        assert without.state == "absent"
        assert "belong" not in without.residual[0]
        assert "Open sessions of dropped logins: 1" in without.residual[0]
        removal = provider.revoke(spec, receipt, soon())
        assert (removal.state, removal.sessions_ended) == ("removed", 1)
        assert not provider.observe(spec, receipt, soon()).present


def test_a_session_that_will_not_end_keeps_the_revoke_open(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    with closing(world.connect(provider.reveal(spec, None, soon()))) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            removal = wait_until(lambda: in_time(provider, spec), "the removal to find its time too short")
            assert removal is not None
            assert removal.state == "pending"
            assert removal.look_again is not None
            assert "have not ended yet: 1" in removal.residual[0]
            observed = provider.observe(spec, None, soon())
            assert (observed.present, observed.sessions) == (True, 1)
            assert observed.details["missing"] == ["support_read"], "the session has lost its rights already"
        finally:
            os.kill(backend, signal.SIGCONT)
        removal = provider.revoke(spec, None, soon())
        assert removal.state == "removed"


def in_time(provider: Postgres, spec: GrantSpec) -> Removal | None:
    """None: at the end of its little time a statement was cut short as well."""
    try:
        return provider.revoke(spec, None, Deadline.after(0.4))
    except Transient:
        return None


def test_without_the_right_to_end_sessions_they_are_ended_in_the_logins_own_role(
    provider: Postgres, world: PostgresWorld
) -> None:
    spec = make_spec()
    receipt = provider.grant(spec, soon()).receipt
    session = world.open_session(spec, provider.reveal(spec, None, soon()))
    with (
        closing(session),
        for_a_while(world, "REVOKE pg_signal_backend FROM countersign", "GRANT pg_signal_backend TO countersign"),
    ):
        removal = provider.revoke(spec, receipt, soon())
        assert (removal.state, removal.sessions_ended) == ("removed", 1)
        assert not session.is_alive()


def test_a_warm_connection_that_died_costs_nothing(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    world.owner.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'countersign'")
    assert provider.observe(spec, None, soon()).present
    assert provider.revoke(spec, None, soon()).state == "removed"


def test_a_connection_without_an_answer_is_never_used_again(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    with world.fault("silence", 1):
        with pytest.raises(Transient):
            provider.observe(spec, None, Deadline.after(0.1))
        assert provider.observe(spec, None, soon()).present
    provider.revoke(spec, None, soon())


def test_a_session_that_was_half_way_in_at_the_lock_is_ended_too(
    provider: Postgres, world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    signal_all, looks = Ending._signal, list[Ending]()

    def not_seen_at_first(ending: Ending) -> list[int]:
        looks.append(ending)
        return signal_all(ending) if len(looks) > 1 else []

    monkeypatch.setattr(Ending, "_signal", not_seen_at_first)
    with closing(world.connect(provider.reveal(spec, None, soon()))) as connection:
        removal = provider.revoke(spec, None, soon())
        assert (removal.state, removal.sessions_ended) == ("removed", 1)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_twenty_at_once_do_not_meddle_with_each_other(provider: Postgres, world: PostgresWorld) -> None:
    untouched = world.snapshot()
    specs = [make_spec() for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        receipts = list(pool.map(lambda spec: provider.grant(spec, soon()).receipt, specs))
        observed = list(pool.map(lambda spec: provider.observe(spec, None, soon()), specs))
        removals = list(pool.map(lambda spec: provider.revoke(spec, None, soon()), specs))
    assert [receipt.names["role"] for receipt in receipts] == [login_name(spec) for spec in specs]
    assert [observation.details["role"] for observation in observed] == [login_name(spec) for spec in specs]
    assert {removal.state for removal in removals} == {"removed"}
    assert world.snapshot() == untouched


def test_the_same_grant_twice_at_the_same_moment_is_one(make_provider: Callable[[], Postgres]) -> None:
    providers = [make_provider() for _ in range(4)]
    for _ in range(5):
        spec = make_spec()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda provider, spec=spec: outcome_of(provider, spec), providers))
        receipts = [answer for answer in answers if isinstance(answer, Receipt)]
        assert receipts
        assert all(receipt == receipts[0] for receipt in receipts)
        assert all(
            isinstance(answer, Receipt | ProviderError) and not isinstance(answer, Permanent) for answer in answers
        )
        providers[0].revoke(spec, None, soon())


def outcome_of(provider: Postgres, spec: GrantSpec) -> Receipt | ProviderError:
    try:
        return provider.grant(spec, soon()).receipt
    except ProviderError as error:
        return error


def test_two_workers_may_end_the_same_grant(make_provider: Callable[[], Postgres]) -> None:
    providers = [make_provider() for _ in range(4)]
    for _ in range(5):
        spec = make_spec()
        providers[0].grant(spec, soon())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda provider, spec=spec: ended(provider, spec), providers))
        assert not providers[0].observe(spec, None, soon()).present


def ended(provider: Postgres, spec: GrantSpec) -> None:
    """As the workers do: tried again after everything but a refusal for good."""
    while True:
        try:
            provider.revoke(spec, None, soon())
        except Permanent:
            raise
        except ProviderError:
            continue
        return
