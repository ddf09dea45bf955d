"""Twenty things about Slack that a naive app, or a naive stand-in for Slack, gets wrong: here they go wrong."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.cast import DEFAULT
from sandbox.living import living_on
from sandbox.mrkdwn import Live, alive
from sandbox.person import Person, SandboxError, Trouble, Workspace
from sandbox.server import Running, running
from sandbox.sockets import LATE
from tests.sandbox.bot import (
    SILENT,
    Keeper,
    button,
    card,
    connected,
    connected_by_the_builtin_client,
    modal,
    scripted,
    text_field,
)
from tests.sandbox.conftest import Clock
from tests.sandbox.endpoint import Reply, scripted_url
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"
WITH_GROUPS = replace(DEFAULT, app=replace(DEFAULT.app, scopes=(*DEFAULT.app.scopes, "usergroups:read")))


@pytest.fixture
def lea(workspace: Workspace) -> Person:
    return workspace.person("U0LEA")


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def app(sandbox: Running, keeper: Keeper) -> Iterator[Keeper]:
    """An app that acknowledges everything with nothing and keeps it."""
    with scripted(sandbox, keeper):
        yield keeper


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response["error"]


def open_form(ann: Person, app: Keeper, client: WebClient, **changes: Any) -> dict[str, Any]:
    assert ann.command(PLACE, "/access").ok
    view = client.views_open(trigger_id=app.payloads[-1]["trigger_id"], view=modal(**changes))["view"]
    assert view
    return dict(view)


def violations(workspace: Workspace) -> list[str]:
    return [each["error"] for each in workspace.violations()]


def test_1_a_trigger_opens_one_modal_within_three_seconds(
    ann: Person, app: Keeper, client: WebClient, workspace: Workspace
) -> None:
    open_form(ann, app, client)
    again = app.payloads[-1]["trigger_id"]
    assert error_of(client.views_open, trigger_id=again, view=modal()) == "exchanged_trigger_id"
    ann.command(PLACE, "/access")
    workspace.move_clock(3.1)
    late = app.payloads[-1]["trigger_id"]
    assert error_of(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"


@pytest.mark.parametrize("answer", ["ok", {}, {"ok": True}])
def test_2_only_an_empty_answer_closes_a_modal(
    ann: Person, app: Keeper, client: WebClient, workspace: Workspace, answer: Any
) -> None:
    open_form(ann, app, client)
    app.answer = answer
    with pytest.raises(Trouble, match="We had some trouble connecting"):
        ann.submit({"reason": "because"})
    assert ann.view() is not None
    assert violations(workspace) == ["invalid_response"]
    app.answer = None
    assert ann.submit({"reason": "because"}) is None
    assert ann.view() is None


@pytest.mark.parametrize("key", ["text", "what"])
def test_3_errors_are_named_by_the_block_of_an_input(
    ann: Person, app: Keeper, client: WebClient, workspace: Workspace, key: str
) -> None:
    open_form(ann, app, client, blocks=[text_field("reason", "Reason"), card()[0]])
    app.answer = {"response_action": "errors", "errors": {key: "Say more."}}
    with pytest.raises(Trouble, match="We had some trouble connecting"):
        ann.submit({"reason": "because"})
    assert violations(workspace) == ["invalid_response"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"submit": None},
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"blocks": [{"type": "section", "text": {"type": "plain_text", "text": ""}}]},
        {"blocks": [{"type": "divider"}] * 101},
    ],
)
def test_4_a_view_slack_would_refuse_is_refused(
    ann: Person, app: Keeper, client: WebClient, workspace: Workspace, wrong: dict[str, Any]
) -> None:
    ann.command(PLACE, "/access")
    view = {key: value for key, value in modal(**wrong).items() if value is not None}
    assert error_of(client.views_open, trigger_id=app.payloads[-1]["trigger_id"], view=view) == "invalid_arguments"
    assert violations(workspace) == ["invalid_arguments"]


def test_5_an_update_with_a_text_alone_takes_the_buttons_away(lea: Person, client: WebClient) -> None:
    posted = client.chat_postMessage(channel=PLACE, text="Ann asks", blocks=card())
    client.chat_update(channel=PLACE, ts=str(posted["ts"]), text="Ann asks, still")
    [message] = lea.messages(PLACE)
    assert message.blocks == []
    with pytest.raises(SandboxError, match="sees no 'approve'"):
        lea.click(message, "approve")


def test_6_an_update_wants_the_conversation_and_a_timestamp_in_words(
    ann: Person, client: WebClient, workspace: Workspace
) -> None:
    posted = client.chat_postMessage(channel="U0ANN", text="hello")
    assert posted["channel"] == "D0ANN"
    ts = str(posted["ts"])
    assert error_of(client.chat_update, channel="U0ANN", ts=ts, text="x") == "channel_not_found"
    assert error_of(client.chat_update, channel="D0ANN", ts=float(ts), text="x") == "invalid_arguments"
    client.chat_update(channel="D0ANN", ts=ts, text="x")
    assert ann.direct_messages()[0].text == "x"
    assert violations(workspace) == ["channel_not_found", "invalid_arguments"]


def test_7_an_update_parses_what_a_post_does_not(lea: Person, client: WebClient) -> None:
    ts = str(client.chat_postMessage(channel=PLACE, text="@here is what Ann wrote")["ts"])
    assert living_on(lea.messages(PLACE)[0].raw) == []
    client.chat_update(channel=PLACE, ts=ts, text="@here is what Ann wrote")
    assert living_on(lea.messages(PLACE)[0].raw) == [Live("broadcast", "here")]
    client.chat_update(channel=PLACE, ts=ts, text="@here is what Ann wrote", parse="none")
    assert living_on(lea.messages(PLACE)[0].raw) == []


def test_8_escaping_alone_does_not_keep_words_words(lea: Person, client: WebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "@channel look: #general &lt;!here&gt;"}}
    client.chat_postMessage(channel=PLACE, text="x", blocks=[section])
    assert living_on(lea.messages(PLACE)[0].raw) == [Live("broadcast", "channel"), Live("channel", "general")]
    assert alive("@channel look: #general &lt;!here&gt;", verbatim=True) == []


def test_9_an_ephemeral_message_cannot_be_updated_nor_shown_to_strangers_of_the_channel(
    lea: Person, client: WebClient, app: Keeper
) -> None:
    ts = str(client.chat_postEphemeral(channel=PLACE, user="U0LEA", text="for you", blocks=card())["message_ts"])
    assert error_of(client.chat_update, channel=PLACE, ts=ts, text="x") == "message_not_found"
    assert error_of(client.chat_postEphemeral, channel="C0SEC", user="U0LEA", text="x") == "user_not_in_channel"
    assert lea.click(lea.ephemerals(PLACE)[0], "approve").ok
    payload = app.payloads[-1]
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    respond(payload["response_url"], {"replace_original": True, "text": "changed"})
    assert [each.text for each in lea.ephemerals(PLACE)] == ["changed"]
    lea.reload()
    assert lea.ephemerals(PLACE) == []


def test_10_a_response_url_lasts_five_answers_and_half_an_hour(ann: Person, app: Keeper, workspace: Workspace) -> None:
    ann.command(PLACE, "/access")
    url = app.payloads[-1]["response_url"]
    for _ in range(5):
        respond(url, {"text": "x"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        respond(url, {"text": "x"})
    ann.command(PLACE, "/access")
    workspace.move_clock(1801)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        respond(app.payloads[-1]["response_url"], {"text": "the grant has ended"})


def test_11_a_second_app_on_the_same_token_gets_half_of_the_clicks(
    sandbox: Running, lea: Person, client: WebClient
) -> None:
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    [message] = lea.messages(PLACE)
    ours, strays = Keeper(), Keeper()
    with scripted(sandbox, ours), scripted(sandbox, strays):
        for _ in range(6):
            lea.click(message, "approve")
    assert (len(ours.payloads), len(strays.payloads)) == (3, 3)


def test_12_connections_are_ended_and_a_click_without_one_is_lost(
    sandbox: Running, lea: Person, client: WebClient, workspace: Workspace
) -> None:
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    with scripted(sandbox, Keeper()):  # it does not come back by itself
        workspace.faults.cut()
        wait_until(lambda: not workspace.connections(), "the end of the connection")
        assert lea.click(lea.messages(PLACE)[0], "approve").error == "dispatch_failed"
        assert lea.command(PLACE, "/access").error == "dispatch_failed"
    with scripted(sandbox, late := Keeper()):
        assert workspace.connections() == 1
    assert late.payloads == []


def test_12_bolts_own_client_answers_nothing_for_three_seconds_after_a_disconnect() -> None:
    with running(ack_seconds=2) as live, connected_by_the_builtin_client(live):
        workspace = live.workspace()
        ann = workspace.person("U0ANN")
        assert ann.command(PLACE, "/access").ok
        workspace.faults.disconnect()
        wait_until(lambda: is_back(workspace), "a new connection")
        assert ann.command(PLACE, "/access").error == "operation_timeout"
        wait_until(lambda: LATE in names(workspace), "the acknowledgement, when nobody waits for it any more")
        assert ann.command(PLACE, "/access").ok


def test_12_the_client_on_aiohttp_answers_at_once() -> None:
    def listen(app: AsyncApp) -> None:
        @app.command("/access")
        async def acknowledge(ack: Any) -> None:
            await ack()

    with running(ack_seconds=2) as live, connected(live, listen):
        workspace = live.workspace()
        workspace.faults.disconnect()
        wait_until(lambda: is_back(workspace), "a new connection")
        assert workspace.person("U0ANN").command(PLACE, "/access").ok
        assert LATE not in names(workspace)


def is_back(workspace: Workspace) -> bool:
    seen = workspace.description()
    return seen["connections"] > seen["leaving"]


def names(workspace: Workspace) -> list[str]:
    return [each["name"] for each in workspace.journal()]


def test_13_an_event_comes_again_until_it_is_taken(clock: Clock) -> None:
    taken = threading.Event()
    seen: list[dict[str, Any]] = []

    def answer(_: str, payload: dict[str, Any]) -> Any:
        seen.append(payload)
        return None if taken.is_set() else SILENT

    with running(clock=clock, ack_seconds=0.05) as hasty, scripted(hasty, answer):
        workspace = hasty.workspace()
        workspace.person("U0ANN").open_home()
        wait_until(lambda: len(seen) == 2, "the first retry, at once")
        workspace.move_clock(60)
        wait_until(lambda: len(seen) == 3, "the second, after a minute")
        taken.set()
        workspace.move_clock(300)
        wait_until(lambda: len(seen) == 4, "the third, after five more")
    assert len({each["event_id"] for each in seen}) == 1


def test_14_several_people_press_one_button_and_old_cards_stay_alive(
    ann: Person, lea: Person, app: Keeper, client: WebClient, workspace: Workspace
) -> None:
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    [hers], [his] = lea.messages(PLACE), workspace.person("U0KIM").messages(PLACE)
    assert lea.click(hers, "approve").ok
    assert lea.click(hers, "approve").ok
    assert workspace.person("U0KIM").click(his, "deny").ok
    workspace.move_clock(90 * 86400)
    assert ann.click(ann.messages(PLACE)[0], "approve").ok
    assert [each["user"]["id"] for each in app.payloads] == ["U0LEA", "U0LEA", "U0KIM", "U0ANN"]


def test_15_a_channel_the_bot_is_not_in_looks_like_one_that_is_not_there(
    client: WebClient, workspace: Workspace
) -> None:
    workspace.remove_from_channel("U0BOT", PLACE)
    assert error_of(client.chat_postMessage, channel=PLACE, text="x") == "channel_not_found"
    assert error_of(client.conversations_info, channel=PLACE) == "channel_not_found"
    assert error_of(client.chat_postMessage, channel="C0GENERAL", text="x") == "not_in_channel"
    workspace.archive("C0SEC")
    assert error_of(client.chat_postMessage, channel="C0SEC", text="x") == "is_archived"


def test_16_blocks_that_are_right_one_by_one_are_too_much_together(ann: Person, app: Keeper, client: WebClient) -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2500}}] * 5
    assert error_of(client.chat_postMessage, channel=PLACE, text="x", blocks=blocks) == "msg_blocks_too_long"
    ann.command(PLACE, "/access")
    respond(app.payloads[-1]["response_url"], {"blocks": blocks})
    assert len(ann.ephemerals(PLACE)) == 1


def test_17_calls_are_counted_by_method_and_by_channel(clock: Clock) -> None:
    with running(WITH_GROUPS, clock=clock, strict_rates=True) as strict:
        client = WebClient(token=strict.bot_token, base_url=strict.api_url)
        for _ in range(5):
            client.chat_postMessage(channel=PLACE, text="x")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            client.chat_postMessage(channel=PLACE, text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        client.chat_postMessage(channel="C0SEC", text="x")
        clock.now += 1
        client.chat_postMessage(channel=PLACE, text="x")
        for _ in range(20):
            client.usergroups_users_list(usergroup="S0PAYMENTS")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            client.usergroups_users_list(usergroup="S0PAYMENTS")
        assert caught.value.response.headers["Retry-After"] == "3"


def test_18_a_command_carries_raw_words_and_little_else(ann: Person, app: Keeper) -> None:
    ann.command(PLACE, "/access", "db/read 2h\N{NO-BREAK SPACE}“invoice 4711”\N{NO-BREAK SPACE}")
    [payload] = app.payloads
    assert payload["text"] == "db/read 2h\N{NO-BREAK SPACE}“invoice 4711”\N{NO-BREAK SPACE}"
    assert payload["channel_name"] == "privategroup"
    assert payload["is_enterprise_install"] == "false"
    assert "thread_ts" not in payload
    assert "enterprise_id" not in payload


def test_19_one_role_with_a_long_name_breaks_the_whole_list(
    ann: Person, app: Keeper, client: WebClient, workspace: Workspace
) -> None:
    element = {"type": "external_select", "action_id": "pick", "min_query_length": 0}
    what = {"type": "input", "block_id": "what", "label": {"type": "plain_text", "text": "What"}, "element": element}
    open_form(ann, app, client, blocks=[what])
    names = ["db/read", "x" * 76]
    app.answer = {"options": [{"text": {"type": "plain_text", "text": name}, "value": name[:75]} for name in names]}
    with pytest.raises(Trouble, match="could not be loaded"):
        ann.suggest("what", "pick", "d")
    app.answer = {"options": app.answer["options"][:1]}
    assert [each["value"] for each in ann.suggest("what", "pick", "db")] == ["db/read"]
    keystrokes = [each for each in app.payloads if each.get("type") == "block_suggestion"]
    assert [each["value"] for each in keystrokes] == ["d", "db"]
    assert not {"trigger_id", "response_url"} & set(keystrokes[0])
    assert violations(workspace) == ["invalid_options"]


def test_20_an_update_of_a_form_keeps_what_was_typed_only_under_the_same_ids(
    ann: Person, app: Keeper, client: WebClient
) -> None:
    asks_back = text_field("resource", "Resource") | {"dispatch_action": True}
    view = open_form(ann, app, client, blocks=[text_field("reason", "Reason"), asks_back])
    form = wait_until(ann.view, "the form")
    assert form
    ann.choose(form, "text", "shop", block_id="resource", values={"reason": "typed"})
    fresh = modal(blocks=[text_field("reason", "Reason"), text_field("resource 2", "Resource")])
    answer = client.views_update(view_id=view["id"], view=fresh, hash=view["hash"])
    values = answer.data["view"]["state"]["values"]  # type: ignore[index] - a parsed answer is no bytes
    assert values["reason"]["text"]["value"] == "typed"
    assert values["resource 2"]["text"]["value"] is None
    assert error_of(client.views_update, view_id=view["id"], view=fresh, hash=view["hash"]) == "hash_conflict"


def test_20_a_home_published_late_overwrites_a_newer_one_unless_it_names_what_it_saw(
    ann: Person, client: WebClient
) -> None:
    def home(words: str) -> dict[str, Any]:
        return {"type": "home", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": words}}]}

    first = client.views_publish(user_id="U0ANN", view=home("one"))["view"]
    assert first
    client.views_publish(user_id="U0ANN", view=home("two"), hash=first["hash"])
    stale = first["hash"]
    assert error_of(client.views_publish, user_id="U0ANN", view=home("late"), hash=stale) == "hash_conflict"
    client.views_publish(user_id="U0ANN", view=home("careless"))
    shown = ann.home()
    assert shown
    assert shown.words == "careless"


def test_and_a_button_that_leads_away_is_told_to_the_app_too(lea: Person, app: Keeper, client: WebClient) -> None:
    leads = button("docs", "Docs", "d") | {"url": "https://example.org"}
    client.chat_postMessage(channel=PLACE, text="x", blocks=[{"type": "actions", "elements": [leads]}])
    assert lea.click(lea.messages(PLACE)[0], "docs").ok
    assert app.payloads[-1]["actions"][0]["action_id"] == "docs"


def test_and_an_emoji_sent_as_a_character_comes_back_by_its_name(lea: Person, app: Keeper, client: WebClient) -> None:
    def section(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": "section", "text": {"type": kind, "text": "\N{LOCK} Prod"} | more}

    blocks = [section("mrkdwn"), section("plain_text"), section("plain_text", emoji=False)]
    posted = client.chat_postMessage(channel=PLACE, text="\N{LOCK} Prod", blocks=blocks)["message"]
    assert posted
    assert posted["text"] == ":lock: Prod"
    assert [each["text"]["text"] for each in posted["blocks"]] == [":lock: Prod", ":lock: Prod", "\N{LOCK} Prod"]
    lea.command(PLACE, "/access")
    respond(app.payloads[-1]["response_url"], {"text": "\N{WHITE HEAVY CHECK MARK} done"})
    assert lea.ephemerals(PLACE)[0].text == ":white_check_mark: done"


def test_and_groups_name_guests_and_people_who_left() -> None:
    with running(WITH_GROUPS) as grouped:
        client = WebClient(token=grouped.bot_token, base_url=grouped.api_url)
        members = client.usergroups_users_list(usergroup="S0PAYMENTS")["users"]
        assert members
        users = [client.users_info(user=each)["user"] for each in members]
    assert {each["id"] for each in users if each and each["deleted"]} == {"U0DEE"}
    assert {each["id"] for each in users if each and each.get("is_restricted")} == {"U0GUS"}


def test_and_an_answer_over_http_is_read_as_strictly() -> None:
    with scripted_url(lambda _: Reply("ok")) as url, running(request_url=url) as pushing:
        assert pushing.workspace().person("U0ANN").command(PLACE, "/access").text == "ok"


def respond(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"ok"
