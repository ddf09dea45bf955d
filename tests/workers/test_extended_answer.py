"""Extended access is connected to and given back by its own message: what says that it was extended leads there."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from access.models import Grant
from bot import ids
from countersign.wiring import slack_telling
from sandbox.person import Message, Workspace
from sandbox.server import Running
from tests.bot.staging import acme
from tests.cast import ANN, APPROVALS
from tests.workers.test_delivery import work
from tests.world import World
from workers.slack_sender import SlackSender


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    workspace.faults.clear()
    assert workspace.violations() == []


@pytest.fixture
def telling(world: World, sandbox: Running) -> SlackSender:
    client = WebClient(sandbox.bot_token, base_url=sandbox.api_url, timeout=5, retry_handlers=[])
    return slack_telling(world.core, client)


@pytest.fixture
def grant(world: World, telling: SlackSender) -> Grant:
    """Open, and Ann's message says so; in the channel stands its card."""
    request = world.approve(world.ask())
    for _ in range(3):
        work(world, telling)
        world.clock.tick(seconds=2)
    return world.grant_of(request)


def extended(world: World, telling: SlackSender, grant: Grant) -> None:
    request = world.extend(grant)
    work(world, telling)
    world.approve(request)
    for _ in range(3):
        work(world, telling)
        world.clock.tick(seconds=2)


def link(sandbox: Running, message: Message) -> str:
    client = WebClient(sandbox.bot_token, base_url=sandbox.api_url)
    return str(client.chat_getPermalink(channel=message.channel, message_ts=message.ts)["permalink"])


def newest(messages: list[Message], words: str) -> Message:
    return [one for one in messages if words in one.words][-1]


def test_the_answer_leads_to_the_message_with_the_holders_buttons(
    world: World, telling: SlackSender, workspace: Workspace, sandbox: Running, grant: Grant
) -> None:
    mine = [one for one in workspace.person(ANN).direct_messages() if ids.CONNECT in one.actions()][-1]
    extended(world, telling, grant)

    answer = newest(workspace.person(ANN).direct_messages(), "Now open until")
    assert f"<{link(sandbox, mine)}|the earlier message of request {grant.request_id[-6:]}>" in answer.words


def test_the_card_leads_to_the_card_of_the_access(
    world: World, telling: SlackSender, workspace: Workspace, sandbox: Running, grant: Grant
) -> None:
    own = newest(workspace.person("U0KIM").messages(APPROVALS), grant.request_id[-6:])
    extended(world, telling, grant)

    card = newest(workspace.person("U0KIM").messages(APPROVALS), "It was extended until")
    assert f"<{link(sandbox, own)}|the card of request {grant.request_id[-6:]}>" in card.words


def test_without_an_address_it_is_said_all_the_same(
    world: World, telling: SlackSender, workspace: Workspace, grant: Grant
) -> None:
    workspace.faults.fail_calls("internal_error", None, only="chat.getPermalink")
    extended(world, telling, grant)

    answer = newest(workspace.person(ANN).direct_messages(), "Now open until")
    assert f"Connect or finish from the earlier message of request {grant.request_id[-6:]}" in answer.words
    assert "Now open until" in answer.words
