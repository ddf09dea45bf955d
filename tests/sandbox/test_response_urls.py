"""Response URLs: how often, how long, and what they change."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.server import Running
from tests.sandbox.bot import Keeper, card, scripted
from tests.sandbox.conftest import Clock


def _respond(url: str, **body: Any) -> tuple[int, str]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]


def _response_url(sandbox: Running, keeper: Keeper) -> str:
    with scripted(sandbox, keeper):
        sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/access")
    return keeper.payloads[-1]["response_url"]


def test_a_response_url_is_good_for_five_answers(sandbox: Running) -> None:
    url = _response_url(sandbox, Keeper())
    assert [_respond(url, text=f"{count}") for count in range(5)] == [(200, "ok")] * 5
    assert _respond(url, text="6") == (404, "used_url")
    ann = sandbox.workspace().person("U0ANN")
    assert [message.text for message in ann.ephemerals("C0PAYAPPR")] == ["0", "1", "2", "3", "4"]


def test_a_response_url_is_good_for_thirty_minutes(sandbox: Running, clock: Clock) -> None:
    url = _response_url(sandbox, Keeper())
    clock.now += 1800
    assert _respond(url, text="in time") == (200, "ok")
    clock.now += 1
    assert _respond(url, text="late") == (404, "expired_url")


def test_an_ephemeral_message_is_replaced_and_deleted_through_a_click_on_it(
    sandbox: Running, client: WebClient
) -> None:
    client.chat_postEphemeral(channel="C0PAYAPPR", user="U0ANN", text="card", blocks=card())
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        ann.click(ann.ephemerals("C0PAYAPPR")[0], "approve")
    payload = keeper.payloads[0]
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    assert _respond(payload["response_url"], text="replaced", replace_original=True) == (200, "ok")
    assert [message.text for message in ann.messages("C0PAYAPPR")] == ["replaced"]
    assert _respond(payload["response_url"], delete_original=True) == (200, "ok")
    assert ann.messages("C0PAYAPPR") == []


def test_wrong_blocks_are_refused_in_a_response_too(sandbox: Running) -> None:
    url = _response_url(sandbox, Keeper())
    assert _respond(url, text="x", blocks=[{"type": "table"}]) == (400, "invalid_blocks")
    assert [each["where"] for each in sandbox.workspace().violations()] == ["response_url"]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a key with a slip": ({"text": "x", "replace_orginal": True}, "invalid_payload", "'replace_orginal'"),
    "a key that goes with deleting": ({"delete_original": True, "tetx": "x"}, "invalid_payload", "'tetx'"),
    "attachments": ({"text": "x", "attachments": []}, "invalid_payload", "'attachments'"),
    "a word for a boolean": ({"text": "x", "replace_original": "yes"}, "invalid_payload", "/replace_original"),
    "an unknown audience": ({"text": "x", "response_type": "all"}, "invalid_payload", "/response_type"),
    "a number for a text": ({"text": 1}, "invalid_payload", "/text"),
    "a text that is too long": ({"text": "x" * 40_001}, "msg_too_long", ""),
    "nothing": ({"text": ""}, "no_text", ""),
}


@pytest.mark.parametrize(("body", "error", "named"), WRONG.values(), ids=WRONG)
def test_an_answer_is_checked_over_a_response_url_and_at_once(
    sandbox: Running, body: dict[str, Any], error: str, named: str
) -> None:
    url = _response_url(sandbox, Keeper())
    assert _respond(url, **body) == (400, error)
    with scripted(sandbox, Keeper(body)):
        assert sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/access").error == error
    assert sandbox.workspace().person("U0ANN").ephemerals("C0PAYAPPR") == []
    kept = sandbox.workspace().violations()
    assert [(each["where"], each["error"]) for each in kept] == [("response_url", error), ("/access", error)]
    assert all(named in " ".join(each["messages"]) for each in kept)


def test_an_answer_that_is_no_json_is_refused(sandbox: Running) -> None:
    request = urllib.request.Request(_response_url(sandbox, Keeper()), b"text=hello")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)
    assert [each["error"] for each in sandbox.workspace().violations()] == ["invalid_payload"]


def test_the_longest_text_is_shown(sandbox: Running) -> None:
    assert _respond(_response_url(sandbox, Keeper()), text="x" * 40_000) == (200, "ok")
