"""The manifest asks for what the code uses and the code uses what the manifest asks for, nothing else."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot import ids
from bot.app import ACTIONS, COMMAND, EVENTS, MODALS, OPTIONS
from bot.http_app import DOOR
from bot.slash_command import COMMANDS
from bot.views.blocks import Rendered
from tests.bot.states import ALL
from tests.bot.states import MODALS as MODAL_VIEWS
from tests.bot.test_views import walk

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "manifest.yml").read_text(encoding="utf-8")
MANIFEST = yaml.safe_load(TEXT)
HTTP_TEXT = (ROOT / "manifest.http.yml").read_text(encoding="utf-8")
HTTP_MANIFEST = yaml.safe_load(HTTP_TEXT)
SCHEMA = json.loads((Path(__file__).parent / "manifest_schema.json").read_text(encoding="utf-8"))
SCOPES_OF = {
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_info": {"channels:read", "groups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
"""What Slack wants for each Web API method."""
EVENTS_OF = {
    "app_home_opened": "app_home_opened", "message.im": "message", "message.channels": "message",
    "message.groups": "message",
}  # fmt: skip
"""What each event that is subscribed to is called when it comes."""
SCOPES_OF_EVENTS = {
    "app_home_opened": set(), "message.im": {"im:history"}, "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
}  # fmt: skip
METHOD = re.compile(r"client\.((?:auth|chat|conversations|im|reactions|files|usergroups|users|views)_\w+)\b")


@pytest.mark.parametrize("manifest", [MANIFEST, HTTP_MANIFEST], ids=["Socket Mode", "HTTP mode"])
def test_slack_takes_the_manifest(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, SCHEMA)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda manifest: manifest["display_information"].update(name="n" * 36),
        lambda manifest: manifest["display_information"].update(description=""),
        lambda manifest: manifest["display_information"].update(long_description="short"),
        lambda manifest: manifest["display_information"].update(background_color="blue"),
        lambda manifest: manifest["features"]["slash_commands"][0].update(command="access"),
        lambda manifest: manifest["features"]["slash_commands"][0].update(usage_hint=""),
        lambda manifest: manifest["oauth_config"]["scopes"]["bot"].append("x" * 51),
        lambda manifest: manifest["settings"].update(socket_mode="yes"),
        lambda manifest: manifest["settings"]["interactivity"].update(request_url="bot.example.com/slack/events"),
        lambda manifest: manifest["settings"]["interactivity"].update(menu_options_url="https://bot.example.com"),
        lambda manifest: manifest["features"]["slash_commands"][0].update(url="/slack/events"),
        lambda manifest: manifest.pop("oauth_config"),
    ],
)
def test_the_schema_finds_mistakes(spoil: Callable[[dict[str, Any]], None]) -> None:
    broken = copy.deepcopy(MANIFEST)
    spoil(broken)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_the_one_command_of_the_manifest_has_its_listener() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]

    assert command["command"] == COMMAND
    for known in COMMANDS:
        assert known.usage in command["usage_hint"]
    assert command["should_escape"] is True, "the reason is read with from_slack"


def test_every_action_in_a_view_has_a_listener_and_the_reverse() -> None:
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    shown = {
        element["action_id"]
        for view in ALL.values()
        for element in walk(view.blocks if isinstance(view, Rendered) else view)
        if "action_id" in element and element["action_id"] != ids.TYPED
    }
    assert shown == set(ACTIONS)


def test_every_modal_that_can_be_sent_has_a_listener_and_the_reverse() -> None:
    assert {view["callback_id"] for view in MODAL_VIEWS.values() if "submit" in view} == set(MODALS)


def test_every_select_that_asks_for_its_options_has_a_listener_and_the_reverse() -> None:
    asking = (element for view in MODAL_VIEWS.values() for element in walk(view))
    assert {one["action_id"] for one in asking if one.get("type") == "external_select"} == set(OPTIONS)


def test_every_scope_is_used_and_every_call_has_its_scope() -> None:
    sources = [file for part in ("bot", "workers") for file in (ROOT / part).rglob("*.py")]
    called = {method for file in sources for method in METHOD.findall(file.read_text(encoding="utf-8"))}
    assert called == set(SCOPES_OF)

    wanted = {"commands"}.union(*SCOPES_OF.values(), *SCOPES_OF_EVENTS.values())
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == wanted


def test_no_event_is_subscribed_to_that_nobody_hears() -> None:
    subscribed = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    assert subscribed == set(EVENTS_OF) == set(SCOPES_OF_EVENTS)
    assert {EVENTS_OF[one] for one in subscribed} == set(EVENTS)
    assert MANIFEST["settings"]["socket_mode_enabled"] is True


def test_there_is_a_home_to_publish() -> None:
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"] is True


def test_every_scope_is_explained_beside_it_and_in_the_guide() -> None:
    guide = (ROOT / "docs" / "slack-scopes.md").read_text(encoding="utf-8")
    for scope in MANIFEST["oauth_config"]["scopes"]["bot"]:
        assert re.search(rf"^      - {scope} +# \S", TEXT, re.MULTILINE), f"{scope} is not explained"
        assert f"| `{scope}` |" in guide
    assert guide.count("\n| `") == len(MANIFEST["oauth_config"]["scopes"]["bot"])


def test_in_http_mode_slack_calls_the_one_door_for_everything() -> None:
    settings = HTTP_MANIFEST["settings"]
    urls = [
        *(command["url"] for command in HTTP_MANIFEST["features"]["slash_commands"]),
        settings["interactivity"]["request_url"],
        settings["interactivity"]["message_menu_options_url"],
        settings["event_subscriptions"]["request_url"],
    ]

    assert settings["socket_mode_enabled"] is False
    assert urls == [f"https://bot.example.com{DOOR}"] * len(urls)
    assert HTTP_TEXT.count("https://bot.example.com") == len(urls) == 4, "as often as its first lines say"


def test_by_either_way_it_is_the_same_app() -> None:
    assert _without_the_way(HTTP_MANIFEST) == _without_the_way(MANIFEST)


def _without_the_way(manifest: dict[str, Any]) -> dict[str, Any]:
    """What remains of a manifest when nothing says how Slack and the bot meet."""
    manifest = copy.deepcopy(manifest)
    settings = manifest["settings"]
    for command in manifest["features"]["slash_commands"]:
        command.pop("url", None)
    for name in ("request_url", "message_menu_options_url"):
        settings["interactivity"].pop(name, None)
    subscriptions = settings.pop("event_subscriptions", {})
    subscriptions.pop("request_url", None)
    del settings["socket_mode_enabled"]
    return manifest | {"events": subscriptions}
