"""What a holder makes the property of the granted role itself gives nobody anything after the end.

`REASSIGN OWNED BY CURRENT_USER TO role` asks only for the rights of the role; a view reads and writes as its owner.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from access.ports import Cleanup, Ended, GrantSpec, Receipt
from countersign.demo.target import Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import granting, provider_factory, soon
from workers.providers.postgres import Postgres

MAKER = (
    "CREATE ROLE maker; GRANT CREATE, USAGE ON SCHEMA public TO maker; GRANT CONNECT ON DATABASE shop TO maker; "
    "GRANT SELECT, UPDATE ON orders TO maker; GRANT maker TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
)
WINDOW = "CREATE VIEW public.glass AS SELECT * FROM orders"
TO_THE_ROLE = "REASSIGN OWNED BY CURRENT_USER TO maker"
LOOKS = "SELECT status FROM public.glass LIMIT 1"
WRITES = "UPDATE public.glass SET status = status"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("owned"), settings={"fsync": "off"}).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def target(server: EmbeddedPostgres) -> Target:
    target = prepare(server)
    with psycopg.connect(target.superuser_dsn, autocommit=True) as owner:
        owner.execute(MAKER)
    return target


@pytest.fixture
def mallory(world: PostgresWorld) -> Iterator[psycopg.Connection]:
    """An accomplice with a login of her own, who may connect."""
    with world.own_login("mallory"), world.log_in("mallory") as session:
        yield session


def works(session: psycopg.Connection, statement: str) -> bool:
    try:
        session.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


class Access:
    """Ann's, by a temporary login, to the role `maker`."""

    def __init__(self, provider: Postgres, world: PostgresWorld) -> None:
        self.provider, self.spec = provider, granting("maker")
        self.receipt: Receipt = provider.grant(self.spec, soon()).receipt
        self.session = world.connect(provider.reveal(self.spec, None, soon()))

    def does(self, *statements: str) -> None:
        for statement in statements:
            self.session.execute(statement.encode())

    def tidied(self) -> Cleanup:
        ended = Ended(spec=self.spec, receipt=self.receipt)
        return self.provider.clean_up([ended], soon()).get(self.spec.grant_id, Cleanup())


@pytest.fixture
def ann(provider: Postgres, world: PostgresWorld) -> Iterator[Access]:
    access = Access(provider, world)
    with closing(access.session):
        yield access
    access.provider.revoke(access.spec, access.receipt, soon())
    world.owner.execute("DROP VIEW IF EXISTS public.glass, public.mine")
    if owner_of(world, "w0_0"):
        world.owner.execute("DROP OWNED BY countersign_keeper")


def owner_of(world: PostgresWorld, name: str) -> object:
    query = "SELECT relowner::regrole::text FROM pg_class WHERE relname = %s"
    return (world.owner.execute(query, [name]).fetchone() or (None,))[0]


@pytest.mark.parametrize("shared", ["ALL ON public.glass", "SELECT (status), UPDATE (status) ON public.glass"])
def test_a_view_that_was_made_the_roles_own_is_closed_with_the_end_and_is_a_keepers_afterwards(
    ann: Access, world: PostgresWorld, mallory: psycopg.Connection, shared: str
) -> None:
    ann.does(WINDOW, f"GRANT {shared} TO PUBLIC, mallory", TO_THE_ROLE)
    assert owner_of(world, "glass") == "maker"
    assert works(mallory, LOOKS)
    assert works(mallory, WRITES)

    removal = ann.provider.revoke(ann.spec, ann.receipt, soon())
    assert removal.state == "removed"
    assert "the role maker came to own view public.glass through this access" in removal.leftover[-1]
    assert not works(mallory, LOOKS)
    assert not works(mallory, WRITES)

    tidied = ann.tidied()
    assert (tidied.left, tidied.urgent) == ((), False)
    assert "now owned by countersign_keeper" in tidied.kept[0]
    assert owner_of(world, "glass") == "countersign_keeper"
    assert ann.tidied() == Cleanup()
    again = granting("maker")
    ann.provider.grant(again, soon())  # nobody else is refused for what she did
    ann.provider.revoke(again, None, soon())


