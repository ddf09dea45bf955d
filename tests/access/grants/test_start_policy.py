"""Just before a door is opened: by the policy, the clocks and the provider of that moment."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from pydantic import JsonValue

from access.errors import (
    BadConfig,
    BadCredential,
    PrincipalNotFound,
    ProviderError,
)
from access.models import AlertKind, EndedBy, GrantStatus, MessageKind
from access.ports import Deadline, GrantSpec, Outcome, Plan
from tests.cast import ANN, SECURITY
from tests.fakes import FakeProvider
from tests.world import World


@pytest.mark.parametrize("error", [BadConfig(), BadCredential()])
def test_what_an_operator_must_mend_is_told_to_security(
    world: World, monkeypatch: pytest.MonkeyPatch, error: ProviderError
) -> None:
    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise error

    monkeypatch.setattr(FakeProvider, "grant", grant)
    world.scheduled()
    world.work()

    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.PROVIDER, "customers-db")]
    assert (MessageKind.ALERT, SECURITY) in world.told()


def test_what_concerns_one_person_is_no_alert(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise PrincipalNotFound

    monkeypatch.setattr(FakeProvider, "grant", grant)
    one = world.scheduled()
    world.work()

    assert world.again(one).status == GrantStatus.FAILED
    assert world.alerts() == []


def test_a_provider_that_cannot_be_made_alerts_once_and_is_tried_again(world: World) -> None:
    grant = world.scheduled()
    world.targets.broken = BadConfig("CUSTOMERS_DSN is not set.")
    world.pass_time(minutes=3)

    assert world.again(grant).status == GrantStatus.SCHEDULED
    assert world.again(grant).problem == "CUSTOMERS_DSN is not set."
    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.PROVIDER, "customers-db")]
    assert [one.recipient for one in world.messages("alert")] == [SECURITY]

    world.targets.broken = None
    world.pass_time(minutes=2)
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert world.alerts()[0].closed_at is not None, "closed by itself"


def test_a_broken_provider_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.rewrite_policy("provider: fake\n    settings: {server: one}", "provider: fake\n    settings: {server: two}")
    bad = world.scheduled()
    world.rewrite_policy("server: two", "server: one")
    good = world.scheduled(entitlement="customers-db/fix-orders")
    makes = world.targets.of

    def of(provider: str, settings: Mapping[str, JsonValue], resource: str) -> FakeProvider:
        if settings["server"] == "two":
            raise BadConfig
        return makes(provider, settings, resource)

    monkeypatch.setattr(world.targets, "of", of)
    world.activate(bad, good)

    assert world.again(good).status == GrantStatus.ACTIVE


def test_a_provider_that_cannot_plan_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = world.scheduled(), world.scheduled(entitlement="customers-db/fix-orders")

    def plan(self: FakeProvider, spec: GrantSpec) -> Plan:
        if spec.role == "read":
            raise KeyError("power")
        return Plan(grant=("ADD",), revoke=("REMOVE",))

    monkeypatch.setattr(FakeProvider, "plan", plan)
    world.activate(bad, good)

    assert world.again(good).status == GrantStatus.ACTIVE
    assert world.again(bad).problem == "The provider cannot say what it would do (KeyError)."
    assert world.alerts()[0].kind == AlertKind.PROVIDER


REFUSED_NOW = {
    "Ann left the group": ("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}"),
    "Ann left": ("  ann: {slack: U0ANN}\n", ""),
    "the role means more": ("power: look", "power: mend"),
    "the target is another": ("server: one", "server: two"),
    "it may be shorter only": ("max: 2h", "max: 10m"),
}
CHANGED = "The rule or the role was changed after the approval. Please ask again."
SAID = {
    "Ann left the group": "The policy has changed: ann may not ask for customers-db/read any more.",
    "Ann left": "This person is no longer in the access policy.",
    "the role means more": CHANGED,
    "the target is another": CHANGED,
    "it may be shorter only": "The policy has changed: at most 10 min is allowed now.",
}
"""On the card too, so not in words that are for who asked."""


@pytest.mark.parametrize("change", REFUSED_NOW)
@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVATING])
def test_what_the_policy_of_now_refuses_is_not_given(world: World, change: str, stage: GrantStatus) -> None:
    grant = world.scheduled(minutes=60)
    if stage == GrantStatus.ACTIVATING:
        world.server.weather = "down"
        world.activate(grant)
        world.server.weather = "fine"
    if change == "Ann left":
        world.rewrite_policy("people: [ann, ben, lea]", "people: [ben, lea]")
    world.rewrite_policy(*REFUSED_NOW[change])
    world.pass_time(minutes=3)

    over = world.again(grant)
    left = change == "Ann left"  # found by the roster before anything is given, and Slack takes no new message to her
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.LEFT if left else EndedBy.REFUSED)
    assert over.end_reason == SAID[change]
    assert world.server.holders == {}
    assert ((MessageKind.ENDED, ANN) in world.told()) is not left


def test_an_unrelated_change_after_the_approval_changes_nothing(world: World) -> None:
    grant = world.scheduled()
    world.rewrite_policy('at: "09:00"', 'at: "10:00"')
    world.work()

    assert world.again(grant).status == GrantStatus.ACTIVE


def test_a_reason_that_was_long_enough_when_it_was_asked_stays_so(world: World) -> None:
    grant = world.scheduled()
    world.rewrite_policy("reason_min: 10", "reason_min: 100")
    world.work()

    assert world.again(grant).status == GrantStatus.ACTIVE


def test_a_policy_that_changes_later_leaves_open_access_to_its_end(world: World) -> None:
    grant = world.open(minutes=30)
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    world.pass_time(minutes=5)
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_nothing_is_given_on_a_policy_that_cannot_be_read(world: World) -> None:
    grant = world.scheduled()
    text = world.policy_file.read_text(encoding="utf-8")
    world.policy_file.unlink()
    world.pass_time(minutes=1)
    assert world.again(grant).status == GrantStatus.SCHEDULED
    assert world.server.calls == []

    world.policy_file.write_text(text, encoding="utf-8")
    world.pass_time(seconds=10)
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_nothing_is_given_while_the_clocks_differ(world: World) -> None:
    grant = world.scheduled()
    world.clock.offset = timedelta(seconds=-31)
    world.pass_time(minutes=1)
    assert (world.again(grant).status, world.server.calls) == (GrantStatus.SCHEDULED, [])

    world.clock.offset = timedelta(seconds=30)
    world.pass_time(seconds=20)
    assert world.again(grant).status == GrantStatus.ACTIVE
