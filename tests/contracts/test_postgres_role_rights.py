"""What the provider postgres says that roles allow: each kind of right in each place, through all that is reached."""

from collections.abc import Callable

import psycopg
import pytest

from access.ports import EVERYBODY, RoleRights
from countersign.demo.target import Target
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, soon
from workers.providers.postgres import Postgres, Role

ROLES = {"read": Role(grants=["support_read"]), "fix": Role(grants=["orders_fix"])}
Tell = Callable[[], dict[str, RoleRights]]


@pytest.fixture
def tell(make_provider: Callable[[], Postgres]) -> Tell:
    return lambda: {one.role: one for one in make_provider().role_rights(ROLES, soon())}


def test_the_kinds_of_the_shop_and_nothing_beside(tell: Tell) -> None:
    told = tell()
    assert told["read"].allows == {
        "CONNECT on the database shop",
        "SELECT on tables in the schema public",
        "SELECT on the column public.customers.email",
        "SELECT on the column public.customers.id",
        "SELECT on the column public.customers.name",
        "SELECT on the column public.customers.region",
        "USAGE on the schema public",
    }
    assert {one for one in told["fix"].allows if one.startswith("UPDATE")} == {
        "UPDATE on the column public.orders.status"
    }
    assert [told[role].creates for role in told] == [(), (), ()]
    assert tell() == told


def test_a_new_table_of_the_same_schema_is_another_fingerprint_and_no_new_kind(
    tell: Tell, world: PostgresWorld
) -> None:
    before = tell()
    with for_a_while(
        world, "CREATE TABLE returns (i integer); GRANT SELECT ON returns TO support_read", "DROP TABLE returns"
    ):
        after = tell()
    assert after["read"].allows == before["read"].allows
    assert after["read"].fingerprint != before["read"].fingerprint
    assert after["fix"] == before["fix"]


@pytest.mark.parametrize(
    ("given", "taken", "kind"),
    [
        ("GRANT INSERT ON orders TO support_read", "", "INSERT on tables in the schema public"),
        ("GRANT SELECT ON customers TO support_read", "", "SELECT on the whole of public.customers"),
        ("GRANT SELECT (card) ON customers TO support_read", "", "SELECT on the column public.customers.card"),
        (
            "GRANT SELECT ON orders TO support_read WITH GRANT OPTION", "",
            "SELECT WITH GRANT OPTION on tables in the schema public",
        ),
        (
            "CREATE SCHEMA secret; GRANT USAGE ON SCHEMA secret TO support_read", "DROP SCHEMA secret",
            "USAGE on the schema secret",
        ),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO support_read", "",
            "DELETE on default privileges",
        ),
        ("CREATE ROLE more; GRANT more TO support_read", "DROP ROLE more", "membership of more"),
        (
            "CREATE ROLE more; GRANT more TO support_read; GRANT UPDATE ON orders TO more",
            "DROP OWNED BY more; DROP ROLE more",
            "UPDATE on tables in the schema public",
        ),
        ("ALTER ROLE support_read CREATEDB", "ALTER ROLE support_read NOCREATEDB", "CREATEDB through support_read"),
        (
            "CREATE POLICY mine ON orders TO support_read USING (true)", "DROP POLICY mine ON orders",
            "row policy on public.orders: mine",
        ),
        ("GRANT CONNECT ON DATABASE postgres TO support_read", "", "CONNECT on the database postgres"),
        (
            "CREATE TABLE owned (i integer); ALTER TABLE owned OWNER TO support_read", "DROP TABLE owned",
            "ownership in the database shop",
        ),
    ],
)  # fmt: skip
def test_a_right_of_another_kind_or_in_another_place_is_a_new_kind(
    tell: Tell, world: PostgresWorld, given: str, taken: str, kind: str
) -> None:
    before = tell()
    back = taken or given.replace("GRANT ", "REVOKE ", 1).replace(" TO ", " FROM ").replace(" WITH GRANT OPTION", "")
    if "DEFAULT" in given:
        back = "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE DELETE ON TABLES FROM support_read"
    if given == "GRANT SELECT ON orders TO support_read WITH GRANT OPTION":
        back = "REVOKE GRANT OPTION FOR SELECT ON orders FROM support_read"
    back += "; GRANT SELECT (id, name, email, region) ON customers TO support_read"
    with for_a_while(world, given, back):
        after = tell()
    new = after["read"].allows - before["read"].allows
    assert any(one.startswith(kind) for one in new), new
    assert after["fix"].allows == before["fix"].allows
    assert tell() == before


def test_what_everybody_may_do_is_told_apart(tell: Tell, world: PostgresWorld) -> None:
    before = tell()
    with for_a_while(world, "GRANT DELETE ON orders TO PUBLIC", "REVOKE DELETE ON orders FROM PUBLIC"):
        after = tell()
    assert after[EVERYBODY].allows - before[EVERYBODY].allows == {"DELETE on tables in the schema public"}
    assert after["read"] == before["read"]


@pytest.mark.parametrize(
    ("on", "creates"),
    [
        ("CREATE ON SCHEMA public", "objects in the schema public"),
        ("CREATE ON DATABASE shop", "schemas in the database shop"),
        ("TEMPORARY ON DATABASE shop", "temporary tables in the database shop"),
    ],
)
@pytest.mark.parametrize("whom", ["support_read", "PUBLIC"])
def test_a_role_that_may_create_says_so_also_where_everybody_may(
    tell: Tell, world: PostgresWorld, on: str, creates: str, whom: str
) -> None:
    with for_a_while(world, f"GRANT {on} TO {whom}", f"REVOKE {on} FROM {whom}"):
        assert tell()["read"].creates == (creates,)


def test_another_database_that_the_role_leads_into_is_looked_at(
    tell: Tell, world: PostgresWorld, target: Target
) -> None:
    connects = "CONNECT ON DATABASE postgres"
    with (
        for_a_while(world, f"GRANT {connects} TO support_read", f"REVOKE {connects} FROM support_read"),
        psycopg.connect(target.superuser_dsn, dbname="postgres", autocommit=True) as elsewhere,
    ):
        before = tell()["read"].allows
        elsewhere.execute("CREATE TABLE far (i integer); GRANT SELECT ON far TO support_read")
        after = tell()["read"].allows
        elsewhere.execute("DROP TABLE far")
    assert after - before == {"SELECT on tables in the schema public (database postgres)"}
