"""The Web API answers the real clients as Slack does, errors included."""

import asyncio
import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.server import Running
from tests.sandbox.bot import card, modal


def refused(call: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """The answer to a call that must be refused."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return dict(caught.value.response.data)


def error_of(call: Callable[..., Any], **arguments: Any) -> str:
    """Slack's word for why a call was refused."""
    return refused(call, **arguments)["error"]


def test_both_clients_are_answered_alike(sandbox: Running, client: Any) -> None:
    async def by_the_async_client() -> list[Any]:
        other = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        return [
            (await other.auth_test()).data,
            (await other.users_info(user="U0ANN")).data,
            (await other.conversations_open(users="U0ANN")).data,
            (await other.conversations_info(channel="C0SEC", include_num_members=True)).data,
            (await other.conversations_members(channel="C0SEC")).data,
        ]

    assert asyncio.run(by_the_async_client()) == [
        client.auth_test().data,
        client.users_info(user="U0ANN").data,
        client.conversations_open(users="U0ANN").data,
        client.conversations_info(channel="C0SEC", include_num_members=True).data,
        client.conversations_members(channel="C0SEC").data,
    ]


def test_auth_test_names_the_bot_and_its_scopes(client: Any) -> None:
    answer = client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T0ACME", "U0BOT", "B0BOT")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_a_form_with_json_in_it_and_the_token_beside_is_read_too(sandbox: Running) -> None:
    fields = {"token": sandbox.bot_token, "channel": "C0SEC", "text": "hello", "blocks": json.dumps(card())}
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(f"{sandbox.api_url}chat.postMessage", body) as response:
        answer = json.load(response)
    assert answer["ok"]
    assert answer["message"]["blocks"][0]["block_id"] == "what"


def test_a_wrong_token_is_refused(sandbox: Running) -> None:
    wrong = WebClient(token="xoxb-other", base_url=sandbox.api_url)
    assert error_of(wrong.auth_test) == "invalid_auth"
    assert error_of(WebClient(base_url=sandbox.api_url).auth_test) == "not_authed"


def test_each_token_is_good_for_its_own_methods_only(sandbox: Running, client: Any) -> None:
    assert error_of(client.apps_connections_open, app_token=sandbox.bot_token) == "not_allowed_token_type"
    assert error_of(client.auth_test, token=sandbox.app_token) == "not_allowed_token_type"
    assert client.apps_connections_open(app_token=sandbox.app_token)["url"].startswith("ws://127.0.0.1:")


def test_what_the_bot_has_no_use_for_is_unknown(sandbox: Running, client: Any) -> None:
    assert error_of(client.reactions_get, channel="C0SEC") == "unknown_method"
    assert [each["error"] for each in sandbox.workspace().violations()] == ["unknown_method"]


def test_a_scope_the_app_lacks_is_named(client: Any) -> None:
    answer = refused(client.conversations_info, channel=client.conversations_open(users="U0ANN")["channel"]["id"])
    assert (answer["error"], answer["needed"]) == ("missing_scope", "im:read")


def test_people_carry_what_decides_who_may_act(client: Any) -> None:
    ann = client.users_info(user="U0ANN")["user"]
    assert (ann["tz"], ann["deleted"], ann["is_bot"]) == ("Europe/Amsterdam", False, False)
    assert (ann["is_restricted"], ann["is_ultra_restricted"], ann["is_stranger"]) == (False, False, False)
    assert client.users_info(user="U0GUS")["user"]["is_restricted"]
    assert client.users_info(user="U0DEE")["user"]["deleted"]
    assert client.users_info(user="U0BOT")["user"]["is_bot"]
    assert error_of(client.users_info, user="U0NOBODY") == "user_not_found"


def test_a_private_channel_without_the_bot_cannot_be_found(sandbox: Running, client: Any) -> None:
    sandbox.workspace().remove_from_channel("U0BOT", "C0SEC")
    assert error_of(client.chat_postMessage, channel="C0SEC", text="x") == "channel_not_found"
    assert error_of(client.conversations_info, channel="C0SEC") == "channel_not_found"


def test_a_public_channel_without_the_bot_says_so(client: Any) -> None:
    assert error_of(client.chat_postMessage, channel="C0GENERAL", text="x") == "not_in_channel"
    assert not client.conversations_info(channel="C0GENERAL")["channel"]["is_member"]


def test_a_message_to_a_person_opens_the_direct_message(client: Any) -> None:
    posted = client.chat_postMessage(channel="U0ANN", text="hello")
    assert posted["channel"] == client.conversations_open(users="U0ANN")["channel"]["id"] == "D0ANN"


@pytest.mark.parametrize(
    ("users", "error"), [("U0NOBODY", "user_not_found"), ("U0DEE", "user_disabled"), ("U0ANN,U0LEA", "missing_scope")]
)
def test_a_direct_message_opens_with_one_living_person(client: Any, users: str, error: str) -> None:
    assert error_of(client.conversations_open, users=users) == error


def test_an_update_wants_the_channel_that_the_post_returned(client: Any) -> None:
    posted = client.chat_postMessage(channel="U0ANN", text="hello")
    assert error_of(client.chat_update, channel="U0ANN", ts=posted["ts"], text="x") == "channel_not_found"
    assert client.chat_update(channel="D0ANN", ts=posted["ts"], text="x")["text"] == "x"


def test_an_update_with_text_alone_takes_the_blocks_away(client: Any) -> None:
    posted = client.chat_postMessage(channel="C0SEC", text="card", blocks=card())
    assert client.chat_update(channel="C0SEC", ts=posted["ts"], text="done")["message"]["blocks"] == []


def test_an_update_keeps_to_what_can_be_updated(sandbox: Running, client: Any) -> None:
    sam = sandbox.workspace().person("U0SAM")
    sam.say("C0SEC", "mine")
    theirs = sam.messages("C0SEC")[0]
    ephemeral = client.chat_postEphemeral(channel="C0SEC", user="U0SAM", text="only you")["message_ts"]
    assert error_of(client.chat_update, channel="C0SEC", ts=theirs.ts, text="x") == "cant_update_message"
    assert error_of(client.chat_update, channel="C0SEC", ts=ephemeral, text="x") == "message_not_found"
    assert error_of(client.chat_update, channel="C0SEC", ts="1.000000", text="x") == "message_not_found"


def test_what_is_wrong_whatever_the_workspace_is_like_is_kept(sandbox: Running, client: Any) -> None:
    parent = client.chat_postMessage(channel="C0SEC", text="x")["ts"]
    reply = client.chat_postMessage(channel="C0SEC", text="x", thread_ts=parent)["ts"]
    ephemeral = client.chat_postEphemeral(channel="C0SEC", user="U0SAM", text="x")["message_ts"]
    gone = {"channel": "C0SEC", "text": "x"}
    assert error_of(client.chat_postMessage, **gone, thread_ts="1.000000") == "thread_not_found"
    assert error_of(client.chat_update, **gone, ts="1.000000") == "message_not_found"
    assert sandbox.workspace().violations() == []
    assert error_of(client.chat_postMessage, **gone, thread_ts=reply) == "thread_not_found"
    assert error_of(client.chat_postMessage, **gone, thread_ts=ephemeral) == "thread_not_found"
    assert error_of(client.chat_update, **gone, ts=ephemeral) == "message_not_found"
    assert error_of(client.chat_delete, channel="U0SAM", ts=parent) == "channel_not_found"
    kept = sandbox.workspace().violations()
    assert [each["error"] for each in kept] == ["thread_not_found"] * 2 + ["message_not_found", "channel_not_found"]
    assert "that of a reply" in kept[0]["messages"][0]


def test_a_timestamp_is_a_string(client: Any) -> None:
    posted = client.chat_postMessage(channel="C0SEC", text="hello")
    call = {"channel": "C0SEC", "ts": float(posted["ts"]), "text": "x"}
    assert error_of(client.api_call, api_method="chat.update", json=call) == "invalid_arguments"


def test_metadata_has_a_type_and_a_payload(client: Any) -> None:
    call = {"channel": "C0SEC", "text": "x"}
    good = {"event_type": "card", "event_payload": {"id": "r1"}}
    assert client.chat_postMessage(**call, metadata=good)["message"]["metadata"] == good
    assert error_of(client.chat_postMessage, **call, metadata={"event_type": "card"}) == "invalid_metadata_format"


def test_texts_have_their_limits(client: Any) -> None:
    ts = client.chat_postMessage(channel="C0SEC", text="x" * 40_000)["ts"]
    assert error_of(client.chat_postMessage, channel="C0SEC", text="x" * 40_001) == "msg_too_long"
    assert client.chat_update(channel="C0SEC", ts=ts, text="x" * 4000)["ok"]
    assert error_of(client.chat_update, channel="C0SEC", ts=ts, text="x" * 4001) == "msg_too_long"
    empty = {"channel": "C0SEC", "text": ""}
    assert error_of(client.api_call, api_method="chat.postMessage", json=empty) == "no_text"


def test_wrong_blocks_are_answered_in_slacks_shape(sandbox: Running, client: Any) -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}]
    answer = refused(client.chat_postMessage, channel="C0SEC", text="x", blocks=blocks)
    sentence = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [sentence],
        "response_metadata": {"messages": [f"[ERROR] {sentence}"]},
    }
    kept = sandbox.workspace().violations()
    assert kept == [{"where": "chat.postMessage", "error": "invalid_blocks", "messages": [f"[ERROR] {sentence}"]}]


