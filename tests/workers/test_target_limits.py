"""How hard a target is called: one limit for all resources that one account reaches there."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from access.models import GrantStatus
from access.monitor.routing import CLEANUP, DRIFT, Queue
from access.monitor.sweep import Schedule
from access.policy_source import PolicySource
from access.ports import CallLimits, Deadline, GrantSpec, Outcome
from access.settings import Settings
from access.unit_of_work import grant_item
from countersign.processes import limits_of
from countersign.wiring import parts
from tests.cast import POLICY
from tests.fakes import FakeProvider
from tests.waiting import wait_until
from tests.world import World
from workers.lanes import Lanes
from workers.pacing import Limits
from workers.target_limits import TargetLimits

RESOURCE = POLICY[POLICY.index("  - id: customers-db") : POLICY.index("      fix-orders")]
TEN = [f"db-{number}" for number in range(10)]


def policy_of_ten(limits: str) -> str:
    """Ten resources on one server; one of them says what it bears."""
    resources = [RESOURCE.replace("customers-db", name) for name in TEN]
    resources[3] = resources[3].replace("    roles:", f"    limits: {limits}\n    roles:")
    asked = ", ".join(f"{name}/read" for name in TEN)
    return POLICY.replace("rules:\n", "".join(resources) + "rules:\n").replace("[customers-db/read,", f"[{asked},")


def limits(world: World, calls_at_once: int = 16) -> TargetLimits:
    return TargetLimits(world.core.policy, world.core.providers, calls_at_once)


@dataclass
class Busy:
    """Counts the calls that are under way, all of which wait to be let go."""

    now: int = 0
    most: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, real: Callable[..., Outcome]) -> Callable[..., Outcome]:
        def call(provider: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.let_go.wait(30)
            with self.lock:
                self.now -= 1
            return real(provider, spec, deadline)

        return call


def test_ten_resources_on_one_account_share_one_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.policy_file.write_text(policy_of_ten("{concurrency: 2}"), encoding="utf-8")
    busy = Busy()
    monkeypatch.setattr(FakeProvider, "grant", busy.around(FakeProvider.grant))
    grants = [world.scheduled(entitlement=f"{name}/read") for name in TEN]
    lanes = Lanes(world.activation, on_leak=lambda: None, limits=limits(world))

    for route in Schedule(world.core).route([grant_item(one.id) for one in grants]).now:
        lanes.put(route.target, [route.id])
    wait_until(lambda: busy.now == 2, "two calls to be under way")
    busy.let_go.set()
    wait_until(lambda: {one.status for one in world.grants()} == {GrantStatus.ACTIVE}, "all to be open")

    assert busy.most == 2
    lanes.stop()


def test_the_policy_goes_before_the_provider_and_the_provider_before_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits(world, 7)("fake:one") == Limits(threads=7)

    monkeypatch.setattr(FakeProvider, "limits", CallLimits(concurrency=3, per_second=9))
    assert limits(world, 7)("fake:one") == Limits(threads=3, per_second=9)

    world.rewrite_policy("    roles:", "    limits: {per_second: 2}\n    roles:")
    assert limits(world, 7)("fake:one") == Limits(threads=3, per_second=2)


def test_a_row_of_the_version_before_is_called_no_harder(world: World) -> None:
    world.policy_file.write_text(policy_of_ten("{concurrency: 2}"), encoding="utf-8")

    assert {limits(world)(name).threads for name in TEN} == {2}


def test_a_target_that_the_policy_no_longer_has_bears_what_its_provider_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeProvider, "limits", CallLimits(concurrency=3))

    assert limits(world)("fake:gone").threads == 3
    assert limits(world)("gone:one").threads == 16


@pytest.mark.parametrize("lane", [DRIFT, CLEANUP])
def test_lanes_that_are_for_all_targets_keep_the_limit_of_the_environment(world: World, lane: str) -> None:
    assert limits(world)(lane) == Limits()


def test_a_policy_that_cannot_be_used_leaves_the_limits_of_the_last_one(world: World, tmp_path: Path) -> None:
    world.rewrite_policy("    roles:", "    limits: {per_second: 2}\n    roles:")
    known = limits(world)
    assert known("fake:one").per_second == 2

    world.policy_file.write_text("version: [", encoding="utf-8")
    assert known("fake:one").per_second == 2

    never = TargetLimits(PolicySource(tmp_path / "none.yml", {}), world.core.providers, 16)
    assert never("fake:one") == Limits()


@pytest.mark.parametrize(("queue", "target"), [("grant", True), ("revoke", True), ("tell", False)])
def test_only_queues_that_call_targets_go_by_their_limits(
    database_url: str, tmp_path: Path, queue: Queue, *, target: bool
) -> None:
    """What tells people may be called like a resource."""
    settings = Settings.read({"DATABASE_URL": database_url, "COUNTERSIGN_STATE": str(tmp_path)})
    with parts(settings) as made:
        assert isinstance(limits_of(made, queue), TargetLimits) == target
