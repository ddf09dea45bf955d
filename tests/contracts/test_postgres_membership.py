"""Membership mode keeps the contract: a person's own login, on a server of today and on one before version 16."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from access.errors import (
    BadConfig,
    NotGrantable,
    PrincipalNotFound,
    ProviderError,
    TargetNotFound,
)
from access.ports import GrantSpec, Provider, Receipt
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing import Histories, MakeSpec
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import make_spec, provider_factory
from tests.contracts.test_postgres import PostgresContract
from workers.providers.postgres import Postgres


def membership_spec(principal: str = "ann") -> GrantSpec:
    return replace(make_spec(principal), settings={"dsn": {"env": "SHOP_DSN"}, "mode": "membership"})


def specs_to_refuse() -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = membership_spec()
    return [
        (replace(spec, principal="nobody_here"), PrincipalNotFound),
        (replace(spec, principal="orders_fix"), PrincipalNotFound),  # a role that cannot log in
        (replace(spec, principal="cs_" + "0" * 26), PrincipalNotFound),
        (replace(spec, principal="countersign"), NotGrantable),
        (replace(spec, principal="postgres"), NotGrantable),
        (replace(spec, definition={"grants": ["no_such_role"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["support_read", "no_such_role"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["pg_write_all_data"]}), NotGrantable),
        (replace(spec, definition={"grants": []}), BadConfig),
    ]


def specs_with(words: str) -> list[GrantSpec]:
    spec = membership_spec()
    return [
        replace(spec, principal=words),
        replace(spec, definition={"grants": ["support_read", words]}),
        replace(spec, resource=words, role=words, scope={"x": words}),
    ]


class MembershipContract(PostgresContract):
    @pytest.fixture
    def make_provider(self, world: PostgresWorld, tmp_path: Path) -> Iterator[Callable[[], Provider]]:
        with provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make:
            yield make

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return membership_spec

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse()

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        return specs_with

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return lambda receipt: ['{"version": 1, "names": {"login": "ann"}}', "{}"]


class TestMembership(MembershipContract, Histories):
    """On PostgreSQL 18, which tells who gave a membership."""

    @pytest.fixture
    def world(self, server: EmbeddedPostgres, target: Target) -> Iterator[MembershipWorld]:  # pyright: ignore[reportIncompatibleMethodOverride] -- another world
        world = MembershipWorld(server, target)
        yield world
        world.close()


if OLDER:

    @pytest.fixture(scope="module")
    def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
        settings = {"log_statement": "all", "fsync": "off", "max_prepared_transactions": "5"}
        server = EmbeddedPostgres(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1], settings=settings).start()
        yield server
        server.remove()

    @pytest.fixture(scope="module")
    def older_shop(older: EmbeddedPostgres) -> Target:
        return prepare_older(older)

    class TestMembershipOnAnOlderServer(MembershipContract, Histories):
        """Which has one membership, whoever gave it: really shared."""

        @pytest.fixture
        def world(self, older: EmbeddedPostgres, older_shop: Target) -> Iterator[MembershipWorld]:  # pyright: ignore[reportIncompatibleMethodOverride] -- another world
            world = MembershipWorld(older, older_shop)
            yield world
            world.close()