def test_who_reads_it_in_an_open_transaction_does_not_hold_that_up(
    ann: Access, world: PostgresWorld, mallory: psycopg.Connection
) -> None:
    ann.does(WINDOW, "GRANT SELECT ON public.glass TO PUBLIC", TO_THE_ROLE)
    mallory.execute("BEGIN")
    assert works(mallory, LOOKS)
    assert ann.provider.revoke(ann.spec, ann.receipt, soon()).state == "removed"
    tidied = ann.tidied()
    assert tidied.urgent
    assert "still owns view public.glass" in tidied.left[0]
    assert not works(mallory, LOOKS)
    mallory.execute("ROLLBACK")
    assert ann.tidied().left == ()


def test_a_lock_on_the_role_leaves_the_end_open_and_says_so(
    ann: Access, target: Target, mallory: psycopg.Connection
) -> None:
    """To do what the role may the bot must be its member for a moment."""
    ann.does(WINDOW, "GRANT SELECT ON public.glass TO PUBLIC", TO_THE_ROLE)
    with closing(psycopg.connect(target.superuser_dsn)) as dba:
        dba.execute("CREATE ROLE another; GRANT maker TO another")
        removal = ann.provider.revoke(ann.spec, ann.receipt, soon())
        assert removal.state == "pending"
        assert "is not closed to others yet" in removal.residual[-1]
    assert ann.provider.revoke(ann.spec, ann.receipt, soon()).leftover
    assert not works(mallory, LOOKS)


def test_a_database_whose_owner_lets_nobody_in_does_not_hold_up_the_end_and_is_told_at_once(
    ann: Access, server: EmbeddedPostgres, world: PostgresWorld
) -> None:
    world.owner.execute("CREATE DATABASE square CONNECTION LIMIT 0")  # a superuser is let in
    try:
        with psycopg.connect(server.dsn(database="square"), autocommit=True) as dba:
            dba.execute("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE t (); GRANT SELECT ON t TO PUBLIC")
            dba.execute("ALTER TABLE t OWNER TO maker")
        removal = ann.provider.revoke(ann.spec, ann.receipt, soon())
        assert removal.state == "removed"
        assert "in the database square is not closed to others yet" in removal.leftover[-1]
        assert ann.tidied().urgent
        world.owner.execute("ALTER DATABASE square CONNECTION LIMIT -1")
        assert ann.tidied().left == ()
    finally:
        world.owner.execute("DROP DATABASE square WITH (FORCE)")


def test_more_than_one_transaction_can_lock_is_closed_in_one_call(
    ann: Access, world: PostgresWorld, mallory: psycopg.Connection
) -> None:
    for batch in range(12):
        ann.does(
            "".join(
                f"CREATE VIEW {view} AS SELECT * FROM orders; GRANT SELECT ON {view} TO PUBLIC;"
                for view in (f"public.w{batch}_{i}" for i in range(100))
            )
        )
    ann.does(TO_THE_ROLE)
    assert "and 1,195 more" in ann.provider.revoke(ann.spec, ann.receipt, soon()).leftover[-1]
    assert not any(works(mallory, f"SELECT * FROM public.w{batch}_99") for batch in range(12))
    assert ann.tidied().left == ()
    assert owner_of(world, "w11_99") == "countersign_keeper"


def test_what_the_role_owned_before_is_not_touched(
    ann: Access, world: PostgresWorld, mallory: psycopg.Connection
) -> None:
    """As with an access that an older version gave to a role that owns something; now it would be refused."""
    world.owner.execute(f"{WINDOW}; GRANT SELECT ON public.glass TO PUBLIC; ALTER VIEW public.glass OWNER TO maker")
    later = world.owner.execute("SELECT pg_current_xact_id()::xid::text::int8").fetchone()
    assert later
    ann.receipt = ann.receipt.model_copy(update={"details": ann.receipt.details | {"began": later[0]}})
    ann.does("CREATE VIEW public.mine AS SELECT 1 AS one; GRANT SELECT ON public.mine TO PUBLIC", TO_THE_ROLE)
    assert "own view public.mine through" in ann.provider.revoke(ann.spec, ann.receipt, soon()).leftover[-1]
    ann.tidied()
    assert works(mallory, LOOKS)
    assert (owner_of(world, "glass"), owner_of(world, "mine")) == ("maker", "countersign_keeper")


