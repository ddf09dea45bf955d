"""A state that passes is told once it has stood for a second, one that lasts at once; and a Home in one go."""

from collections import Counter
from datetime import timedelta

from access.actors import by_slack, system
from access.ids import RequestId
from access.messages.home import open_home
from access.messages.rate_limits import POST, UPDATE
from access.models import MessageKind, Verdict
from access.requests.remind import Place
from access.requests.review import review
from tests.access.messages.test_rate_limits import claim, due, told
from tests.cast import APPROVALS, LEA
from tests.world import World


def calls(world: World) -> Counter[str]:
    """What was told to people about a request, as calls of Slack."""
    kinds = (MessageKind.REVIEW, MessageKind.ANSWER, MessageKind.ENDED)
    return Counter(UPDATE if one.message.ts else POST for one in world.said if one.message.kind in kinds)


def test_a_whole_life_is_three_messages_and_three_updates(world: World) -> None:
    world.ask(minutes=1)
    world.work()
    world.approve(world.requests()[0])
    world.live_through(minutes=5)

    assert calls(world) == {POST: 3, UPDATE: 3}


def test_a_state_that_passes_is_told_once_it_has_stood_for_a_second(world: World) -> None:
    request = world.ask()
    world.work()
    world.said.clear()
    world.server.weather = "down"
    world.approve(request)
    grant = world.grant_of(request)
    world.clock.tick(seconds=0.9)
    assert told_about(world, request.id) == []
    world.clock.tick(seconds=0.1)
    assert told_about(world, request.id) == [MessageKind.ANSWER, MessageKind.REVIEW]
    assert world.again(grant).status == "scheduled"


def told_about(world: World, request: RequestId) -> list[str]:
    """What is due about it by now, after it was told."""
    messages = [*world.messages(MessageKind.ANSWER), *world.messages(MessageKind.REVIEW)]
    claimed = claim(world, *(one for one in messages if one.subject == request))
    told(world, claimed)
    return [one.message.kind for one in claimed]


def test_a_final_state_is_told_at_once(world: World) -> None:
    request = world.ask()
    world.work()
    world.approve(request)
    world.clock.tick(seconds=0.5)
    world.activate(*world.grants())

    assert told_about(world, request.id) == [MessageKind.ANSWER, MessageKind.REVIEW]


def test_what_begins_later_is_approved_at_once(world: World) -> None:
    request = world.ask(starts_at=world.clock.now() + timedelta(hours=2))
    world.work()
    world.approve(request)

    assert told_about(world, request.id) == [MessageKind.ANSWER, MessageKind.REVIEW]


def test_what_passes_while_it_is_told_is_not_told_at_once_either(world: World) -> None:
    grant = world.open(minutes=1)
    world.pass_time(seconds=30)
    with world.core.work(system("test")) as work:
        work.changed(grant.request_id)
    (card,) = world.messages(MessageKind.REVIEW)
    under_way = claim(world, card)
    world.clock.tick(seconds=30)
    world.deactivation.claim([grant.id])
    told(world, under_way)

    assert due(world, card) == world.clock.now() + timedelta(seconds=1)


def test_a_card_that_is_pressed_before_it_is_written_where_it_stands_is_told_in_one_row(world: World) -> None:
    request = world.ask()
    claimed = claim(world, *world.messages(MessageKind.REVIEW))
    place = Place(APPROVALS, f"{claimed[0].id}.0")
    review(world.core, button=world.button(request), reviewer=by_slack(LEA), verdict=Verdict.APPROVE, card=place)
    assert claim(world, *world.messages(MessageKind.REVIEW)) == [], "who has just posted it will say so"
    told(world, claimed)

    (card,) = world.messages(MessageKind.REVIEW)
    assert (card.channel, card.ts) == (place.channel, place.ts)
    assert card.shown_version < card.wanted_version


def test_a_warning_keeps_its_own_time(world: World) -> None:
    grant = world.open(minutes=60)
    (warning,) = world.messages(MessageKind.WARNING)
    planned = due(world, warning)
    with world.core.work(system("test")) as work:
        work.changed(grant.request_id)

    assert due(world, warning) == planned > world.clock.now()


def test_a_home_shows_together_what_changes_within_a_second(world: World) -> None:
    open_home(world.core, person=by_slack(LEA))
    world.work()
    (home,) = world.messages(MessageKind.HOME)
    start = world.clock.now()
    for entitlement in ("customers-db/read", "customers-db/fix-orders"):
        assert claim(world, home) == []
        world.ask(entitlement=entitlement)
        world.clock.tick(seconds=0.4)
    assert due(world, home) == start + timedelta(seconds=1)
    world.clock.tick(seconds=0.2)
    told(world, claim(world, home))

    assert claim(world, home) == []
    assert [one.shown_version == one.wanted_version for one in world.messages(MessageKind.HOME)] == [True]


def test_who_opens_the_home_does_not_wait(world: World) -> None:
    open_home(world.core, person=by_slack(LEA))
    world.work()
    world.ask()
    world.said.clear()
    open_home(world.core, person=by_slack(LEA))
    world.work()

    assert MessageKind.HOME in [one.message.kind for one in world.said]
