"""The provider mysql keeps the contract, on a real MariaDB."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from access.errors import BadConfig, NotGrantable, ProviderError, TargetNotFound
from access.ids import GrantId
from access.ports import GrantSpec, Provider, Receipt, SecretReference
from countersign.testing import Histories, MakeSpec, ProviderContract, TestedOn
from countersign.testing.apartness import Apartness
from countersign.testing.fixtures import ContractFixtures
from countersign.testing.opening import Opening
from countersign.testing.sharing import Sharing
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_world import (
    DIRECT,
    GETS_GRANT_OPTION,
    LENDS,
    PASSES_ON,
    MysqlWorld,
    made_of,
    make_direct_spec,
    make_spec,
)
from workers.providers.mysql import Mysql, Settings
from workers.providers.mysql.errors import MEANINGS

pytestmark = NEEDS_MARIADB


def specs_to_refuse() -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = make_spec()

    def rights(**changed: object) -> GrantSpec:
        right = {"privileges": ["SELECT"], "database": "shop", "table": "customers", "columns": ["id"]} | changed
        return replace(spec, definition={"rights": [right]})

    return [
        (replace(spec, definition={"grants": ["no_such_role"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["PUBLIC"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["countersign_logins"]}), NotGrantable),
        (replace(spec, definition={"grants": ["nothing"]}), NotGrantable),
        (replace(spec, definition={"grants": []}), BadConfig),
        (replace(spec, definition={"grants": ["support_read", "orders_fix"]}), BadConfig),
        (replace(spec, definition={"grants": ["support_read"], "rights": []}), BadConfig),
        (replace(spec, definition={}), BadConfig),
        (rights(columns=["card"]), NotGrantable),
        (rights(table="orders"), NotGrantable),
        (rights(table="no_such_table"), NotGrantable),
        (rights(database="mysql"), BadConfig),
        (rights(database="Countersign"), BadConfig),
        (rights(privileges=["TRIGGER"]), BadConfig),
        (rights(privileges=["SUPER"]), BadConfig),
        (rights(privileges=["GRANT OPTION"]), BadConfig),
        (replace(spec, grant_id=GrantId("x'; DROP USER root; --")), BadConfig),
    ]


def specs_with(words: str) -> list[GrantSpec]:
    spec = make_spec()
    right = {"privileges": ["SELECT"], "database": "shop", "table": "customers"}
    return [
        replace(spec, principal=words, resource=words, role=words, scope={"x": words}, settings={"x": words}),
        replace(spec, grant_id=make_spec().grant_id, definition={"grants": [words]}),
        replace(spec, grant_id=make_spec().grant_id, definition={"rights": [right | {"columns": ["id", words]}]}),
        replace(spec, grant_id=make_spec().grant_id, definition={"rights": [right | {"table": words}]}),
        replace(spec, grant_id=make_spec().grant_id, definition={"rights": [right | {"database": words}]}),
    ]


def receipts_of_before(receipt: Receipt) -> list[str]:
    """As version 1 wrote it; and with nothing but the name."""
    names = {"login": receipt.names["login"]}
    return [
        json.dumps({"version": 1, "names": names, "native_expiry": "2026-11-30T15:00:00Z", "pre_existing": False,
                    "details": {"host": "%"}}),
        json.dumps({"version": 1, "names": names}),
    ]  # fmt: skip


def settings_by_target() -> list[list[Settings]]:
    """Host, port and account name it; how it is proven, and what is done there, do not."""
    shop = {"host": "db.example", "password": SecretReference(env="SHOP"), "ca": "system"}
    alike = [
        Settings.model_validate(shop | changed)
        for changed in ({}, {"host": "DB.Example"}, {"port": 3306}, {"events": False}, {"ca": "/etc/ca.pem"},
                        {"logins_from": "10.0.0.%"}, {"password": {"file": "/run/secret"}})
    ]  # fmt: skip
    others = [{"host": "db2.example"}, {"port": 3307}, {"user": "another"}]
    return [alike, *([Settings.model_validate(shop | changed)] for changed in others)]


class MysqlFixtures(ContractFixtures):
    error_table: ClassVar = {str(number): kind for number, (kind, _) in MEANINGS.items()}
    cannot_forbid: ClassVar = dict.fromkeys(
        (LENDS, GETS_GRANT_OPTION, PASSES_ON + " WITH GRANT OPTION"),
        "MariaDB lets each login pass on what it has, by GRANT PROXY to itself; every end says what was passed on.",
    )

    @pytest.fixture
    def world(self, mysql_world: MysqlWorld) -> MysqlWorld:
        return mysql_world

    @pytest.fixture
    def make_provider(self, mysql_world: MysqlWorld) -> Iterator[Callable[[], Provider]]:
        with made_of(Mysql, mysql_world) as make:
            yield make

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return make_spec

    @pytest.fixture
    def tested_on(self, world: MysqlWorld) -> TestedOn:
        return TestedOn(what=f"MariaDB {world.version()}", kind="real", way="a role of the server")

    @pytest.fixture
    def targets(self) -> list[list[Settings]]:
        return settings_by_target()

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse()

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        return specs_with

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return receipts_of_before


class MysqlContract(MysqlFixtures, ProviderContract):
    """All of it."""


MORE_ROLES: tuple[Mapping[str, Any], ...] = ({"grants": ["orders_fix"]}, DIRECT)


class TestMysql(MysqlContract, Histories):
    """A role of the server."""

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        return MORE_ROLES


class TestMysqlRights(MysqlFixtures, Opening, Sharing, Apartness):
    """Rights that the policy writes out; by promises of which they could break one."""

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return make_direct_spec
