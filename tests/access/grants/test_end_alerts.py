"""Access that outlives its end: an alert is open and somebody was told, until it is proven gone."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from pydantic import JsonValue

from access.actors import by_slack
from access.core import Core
from access.errors import BadCredential, NotPermitted, ProviderError
from access.grants.revoke import return_access
from access.ids import SlackChannel
from access.models import AlertKind, Grant, GrantStatus, MessageKind
from access.monitor.sweep import Schedule
from tests.cast import ANN, BEN, SECURITY
from tests.fakes import FakeProvider
from tests.world import World

SAID = "The fake server does not answer. So ann's customers-db/read is 10 min past its end and may still be there."


def expired(world: World, minutes: float = 30) -> Grant:
    """Access whose end has come."""
    grant = world.open(minutes=minutes)
    world.clock.tick(minutes=minutes)
    return grant


def test_a_target_that_is_down_for_a_day_is_asked_until_it_is_gone(world: World) -> None:
    grant = expired(world)
    world.server.weather = "down"
    for hour in range(24):
        world.clock.tick(hours=1)
        world.work()
        now = world.again(grant)
        assert now.status == GrantStatus.REVOKING, f"given up after {hour + 1} h"
        assert now.due_at is not None
        assert timedelta(0) <= now.due_at - world.clock.now() <= timedelta(minutes=1)
    assert world.again(grant).attempts >= 24
    assert len(world.events("grant.revoke-failed")) == 1, "the same problem again is no news"
    alert = world.alerts()
    assert [(one.kind, one.subject, one.closed_at) for one in alert] == [(AlertKind.OVERDUE, grant.id, None)]
    assert alert[0].delivered_at is not None

    world.server.weather = "fine"
    world.pass_time(minutes=1)
    over = world.again(grant)
    assert over.status == GrantStatus.ENDED
    assert over.ended_at is not None
    assert over.ended_at - world.clock.now() <= timedelta(minutes=1)
    assert world.server.holders == {}


def test_an_alert_opens_once_is_told_and_closes_by_itself(world: World) -> None:
    expired(world)
    ends = world.clock.now()
    world.server.weather = "down"
    world.work()
    world.pass_time(minutes=9, seconds=59)
    assert world.alerts() == []

    world.pass_time(seconds=1)
    (alert,) = world.alerts()
    assert alert.opened_at == ends + timedelta(minutes=10)
    assert alert.sentence == SAID
    assert (MessageKind.ALERT, SECURITY) in world.told()
    told = world.messages("alert")[0]
    assert (told.shown_version, told.due_at) == (told.wanted_version, None)

    world.pass_time(minutes=5)
    assert [one.id for one in world.alerts()] == [alert.id]
    assert len(world.events("alert.opened")) == 1

    world.server.weather = "fine"
    world.said.clear()
    world.pass_time(minutes=1)
    assert world.alerts()[0].closed_at is not None
    assert len(world.events("alert.closed")) == 1
    assert (MessageKind.ALERT, SECURITY) in world.told(), "the message says that it is over"
    assert (MessageKind.ENDED, ANN) in world.told()


def test_no_alert_opens_for_what_ended_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep saw it overdue; before it could write the alert, the access was proven gone."""
    grant = expired(world)
    world.clock.tick(minutes=10)
    finds = Core.security_channel

    def slow(core: Core) -> SlackChannel | None:
        world.remove(grant)
        return finds(core)

    monkeypatch.setattr(Core, "security_channel", slow)
    Schedule(world.core).sweep()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.alerts() == []


def test_early_returned_access_is_alarmed_by_when_it_was_returned(world: World) -> None:
    grant = world.open(minutes=60)
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.server.weather = "down"
    world.pass_time(minutes=10)

    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]


def test_a_target_that_accepts_and_keeps_it_is_never_ended(world: World) -> None:
    grant = expired(world)
    world.server.weather = "stubborn"
    world.pass_time(minutes=11)

    now = world.again(grant)
    assert now.status == GrantStatus.REVOKING
    assert now.removed_at is not None
    assert now.proven_at is None
    assert now.problem == "The target accepted the removal, but the access is still there."
    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]

    world.server.weather = "fine"
    world.pass_time(minutes=1)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.again(grant).removed_at == now.removed_at


def test_a_refusal_for_good_alerts_at_once_and_is_tried_again_all_the_same(world: World) -> None:
    grant = expired(world)
    world.server.weather = "refuses"
    world.work()
    (alert,) = world.alerts()
    assert (alert.kind, alert.subject) == (AlertKind.UNREMOVABLE, grant.id)
    assert alert.sentence == "customers-db/read of ann cannot be taken away: The fake server refuses the bot."

    world.live_through(minutes=2)
    assert [one.kind for one in world.alerts()] == [AlertKind.UNREMOVABLE]
    assert world.again(grant).attempts > 5

    world.server.weather = "fine"
    world.pass_time(minutes=1)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.alerts()[0].closed_at is not None


@pytest.mark.parametrize("error", [BadCredential(), NotPermitted()])
def test_a_provider_that_cannot_be_made_alerts_and_stops_no_other(
    world: World, error: ProviderError, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rewrite_policy("provider: fake\n    settings: {server: one}", "provider: fake\n    settings: {server: two}")
    bad = world.open(minutes=30)
    world.rewrite_policy("server: two", "server: one")
    good = world.open(by=BEN, minutes=30)
    world.clock.tick(minutes=30)
    makes = world.targets.of

    def of(provider: str, settings: Mapping[str, JsonValue], resource: str) -> FakeProvider:
        if settings["server"] == "two":
            raise error
        return makes(provider, settings, resource)

    monkeypatch.setattr(world.targets, "of", of)
    world.remove(bad, good)

    assert world.again(good).status == GrantStatus.ENDED
    assert world.again(bad).status == GrantStatus.REVOKING
    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.UNREMOVABLE, bad.id)]


def test_ending_needs_no_policy(world: World) -> None:
    grant = expired(world)
    world.policy_file.unlink()
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert [alert.kind for alert in world.alerts()] == [AlertKind.POLICY]


def test_a_process_that_never_saw_a_policy_ends_alerts_and_tells(world: World, tmp_path_factory) -> None:
    """Restarted while the file is broken: what is open still ends, and security still hears of what does not."""
    late, good = world.open(minutes=30), world.open(by=BEN, minutes=30)
    world.work()  # which writes down the policy in force
    world.policy_file.write_text("version: [", encoding="utf-8")
    restarted = World.make(world.core.database, tmp_path_factory.mktemp("restarted"), policy="version: [")
    restarted.clock.time, restarted.targets.server = world.clock.now() + timedelta(minutes=30), world.server

    restarted.remove(good)
    world.server.weather = "refuses"
    restarted.pass_time(minutes=11)
    assert restarted.again(good).status == GrantStatus.ENDED
    assert {alert.kind for alert in restarted.alerts()} == {
        AlertKind.POLICY, AlertKind.UNREMOVABLE, AlertKind.OVERDUE,
    }  # fmt: skip
    assert all(alert.delivered_at for alert in restarted.alerts())
    assert set(restarted.told()) >= {(MessageKind.ALERT, SECURITY), (MessageKind.ENDED, BEN)}

    world.server.weather = "fine"
    restarted.pass_time(minutes=2)
    assert restarted.again(late).status == GrantStatus.ENDED