def test_all_texts_of_a_message_together_have_a_limit(client: Any) -> None:
    def blocks(characters: int) -> list[dict[str, Any]]:
        texts = ["x" * 3000] * 3 + ["x" * (characters - 9000)]
        return [{"type": "section", "text": {"type": "plain_text", "text": text}} for text in texts]

    assert client.chat_postMessage(channel="C0SEC", text="x", blocks=blocks(10_000))["ok"]
    assert error_of(client.chat_postMessage, channel="C0SEC", text="x", blocks=blocks(10_001)) == "msg_blocks_too_long"


def test_an_argument_nobody_knows_is_refused(client: Any) -> None:
    answer = refused(client.chat_postMessage, channel="C0SEC", text="x", txet="y")
    assert answer["error"] == "invalid_arguments"
    assert "txet" in answer["response_metadata"]["messages"][0]


def test_an_ephemeral_message_needs_a_member_and_is_seen_by_nobody_else(sandbox: Running, client: Any) -> None:
    workspace = sandbox.workspace()
    assert error_of(client.chat_postEphemeral, channel="C0SEC", user="U0ANN", text="x") == "user_not_in_channel"
    client.chat_postEphemeral(channel="C0SEC", user="U0SAM", text="only you")
    assert [message.text for message in workspace.person("U0SAM").ephemerals("C0SEC")] == ["only you"]
    assert workspace.person("U0KIM").messages("C0SEC") == []


def test_a_permalink_leads_to_the_page(sandbox: Running, client: Any) -> None:
    ts = client.chat_postMessage(channel="C0SEC", text="x")["ts"]
    link = client.chat_getPermalink(channel="C0SEC", message_ts=ts)["permalink"]
    assert link == f"{sandbox.url}/archives/C0SEC/p{ts.replace('.', '')}"
    with urllib.request.urlopen(link) as response:
        assert "Sandbox, not Slack" in response.read().decode()


def test_members_come_in_pages(client: Any) -> None:
    first = client.conversations_members(channel="C0SEC", limit=2)
    second = client.conversations_members(channel="C0SEC", limit=2, cursor=first["response_metadata"]["next_cursor"])
    assert first["members"] + second["members"] == ["U0BOT", "U0KIM", "U0SAM"]
    assert second["response_metadata"]["next_cursor"] == ""


def test_a_view_nobody_may_open_yet_is_still_checked_first(client: Any) -> None:
    view = modal(title={"type": "plain_text", "text": "x" * 25})
    answer = refused(client.views_open, trigger_id="1.2.3", view=view)
    assert answer["error"] == "invalid_arguments"
    assert "/view/title/text" in answer["response_metadata"]["messages"][0]
