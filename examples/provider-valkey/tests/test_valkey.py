"""The provider valkey keeps the contract, on a real server over TLS."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from countersign_valkey import MEANINGS, Valkey, ValkeyRole, ValkeySettings
from valkey_server import ValkeyServer, serving
from valkey_world import ValkeyWorld

from access.errors import BadConfig, ProviderError
from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec, Receipt, host_time
from countersign.testing import Histories, MakeSpec, ProviderContract


def make_spec(principal: str = "ann") -> GrantSpec:
    return GrantSpec(
        grant_id=GrantId(ulid(host_time())),
        resource="cache",
        role="read",
        definition={"reads": ["cust:*"]},
        settings={"url": "rediss://valkey.example:6380", "password": {"env": "VALKEY_PASSWORD"}},
        scope={},
        principal=principal,
        expires_at=host_time() + timedelta(hours=1),
    )


def settings(**other: Any) -> ValkeySettings:
    usual = {"url": "rediss://valkey.example:6380", "password": {"env": "VALKEY_PASSWORD"}}
    return ValkeySettings.model_validate(usual | other)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with serving(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def world(server: ValkeyServer, tmp_path: Path) -> Iterator[ValkeyWorld]:
    password = tmp_path / "password"
    password.write_text(server.password)
    world = ValkeyWorld(server, password)
    yield world
    world.close()


class TestValkey(ProviderContract, Histories):
    error_table: ClassVar = {code: kind for code, (kind, _) in MEANINGS.items()}
    fights: ClassVar = True
    no_obstacles: ClassVar = {
        "C31": "A holder can lock nothing: no role allows transactions, scripts or commands that wait.",
        "C32": "The server does one command after the other, and no command that a role allows waits.",
        "C33": "A holder can make nothing that runs: no role allows scripts or functions.",
        "C34": "The provider asks for users by their whole names, and nothing on the server is found by a search path.",
    }

    @pytest.fixture
    def world(self, world: ValkeyWorld) -> ValkeyWorld:
        return world

    @pytest.fixture
    def make_provider(self, world: ValkeyWorld) -> Callable[[], Valkey]:
        return lambda: Valkey(ValkeySettings.model_validate(world.settings))

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return make_spec

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        return [{"reads": ["orders:*"]}, {"reads": ["stock:*"], "writes": ["stock:*"]}]

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return [
            (replace(make_spec(), definition={"reads": []}), BadConfig),
            (replace(make_spec(), definition={"reads": ["cust:* +@all"]}), BadConfig),
            (replace(make_spec(), definition={"commands": ["+@all"]}), BadConfig),
            (replace(make_spec(), grant_id=GrantId("default")), BadConfig),
        ]

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        def specs_with(words: str) -> list[GrantSpec]:
            return [
                replace(make_spec(), principal=words, resource=words, role=words, scope={"x": words}),
                replace(make_spec(), definition={"reads": ["cust:*", words]}),
            ]

        return specs_with

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return lambda receipt: [json.dumps({"version": 1, "names": {"login": receipt.names["login"]}}), "{}"]

    @pytest.fixture
    def targets(self) -> Sequence[Sequence[ValkeySettings]]:
        return [
            [settings(), settings(ca="/etc/ssl/other.pem"), settings(password={"env": "OTHER"})],
            [settings(user="another")],
            [settings(url="rediss://valkey.example:6381")],
        ]


def test_a_policy_cannot_name_a_server_without_tls() -> None:
    for url in ("redis://valkey.example:6379", "rediss://bot:word@valkey.example:6380", "rediss://"):
        with pytest.raises(ValueError, match="rediss://HOST:PORT is meant"):
            settings(url=url)


def test_a_login_that_was_removed_does_not_come_back_when_the_server_reads_its_file_again(world: ValkeyWorld) -> None:
    provider, spec = Valkey(ValkeySettings.model_validate(world.settings)), make_spec()
    provider.grant(spec, Deadline.after(20))
    provider.revoke(spec, None, Deadline.after(20))

    world.owner.execute_command("ACL", "LOAD")

    assert not provider.observe(spec, None, Deadline.after(20)).present


def test_a_bot_that_can_reach_keys_itself_is_told(world: ValkeyWorld) -> None:
    provider = Valkey(ValkeySettings.model_validate(world.settings))
    roles = {"read": ValkeyRole(reads=("cust:*",))}
    assert [one.level for one in provider.check(roles, Deadline.after(20))] == ["ok"]

    world.owner.execute_command("ACL", "SETUSER", "countersign", "~*")
    try:
        (finding,) = provider.check(roles, Deadline.after(20))
    finally:
        world.owner.execute_command("ACL", "SETUSER", "countersign", "resetkeys")

    assert (finding.level, finding.cure) == ("warning", "ACL SETUSER countersign resetkeys")
