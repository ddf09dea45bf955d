"""The Home tab: what is told when a person enters, what is published, what a click there carries."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.cast import DEFAULT, App, Shortcut
from sandbox.person import Person, SandboxError
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, button, modal, scripted
from tests.waiting import wait_until


def home(words: str, **changes: Any) -> dict[str, Any]:
    ask = {"type": "actions", "block_id": "ask", "elements": [button("ask", "Ask", "x")]}
    return {
        "type": "home",
        "blocks": [{"type": "header", "text": {"type": "plain_text", "text": words}}, ask],
    } | changes


def with_app(**changes: Any) -> Any:
    return replace(DEFAULT, app=replace(App(), **changes))


def client_of(sandbox: Running) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


@pytest.fixture
def ann(sandbox: Running) -> Person:
    return sandbox.workspace().person("U0ANN")


def test_the_app_is_told_each_time_and_shown_what_stands_there(sandbox: Running, client: Any, ann: Person) -> None:
    with scripted(sandbox, app := Keeper()):
        assert ann.open_home() is None
        wait_until(lambda: app.payloads, "the event")
        client.views_publish(user_id="U0ANN", view=home("Yours"))
        shown = ann.open_home()
        wait_until(lambda: len(app.payloads) == 2, "the second event")
        ann.open_home("messages")
        wait_until(lambda: len(app.payloads) == 3, "all three events")
    assert shown
    assert shown.words == "Yours\nAsk"
    events = [each["event"] for each in app.payloads]
    assert [each["tab"] for each in events] == ["home", "home", "messages"]
    assert ["view" in each for each in events] == [False, True, False]
    assert {each["channel"] for each in events} == {"D0ANN"}
    assert len({each["event_id"] for each in app.payloads}) == 3


def test_a_click_on_the_home_tab_opens_a_modal_and_pushes_none(sandbox: Running, client: Any, ann: Person) -> None:
    client.views_publish(user_id="U0ANN", view=home("Yours"))
    shown = ann.home()
    assert shown
    with scripted(sandbox, app := Keeper()):
        ann.click(shown, "ask")
        ann.click(shown, "ask")
    first, second = app.payloads
    assert first["view"]["type"] == "home"
    assert first["view"]["hash"]
    assert first["container"] == {"type": "view", "view_id": shown.id}
    assert not {"channel", "response_url", "message"} & set(first)
    client.views_open(trigger_id=first["trigger_id"], view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        client.views_push(trigger_id=second["trigger_id"], view=modal())


def test_a_home_is_refused_where_the_manifest_has_none_or_slack_would() -> None:
    with running(with_app(home_tab=False)) as bare:
        with pytest.raises(SlackApiError, match="not_enabled"):
            client_of(bare).views_publish(user_id="U0ANN", view=home("Yours"))
        with pytest.raises(SandboxError, match="no Home tab"):
            bare.workspace().person("U0ANN").open_home()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"user_id": "U0ANN", "view": modal()}, "invalid_arguments"),
        ({"user_id": "U0ANN", "view": home("x", title={"type": "plain_text", "text": "x"})}, "invalid_arguments"),
        ({"user_id": "U0DEE", "view": home("x")}, "invalid_arguments"),
        ({"user_id": "U0ANN", "view": home("x"), "hash": "1.guess"}, "hash_conflict"),
    ],
)
def test_what_cannot_be_published(client: Any, arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        client.views_publish(**arguments)


def test_that_somebody_was_deactivated_is_no_mistake_of_the_app(sandbox: Running, client: Any) -> None:
    sandbox.workspace().deactivate("U0ANN")
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_publish(user_id="U0ANN", view=home("Yours"))
    assert sandbox.workspace().violations() == []
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_publish(user_id="U0NOBODY", view=home("Yours"))
    assert sandbox.workspace().violations() != []


def test_an_app_that_subscribed_to_nothing_is_told_nothing() -> None:
    with running(with_app(events=())) as deaf, scripted(deaf, app := Keeper()):
        ann = deaf.workspace().person("U0ANN")
        ann.open_home()
        ann.command("C0PAYAPPR", "/access")
    assert [each.get("command") for each in app.payloads] == ["/access"]


def test_what_a_person_writes_to_the_app_is_an_event_if_it_asked_for_it() -> None:
    with running(with_app(events=("message.im",))) as listening, scripted(listening, app := Keeper()):
        ann = listening.workspace().person("U0ANN")
        ann.say("C0PAYAPPR", "not for the app")
        ts = ann.say(ann.direct_message, "1 < 2")
        wait_until(lambda: app.payloads, "the message")
    assert [(each["event"]["text"], each["event"]["ts"]) for each in app.payloads] == [("1 &lt; 2", ts)]


def test_a_global_shortcut_carries_a_trigger_and_no_place() -> None:
    shortcuts = (Shortcut("Ask for access", "ask"),)
    with running(with_app(shortcuts=shortcuts)) as cut, scripted(cut, app := Keeper()):
        ann = cut.workspace().person("U0ANN")
        assert ann.shortcut("ask").ok
        with pytest.raises(SandboxError, match="no shortcut 'other'"):
            ann.shortcut("other")
        client_of(cut).views_open(trigger_id=app.payloads[0]["trigger_id"], view=modal())
    assert app.payloads[0]["type"] == "shortcut"
    assert not {"response_url", "channel"} & set(app.payloads[0])
