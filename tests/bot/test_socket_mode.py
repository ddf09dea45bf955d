"""The bot as it runs: real Bolt over real Socket Mode, people who type and click in the sandbox."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import pytest
from slack_sdk import WebClient

from access.errors import Unready
from access.ids import short
from access.models import GrantStatus, NoticeKind, RequestStatus
from access.operations.schedule import Schedule
from access.operations.telling import Telling
from access.ports import Deadline
from bot import ids
from bot.socket_mode import serve
from sandbox.cast import DEFAULT
from sandbox.person import Person, Workspace
from sandbox.seen import Message, View
from sandbox.server import Running, running
from tests.bot.test_manifest import MANIFEST
from tests.cast import ANN, APPROVALS, KIM, LEA, SAM
from tests.waiting import wait_until
from tests.world import World
from workers.telling import SlackTelling

SCOPES = tuple(MANIFEST["oauth_config"]["scopes"]["bot"])


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running(replace(DEFAULT, app=replace(DEFAULT.app, scopes=SCOPES))) as sandbox:
        yield sandbox


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    assert workspace.violations() == []


@pytest.fixture
def connected(world: World, sandbox: Running) -> Iterator[list[bool]]:
    with serving(world, sandbox) as (said, _):
        yield said


@contextmanager
def serving(world: World, sandbox: Running, **tokens: str) -> Iterator[tuple[list[bool], "Future[None]"]]:
    """The bot in a thread of its own; what it said of its connection, and what became of it."""
    said: list[bool] = []
    stop, ended = asyncio.Event(), Future[None]()
    loop = asyncio.new_event_loop()
    given = {"bot_token": sandbox.bot_token, "app_token": sandbox.app_token} | tokens

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                bot = serve(world.core, **given, api_url=sandbox.api_url, threads=4, stop=stop, connected=said.append)
                ended.set_result(runner.run(bot))
        except BaseException as error:
            ended.set_exception(error)

    thread = threading.Thread(target=run, name="bot")
    thread.start()
    wait_until(lambda: True in said or ended.done(), "the bot to connect or to give up")
    try:
        yield said, ended
    finally:
        if not ended.done():
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def test_the_whole_conversation(world: World, sandbox: Running, workspace: Workspace, connected: list[bool]) -> None:
    ann, lea, kim, sam = (workspace.person(user) for user in (ANN, LEA, KIM, SAM))

    ann.command("C0GENERAL", "/access")
    ann.choose(modal(ann), ids.CHOOSE, "customers-db/read")
    wait_until(lambda: "2 people are pinged" in modal(ann).words, "the form to say who is asked")
    filled = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 <!channel> *stuck*"}
    assert ann.submit(filled) is None
    assert "2 people are pinged" in modal(ann).words

    deliver(world, sandbox)
    card = the_card(lea)
    assert "INC-12 <!channel> *stuck*" in card.words
    ann.click(card, ids.APPROVE)
    wait_until(
        lambda: any("can't decide your own" in said.words for said in ann.ephemerals(APPROVALS)),
        "ann to be told that she may not",
    )
    lea.click(card, ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    kim.click(card, ids.APPROVE)
    wait_until(
        lambda: any("before you did: lea" in said.words for said in kim.ephemerals(APPROVALS)),
        "the slower approver to be told",
    )

    deliver(world, sandbox)
    answer = ann.direct_messages()[-1]
    assert "Open until" in answer.words
    ann.click(answer, ids.CONNECT)
    waiting = modal(ann)
    wait_until(lambda: world.notices(NoticeKind.REVEAL), "a worker to be asked for the secret")
    assert world.notices(NoticeKind.REVEAL)[0].recipient == waiting.id
    ann.close_view()

    sam.click(the_card(sam), ids.REVOKE)
    modal(sam)
    assert sam.submit({ids.REASON: "The laptop was stolen."}) is None
    deliver(world, sandbox)
    assert world.grants()[0].status == GrantStatus.ENDED
    assert "The laptop was stolen." in the_card(lea).words
    assert the_card(lea).actions() == []
    assert "Read back" in ann.direct_messages()[-1].words


def test_among_more_than_slack_lists_typing_finds_it(world: World, workspace: Workspace, connected: list[bool]) -> None:
    names = [f"role-{number}" for number in range(150)]
    roles = "".join(f"\n      {name}: {{title: Number {name[5:]}, power: look}}" for name in names)
    world.rewrite_policy("    roles:", f"    roles:{roles}")
    world.rewrite_policy(
        "customers-db/fix-orders]", "".join(f"customers-db/{name}, " for name in names).rstrip(", ") + "]"
    )
    ann = workspace.person(ANN)

    ann.command("C0GENERAL", "/access")
    modal(ann)
    everything = len(ann.suggest(ids.ENTITLEMENT, ids.CHOOSE))
    (found,) = ann.suggest(ids.ENTITLEMENT, ids.CHOOSE, "number 149")
    asked = {ids.ENTITLEMENT: found["value"], ids.DURATION: "1h", ids.REASON: "stuck refunds"}

    assert everything == 100
    assert ann.submit(asked) is None
    assert [request.entitlement for request in world.requests()] == ["customers-db/role-149"]


def test_a_denial_asks_why_and_is_told(
    world: World, sandbox: Running, workspace: Workspace, connected: list[bool]
) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    ann.command(ann.direct_message, "/access", "customers-db/read 1h stuck refunds")
    wait_until(lambda: "Asked" in "".join(one.words for one in ann.ephemerals(ann.direct_message)), "the answer")
    deliver(world, sandbox)

    lea.click(the_card(lea), ids.DENY)
    modal(lea)
    assert lea.submit({ids.COMMENT: "Use the dashboard."}) is None

    deliver(world, sandbox)
    assert "Use the dashboard." in the_card(lea).words
    assert "Use the dashboard." in ann.direct_messages()[-1].words


def test_a_guest_and_somebody_deactivated_are_refused(
    world: World, sandbox: Running, workspace: Workspace, connected: list[bool]
) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    world.ask()
    deliver(world, sandbox)
    card = the_card(lea)
    workspace.make_guest(ANN)
    workspace.deactivate(LEA, session_lives=True)

    outcome = ann.command(APPROVALS, "/access", "mine")
    lea.click(card, ids.APPROVE)

    assert outcome.message
    assert "Only full, active members" in outcome.message.words
    wait_until(lambda: len(world.events("attempt.refused")) == 2, "both refusals to be written down")
    assert world.requests()[0].status == RequestStatus.PENDING


def test_a_new_connection_is_made_when_slack_closes_the_old(
    world: World, workspace: Workspace, connected: list[bool]
) -> None:
    ann = workspace.person(ANN)
    for _ in range(3):
        workspace.refresh_connections()
        wait_until(lambda: ann.command(APPROVALS, "/access", "help").ok, "the bot to be back")


def test_done_by_command_ends_the_access(
    world: World, sandbox: Running, workspace: Workspace, connected: list[bool]
) -> None:
    ann = workspace.person(ANN)
    grant = world.open()

    ann.command(APPROVALS, "/access", f"done {short(grant.id)}")

    wait_until(lambda: world.grants()[0].status == GrantStatus.REVOKING, "the end to begin")


def test_it_says_when_it_is_connected_and_when_it_has_gone(world: World, sandbox: Running) -> None:
    with serving(world, sandbox) as (said, ended):
        assert said[-1] is True
    assert ended.result() is None
    assert said[-1] is False
    assert sandbox.workspace().connections() == 0


def test_slack_out_of_reach_is_said(world: World, sandbox: Running) -> None:
    nowhere = replace(sandbox, url="http://127.0.0.1:9")
    with (
        serving(world, nowhere) as (_, ended),
        pytest.raises(Unready, match=r"cannot be reached at http://127\.0\.0\.1"),
    ):
        ended.result()


@pytest.mark.parametrize(("wrong", "named"), [("bot_token", "SLACK_BOT_TOKEN"), ("app_token", "SLACK_APP_TOKEN")])
def test_a_token_that_slack_refuses_is_named(world: World, sandbox: Running, wrong: str, named: str) -> None:
    token = "xoxb-wrong" if wrong == "bot_token" else "xapp-wrong"
    with serving(world, sandbox, **{wrong: token}) as (_, ended), pytest.raises(Unready, match=named):
        ended.result()


def test_a_channel_that_the_bot_cannot_use_is_named_at_start(
    world: World, sandbox: Running, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.remove_from_channel("U0BOT", APPROVALS)
    world.rewrite_policy("digest: {channel: C0SEC", "digest: {channel: C0GENERAL")

    with serving(world, sandbox):
        wait_until(lambda: "C0GENERAL" in caplog.text, "the channels to be looked at")

    assert "C0PAYAPPR: there is no such channel, or it is private and the bot is not in it" in caplog.text
    assert "C0GENERAL: the bot is not in it; invite the bot there." in caplog.text


def modal(person: Person) -> View:
    opened = wait_until(person.view, "a modal to open")
    assert opened
    return opened


def the_card(person: Person) -> Message:
    (card,) = person.messages(APPROVALS)
    return card


def deliver(world: World, sandbox: Running) -> None:
    """Does all that is due, as the timekeeper and the workers would, and says it in Slack."""
    telling = SlackTelling(Telling(world.core), WebClient(sandbox.bot_token, base_url=sandbox.api_url))
    for _ in range(5):
        routes = Schedule(world.core).route([item for item, _ in Schedule(world.core).sweep()]).now
        world.run([route for route in routes if route.queue != "tell"])
        claimed = telling.claim([route.id for route in routes if route.queue == "tell"])
        told = [telling.act(one, Deadline.after(5)) for one in claimed]
        assert [one.problem for one in told if one.problem] == []
        telling.commit(told)
