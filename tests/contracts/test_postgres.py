"""The provider postgres keeps the contract, on a real PostgreSQL 18."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from access.errors import BadConfig, NotGrantable, ProviderError, TargetNotFound
from access.ids import GrantId
from access.ports import GrantSpec, Provider, Receipt, SecretReference
from countersign.testing import Histories, MakeSpec, ProviderContract, TestedOn
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import make_spec, provider_factory
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.errors import MEANINGS
from workers.providers.postgres.tls import Tls


def specs_to_refuse() -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = make_spec()
    return [
        (replace(spec, definition={"grants": ["no_such_role"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["support_read", "no_such_role"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["postgres"]}), NotGrantable),
        (replace(spec, definition={"grants": ["countersign"]}), NotGrantable),
        (replace(spec, definition={"grants": ["pg_write_all_data"]}), NotGrantable),
        (replace(spec, definition={"grants": ["pg_read_all_data"]}), NotGrantable),
        (replace(spec, definition={"grants": []}), BadConfig),
        (replace(spec, definition={"grant": ["support_read"]}), BadConfig),
        (replace(spec, grant_id=GrantId("x'; DROP ROLE postgres; --")), BadConfig),
    ]


def specs_with(words: str) -> list[GrantSpec]:
    spec = make_spec()
    return [
        replace(spec, principal=words, resource=words, role=words, scope={"x": words}, settings={"x": words}),
        replace(spec, grant_id=make_spec().grant_id, definition={"grants": ["support_read", words]}),
    ]


def receipts_of_before(receipt: Receipt) -> list[str]:
    """As version 1 wrote it; and with nothing but the name."""
    role, oid = receipt.names["role"], receipt.details["oid"]
    return [
        json.dumps(
            {
                "version": 1,
                "names": {"role": role},
                "native_expiry": "2026-11-23T15:00:00Z",
                "pre_existing": False,
                "details": {"oid": oid},
            }
        ),
        json.dumps({"version": 1, "names": {"role": role}}),
    ]


def settings_by_target() -> list[list[Settings]]:
    """The reference names server and account; which database, how people get in and what is demanded do not."""
    shop, other = SecretReference(env="SHOP_DSN"), SecretReference(env="OTHER_DSN")
    alike = [
        Settings(dsn=shop), Settings(dsn=shop, database="orders"), Settings(dsn=shop, mode="membership"),
        Settings(dsn=shop, tls=Tls(mode="require")),
    ]  # fmt: skip
    return [alike, [Settings(dsn=other)], [Settings(dsn=SecretReference(file="SHOP_DSN"))]]


MORE_ROLES = ({"grants": ["orders_fix"]}, {"grants": ["support_read", "orders_fix"]})


def _code(key: str) -> str:
    """A whole SQLSTATE for a row that stands for a class of them."""
    return key.ljust(5, "0") if len(key) == 2 else key.ljust(5, "1")


class PostgresContract(ProviderContract):
    error_table: ClassVar = {_code(key): kind for key, (kind, _) in MEANINGS.items()}

    @pytest.fixture
    def make_provider(self, world: PostgresWorld, tmp_path: Path) -> Iterator[Callable[[], Provider]]:
        with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
            yield make

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return make_spec

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        return MORE_ROLES

    @pytest.fixture
    def world(self, world: PostgresWorld) -> PostgresWorld:
        return world

    @pytest.fixture
    def tested_on(self, world: PostgresWorld) -> TestedOn:
        way = {"login": "temporary logins", "membership": "memberships of own logins"}[world.mode]
        return TestedOn(what=f"PostgreSQL {world.owner.info.server_version // 10000}", kind="real", way=way)

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse()

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        return specs_with

    @pytest.fixture
    def targets(self) -> list[list[Settings]]:
        return settings_by_target()

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return receipts_of_before


class TestPostgres(PostgresContract, Histories):
    """C01 to C28."""
