"""What a person can and cannot do, and what the app is told about it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.person import SandboxError, Trouble
from sandbox.server import Running
from tests.sandbox.bot import SILENT, Keeper, button, card, modal, scripted

Json = dict[str, Any]


def options(*values: str) -> list[Json]:
    return [{"text": {"type": "plain_text", "text": value}, "value": value} for value in values]


def test_a_command_arrives_with_all_of_slacks_keys(sandbox: Running) -> None:
    keeper = Keeper()
    with scripted(sandbox, keeper):
        sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/access", " db/read 1h  because <!channel> ")
    (payload,) = keeper.payloads
    response_url, trigger_id = payload.pop("response_url"), payload.pop("trigger_id")
    assert response_url.startswith(f"{sandbox.url}/response/")
    assert len(trigger_id.split(".")) == 3
    assert payload == {
        "token": "sandbox",
        "team_id": "T0ACME",
        "team_domain": "acme",
        "channel_id": "C0PAYAPPR",
        "channel_name": "privategroup",
        "user_id": "U0ANN",
        "user_name": "ann",
        "command": "/access",
        "text": "db/read 1h  because <!channel>",
        "api_app_id": "A0COUNTERSIGN",
        "is_enterprise_install": "false",
    }


def test_a_click_arrives_with_the_message_and_a_way_to_answer(sandbox: Running, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="C0PAYAPPR", text="card", blocks=card())
    keeper = Keeper()
    lea = sandbox.workspace().person("U0LEA")
    with scripted(sandbox, keeper):
        assert lea.click(lea.messages("C0PAYAPPR")[0], "deny").ok
    (payload,) = keeper.payloads
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U0LEA", "username": "lea", "name": "lea", "team_id": "T0ACME"}
    assert payload["team"] == {"id": "T0ACME", "domain": "acme"}
    assert payload["channel"] == {"id": "C0PAYAPPR", "name": "payments-approvals"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0PAYAPPR",
        "is_ephemeral": False,
    }
    assert payload["message"]["ts"] == posted["ts"]
    assert payload["trigger_id"]
    assert payload["response_url"]
    (action,) = payload["actions"]
    assert action.pop("action_ts")
    assert action == {
        "type": "button",
        "block_id": "decide",
        "action_id": "deny",
        "text": {"type": "plain_text", "text": "Deny", "emoji": True},
        "value": "r1",
    }


def test_a_click_in_a_modal_carries_the_view_and_what_was_typed(sandbox: Running, client: WebClient) -> None:
    blocks = [*modal()["blocks"], {"type": "actions", "elements": [button("more", "More", "x")]}]
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        ann.command("C0PAYAPPR", "/access")
        client.views_open(trigger_id=keeper.payloads[0]["trigger_id"], view=modal(blocks=blocks))
        view = ann.view()
        assert view
        ann.choose(view, "more", None, values={"reason": "half a"})
    payload = keeper.payloads[1]
    assert payload["container"] == {"type": "view", "view_id": view.id}
    assert payload["view"]["state"]["values"]["reason"]["text"]["value"] == "half a"
    assert payload["view"]["hash"] == view.raw["hash"]
    assert "response_url" not in payload
    assert "channel" not in payload


def test_the_direct_answer_to_a_command_is_seen_by_its_author_alone(sandbox: Running) -> None:
    workspace = sandbox.workspace()
    ann = workspace.person("U0ANN")
    with scripted(sandbox, Keeper({"text": "only you"})):
        outcome = ann.command("C0PAYAPPR", "/access", "help")
    assert (outcome.ok, outcome.text) == (True, "only you")
    assert [message.text for message in ann.ephemerals("C0PAYAPPR")] == ["only you"]
    assert workspace.person("U0LEA").messages("C0PAYAPPR") == []


def test_an_answer_in_the_channel_is_seen_by_all(sandbox: Running) -> None:
    with scripted(sandbox, Keeper({"text": "to all", "response_type": "in_channel"})):
        sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/access")
    assert [message.text for message in sandbox.workspace().person("U0LEA").messages("C0PAYAPPR")] == ["to all"]


def test_a_command_without_an_app_fails_as_dispatch_failed(sandbox: Running) -> None:
    ann = sandbox.workspace().person("U0ANN")
    outcome = ann.command("C0PAYAPPR", "/access")
    assert outcome.error == "dispatch_failed"
    assert ann.ephemerals("C0PAYAPPR")[0].text == '/access failed with the error "dispatch_failed"'


def test_what_nobody_acknowledges_times_out(hasty: Running) -> None:
    WebClient(token=hasty.bot_token, base_url=hasty.api_url).chat_postMessage(
        channel="C0PAYAPPR", text="card", blocks=card()
    )
    ann = hasty.workspace().person("U0ANN")
    with scripted(hasty, Keeper(SILENT)):
        assert ann.command("C0PAYAPPR", "/access").error == "operation_timeout"
        assert ann.click(ann.messages("C0PAYAPPR")[0], "approve").error == "operation_timeout"


def test_only_commands_of_the_app_exist(sandbox: Running) -> None:
    with pytest.raises(SandboxError, match="/deploy is not a valid command"):
        sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/deploy")


def test_a_person_acts_only_where_he_is(sandbox: Running, client: WebClient) -> None:
    client.chat_postMessage(channel="C0SEC", text="card", blocks=card())
    workspace = sandbox.workspace()
    ann, sam = workspace.person("U0ANN"), workspace.person("U0SAM")
    message = sam.messages("C0SEC")[0]
    with pytest.raises(SandboxError, match="Ann is not in #security"):
        ann.messages("C0SEC")
    with pytest.raises(SandboxError, match="Ann is not in #security"):
        ann.click(message, "approve")
    workspace.add_to_channel("U0ANN", "C0SEC")
    assert ann.click(message, "approve").error == "dispatch_failed"


def test_whoever_is_deactivated_can_do_nothing_but_what_was_under_way(sandbox: Running) -> None:
    workspace = sandbox.workspace()
    ann = workspace.person("U0ANN")
    with pytest.raises(SandboxError, match="Dee cannot sign in"):
        workspace.person("U0DEE").command("C0GENERAL", "/access")
    workspace.deactivate("U0ANN")
    with pytest.raises(SandboxError, match="Ann cannot sign in"):
        ann.command("C0PAYAPPR", "/access")
    workspace.deactivate("U0ANN", session_lives=True)
    assert ann.command("C0PAYAPPR", "/access").error == "dispatch_failed"
    workspace.reactivate("U0ANN")
    assert ann.direct_messages() == []


def test_a_button_must_be_there_to_be_pressed(sandbox: Running, client: Any) -> None:
    posted = client.chat_postMessage(channel="C0PAYAPPR", text="card", blocks=card())
    lea = sandbox.workspace().person("U0LEA")
    before = lea.messages("C0PAYAPPR")[0]
    client.chat_update(channel="C0PAYAPPR", ts=posted["ts"], text="decided")
    with pytest.raises(SandboxError, match="Lea sees no 'approve' there; there is nothing to press"):
        lea.click(before, "approve")


def test_buttons_of_one_action_id_are_told_apart(sandbox: Running, client: WebClient) -> None:
    blocks = [{"type": "actions", "elements": [button("end", "End", value)]} for value in ("g1", "g2")]
    client.chat_postMessage(channel="C0PAYAPPR", text="grants", blocks=blocks)
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        message = ann.messages("C0PAYAPPR")[0]
        with pytest.raises(SandboxError, match="'end' is there 2 times"):
            ann.click(message, "end")
        ann.click(message, "end", "g2")
    assert [payload["actions"][0]["value"] for payload in keeper.payloads] == ["g2"]


def test_a_required_field_must_be_filled_before_anything_is_sent(sandbox: Running, client: WebClient) -> None:
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        ann.command("C0PAYAPPR", "/access")
        client.views_open(trigger_id=keeper.payloads[0]["trigger_id"], view=modal())
        with pytest.raises(SandboxError) as caught:
            ann.submit({"note": "x"})
    assert caught.value.fields == {"reason": "Please complete this required field."}
    assert len(keeper.payloads) == 1


def test_files_are_put_into_a_form_by_their_names(sandbox: Running, client: WebClient) -> None:
    element = {"type": "file_input", "action_id": "pick", "filetypes": ["pdf", "png"], "max_files": 2}
    view = modal(blocks=[modal()["blocks"][0] | {"block_id": "proof", "element": element}])
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        ann.command("C0PAYAPPR", "/access")
        client.views_open(trigger_id=keeper.payloads[0]["trigger_id"], view=view)
        for nothing in (None, {"proof": []}):
            with pytest.raises(SandboxError) as caught:
                ann.submit(nothing)
            assert caught.value.fields == {"proof": "Please complete this required field."}
        for files, said in [(["x.exe"], "not taken here: pdf, png"), (["1.pdf", "2.pdf", "3.pdf"], "at most 2 files")]:
            with pytest.raises(SandboxError, match=said):
                ann.submit({"proof": files})
        assert ann.submit({"proof": ["invoice.pdf", "Screen.PNG"]}) is None
    held = keeper.payloads[-1]["view"]["state"]["values"]["proof"]["pick"]
    assert held["type"] == "file_input"
    assert [(each["name"], each["filetype"]) for each in held["files"]] == [
        ("invoice.pdf", "pdf"),
        ("Screen.PNG", "png"),
    ]
    assert len({each["id"] for each in held["files"]}) == 2


def test_a_field_takes_only_what_fits(sandbox: Running, client: WebClient) -> None:
    view = modal()
    view["blocks"][0]["element"] |= {"min_length": 3, "max_length": 5}
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, keeper):
        ann.command("C0PAYAPPR", "/access")
        client.views_open(trigger_id=keeper.payloads[0]["trigger_id"], view=view)
        for text, said in [("ab", "at least 3"), ("abcdef", "at most 5"), ("a\nbc", "one line")]:
            with pytest.raises(SandboxError, match=said):
                ann.submit({"reason": text})
        with pytest.raises(SandboxError, match="the form has no field 'raeson'"):
            ann.submit({"raeson": "abc"})


def test_elements_report_what_was_chosen(sandbox: Running, client: WebClient) -> None:
    elements = [
        {"type": "static_select", "action_id": "select", "options": options("a", "b")},
        {"type": "overflow", "action_id": "overflow", "options": options("a", "b")},
        {"type": "radio_buttons", "action_id": "radio", "options": options("a", "b")},
        {"type": "checkboxes", "action_id": "boxes", "options": options("a", "b")},
        {"type": "datetimepicker", "action_id": "time"},
    ]
    blocks = [{"type": "actions", "block_id": "all", "elements": elements}]
    client.chat_postMessage(channel="C0PAYAPPR", text="x", blocks=blocks)
    keeper = Keeper()
    ann = sandbox.workspace().person("U0ANN")
    chosen: list[tuple[str, Any]] = [("select", "b"), ("overflow", "b"), ("radio", "b"), ("boxes", ["a", "b"])]
    with scripted(sandbox, keeper):
        message = ann.messages("C0PAYAPPR")[0]
        for action_id, value in [*chosen, ("time", 1_800_000_000)]:
            ann.choose(message, action_id, value)
        with pytest.raises(SandboxError, match="'c' is not one of the options: a, b"):
            ann.choose(message, "select", "c")
    actions = [payload["actions"][0] for payload in keeper.payloads]
    assert [action["selected_option"]["value"] for action in actions[:3]] == ["b", "b", "b"]
    assert [option["value"] for option in actions[3]["selected_options"]] == ["a", "b"]
    assert actions[4]["selected_date_time"] == 1_800_000_000
    assert keeper.payloads[0]["state"]["values"]["all"]["select"]["selected_option"]["value"] == "b"


def _with_external_select(sandbox: Running, client: WebClient, keeper: Keeper) -> Any:
    field = modal()["blocks"][0] | {
        "block_id": "what",
        "element": {"type": "external_select", "action_id": "pick", "min_query_length": 2},
    }
    ann = sandbox.workspace().person("U0ANN")
    ann.command("C0PAYAPPR", "/access")
    client.views_open(trigger_id=keeper.payloads[0]["trigger_id"], view=modal(blocks=[field]))
    return ann


def test_an_external_select_offers_what_the_app_answers(sandbox: Running, client: WebClient) -> None:
    keeper = Keeper()
    with scripted(sandbox, keeper):
        ann = _with_external_select(sandbox, client, keeper)
        keeper.answer = {"options": options("db/read", "db/write")}
        with pytest.raises(SandboxError, match="at least 2 characters"):
            ann.suggest("what", "pick", "d")
        with pytest.raises(SandboxError, match="was not offered"):
            ann.submit({"what": "db/read"})
        assert [option["value"] for option in ann.suggest("what", "pick", "db")] == ["db/read", "db/write"]
        keeper.answer = None
        assert ann.submit({"what": "db/read"}) is None
    asked = keeper.payloads[1]
    assert (asked["type"], asked["value"], asked["block_id"]) == ("block_suggestion", "db", "what")
    assert not {"trigger_id", "response_url"} & set(asked)
    values = keeper.payloads[-1]["view"]["state"]["values"]
    assert values["what"]["pick"]["selected_option"]["text"] == {"type": "plain_text", "text": "db/read"}


def test_one_option_too_long_spoils_the_whole_list(sandbox: Running, client: WebClient) -> None:
    keeper = Keeper()
    workspace = sandbox.workspace()
    with scripted(sandbox, keeper):
        ann = _with_external_select(sandbox, client, keeper)
        keeper.answer = {"options": options("db/read", "x" * 76)}
        with pytest.raises(Trouble, match="could not be loaded"):
            ann.suggest("what", "pick", "db")
    assert [each["error"] for each in workspace.violations()] == ["invalid_options"]


def test_many_people_press_at_once(sandbox: Running, client: WebClient) -> None:
    client.chat_postMessage(channel="C0PAYAPPR", text="card", blocks=card())
    keeper = Keeper()
    workspace = sandbox.workspace()
    people = [workspace.person(each) for each in ("U0ANN", "U0BEN", "U0LEA", "U0KIM")] * 8
    message = people[0].messages("C0PAYAPPR")[0]
    with scripted(sandbox, keeper), ThreadPoolExecutor(len(people)) as pool:
        outcomes = list(pool.map(lambda person: person.click(message, "approve"), people))
    assert all(outcome.ok for outcome in outcomes)
    assert len(keeper.payloads) == 32
