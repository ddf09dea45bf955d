"""A holder on the server who wants to keep what he has: what he locks, prepares, hides and leaves behind."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from access.ports import Cleanup, Deadline, Ended, GrantSpec, Receipt, Removal, Secret
from countersign.demo.target import DATABASE, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, granting, logins, make_spec, refused, soon
from tests.waiting import wait_until
from workers.providers.postgres import Postgres
from workers.providers.postgres.login import login_name

MAKER = (
    "CREATE ROLE maker; GRANT CREATE, USAGE ON SCHEMA public TO maker; GRANT CONNECT ON DATABASE shop TO maker; "
    "GRANT maker TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
)
READ = "SELECT count(email) FROM customers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One on which transactions can be prepared."""
    settings = {"fsync": "off", "max_prepared_transactions": "10"}
    server = EmbeddedPostgres(tmp_path_factory.mktemp("hostile"), settings=settings).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def target(server: EmbeddedPostgres) -> Target:
    target = prepare(server)
    with psycopg.connect(target.superuser_dsn, autocommit=True) as owner:
        owner.execute(MAKER)
    return target


class Holder:
    """Ann, with access that was granted and a session that is open."""

    def __init__(self, provider: Postgres, world: PostgresWorld, spec: GrantSpec) -> None:
        self.provider, self.world, self.spec = provider, world, spec
        self.receipt: Receipt = provider.grant(spec, soon()).receipt
        self.secret: Secret = provider.reveal(spec, None, soon())
        self.session = world.connect(self.secret)

    @property
    def login(self) -> str:
        return login_name(self.spec)

    def end(self) -> Removal:
        return self.provider.revoke(self.spec, self.receipt, soon())

    def tidied(self) -> Cleanup:
        """What a clean-up says; of nothing to say, that."""
        found = self.provider.clean_up([Ended(spec=self.spec, receipt=self.receipt)], soon())
        return found.get(self.spec.grant_id, Cleanup())

    def has_nothing(self) -> bool:
        """As she sees it: her session is over, and there is no new one."""
        try:
            self.session.execute("SELECT 1")
        except psycopg.Error:
            return self.session.closed and refused(self.world, self.secret)
        return False

    def dsn(self, **more: str) -> str:
        told = {label: value.get_secret_value() for label, value in self.secret.fields}
        return make_conninfo(
            host=told["Host"], port=told["Port"], dbname=DATABASE, user=told["Login"], password=told["Password"], **more
        )


@pytest.fixture
def holding(provider: Postgres, world: PostgresWorld) -> Iterator[Callable[..., Holder]]:
    with ExitStack() as sessions:

        def hold(*roles: str) -> Holder:
            holder = Holder(provider, world, granting(*roles) if roles else make_spec())
            sessions.enter_context(closing(holder.session))
            return holder

        yield hold


@contextmanager
def superuser(target: Target, *statements: str) -> Iterator[psycopg.Connection]:
    """In a transaction that stays open."""
    with closing(psycopg.connect(target.superuser_dsn)) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield connection


def test_a_lock_on_ones_own_login_does_not_hold_up_the_end(holding: Callable[..., Holder]) -> None:
    ann = holding()
    ann.session.execute("BEGIN")
    ann.session.execute("ALTER ROLE CURRENT_USER PASSWORD 'x'")
    assert ann.end().state == "removed"
    assert ann.has_nothing()
    assert logins(ann.world, ann.spec) == []


def test_a_lock_that_was_prepared_is_undone_in_the_holders_role(holding: Callable[..., Holder]) -> None:
    ann = holding()
    ann.session.execute("BEGIN")
    ann.session.execute("ALTER ROLE CURRENT_USER PASSWORD 'x'")
    ann.session.execute("PREPARE TRANSACTION 'it''s; mine'")
    assert ann.end().state == "removed"
    assert ann.has_nothing()
    assert ann.world.owner.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)
    is_member = (
        "SELECT count(*) FROM pg_auth_members WHERE member = 'countersign'::regrole AND (set_option OR inherit_option) "
        "AND roleid::regrole::text LIKE '%cs\\_%'"
    )
    assert ann.world.owner.execute(is_member).fetchone() == (0,), "the bot is nobody else afterwards"


