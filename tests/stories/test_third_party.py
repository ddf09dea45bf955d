"""A provider from a package of its own through the whole product: installed, found by its line, used, ended."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from access.models import EndedBy, GrantStatus
from countersign.demo.prober import labelled
from tests.packages import ROOT, environment
from tests.stories.house import CHANNEL, House, _opened
from tests.stories.sinks import found_in
from tests.waiting import wait_until

EXAMPLE = ROOT / "examples" / "provider-valkey"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed, as its README says."""
    site = tmp_path_factory.mktemp("site")
    typed = subprocess.run(
        [sys.executable, "-m", "pip", "install", "."], cwd=EXAMPLE, env=environment(site), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert typed.returncode == 0, typed.stderr
    return site


def test_what_is_installed_is_one_file_and_its_line(site: Path) -> None:
    (info,) = site.glob("countersign_valkey-*.dist-info")

    assert {file.name for file in site.iterdir()} - {info.name, "__pycache__"} == {"countersign_valkey.py"}
    assert (info / "entry_points.txt").read_text().split() == [
        "[countersign.providers]", "valkey", "=", "countersign_valkey:Valkey",
    ]  # fmt: skip


def test_it_keeps_the_contract_by_its_own_tests(site: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=EXAMPLE, env=environment(site),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout[-8000:]
    assert " skipped" not in ran.stdout


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(EXAMPLE / "tests")
    from valkey_server import serving

    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def relay(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The door with TLS."""
    monkeypatch.syspath_prepend(EXAMPLE)
    from valkey_world import Resp

    from countersign.testing import Relay

    made = Relay(str(server.socket), Resp, shows=server.authority.shows())
    yield made
    made.close()


@pytest.fixture
def house(house: House, site: Path, server: Any, relay: Any) -> House:
    """With such a target in its policy, and the package beside what is installed."""
    said = (EXAMPLE / "README.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (resource,) = yaml.safe_load(said)["resources"]
    at = {"url": f"rediss://127.0.0.1:{relay.port}", "ca": str(server.authority.certificate)}
    file = house.directory / "access.yml"
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    policy["resources"].append(resource | {"settings": resource["settings"] | at})
    stages = [{"any_of": ["payments-leads"], "quorum": 1}]
    policy["rules"].append(
        {"id": "cache-read", "for": {"groups": ["engineers"], "entitlements": ["cache/read"]}, "max": "2h",
         "approve": {"channel": CHANNEL, "stages": stages}}
    )  # fmt: skip
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")
    house.more |= {"PYTHONPATH": environment(site)["PYTHONPATH"], "VALKEY_PASSWORD": server.password}
    return house


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_third_partys_provider_is_asked_approved_used_and_ended(house: House, server: Any) -> None:
    server.owner.set("cust:1", "Ann's customer")
    house.start()
    house.approve(house.ask("15s", entitlement="cache/read"))
    told = secret(house)
    person = server.client(told["Login"], told["Password"])
    assert person.get("cust:1") == "Ann's customer"
    with pytest.raises(redis.ResponseError, match="No permissions"):
        person.get("payroll:1")

    wait_until(lambda: house.grants()[0].status == GrantStatus.ENDED, "the grant to have ended", within=60, every=0.1)
    with pytest.raises(redis.RedisError):
        person.get("cust:1")
    person.close()

    (grant,) = house.grants()
    assert (grant.ended_by, grant.sessions_ended, grant.proven_at is not None) == (EndedBy.EXPIRED, 1, True)
    assert server.owner.execute_command("ACL", "USERS") == ["countersign", "default"]
    assert found_in(house, told["Password"]) + found_in(house, server.password) == []
    assert house.verified().flaw is None


def secret(house: House) -> dict[str, str]:
    """Presses the button that shows how to connect, and reads what the modal shows."""
    ann = house.person("U0ANN")
    shows = lambda one: "grant.connect" in one.actions()  # noqa: E731
    answer = house.message("U0ANN", shows, "the button that shows how to connect")
    wait_until(lambda: _opened(ann, answer), "the modal that shows how to connect", within=60)

    def shown() -> dict[str, str]:
        view = ann.view()
        found = labelled(view) if view else {}
        return found if "Password" in found else {}

    return wait_until(shown, "the login in the modal")
