"""The Home tab: who looks at it, what its buttons do, and how it says no."""

from access.models import EndedBy, GrantStatus, MessageKind, RequestStatus
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, EVE, LEA, STRANGER
from tests.world import World


def test_who_looks_at_the_home_has_it_published_by_a_worker(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.open_home(ANN)

    (message,) = world.messages(MessageKind.HOME)
    assert (message.subject, message.recipient, message.due_at) == (ANN, ANN, world.clock.now())
    assert slack.called("views.publish") == []


def test_an_event_that_comes_twice_changes_nothing(desk: Desk, world: World) -> None:
    desk.send(*[desk.home_body(ANN)] * 3)

    assert len(world.messages(MessageKind.HOME)) == 1


def test_the_messages_of_the_app_are_no_home(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.open_home(ANN, tab="messages")
    desk.open_home(STRANGER, tab="messages")

    assert world.messages(MessageKind.HOME) == []
    assert slack.called("users.info") == slack.called("views.publish") == []
    assert world.events("attempt.refused") == []


def test_a_stranger_reads_on_the_home_whom_to_ask(desk: Desk, slack: FakeSlack) -> None:
    desk.open_home(STRANGER)

    assert words(slack.home["blocks"]) == "You are not in the access policy. Ask the security team to add you."


def test_the_home_opens_the_form(desk: Desk, slack: FakeSlack) -> None:
    desk.press_home(ANN, ids.ASK, "ask")

    assert slack.view["callback_id"] == ids.FORM


def test_who_may_ask_for_nothing_is_told_so(desk: Desk, slack: FakeSlack) -> None:
    desk.press_home(EVE, ids.ASK, "ask")

    assert words(slack.view["blocks"]).startswith("The access policy has nothing that you may ask for.")


def test_done_on_the_home_ends_the_access(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.press_home(ANN, ids.DONE, grant.id)

    assert world.again(grant).ended_by == EndedBy.RETURNED
    assert slack.said == slack.called("views.open") == []


def test_a_request_is_taken_back_on_the_home(desk: Desk, world: World) -> None:
    request = world.ask()

    desk.press_home(ANN, ids.CANCEL, request.id)

    assert world.requests()[0].status == RequestStatus.CANCELLED


def test_how_to_connect_opens_over_the_home(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.press_home(ANN, ids.CONNECT, grant.id)

    assert slack.view["title"]["text"] == "How to connect"
    assert len(world.messages(MessageKind.REVEAL)) == 1


def test_a_no_on_the_home_opens_over_it(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.press_home(LEA, ids.DONE, grant.id)

    assert words(slack.view["blocks"]) == "Only the person who holds this access can do that."
    assert world.again(grant).status == GrantStatus.ACTIVE
