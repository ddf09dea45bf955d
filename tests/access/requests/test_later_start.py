"""Access for a time to come: never before its start, looked at once more then, and its time counts from there."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from access.actors import by_slack, system
from access.errors import AlreadyOpen, InvalidInput, Refusal
from access.grants.revoke import return_access, revoke
from access.messages.digest.make import make_now, preview
from access.models import EndedBy, GrantStatus, MessageKind
from access.monitor.sweep import Schedule
from access.requests.submit import submit
from access.requests.typed_line import read_line
from access.unit_of_work import grant_item
from tests.cast import ANN, SAM
from tests.fakes import NOON
from tests.world import World

NINE = NOON + timedelta(hours=21)
"""Tomorrow at nine in London."""


def test_nothing_is_opened_before_the_start(world: World) -> None:
    request = world.approve(world.ask(starts_at=NINE))
    grant = world.grant_of(request)
    assert (grant.starts_at, grant.due_at, grant.start_by) == (NINE, NINE, NINE + timedelta(minutes=15))
    assert world.agenda.due[grant_item(grant.id)] == NINE

    for before in (timedelta(hours=20), timedelta(minutes=1), timedelta(microseconds=1)):
        world.clock.time = NINE - before
        world.work()
        assert world.again(grant).status == GrantStatus.SCHEDULED
        assert world.server.calls == []

    world.clock.time = NINE
    world.work()
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_a_worker_that_is_asked_too_early_opens_nothing(world: World) -> None:
    """By whatever mistake the row is due."""
    grant = world.scheduled(starts_at=NINE)
    with world.core.work(system("test")) as work:
        work.set_grant(work.session.merge(grant), due_at=work.now)

    world.activate(grant)

    assert world.again(grant).status == GrantStatus.SCHEDULED
    assert world.server.calls == []


def test_the_duration_counts_from_when_it_opens(world: World) -> None:
    grant = world.scheduled(starts_at=NINE, minutes=60)
    world.clock.time = NINE + timedelta(minutes=3)
    world.work()

    assert world.again(grant).expires_at == NINE + timedelta(minutes=63)


def test_until_a_time_after_the_start(world: World) -> None:
    until = NINE + timedelta(minutes=90)
    grant = world.scheduled(starts_at=NINE, duration=None, until=until)
    world.clock.time = NINE
    world.work()

    assert world.again(grant).expires_at == until


def test_who_may_not_have_it_when_the_start_comes_does_not_get_it(world: World) -> None:
    grant = world.scheduled(starts_at=NINE)
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    assert world.again(grant).status == GrantStatus.SCHEDULED

    world.clock.time = NINE
    world.work()

    now = world.again(grant)
    assert (now.status, now.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []
    assert (MessageKind.ENDED, ANN) in world.told()


def test_who_has_left_by_then_loses_it_before(world: World) -> None:
    grant = world.scheduled(starts_at=NINE)
    world.gone[ANN] = "Slack shows this account as deactivated."

    world.live_through(minutes=5)

    assert world.again(grant).ended_by == EndedBy.LEFT


def test_too_late_is_a_quarter_of_an_hour_after_the_start(world: World) -> None:
    world.server.weather = "down"
    grant = world.scheduled(starts_at=NINE)

    world.clock.time = NINE
    world.pass_time(minutes=14)
    assert world.again(grant).status == GrantStatus.ACTIVATING

    world.pass_time(minutes=2)
    assert world.again(grant).ended_by == EndedBy.LATE


@pytest.mark.parametrize("by", [ANN, SAM])
def test_it_can_be_taken_back_before_it_begins(world: World, by: str) -> None:
    grant = world.scheduled(starts_at=NINE)
    if by == ANN:
        return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    else:
        revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason="Not on that day.")
    world.clock.time = NINE
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.calls == []


def test_a_start_that_passed_while_nobody_answered_is_at_the_approval(world: World) -> None:
    request = world.ask(starts_at=NOON + timedelta(minutes=10), minutes=60)
    world.clock.tick(minutes=40)

    grant = world.grant_of(world.approve(request))
    world.work()

    assert grant.starts_at == NOON + timedelta(minutes=40)
    assert world.again(grant).expires_at == NOON + timedelta(minutes=100)


def test_a_start_is_part_of_what_is_approved(world: World) -> None:
    ask = world.ask(starts_at=NINE)
    other = world.ask(starts_at=NINE + timedelta(hours=1), entitlement="customers-db/fix-orders")

    assert ask.starts_at == NINE
    assert ask.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("starts_at", "field", "sentence"),
    [
        (NOON, "start", "That start has already passed"),
        (NOON - timedelta(hours=1), "start", "That start has already passed"),
        (NOON + timedelta(days=14, seconds=1), "start", "A start lies at most 14 days ahead"),
    ],
)
def test_a_start_that_cannot_be_is_refused(world: World, starts_at: datetime, field: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        world.ask(starts_at=starts_at)

    assert refused.value.field == field


def test_an_end_before_the_start_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="That end is not after the start") as refused:
        world.ask(starts_at=NINE, duration=None, until=NINE - timedelta(minutes=1))

    assert refused.value.field == "duration"


def test_the_longest_is_counted_from_the_start(world: World) -> None:
    with pytest.raises(Refusal, match="you asked for 2 h 1 min"):
        world.ask(starts_at=NINE, duration=None, until=NINE + timedelta(minutes=121))

    world.ask(starts_at=NINE, duration=None, until=NINE + timedelta(minutes=120))


def test_in_a_line_it_is_in_the_zone_of_who_asks(world: World) -> None:
    text = "customers-db/read 1h from tomorrow 10:00 INC-12 stuck refunds"

    zone = ZoneInfo("Europe/Amsterdam")
    line = read_line(world.core, requester=by_slack(ANN), text=text, zone=zone, mentions={}).line
    request = submit(
        world.core, requester=by_slack(ANN), entitlement=str(line.entitlement), duration=line.duration,
        until=line.until, reason=line.reason, source="line", starts_at=line.starts_at,
    )  # fmt: skip

    assert request.starts_at == NINE


def test_what_is_approved_for_later_is_not_asked_for_twice(world: World) -> None:
    world.scheduled(starts_at=NINE)

    with pytest.raises(AlreadyOpen, match="approved and about to open"):
        world.ask()


def test_a_lost_timer_is_found_by_the_sweep(world: World) -> None:
    grant = world.scheduled(starts_at=NINE)
    world.clock.time = NINE

    assert grant_item(grant.id) in [item for item, _ in Schedule(world.core).sweep()]


def test_the_digest_lists_it_as_open_to_be_and_then_as_opened(world: World) -> None:
    grant = world.scheduled(starts_at=NINE)
    _, content = preview(world.core)
    assert [(one.id, one.at) for one in content.still_open.first] == [(grant.id, NINE)]
    make_now(world.core)

    world.clock.time = NINE
    world.work()

    _, content = preview(world.core)
    assert [one.id for one in content.opened.first] == [grant.id]
