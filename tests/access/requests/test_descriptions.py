"""What a role allows, in words: for who asks and who decides, and no fact of the request."""

from access.actors import by_slack
from access.messages.facts import card_of
from access.models import RequestStatus
from access.requests.submit import preview
from tests.cast import ANN
from tests.world import World


def described(world: World, words: str, *, before: str = "power: look}") -> None:
    world.rewrite_policy(before, f'power: look, description: "{words}"}}')


def test_form_and_card_say_what_the_role_allows(world: World) -> None:
    described(world, "Shows customers.")

    assert (
        preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read").description == "Shows customers."
    )
    assert card_of(world.core, world.ask().id).description == "Shows customers."


def test_other_words_for_the_same_role_void_no_request_and_stand_on_its_card(world: World) -> None:
    described(world, "Shows customers.")
    request = world.ask()
    described(world, "Shows names of customers.", before='power: look, description: "Shows customers."}')

    assert card_of(world.core, request.id).description == "Shows names of customers."
    assert world.approve(request).status == RequestStatus.APPROVED


def test_a_role_that_the_policy_has_no_more_has_no_words(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("      read: {", "      read-all: {")
    world.rewrite_policy("[customers-db/read, ", "[customers-db/read-all, ")

    assert card_of(world.core, request.id).description == ""
