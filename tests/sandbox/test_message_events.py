"""What the app hears of messages in the conversations that it is in: posted, changed and taken away."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.cast import DEFAULT
from sandbox.person import Person, SandboxError
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, card, scripted
from tests.waiting import wait_until

PRIVATE = "C0PAYAPPR"


@pytest.fixture
def listening() -> Iterator[Running]:
    app = replace(DEFAULT.app, events=("message.groups", "message.channels"))
    with running(replace(DEFAULT, app=app)) as sandbox:
        yield sandbox


@pytest.fixture
def app(listening: Running) -> Iterator[Keeper]:
    with scripted(listening, keeper := Keeper()):
        yield keeper


@pytest.fixture
def ann(listening: Running) -> Person:
    return listening.workspace().person("U0ANN")


def heard(app: Keeper, number: int) -> list[dict[str, Any]]:
    wait_until(lambda: len(app.payloads) == number, f"{number} events")
    return [each["event"] for each in app.payloads]


def test_a_reply_in_a_thread_is_told_with_the_message_that_it_hangs_on(app: Keeper, ann: Person) -> None:
    first = ann.say(PRIVATE, "1 < 2")
    ann.say(PRIVATE, "is it?", thread=first)

    said, reply = heard(app, 2)

    assert (said["channel"], said["channel_type"], said["text"]) == (PRIVATE, "group", "1 &lt; 2")
    assert "thread_ts" not in said
    assert (reply["user"], reply["text"], reply["thread_ts"]) == ("U0ANN", "is it?", first)


def test_a_message_that_is_changed_comes_with_what_it_said_before(app: Keeper, ann: Person) -> None:
    ts = ann.say(PRIVATE, "yes")
    ann.edit(PRIVATE, ts, "no")

    _, change = heard(app, 2)

    assert (change["subtype"], change["hidden"], change["channel"]) == ("message_changed", True, PRIVATE)
    assert (change["message"]["text"], change["previous_message"]["text"]) == ("no", "yes")
    assert change["message"]["ts"] == ts < change["message"]["edited"]["ts"] < change["ts"]


def test_a_message_that_is_deleted_comes_once_more_as_what_it_was(app: Keeper, ann: Person) -> None:
    ts = ann.say(PRIVATE, "yes")
    ann.delete(PRIVATE, ts)

    _, gone = heard(app, 2)

    assert (gone["subtype"], gone["deleted_ts"]) == ("message_deleted", ts)
    assert (gone["previous_message"]["text"], gone["previous_message"]["user"]) == ("yes", "U0ANN")
    assert ann.messages(PRIVATE) == []


def test_the_app_hears_of_its_own_messages_too(app: Keeper, listening: Running) -> None:
    client = WebClient(token=listening.bot_token, base_url=listening.api_url)
    ts = client.chat_postMessage(channel=PRIVATE, text="x", blocks=card())["ts"]
    client.chat_update(channel=PRIVATE, ts=str(ts), text="y", blocks=card())
    client.chat_delete(channel=PRIVATE, ts=str(ts))

    posted, changed, deleted = heard(app, 3)

    assert (posted["bot_id"], posted["user"]) == ("B0BOT", "U0BOT")
    assert changed["message"]["bot_id"] == deleted["previous_message"]["bot_id"] == "B0BOT"


def test_the_app_hears_nothing_where_it_is_no_member_nor_what_one_person_alone_sees(
    app: Keeper, ann: Person, listening: Running
) -> None:
    client = WebClient(token=listening.bot_token, base_url=listening.api_url)
    client.chat_postEphemeral(channel=PRIVATE, user="U0ANN", text="x", blocks=card())
    ann.say("C0GENERAL", "the app is not here")
    listening.workspace().add_to_channel("U0BOT", "C0GENERAL")
    ts = ann.say("C0GENERAL", "now it is")

    (said,) = heard(app, 1)

    assert (said["channel_type"], said["ts"]) == ("channel", ts)


def test_only_ones_own_messages_can_be_changed_or_deleted(ann: Person, listening: Running) -> None:
    ts = listening.workspace().person("U0LEA").say(PRIVATE, "no")

    with pytest.raises(SandboxError, match="one's own"):
        ann.edit(PRIVATE, ts, "yes")
    with pytest.raises(SandboxError, match="one's own"):
        ann.delete(PRIVATE, ts)
