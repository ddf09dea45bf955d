"""The digest in Slack: one message, the rest in its thread, whatever happens on the way."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.audit import Event, append
from access.messages.digest.make import content_of, make_now
from access.messages.outbox import CLAIM, Claimed, Delivery
from access.models import MessageKind
from access.ports import Deadline
from countersign.wiring import slack_telling
from sandbox.person import Person, Workspace
from sandbox.seen import Message
from sandbox.server import Running
from tests.bot.staging import acme, deliver
from tests.cast import SAM, SECURITY
from tests.world import World
from workers.slack_sender import SlackSender


@pytest.fixture
def database_kind() -> str:
    """What is made is held to both in its own tests; here it is told."""
    return "sqlite"


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Running) -> WebClient:
    return WebClient(sandbox.bot_token, base_url=sandbox.api_url)


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    assert workspace.violations() == []


@pytest.fixture
def sam(workspace: Workspace) -> Person:
    return workspace.person(SAM)


def round_of(telling: SlackSender, world: World) -> tuple[list[Claimed], list[Delivery]]:
    """One round of a worker up to where it would write down what came of it."""
    claimed = telling.claim([message.id for message in world.messages(MessageKind.DIGEST)])
    return claimed, [telling.act(one, Deadline.after(5)) for one in claimed]


def a_long_day(world: World) -> None:
    """So many lines that they take several messages."""
    opened = Event(action="grant.active", actor="system:grant", object_id=world.open(reason="why " * 60).id)
    with world.core.database.write() as session:
        append(session, [opened] * 150, at=world.clock.now())


def thread_of(message: Message) -> str | None:
    return message.raw.get("thread_ts")


def posted(sam: Person) -> list[Message]:
    return [message for message in sam.messages(SECURITY) if message.text.startswith("Access digest")]


def test_the_digest_is_told_with_buttons_that_lead_to_the_cards(world: World, sandbox: Running, sam: Person) -> None:
    world.server.weather = "refuses"
    world.approve(world.ask())
    deliver(world, sandbox)
    make_now(world.core)
    deliver(world, sandbox)

    (message,) = posted(sam)
    assert message.text == "Access digest 1: 1 thing needs a person"
    (button,) = [block["accessory"] for block in message.blocks if "accessory" in block]
    (card,) = [message for message in world.messages(MessageKind.REVIEW) if message.ts]
    assert card.ts is not None
    assert button["url"].endswith(f"/archives/{card.channel}/p{card.ts.replace('.', '')}")


def test_a_long_one_goes_on_in_the_thread_of_the_first(world: World, sandbox: Running, sam: Person) -> None:
    a_long_day(world)
    make_now(world.core)
    deliver(world, sandbox)

    first, *others = posted(sam)
    assert len(others) >= 2
    assert {thread_of(other) for other in others} == {first.ts}
    last = others[-1].text.rpartition(" of ")[2]
    assert [other.text for other in others] == [f"Access digest 1, part {n} of {last}" for n in range(2, int(last) + 1)]


def test_after_a_crash_between_two_parts_it_goes_on_where_it_was(world: World, client: WebClient, sam: Person) -> None:
    a_long_day(world)
    make_now(world.core)
    for _ in range(10):
        telling = slack_telling(world.core, client)  # a new process each time: nothing is kept but the rows
        _, told = round_of(telling, world)
        telling.commit(told)
        world.clock.tick(seconds=1)  # Slack takes one in a channel

    texts = [message.text for message in posted(sam)]
    assert len(texts) == len(set(texts)) == int(texts[-1].rpartition(" of ")[2])


def test_a_part_whose_posting_was_not_written_down_is_all_that_is_said_again(
    world: World, client: WebClient, sam: Person
) -> None:
    a_long_day(world)
    make_now(world.core)
    telling = slack_telling(world.core, client)
    telling.commit(round_of(telling, world)[1])
    round_of(telling, world)  # the second part stands in Slack, and nobody wrote it down
    world.clock.tick(seconds=CLAIM.total_seconds() + 1)
    for _ in range(10):
        telling.commit(round_of(telling, world)[1])

    texts = [message.text for message in posted(sam)]
    assert [text for text in set(texts) if texts.count(text) > 1] == [texts[1]]
    assert len({thread_of(message) for message in posted(sam)}) == 1


def test_two_workers_with_the_same_part_make_one_thread(world: World, client: WebClient, sam: Person) -> None:
    a_long_day(world)
    make_now(world.core)
    telling = slack_telling(world.core, client)
    _, slow = round_of(telling, world)
    world.clock.tick(seconds=CLAIM.total_seconds() + 1)
    _, fast = round_of(telling, world)
    telling.commit(fast)
    telling.commit(slow)
    for _ in range(10):
        telling.commit(round_of(telling, world)[1])

    threads = {thread_of(message) for message in posted(sam)} - {None}
    assert len(threads) == 1
    texts = [message.text for message in posted(sam)]
    assert [text for text in set(texts) if texts.count(text) > 1] == ["Access digest 1: nothing needs a person"]


def test_a_first_part_that_was_taken_away_does_not_silence_the_others(
    world: World, client: WebClient, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_long_day(world)
    make_now(world.core)
    telling = slack_telling(world.core, client)
    telling.commit(round_of(telling, world)[1])
    post = client.chat_postMessage

    def without_its_thread(**given):
        if given["thread_ts"] is not None:
            raise SlackApiError("gone", {"error": "thread_not_found"})
        return post(**given)

    monkeypatch.setattr(client, "chat_postMessage", without_its_thread)
    for _ in range(10):
        telling.commit(round_of(telling, world)[1])
        world.clock.tick(seconds=1)
    texts = [message.text for message in posted(sam)]
    assert len(texts) == int(texts[-1].rpartition(" of ")[2])


def test_what_slack_refuses_is_tried_again_and_says_the_same(
    world: World, client: WebClient, workspace: Workspace, sam: Person
) -> None:
    world.open()
    digest = make_now(world.core)
    workspace.archive(SECURITY)
    telling = slack_telling(world.core, client)
    _, (told,) = round_of(telling, world)
    telling.commit([told])
    said = content_of(world.core, digest.id)
    assert told.problem == "The channel is archived."

    workspace.unarchive(SECURITY)
    world.clock.tick(hours=3)
    telling.commit(round_of(telling, world)[1])
    assert [message.text for message in posted(sam)] == ["Access digest 1: nothing needs a person"]
    assert content_of(world.core, digest.id) == said
