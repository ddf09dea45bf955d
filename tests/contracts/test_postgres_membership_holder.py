"""Who has a login of her own and wants to keep what it was given: what she has under way, and what she prepared."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from access.ports import Removal
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import MembershipWorld
from tests.contracts.shop import for_a_while, provider_factory, soon
from tests.contracts.test_postgres_membership import membership_spec
from tests.waiting import wait_until
from workers.providers.postgres import Postgres

CURSOR = "BEGIN; DECLARE reads CURSOR FOR SELECT email FROM customers; FETCH 1 FROM reads"


@pytest.fixture
def world(server: EmbeddedPostgres, target: Target) -> Iterator[MembershipWorld]:
    with closing(MembershipWorld(server, target)) as world:
        yield world


@pytest.fixture
def provider(world: MembershipWorld, tmp_path: Path) -> Iterator[Postgres]:
    with provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make:
        yield make()


def test_a_transaction_that_begins_while_the_end_waits_for_a_lock_ends_with_the_rights(
    provider: Postgres, world: MembershipWorld, target: Target
) -> None:
    spec, removals = membership_spec(), list[Removal]()
    receipt = provider.grant(spec, soon()).receipt
    ending = threading.Thread(target=lambda: removals.append(provider.revoke(spec, receipt, soon())))
    waits = "SELECT 1 FROM pg_stat_activity WHERE usename = 'countersign' AND wait_event_type = 'Lock'"
    with closing(psycopg.connect(target.superuser_dsn)) as dba, world.log_in("ann") as session:
        dba.execute("CREATE ROLE another; GRANT support_read TO another")
        ending.start()
        wait_until(lambda: world.owner.execute(waits).fetchone(), "the end to wait for the lock")
        session.execute(CURSOR)
        dba.rollback()
        ending.join()
        assert removals[0].state == "removed"
        with pytest.raises(psycopg.OperationalError):
            session.execute("FETCH ALL FROM reads")


def test_what_she_prepared_before_the_end_is_told_with_what_takes_it_back(
    provider: Postgres, world: MembershipWorld
) -> None:
    """The bot is not its owner: what it changed becomes true when she says so, also after the end."""
    spec = membership_spec()
    receipt = provider.grant(spec, soon()).receipt
    with world.log_in("ann") as session:
        session.execute("BEGIN; SELECT count(email) FROM customers; PREPARE TRANSACTION 'it''s kept'")
        said = " ".join(provider.revoke(spec, receipt, soon()).residual)
    assert "ann has prepared transactions" in said
    undo = "ROLLBACK PREPARED 'it''s kept';"
    assert f"as a superuser, in the database shop: {undo}" in said
    with for_a_while(world, undo, "SELECT 1"):
        assert "prepared" not in " ".join(provider.revoke(spec, receipt, soon()).residual)
