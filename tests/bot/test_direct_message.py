"""Who writes a message to the bot is answered what to type; what the bot says itself is no message to it."""

import pytest

from sandbox.server import Running
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.bot.staging import Way, acme, serving
from tests.cast import ANN, EVE, STRANGER
from tests.waiting import wait_until
from tests.world import World


def said(slack: FakeSlack) -> list[tuple[str, str]]:
    return [(one["channel"], words(one["blocks"])) for one in slack.called("chat.postMessage")]


@pytest.mark.parametrize("event", [{}, {"subtype": "file_share", "files": []}, {"thread_ts": "17.01"}])
def test_a_message_to_the_bot_is_answered_with_what_to_type(desk: Desk, slack: FakeSlack, event: dict) -> None:
    assert desk.write(ANN, "can I see the refunds?", **event) is None

    ((channel, answer),) = said(slack)
    assert channel == ANN.replace("U", "D", 1)
    for typed in ("`/access`", "`/access mine`", "`/access help`"):
        assert typed in answer


def test_what_was_written_is_kept_nowhere(desk: Desk, world: World, slack: FakeSlack) -> None:
    for person in (ANN, STRANGER):
        desk.write(person, "a very private word")

    assert "private" not in str(slack.calls) + str(slack.said)
    assert [event.entry for event in world.events() if "private" in event.entry] == []


@pytest.mark.parametrize(
    "event",
    [
        {"user": "U0BOT", "bot_id": "B0BOT"},
        {"subtype": "message_changed", "hidden": True, "message": {"user": ANN, "text": "a card"}},
        {"subtype": "message_deleted", "hidden": True},
        {"subtype": "bot_message", "bot_id": "B0BOT"},
        {"channel_type": "channel"},
    ],
)
def test_what_no_person_wrote_to_the_bot_is_not_answered(
    desk: Desk, world: World, slack: FakeSlack, event: dict
) -> None:
    desk.send(desk.message_body(ANN, "hello", **event))

    assert [method for method, _ in slack.calls if method != "auth.test"] == []
    assert world.events("attempt.refused") == []


def test_a_stranger_is_told_so_where_they_wrote(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.write(STRANGER)

    assert said(slack) == [
        (STRANGER.replace("U", "D", 1), "You are not in the access policy. Ask the security team to add you.")
    ]
    assert world.refusals() == [("message", "UnknownPerson")]


def test_who_may_ask_for_nothing_is_answered_too(desk: Desk, slack: FakeSlack) -> None:
    desk.write(EVE)

    assert "`/access help`" in said(slack)[0][1]


def test_an_answer_that_slack_does_not_take_is_logged(
    desk: Desk, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.failing["chat.postMessage"] = "ratelimited"

    assert desk.write(ANN) is None

    assert "the person could not be told" in caplog.text


@pytest.fixture(params=["Socket Mode", "HTTP mode"])
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


def test_it_is_so_where_slack_sends_its_events(way: Way, world: World) -> None:
    with acme() as sandbox, serving(way, world, sandbox):
        answered(sandbox)


def answered(sandbox: Running) -> None:
    ann = sandbox.workspace().person(ANN)

    ann.say(ann.direct_message, "hello?")

    wait_until(lambda: any("/access help" in one.words for one in ann.direct_messages()), "the bot's answer")
    assert len([one for one in ann.direct_messages() if "/access help" in one.words]) == 1
    assert sandbox.workspace().violations() == []