def test_an_extension_does_not_forget_when_it_began(
    ann: Access, world: PostgresWorld, mallory: psycopg.Connection
) -> None:
    ann.does(WINDOW, "GRANT SELECT ON public.glass TO PUBLIC", TO_THE_ROLE)
    receipt = ann.provider.extend(ann.spec, ann.receipt, soon()).receipt
    assert ann.provider.revoke(ann.spec, receipt, soon()).leftover
    assert not works(mallory, LOOKS)


def test_the_printed_statements_close_it_too(ann: Access, world: PostgresWorld, mallory: psycopg.Connection) -> None:
    ann.does(WINDOW, "GRANT ALL ON public.glass TO PUBLIC, mallory", TO_THE_ROLE)
    world.type_by_hand(ann.provider.plan(ann.spec).revoke)
    assert not works(mallory, LOOKS)
    assert not works(mallory, WRITES)


def test_the_printed_statements_close_it_with_her_own_login_too(
    server: EmbeddedPostgres, target: Target, tmp_path: Path
) -> None:
    with (
        closing(MembershipWorld(server, target)) as world,
        provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make,
        world.log_in("ann") as session,
        world.log_in("lea") as lea,
    ):
        provider, spec = make(), membership("maker")
        provider.grant(spec, soon())
        session.execute(f"{WINDOW}; GRANT ALL ON public.glass TO PUBLIC; {TO_THE_ROLE}".encode())
        assert works(lea, LOOKS)
        world.type_by_hand(provider.plan(spec).revoke)
        assert not works(lea, LOOKS)
        world.owner.execute("DROP VIEW public.glass")


def membership(*roles: str) -> GrantSpec:
    return replace(granting(*roles), settings={"dsn": {"env": "SHOP_DSN"}, "mode": "membership"})


def test_with_her_own_login_it_is_closed_too_also_by_a_transaction_that_is_older(
    server: EmbeddedPostgres, target: Target, tmp_path: Path
) -> None:
    with (
        closing(MembershipWorld(server, target)) as world,
        provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make,
        world.log_in("ann") as session,
        world.log_in("lea") as lea,
    ):
        provider, spec = make(), membership("maker")
        session.execute("BEGIN; SELECT pg_current_xact_id()")
        receipt = provider.grant(spec, soon()).receipt
        session.execute(f"{WINDOW}; GRANT ALL ON public.glass TO PUBLIC; {TO_THE_ROLE}; COMMIT".encode())
        assert works(lea, LOOKS)
        residual = provider.revoke(spec, receipt, soon()).residual
        assert not works(lea, LOOKS)
        assert not works(session, WRITES)
        assert any("the role maker came to own view public.glass" in said for said in residual)
        world.owner.execute("DROP VIEW public.glass")


if OLDER:

    def test_before_16_what_was_made_in_the_roles_name_is_closed_with_the_end(
        tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        server = EmbeddedPostgres(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1], settings={"fsync": "off"})
        server.start()
        try:
            with (
                closing(MembershipWorld(server, prepare_older(server))) as world,
                provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make,
                world.log_in("ann") as session,
                world.log_in("lea") as lea,
            ):
                world.owner.execute(MAKER.replace("ADMIN TRUE, INHERIT FALSE, SET FALSE", "ADMIN OPTION"))
                provider, spec = make(), membership("maker")
                receipt = provider.grant(spec, soon()).receipt
                session.execute(
                    "SET ROLE maker; CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
                    "AS 'SELECT count(*) FROM public.orders'"
                )
                assert works(lea, "SELECT public.peek()")
                residual = provider.revoke(spec, receipt, soon()).residual
                assert not works(lea, "SELECT public.peek()")
                assert any("the role maker came to own function public.peek()" in said for said in residual)
        finally:
            server.remove()
