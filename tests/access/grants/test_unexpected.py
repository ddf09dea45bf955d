"""A provider's bug can be found: its type and place stand in the log, and never what it says."""

import pytest

from access.ports import GrantSpec, Plan
from access.reconcile.drift import Drift
from tests.access.monitor.test_forgotten import DONE, due
from tests.access.reconcile.test_drift import look, the_look
from tests.fakes import FakeProvider
from tests.world import World, deadline

VERB = {"activate": "grant", "remove": "revoke", "extend": "extend"}


def bug(*_: object) -> None:
    raise RuntimeError("password=canary-secret")


@pytest.mark.parametrize("business", DONE)
def test_it_is_named_by_its_place(
    world: World, business: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    does, (grant, _) = due(world, business)
    monkeypatch.setattr(FakeProvider, VERB[business], bug)

    does.commit([does.act(one, deadline()) for one in does.claim([grant.id])])

    assert world.again(grant).problem == "The provider failed unexpectedly (RuntimeError)."
    (said,) = [one.getMessage() for one in caplog.records]
    place = f"test_unexpected.py:{bug.__code__.co_firstlineno + 1}"
    assert said == f"the provider failed unexpectedly for {grant.id} with RuntimeError at {place}"


def test_so_it_is_when_a_target_is_compared(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look(world)
    monkeypatch.setattr(FakeProvider, "list_managed", bug)
    world.clock.time = the_look(world).due_at
    drift = Drift(world.core, world.targets)

    drift.commit([drift.act(one, deadline()) for one in drift.claim([the_look(world).id])])

    assert the_look(world).problem == "The provider cannot list what is ours (RuntimeError)."
    assert "for customers-db with RuntimeError at test_unexpected.py:" in caplog.text
    assert "canary" not in caplog.text


def test_and_when_it_cannot_say_what_it_would_do(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grant = world.scheduled()
    monkeypatch.setattr(FakeProvider, "plan", bug)

    world.activate(grant)

    assert world.again(grant).problem == "The provider cannot say what it would do (RuntimeError)."
    assert f"for {grant.id} with RuntimeError at test_unexpected.py:" in caplog.text


def test_and_when_it_cannot_say_what_ends_it_by_hand(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    monkeypatch.setattr(FakeProvider, "plan", bug)
    world.server.weather = "down"

    world.remove(grant)

    assert (world.again(grant).plan, world.again(grant).problem) == (grant.plan, "The fake server does not answer.")
    assert f"for {grant.id} with RuntimeError at test_unexpected.py:" in caplog.text
    assert "canary" not in caplog.text


def test_statements_that_are_no_text_hold_up_no_removal(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They could not be written down, and what came of the removal stands in the same transaction."""
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    monkeypatch.setattr(FakeProvider, "plan", of_bytes)
    world.server.weather = "down"

    world.remove(grant)

    assert (world.again(grant).plan, world.again(grant).problem) == (grant.plan, "The fake server does not answer.")
    assert f"for {grant.id} with " in caplog.text
    assert "canary" not in caplog.text


def of_bytes(_self: FakeProvider, _spec: GrantSpec) -> Plan:
    return Plan(grant=(), revoke=(b"canary-secret",))  # pyright: ignore[reportArgumentType] -- a third party's fault
