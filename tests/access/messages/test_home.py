"""What a Home shows, and that it is told anew whenever that changes, for those who have one."""

from access.actors import by_slack
from access.grants.revoke import return_access
from access.ids import SlackUser
from access.messages.home import HomeFacts, open_home
from access.messages.outbox import Delivery, Outbox
from access.models import GrantStatus, MessageKind
from access.requests.cancel import cancel
from tests.cast import ANN, BEN, EVE, KIM, LEA
from tests.world import World


def homes(world: World, person: SlackUser) -> list[HomeFacts]:
    """What was published for this person, the last one at the end."""
    return [one.facts for one in world.said if isinstance(one.facts, HomeFacts) and one.message.recipient == person]


def looked(world: World, *people: SlackUser) -> None:
    for person in people:
        open_home(world.core, person=by_slack(person))
    world.work()


def test_who_never_looked_has_no_home_to_keep(world: World) -> None:
    world.open()

    assert world.messages(MessageKind.HOME) == []


def test_a_home_is_published_each_time_somebody_looks(world: World) -> None:
    looked(world, ANN)
    looked(world, ANN)

    assert len(homes(world, ANN)) == 2
    assert len(world.messages(MessageKind.HOME)) == 1


def test_every_step_reaches_the_homes_that_show_it_and_no_other(world: World) -> None:
    looked(world, ANN, BEN, LEA)

    request = world.ask()
    world.work()
    assert [one.id for one in _mine(world, ANN).requests] == [request.id]
    assert [one.request.id for one in homes(world, LEA)[-1].waiting] == [request.id]

    world.approve(request)
    world.work()
    assert homes(world, LEA)[-1].waiting == []
    assert [one.status for one in _mine(world, ANN).grants] == [GrantStatus.ACTIVE]

    return_access(world.core, grant_id=world.grants()[0].id, by=by_slack(ANN))
    world.work()
    assert _mine(world, ANN).grants == []
    assert len(homes(world, BEN)) == 1


def test_what_is_taken_back_or_lapses_leaves_the_home(world: World) -> None:
    looked(world, ANN, LEA)
    cancel(world.core, request_id=world.ask().id, by=by_slack(ANN))
    world.work()
    assert homes(world, LEA)[-1].waiting == []

    world.ask()
    world.work()
    assert len(homes(world, LEA)[-1].waiting) == 1
    world.clock.tick(hours=8)
    world.work()
    assert homes(world, LEA)[-1].waiting == []
    assert _mine(world, ANN).requests == []


def test_nobody_is_shown_an_own_request_as_one_to_decide(world: World) -> None:
    looked(world, LEA, KIM)

    world.ask(by=LEA)
    world.work()

    assert homes(world, LEA)[-1].waiting == []
    assert len(homes(world, KIM)[-1].waiting) == 1


def test_the_card_is_led_to_once_it_stands(world: World) -> None:
    looked(world, LEA)
    world.ask()
    world.work()

    (card,) = world.messages(MessageKind.REVIEW)
    (one,) = homes(world, LEA)[-1].waiting
    assert one.card is not None
    assert (one.card.channel, one.card.ts) == (card.channel, card.ts)


def test_many_changes_at_once_are_one_publication(world: World) -> None:
    looked(world, LEA)
    for entitlement in ("customers-db/read", "customers-db/fix-orders"):
        world.ask(entitlement=entitlement)
        world.ask(entitlement=entitlement, by=BEN)

    world.work()

    first, with_cards = homes(world, LEA)
    assert [len(one.waiting) for one in (first, with_cards)] == [0, 4]
    assert all(one.card for one in with_cards.waiting)


def test_another_policy_changes_every_home(world: World) -> None:
    looked(world, KIM, LEA)
    world.ask(by=ANN)
    world.work()
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")
    world.work()
    world.work()

    assert homes(world, LEA)[-1].waiting == []
    assert len(homes(world, KIM)[-1].waiting) == 1


def test_who_has_left_the_policy_is_told_so(world: World) -> None:
    looked(world, EVE)
    world.rewrite_policy("  eve: {slack: U0EVE}\n", "")
    world.work()
    world.work()

    assert homes(world, EVE)[-1].mine is None


def test_a_slower_worker_leaves_no_second_home(world: World) -> None:
    open_home(world.core, person=by_slack(ANN))
    telling = Outbox(world.core)
    (slow,) = telling.claim([message.id for message in world.messages(MessageKind.HOME)])
    world.clock.tick(seconds=31)
    world.work()

    telling.commit([Delivery(slow, channel=ANN, ts="old")])

    (message,) = world.messages(MessageKind.HOME)
    assert message.ts != "old"


def _mine(world: World, person: SlackUser):
    mine = homes(world, person)[-1].mine
    assert mine is not None
    return mine
