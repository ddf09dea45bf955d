"""What Slack refuses, and what another company would read: tried again, and told with why and the cure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk import WebClient

from access.alerts.undelivered import EVERYWHERE
from access.ids import MessageId
from access.messages.outbox import Delivery
from access.models import AlertKind, Message, MessageKind, RequestStatus
from access.monitor.sweep import Schedule
from access.ports import Deadline
from bot.views.undelivered import KNOWN, cure, why
from countersign.wiring import slack_telling
from sandbox.person import Workspace
from sandbox.server import Running
from tests.bot.staging import acme
from tests.cast import ANN, APPROVALS, SECURITY
from tests.fakes import NOON
from tests.world import World
from workers.delivery import failure_of
from workers.shared_channels import SECONDS, SharedChannels
from workers.slack_sender import SlackSender

SAM, BOT = "U0SAM", "U0BOT"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    workspace.faults.clear()
    for channel in (APPROVALS, SECURITY):
        workspace.unarchive(channel)
        workspace.unshare(channel)
        workspace.add_to_channel(BOT, channel)
    workspace.reactivate(ANN)


@pytest.fixture
def telling(world: World, sandbox: Running) -> SlackSender:
    client = WebClient(sandbox.bot_token, base_url=sandbox.api_url, timeout=5, retry_handlers=[])
    return slack_telling(world.core, client)


def work(world: World, telling: SlackSender, rounds: int = 5) -> list[Delivery]:
    """Does all that is due, as timekeeper and workers would; returns what was tried in Slack."""
    tried = list[Delivery]()
    for _ in range(rounds):
        routes = Schedule(world.core).route([item for item, _ in Schedule(world.core).sweep()]).now
        world.run([route for route in routes if route.queue != "tell"])
        claimed = telling.claim([route.id for route in routes if route.queue == "tell"])
        told = [telling.act(one, Deadline.after(600)) for one in claimed]
        if told:
            telling.commit(told)
        tried += told
    return tried


def alerts(world: World) -> list[tuple[str, bool]]:
    return [(one.subject, one.closed_at is None) for one in world.alerts() if one.kind == AlertKind.UNDELIVERED]


def heard(workspace: Workspace, person: str, words: str) -> list[str]:
    return [one.words for one in workspace.person(person).direct_messages() if words in one.words]


def posted(workspace: Workspace, channel: str) -> list[str]:
    return [one.words for one in workspace.person("U0KIM").messages(channel) if one.blocks]


REFUSALS = {
    "archived": (lambda workspace: workspace.archive(APPROVALS), "is_archived", "The channel is archived."),
    "without the bot": (
        lambda workspace: workspace.remove_from_channel(BOT, APPROVALS), "channel_not_found", "There is no such channel"
    ),
    "restricted": (
        lambda workspace: workspace.faults.fail_calls("restricted_action", only="chat.postMessage"),
        "restricted_action", "only some people",
    ),
    "shared": (lambda workspace: workspace.share(APPROVALS), "is_ext_shared", "shared with another company"),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_card_that_slack_does_not_take_is_told_to_who_asked_and_to_security(
    world: World, telling: SlackSender, workspace: Workspace, refusal: str
) -> None:
    spoil, code, sentence = REFUSALS[refusal]
    before = len(posted(workspace, APPROVALS))
    spoil(workspace)
    request = world.ask()
    work(world, telling, 4)

    assert alerts(world) == [(f"{APPROVALS} {code}", True)]
    asker = heard(workspace, ANN, request.id[-6:])[-1]
    assert "The approvers have not been asked yet" in asker
    assert sentence in asker
    assert "the security team" in asker
    security = [one.words for one in workspace.person(SAM).messages(SECURITY) if request.id[-6:] in one.words][-1]
    assert sentence in security
    assert cure(APPROVALS, code).partition("`")[0] in security
    assert len(posted(workspace, APPROVALS)) == before

    workspace.unarchive(APPROVALS)
    workspace.unshare(APPROVALS)
    workspace.add_to_channel(BOT, APPROVALS)
    world.clock.tick(minutes=1)
    telling = replace(telling, shared=SharedChannels(telling.client))
    work(world, telling)

    assert alerts(world) == [(f"{APPROVALS} {code}", False)]
    assert len(posted(workspace, APPROVALS)) == before + 1
    world.clock.tick(seconds=10)
    work(world, telling)
    assert "The approvers are asked after all" in heard(workspace, ANN, request.id[-6:])[-1]


def test_a_channel_that_becomes_shared_while_we_run_is_posted_to_no_more(
    world: World, telling: SlackSender, workspace: Workspace
) -> None:
    now = [0.0]
    telling = replace(telling, shared=SharedChannels(telling.client, lambda: now[0]))
    request = world.ask()
    work(world, telling)
    stood = posted(workspace, APPROVALS)
    workspace.share(APPROVALS)
    now[0] += SECONDS
    world.deny(request, comment="Not for others to read.")
    work(world, telling)

    assert posted(workspace, APPROVALS) == stood
    assert alerts(world) == [(f"{APPROVALS} is_ext_shared", True)]


def test_the_sharing_of_a_channel_is_asked_once_in_a_while_and_not_before_each_message(
    world: World, telling: SlackSender, workspace: Workspace
) -> None:
    begun = workspace.journal()[-1]["number"] if workspace.journal() else 0
    world.ask()
    world.ask(entitlement="customers-db/fix-orders")
    work(world, telling)

    asked = [one for one in workspace.journal(begun) if one["name"] == "conversations.info"]
    assert len(asked) == 1


def test_what_was_known_of_a_channel_stays_so_while_slack_does_not_say(
    telling: SlackSender, world: World, workspace: Workspace
) -> None:
    now = [0.0]
    telling = replace(telling, shared=SharedChannels(telling.client, lambda: now[0]))
    workspace.share(APPROVALS)
    world.ask()
    work(world, telling, 1)
    now[0] += SECONDS
    workspace.faults.fail_calls("internal_error", None, only="conversations.info")
    world.clock.tick(minutes=1)
    tried = [one for one in work(world, telling, 1) if one.claimed.message.kind == MessageKind.REVIEW]

    assert [one.failure.code for one in tried if one.failure] == ["is_ext_shared"]


def test_a_message_to_a_person_who_was_deactivated_is_given_up(
    world: World, telling: SlackSender, workspace: Workspace
) -> None:
    request = world.ask()
    work(world, telling)
    workspace.deactivate(ANN)
    world.deny(request)
    work(world, telling)

    (answer,) = world.messages(MessageKind.ANSWER)
    assert answer.due_at is None
    assert alerts(world) == []
    assert [one.object_id for one in world.events("message.given_up")] == [request.id]


def test_while_slack_as_a_whole_takes_nothing_one_alert_tells_of_it(
    world: World, telling: SlackSender, workspace: Workspace
) -> None:
    workspace.faults.fail_calls("invalid_auth", None, only="chat.postMessage")
    request = world.ask()
    world.ask(entitlement="customers-db/fix-orders")
    work(world, telling)
    world.clock.tick(minutes=1)
    work(world, telling)

    assert alerts(world) == [(f"{EVERYWHERE} invalid_auth", True)]
    workspace.faults.clear()
    world.clock.tick(minutes=1)
    work(world, telling)
    assert alerts(world) == [(f"{EVERYWHERE} invalid_auth", False)]
    assert world.approve(request).status == RequestStatus.APPROVED


def a_message(recipient: str = APPROVALS) -> Message:
    return Message(
        id=MessageId("1"),
        kind=MessageKind.REVIEW,
        subject="1",
        recipient=recipient,
        destination=recipient,
        created_at=NOON,
    )


def test_slacks_own_troubles_and_words_that_are_not_known_wait_before_they_are_told() -> None:
    passing = [failure_of(a_message(), name) for name in ("internal_error", "fatal_error", "a_new_word", "undrawable")]
    assert [one.permanent for one in passing] == [False] * 4
    assert passing[0].where == EVERYWHERE
    assert passing[2].cause == f"{APPROVALS} a_new_word"


def test_an_error_that_is_no_word_goes_no_further() -> None:
    assert failure_of(a_message(), "<!channel> canary-secret-4711").code == "unknown_error"
    assert failure_of(a_message(), None).code == "unknown_error"


def test_every_known_refusal_has_plain_words_and_a_cure() -> None:
    for where in (APPROVALS, ANN, EVERYWHERE):
        for code in KNOWN:
            assert why(where, code).endswith(".")
            assert code not in why(where, code)
            assert cure(where, code).endswith(".")


def test_who_asked_is_told_within_two_minutes_of_asking_whatever_slack_says(
    world: World, telling: SlackSender, workspace: Workspace
) -> None:
    """Of what may pass, two minutes after the first try; of the rest at once."""
    workspace.faults.fail_calls("a_new_word", 1, only="chat.postMessage")
    request = world.ask()
    work(world, telling, 1)
    (card,) = world.messages(MessageKind.REVIEW)
    assert card.alert_at == request.asked_at + timedelta(minutes=2)
