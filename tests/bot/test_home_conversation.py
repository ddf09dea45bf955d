"""The Home tab, a warning and a reminder as people see them: the bot, the workers and the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from slack_sdk import WebClient

from access.actors import by_slack
from access.messages.home import open_home
from access.messages.outbox import Claimed, Delivery
from access.models import EndedBy, MessageKind, RequestStatus
from access.ports import Deadline
from bot import ids
from countersign.wiring import slack_telling
from sandbox.person import Person, Workspace
from sandbox.seen import View
from sandbox.server import Running
from tests.access.requests.test_remind import LADDER
from tests.bot.staging import Serving, Way, deliver, modal, serving, the_card
from tests.cast import ANN, APPROVALS, LEA
from tests.waiting import wait_until
from tests.world import World
from workers.slack_sender import SlackSender


@pytest.fixture(params=["Socket Mode", "HTTP mode"])
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
def serves(way: Way, world: World, sandbox: Running) -> Iterator[Serving]:
    with serving(way, world, sandbox) as serves:
        yield serves


@dataclass
class Slow:
    """A worker that has claimed the Homes that are due, and takes its time."""

    telling: SlackSender
    claims: list[Claimed]

    @classmethod
    def claims_what_is_due(cls, world: World, client: WebClient) -> "Slow":
        telling = slack_telling(world.core, client)
        world.clock.tick(seconds=1)  # what changes within a second is shown together
        return cls(telling, telling.claim([message.id for message in world.messages(MessageKind.HOME)]))

    def tell(self) -> list[Delivery]:
        return [self.telling.act(one, Deadline.after(5)) for one in self.claims]


@pytest.fixture
def client(sandbox: Running) -> WebClient:
    return WebClient(sandbox.bot_token, base_url=sandbox.api_url)


def at_home(person: Person) -> View:
    view = person.home()
    assert view is not None
    return view


def looks(world: World, *people: Person) -> None:
    for person in people:
        person.open_home()
    wait_until(lambda: len(world.messages(MessageKind.HOME)) == len(people), "the bot to hear of it")


def test_the_home_follows_a_request_from_asking_to_its_end(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    looks(world, ann, lea)
    deliver(world, sandbox)
    assert "No request waits for your answer." in at_home(lea).words

    ann.click(at_home(ann), ids.ASK)
    modal(ann)
    assert ann.submit({ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "stuck refunds"}) is None
    deliver(world, sandbox)
    assert "Waiting" in at_home(ann).words
    assert "stuck refunds" in at_home(lea).words
    assert f"/archives/{APPROVALS}/p{the_card(lea).ts.replace('.', '')}|Open the card" in str(at_home(lea).blocks)

    lea.click(the_card(lea), ids.APPROVE)
    wait_until(world.grants, "the approval")
    deliver(world, sandbox)
    assert "No request waits for your answer." in at_home(lea).words

    ann.click(at_home(ann), ids.DONE)
    wait_until(lambda: world.grants()[0].ended_by == EndedBy.RETURNED, "the end")
    deliver(world, sandbox)
    assert "Nothing at the moment." in at_home(ann).words


def test_a_request_is_taken_back_and_a_no_is_said_over_the_home(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    ann = workspace.person(ANN)
    world.ask()
    looks(world, ann)
    deliver(world, sandbox)
    old = at_home(ann)

    ann.click(old, ids.CANCEL)
    wait_until(lambda: world.requests()[0].status == RequestStatus.CANCELLED, "the request to be taken back")
    ann.click(old, ids.CANCEL)

    assert "already cancelled" in modal(ann).words


def test_an_older_view_never_hides_a_newer_one(
    world: World, sandbox: Running, workspace: Workspace, client: WebClient
) -> None:
    ann = workspace.person(ANN)
    open_home(world.core, person=by_slack(ANN))
    deliver(world, sandbox)
    world.ask()
    slow = Slow.claims_what_is_due(world, client)
    world.clock.tick(seconds=31)
    world.ask(entitlement="customers-db/fix-orders")
    deliver(world, sandbox)

    (told,) = slow.tell()

    assert told.problem == "Another view stands on this Home."
    assert at_home(ann).words.count("Waiting") == 2
    slow.telling.commit([told])
    world.clock.tick(minutes=1)
    deliver(world, sandbox)
    assert at_home(ann).words.count("Waiting") == 2


def test_a_home_that_somebody_else_published_is_put_right(
    world: World, sandbox: Running, workspace: Workspace, client: WebClient
) -> None:
    ann = workspace.person(ANN)
    open_home(world.core, person=by_slack(ANN))
    deliver(world, sandbox)
    client.views_publish(user_id=ANN, view={"type": "home", "blocks": [{"type": "divider"}]})
    world.ask()

    slow = Slow.claims_what_is_due(world, client)
    slow.telling.commit(slow.tell())
    world.clock.tick(minutes=1)
    deliver(world, sandbox)

    assert at_home(ann).words.count("Waiting") == 1


def test_a_reminder_stands_in_the_thread_of_the_card(world: World, sandbox: Running, workspace: Workspace) -> None:
    world.rewrite_policy("quorum: 1}]}", LADDER)
    lea = workspace.person(LEA)
    world.ask()
    deliver(world, sandbox)
    card = the_card(lea)

    world.clock.tick(minutes=15)
    deliver(world, sandbox)

    (reminder,) = [one for one in lea.messages(APPROVALS) if one.ts != card.ts]
    assert reminder.raw["thread_ts"] == card.ts
    assert "<@U0KIM>, <@U0LEA>: please decide above." in str(reminder.blocks)


def test_the_warning_is_a_direct_message_with_which_to_end_it(
    world: World, sandbox: Running, workspace: Workspace
) -> None:
    ann = workspace.person(ANN)
    grant = world.open(minutes=60)
    deliver(world, sandbox)

    assert grant.expires_at is not None
    world.clock.time = grant.expires_at - timedelta(minutes=15)
    deliver(world, sandbox)

    (warning,) = [one for one in ann.direct_messages() if one.text.startswith("Ends soon")]
    assert warning.actions() == [ids.EXTEND, ids.DONE]