def test_clients_that_reconnect_and_lock_again_do_not_hold_it_up(holding: Callable[..., Holder]) -> None:
    ann, over = holding(), threading.Event()

    def lock_again() -> None:
        while not over.is_set():
            try:
                with closing(psycopg.connect(ann.dsn(), autocommit=True, connect_timeout=5)) as connection:
                    connection.execute("BEGIN")
                    connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'x'")
                    connection.execute("SELECT pg_sleep(1)")
            except psycopg.Error:
                continue

    clients = [threading.Thread(target=lock_again) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        assert ann.end().state == "removed"
    finally:
        over.set()
        for client in clients:
            client.join()
    assert ann.has_nothing()


def test_a_third_persons_lock_on_the_granted_role_does_not_hold_it_up(
    holding: Callable[..., Holder], target: Target
) -> None:
    ann = holding()
    with superuser(target, "CREATE ROLE other", "GRANT support_read TO other"):
        assert ann.end().state == "removed"
        assert ann.has_nothing()


def test_a_third_persons_lock_on_the_login_leaves_it_without_rights_and_says_whose_it_is(
    holding: Callable[..., Holder], target: Target
) -> None:
    ann = holding()
    with superuser(target, f"ALTER ROLE {ann.login} CONNECTION LIMIT 3"):
        removal = ann.end()
        assert removal.state == "pending"
        assert "of postgres (session" in removal.residual[0]
        assert ann.has_nothing(), "what is left of it lets nobody in"
    assert ann.end().state == "removed"


def test_a_role_that_the_bot_may_not_revoke_goes_with_the_login(
    holding: Callable[..., Holder], world: PostgresWorld
) -> None:
    ann = holding()
    world.owner.execute(f"GRANT pg_read_all_data TO {ann.login}".encode())
    assert ann.end().state == "removed"
    assert logins(world, ann.spec) == []


def test_a_hidden_session_has_nothing_afterwards(holding: Callable[..., Holder]) -> None:
    ann, answers = holding(), list[object]()

    def hide() -> None:
        try:
            with closing(psycopg.connect(ann.dsn(options="-c post_auth_delay=600"), autocommit=True)) as connection:
                answers.append(connection.execute(READ).fetchall())
        except psycopg.Error:
            answers.append(None)

    hidden = "SELECT count(*) FROM pg_stat_activity WHERE state = 'starting'"
    hiding = threading.Thread(target=hide)
    hiding.start()
    wait_until(lambda: ann.world.owner.execute(hidden).fetchone() == (1,), "a session that hides")
    assert ann.end().state == "removed"
    hiding.join()
    assert answers == [None]


def test_a_session_that_takes_no_signal_does_not_hold_up_the_end_and_gives_nothing(
    holding: Callable[..., Holder],
) -> None:
    """As in a computation that never looks for interrupts: here the server's process stands still."""
    ann = holding()
    os.kill(ann.session.info.backend_pid, signal.SIGSTOP)
    try:
        removal = ann.end()
    finally:
        os.kill(ann.session.info.backend_pid, signal.SIGCONT)
    assert (removal.state, removal.lingering) == ("removed", 1)
    assert "cannot interrupt" in removal.residual[0]
    assert ann.has_nothing()
    assert ann.tidied() == Cleanup()


def test_what_the_holder_made_is_a_keepers_afterwards_who_may_nothing(
    holding: Callable[..., Holder], world: PostgresWorld
) -> None:
    ann = holding("maker")
    ann.session.execute(
        "CREATE TABLE mine AS SELECT 1 AS i; GRANT SELECT ON mine TO PUBLIC; SELECT lo_create(4711); "
        "CREATE TABLE counted (i serial PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM mine; "
        "CREATE FUNCTION trap() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'"
    )
    removal = ann.end()
    assert (removal.state, removal.residual) == ("removed", ())
    assert "tidied up next" in removal.leftover[0]
    trap = world.owner.execute("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'trap'").fetchone()
    assert trap == (ann.login,), "at the moment of the end the locked login owns it, and it has no role"

    tidied = ann.tidied()
    assert tidied.left == ()
    assert "large object 4711" in tidied.kept[0]
    assert "table public.mine" in tidied.kept[0]
    assert logins(world, ann.spec) == []
    owners = (
        "SELECT DISTINCT relowner::regrole::text FROM pg_class "
        "WHERE relname IN ('mine', 'counted', 'seen', 'counted_i_seq')"
    )
    assert world.owner.execute(owners).fetchall() == [("countersign_keeper",)]
    assert world.owner.execute("SELECT trap()").fetchone() == ("countersign_keeper",)
    powers = (
        "SELECT count(*) FROM pg_auth_members WHERE member = 'countersign_keeper'::regrole "
        "OR roleid = 'countersign_keeper'::regrole AND (set_option OR inherit_option)"
    )
    assert world.owner.execute(powers).fetchone() == (0,)
    world.owner.execute("DROP VIEW seen; DROP TABLE mine, counted; DROP FUNCTION trap(); SELECT lo_unlink(4711)")


def test_a_keeper_that_may_something_is_not_used(holding: Callable[..., Holder], world: PostgresWorld) -> None:
    ann = holding("maker")
    ann.session.execute("CREATE TABLE mine AS SELECT 1 AS i")
    ann.end()
    ann.tidied()
    lea = holding("maker")
    lea.session.execute("CREATE TABLE hers AS SELECT 1 AS i")
    lea.end()
    with for_a_while(world, "GRANT support_read TO countersign_keeper", "REVOKE support_read FROM countersign_keeper"):
        assert "may have no rights" in lea.tidied().left[0]
    assert lea.tidied().left == ()
    world.owner.execute("DROP TABLE mine, hers")


def test_a_table_that_is_read_is_left_for_the_next_time_and_nobody_waits(
    holding: Callable[..., Holder], target: Target, world: PostgresWorld
) -> None:
    ann = holding("maker")
    ann.session.execute("CREATE TABLE busy AS SELECT 1 AS i")
    with superuser(target, "SELECT * FROM busy"):
        assert ann.end().state == "removed"
        assert "not tidied up yet" in ann.tidied().left[0]
    assert ann.tidied().left == ()
    world.owner.execute("DROP TABLE busy")


@pytest.mark.parametrize("made", ["tables", "large objects"])
def test_much_is_handed_over_in_batches(holding: Callable[..., Holder], world: PostgresWorld, made: str) -> None:
    ann = holding("maker")
    ann.session.execute(
        "DO $$ BEGIN FOR i IN 1..1200 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END $$"
        if made == "tables"
        else "SELECT count(lo_create(100000 + i)) FROM generate_series(1, 6000) AS i"
    )
    assert ann.end().state == "removed"
    assert wait_until(lambda: not ann.tidied().left, "all of it to be handed over")
    assert logins(world, ann.spec) == []
    kept = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'countersign_keeper'::regrole AND deptype = 'o'"
    assert world.owner.execute(kept).fetchone() == (1200 if made == "tables" else 6000,)
    world.owner.execute(
        "DROP OWNED BY countersign_keeper"
        if made == "tables"
        else "SELECT count(lo_unlink(100000 + i)) FROM generate_series(1, 6000) AS i"
    )


def test_a_role_that_the_holder_passed_on_is_taken_from_the_third_person(
    holding: Callable[..., Holder], world: PostgresWorld
) -> None:
    ann = holding()
    world.owner.execute("CREATE ROLE eve LOGIN")
    world.owner.execute(f"GRANT support_read TO {ann.login} WITH ADMIN OPTION".encode())
    ann.session.execute("GRANT support_read TO eve")
    assert ann.end().state == "removed"
    assert ann.tidied().left == ()
    held = "SELECT pg_has_role('eve', 'support_read', 'MEMBER')"
    assert world.owner.execute(held).fetchone() == (False,)
    world.owner.execute("DROP ROLE eve")


def test_a_login_that_was_renamed_is_ended_by_its_number(holding: Callable[..., Holder], world: PostgresWorld) -> None:
    ann = holding()
    world.owner.execute(f"ALTER ROLE {ann.login} RENAME TO innocent".encode())
    assert ann.provider.observe(ann.spec, ann.receipt, soon()).present
    assert ann.end().state == "removed"
    assert world.owner.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'innocent'").fetchone() == (0,)


def test_a_strangers_login_that_got_the_number_is_left_alone(holding: Callable[..., Holder]) -> None:
    ann, lea = holding(), holding()
    of_lea = ann.receipt.model_copy(update={"details": lea.receipt.details})
    ann.end()
    assert ann.provider.revoke(ann.spec, of_lea, soon()).state == "absent"
    ann.provider.clean_up([Ended(spec=ann.spec, receipt=of_lea)], soon())
    assert lea.session.execute(READ).fetchone() is not None
    lea.end()


@pytest.mark.parametrize("obstacle", ["none", "own lock", "prepared", "the role is locked"])
def test_the_printed_statements_end_it_by_hand(
    holding: Callable[..., Holder], target: Target, server: EmbeddedPostgres, obstacle: str
) -> None:
    ann = holding()
    if obstacle in ("own lock", "prepared"):
        ann.session.execute("BEGIN")
        ann.session.execute("ALTER ROLE CURRENT_USER PASSWORD 'x'")
    if obstacle == "prepared":
        ann.session.execute("PREPARE TRANSACTION 'mine'")
    with ExitStack() as stack:
        dba = (
            stack.enter_context(superuser(target, "CREATE ROLE other", "GRANT support_read TO other"))
            if obstacle == "the role is locked"
            else None
        )
        typed(server, ann.provider.plan(ann.spec).revoke)
        assert ann.has_nothing()
        if dba is not None:
            dba.rollback()
            typed(server, ann.provider.plan(ann.spec).revoke)
    assert not ann.provider.observe(ann.spec, ann.receipt, soon()).present
    assert ann.end().state in ("absent", "removed")
    assert logins(ann.world, ann.spec) == []


def typed(server: EmbeddedPostgres, statements: tuple[str, ...]) -> None:
    """By a superuser, one after the other; what a statement says to type is typed; what is refused stops no other."""
    with closing(psycopg.connect(server.dsn(database=DATABASE), autocommit=True)) as operator:
        for statement in statements:
            try:
                cursor = operator.execute(statement.encode())
            except psycopg.errors.LockNotAvailable:
                continue
            columns = [column.name for column in cursor.description or ()]
            if "first type these" in columns:
                for (line,) in cursor.fetchall():
                    operator.execute(line.partition(": ")[2].encode())


def test_the_end_waits_for_no_lock_longer_than_its_little_time(
    holding: Callable[..., Holder], provider: Postgres, target: Target
) -> None:
    """With the login locked by another for good, a call is over long before its deadline."""
    ann = holding()
    deadline = Deadline.after(30)
    with superuser(target, f"ALTER ROLE {ann.login} CONNECTION LIMIT 3"):
        provider.revoke(ann.spec, ann.receipt, deadline)
        assert deadline.left() > 20
    ann.end()
