"""Who holds access is told before its end, at the right moment, once, and not when it is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from access.actors import by_slack
from access.grants.expiry_warning import warning_time
from access.grants.revoke import return_access
from access.messages.facts import CardFacts
from access.messages.outbox import Claimed
from access.models import Grant, MessageKind
from access.monitor.sweep import Schedule
from access.unit_of_work import message_item
from tests.cast import ANN
from tests.fakes import NOON
from tests.world import World, deadline


def warnings(world: World) -> list[Claimed]:
    return [one for one in world.said if one.message.kind == MessageKind.WARNING]


def at_the_warning(world: World, grant: Grant, **before: float) -> None:
    assert grant.expires_at is not None
    world.clock.time = grant.expires_at - timedelta(minutes=15) - timedelta(**before)
    world.work()


@pytest.mark.parametrize(
    ("minutes", "longest", "before"),
    [(480, 15, 15), (60, 15, 15), (59, 15, 14.75), (20, 15, 5), (2, 15, 0.5), (480, 5, 5)],
)
def test_the_warning_comes_in_the_last_quarter(minutes: float, longest: float, before: float) -> None:
    ends = NOON + timedelta(minutes=minutes)

    moment = warning_time(NOON, ends, timedelta(minutes=longest))

    assert moment == ends - timedelta(minutes=before)


def test_the_holder_is_told_a_quarter_of_an_hour_before_the_end_and_not_sooner(world: World) -> None:
    grant = world.open(minutes=90)

    at_the_warning(world, grant, seconds=1)
    assert warnings(world) == []

    at_the_warning(world, grant)
    (said,) = warnings(world)
    assert said.message.recipient == ANN


def test_the_agenda_has_the_warning_from_the_beginning(world: World) -> None:
    grant = world.open(minutes=90)

    (message,) = world.messages(MessageKind.WARNING)
    assert world.agenda.due[message_item(message.id)] == message.due_at == _before(grant, minutes=15)


def test_the_policy_says_how_long_before(world: World) -> None:
    world.rewrite_policy("digest:", "limits: {warn_before_end: 40m}\ndigest:")

    grant = world.open(minutes=120)  # a quarter is 30 minutes

    assert world.messages(MessageKind.WARNING)[0].due_at == _before(grant, minutes=30)


def opened_slowly(world: World, **asked) -> Grant:
    """The target takes a third of a second to open it, as a real one does."""
    grant = world.scheduled(**asked)
    claimed = world.activation.claim([grant.id])
    results = [world.activation.act(one, deadline()) for one in claimed]
    world.clock.tick(seconds=0.3)
    world.activation.commit(results)
    return world.again(grant)


@pytest.mark.parametrize("window", [{"minutes": 2}, {"duration": None, "until": NOON + timedelta(minutes=2)}])
def test_access_of_exactly_two_minutes_is_warned_of_however_long_the_target_took(
    world: World, window: dict[str, Any]
) -> None:
    grant = opened_slowly(world, **window)
    assert grant.expires_at == NOON + timedelta(minutes=2)

    world.live_through(minutes=2)

    said, *_ = warnings(world)  # told anew at the end
    assert said.message.recipient == ANN
    assert isinstance(said.facts, CardFacts)
    assert timedelta(0) < _before(grant) - said.facts.now <= timedelta(seconds=30)


def test_a_minute_that_was_extended_by_a_minute_is_warned_of(world: World) -> None:
    grant = opened_slowly(world, minutes=1)
    world.approve(world.extend(grant, minutes=1))

    world.live_through(minutes=2)

    assert {one.message.recipient for one in warnings(world)} == {ANN}


@pytest.mark.parametrize("minutes", [1.5, 119 / 60])
def test_short_access_ends_without_a_warning(world: World, minutes: float) -> None:
    world.open(minutes=minutes)

    world.pass_time(minutes=3)

    assert warnings(world) == []
    assert world.messages(MessageKind.WARNING) == []


def test_nobody_is_warned_of_an_end_that_has_come_already(world: World) -> None:
    grant = world.open(minutes=90)
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()

    at_the_warning(world, grant)

    assert warnings(world) == []
    assert world.messages(MessageKind.WARNING) == []
    assert not any(item.startswith("notice:") for item, _ in Schedule(world.core).timers.all())


def test_nobody_is_warned_after_the_end_because_we_were_away(world: World) -> None:
    world.open(minutes=90)

    world.clock.tick(minutes=91)
    world.work()

    assert warnings(world) == []


def test_a_warning_that_was_missed_comes_late_while_there_is_still_time(world: World) -> None:
    grant = world.open(minutes=90)

    at_the_warning(world, grant, minutes=-10)
    world.work()

    assert len(warnings(world)) == 1


def test_the_warning_says_afterwards_that_it_is_over(world: World) -> None:
    grant = world.open(minutes=90)
    at_the_warning(world, grant)

    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()

    first, *_, last = warnings(world)
    assert first.message.id == last.message.id
    assert (last.message.channel, last.message.ts) != (None, None), "the same message, brought up to date"
    (message,) = world.messages(MessageKind.WARNING)
    assert (message.due_at, message.shown_version) == (None, message.wanted_version)


def _before(grant: Grant, **span: float) -> datetime:
    assert grant.expires_at is not None
    return grant.expires_at - timedelta(**span)
