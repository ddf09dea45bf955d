"""Which roles, and which bots, the provider postgres grants with: none that can pass on, plant, or own something."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from access.errors import BadConfig, NotGrantable
from access.ports import Deadline
from countersign.demo.target import Target
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, granting, make_spec, provider_of, refused, soon
from workers.providers.postgres import Postgres, refusals, role_statements
from workers.providers.postgres.login import login_name

GIVEN = "GRANT app TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
GONE = "REVOKE CREATE ON DATABASE shop FROM app; DROP OWNED BY app CASCADE; DROP ROLE app"


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("GRANT SELECT ON orders TO app WITH GRANT OPTION", "SELECT WITH GRANT OPTION on table public.orders"),
        (
            "GRANT SELECT (status) ON orders TO app WITH GRANT OPTION",
            "SELECT WITH GRANT OPTION on column status of table public.orders",
        ),
        ("GRANT USAGE ON SCHEMA public TO app WITH GRANT OPTION", "USAGE WITH GRANT OPTION on schema public"),
        ("GRANT CONNECT ON DATABASE shop TO app WITH GRANT OPTION", "CONNECT WITH GRANT OPTION on database shop"),
        ("GRANT TRIGGER ON orders TO app", "TRIGGER on table public.orders"),
        ("GRANT REFERENCES ON orders TO app", "REFERENCES on table public.orders"),
        ("GRANT MAINTAIN ON orders TO app", "MAINTAIN on table public.orders"),
        ("GRANT SET ON PARAMETER session_replication_role TO app", "SET on parameter session_replication_role"),
        ("GRANT ALTER SYSTEM ON PARAMETER log_statement TO app", "ALTER SYSTEM on parameter log_statement"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app WITH GRANT OPTION",
            "SELECT WITH GRANT OPTION on default privileges",
        ),
        ("CREATE TABLE owned (i integer); ALTER TABLE owned OWNER TO app", "ownership of table public.owned"),
        ("CREATE SCHEMA owned AUTHORIZATION app", "ownership of schema owned"),
        (
            "CREATE ROLE inside; GRANT TRIGGER ON orders TO inside; GRANT inside TO app",
            "TRIGGER on table public.orders",
        ),
    ],
)
def test_a_role_that_can_pass_on_plant_or_own_is_never_granted(
    make_provider: Callable[[], Postgres], world: PostgresWorld, made: str, named: str
) -> None:
    gone = GONE + ("; DROP OWNED BY inside; DROP ROLE inside" if "inside" in made else "")
    with for_a_while(world, f"CREATE ROLE app; {GIVEN}; {made}", gone), pytest.raises(NotGrantable) as caught:
        make_provider().grant(granting("app"), soon())
    assert named.replace("public.", "") in caught.value.sentence.replace("public.", "")


def test_what_a_role_owns_in_another_database_counts(
    make_provider: Callable[[], Postgres], world: PostgresWorld, target: Target
) -> None:
    with (
        for_a_while(world, f"CREATE ROLE app; {GIVEN}", "DROP ROLE app"),
        psycopg.connect(target.superuser_dsn, dbname="postgres", autocommit=True) as elsewhere,
    ):
        elsewhere.execute("CREATE TABLE owned (i integer); ALTER TABLE owned OWNER TO app")
        with pytest.raises(NotGrantable, match="ownership of something in the database postgres"):
            make_provider().grant(granting("app"), soon())
        elsewhere.execute("DROP TABLE owned")


@pytest.mark.parametrize("right", ["SET", "ALTER SYSTEM"])
def test_settings_that_public_may_change_stop_every_grant(
    make_provider: Callable[[], Postgres], world: PostgresWorld, right: str
) -> None:
    on = f"{right} ON PARAMETER session_replication_role"
    public = for_a_while(world, f"GRANT {on} TO PUBLIC", f"REVOKE {on} FROM PUBLIC")
    with public, pytest.raises(NotGrantable, match="PUBLIC"):
        make_provider().grant(make_spec(), soon())


def test_a_holder_cannot_have_the_next_person_refused(
    make_provider: Callable[[], Postgres], world: PostgresWorld
) -> None:
    """He shares what he made with the role, as if it could be passed on, and leaves default rights of the role."""
    provider, mine, next_one = make_provider(), granting("support_read", "maker"), make_spec()
    made = "CREATE ROLE maker; GRANT CREATE, TEMPORARY ON DATABASE shop TO maker"
    given = "GRANT maker TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
    with for_a_while(world, f"{made}; {given}", "DROP OWNED BY maker; DROP ROLE maker"):
        provider.grant(mine, soon())
        holder = world.connect(provider.reveal(mine, None, soon()))
        holder.execute("CREATE SCHEMA his; CREATE TABLE his.t (i integer); CREATE TEMPORARY TABLE passing (i integer)")
        holder.execute("GRANT ALL ON his.t, passing TO support_read WITH GRANT OPTION")
        holder.execute("ALTER DEFAULT PRIVILEGES FOR ROLE support_read GRANT ALL ON TABLES TO PUBLIC")
        provider.grant(next_one, soon())
        holder.execute("DROP SCHEMA his CASCADE")
        holder.close()
        for spec in (mine, next_one):
            provider.revoke(spec, None, soon())
        world.owner.execute("ALTER DEFAULT PRIVILEGES FOR ROLE support_read REVOKE ALL ON TABLES FROM PUBLIC")


@pytest.mark.parametrize(
    ("does", "undoes", "power"),
    [
        ("ALTER ROLE countersign SUPERUSER", "ALTER ROLE countersign NOSUPERUSER", "SUPERUSER"),
        ("ALTER ROLE countersign REPLICATION", "ALTER ROLE countersign NOREPLICATION", "REPLICATION"),
        ("ALTER ROLE countersign BYPASSRLS", "ALTER ROLE countersign NOBYPASSRLS", "BYPASSRLS"),
        ("GRANT postgres TO countersign", "REVOKE postgres FROM countersign", "SUPERUSER through postgres"),
        (
            "GRANT pg_execute_server_program TO countersign",
            "REVOKE pg_execute_server_program FROM countersign",
            "pg_execute_server_program",
        ),
        (
            "CREATE ROLE writer; GRANT pg_write_all_data TO writer; GRANT writer TO countersign",
            "DROP ROLE writer",
            "pg_write_all_data",
        ),
    ],
)
def test_a_bot_that_is_overprivileged_neither_grants_nor_reveals_and_still_ends(
    make_provider: Callable[[], Postgres], world: PostgresWorld, does: str, undoes: str, power: str
) -> None:
    open_already, new = make_spec(), make_spec()
    make_provider().grant(open_already, soon())
    secret = make_provider().reveal(open_already, None, soon())
    with for_a_while(world, does, undoes):
        provider = make_provider()
        with pytest.raises(BadConfig, match=f"has .*{power}"):
            provider.grant(new, soon())
        with pytest.raises(BadConfig, match=f"has .*{power}"):
            provider.reveal(open_already, None, soon())
        found = {finding.subject: finding for finding in provider.check({}, Deadline.after(20))}["superuser"]
        assert (found.level, power in found.sentence) == ("error", True)
        assert provider.revoke(open_already, None, soon()).state == "removed"
    assert refused(world, secret)


def test_a_superuser_as_the_bot_is_refused_with_the_statement_that_helps(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text(target.superuser_dsn)
    with closing(provider_of(file)) as provider, pytest.raises(BadConfig) as caught:
        provider.grant(make_spec(), soon())
    assert caught.value.sentence.endswith('As a superuser: ALTER ROLE "postgres" NOSUPERUSER;')


def test_a_large_database_is_not_searched_anew_for_each_grant(
    make_provider: Callable[[], Postgres], world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_SLOW", refusals.timedelta(0))  # as if every search took long
    searched = list[object]()
    passed_on = role_statements.passed_on
    monkeypatch.setattr(role_statements, "passed_on", lambda *asked: searched.append(asked) or passed_on(*asked))
    provider, specs = make_provider(), [make_spec() for _ in range(3)]
    for spec in specs:
        provider.grant(spec, soon())
    assert len(searched) == 1
    for spec in specs:
        provider.revoke(spec, None, soon())


def test_a_large_database_is_searched_anew_when_its_catalogue_was_written(
    make_provider: Callable[[], Postgres], world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_SLOW", refusals.timedelta(0))  # as if every search took long
    with for_a_while(world, f"CREATE ROLE app; {GIVEN}", GONE):
        provider = make_provider()
        spec = granting("app")
        provider.grant(spec, soon())
        world.owner.execute("GRANT TRIGGER ON orders TO app")
        world.owner.execute("SELECT pg_stat_force_next_flush()")
        again = granting("app")
        with pytest.raises(NotGrantable, match="TRIGGER on table"):
            provider.grant(again, soon())
        provider.revoke(spec, None, soon())
        assert login_name(again) not in str(world.snapshot())
