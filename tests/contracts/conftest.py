"""One real PostgreSQL 18 with the demo's shop for all contract tests of the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from countersign.demo.target import BOT, FIX, READ, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.mysql_fixtures import make_mysql, mariadb, mysql_world
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import provider_factory
from workers.providers.postgres import Postgres

__all__ = ["make_mysql", "mariadb", "mysql_world"]  # one MariaDB for all that need one


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    # Every statement is logged, so that a test can look for secrets there.
    settings = {"log_statement": "all", "fsync": "off", "log_min_duration_statement": "0"}
    settings["max_prepared_transactions"] = "5"
    # A small lock table: what takes 12,000 tables elsewhere takes 2,000 here.
    settings |= {"max_locks_per_transaction": "10", "max_connections": "30"}
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=settings).start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def target(server: EmbeddedPostgres) -> Target:
    return prepare(server)


@pytest.fixture
def world(server: EmbeddedPostgres, target: Target) -> Iterator[PostgresWorld]:
    world = PostgresWorld(server, target)
    yield world
    world.close()


_LASTING = """
SELECT 'database', datname, a::text FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
    WHERE datname IN ('shop', 'postgres', 'template1')
UNION ALL SELECT 'schema', nspname, a::text FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
    WHERE nspname = 'public'
UNION ALL SELECT 'relation', relname, a::text FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) a
    WHERE relname IN ('customers', 'orders')
UNION ALL SELECT 'column', attname, a::text FROM pg_attribute, aclexplode(attacl) a
    WHERE attrelid IN ('customers'::regclass, 'orders'::regclass)
UNION ALL SELECT 'role', rolname, concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
    rolbypassrls, rolconnlimit, rolconfig) FROM pg_roles WHERE rolname = ANY (%(roles)s)
UNION ALL SELECT 'member', roleid::regrole::text, concat_ws(' ', admin_option, to_jsonb(a) ->> 'inherit_option',
    to_jsonb(a) ->> 'set_option') FROM pg_auth_members a
    WHERE member = 'countersign'::regrole AND roleid::regrole::text = ANY (%(roles)s)
"""


@pytest.fixture(autouse=True)
def others_find_the_server_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the shop was made with must be there for the next test too, in whatever order they run."""
    if "server" not in request.fixturenames:
        yield
        return
    superuser_dsn = request.getfixturevalue("target").superuser_dsn

    def lasting() -> set[tuple[str, ...]]:
        with psycopg.connect(superuser_dsn) as owner:
            return set(owner.execute(_LASTING, {"roles": [BOT, READ, FIX, "nothing", "pg_signal_backend"]}))

    before = lasting()
    yield
    assert lasting() == before


@pytest.fixture
def make_provider(world: PostgresWorld, tmp_path: Path) -> Iterator[Callable[[], Postgres]]:
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        yield make


@pytest.fixture
def provider(make_provider: Callable[[], Postgres]) -> Postgres:
    return make_provider()
