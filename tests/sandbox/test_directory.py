"""Who and what the Web API tells of: people of every kind, channels, groups, Grid, the manifest's app."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.cast import DEFAULT, Cast, Channel, Enterprise, Person, UserGroup
from sandbox.manifest import app_of
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, card, scripted

PLACE = "C0PAYAPPR"
ALL_SCOPES = ("usergroups:read", "team:read", "users:read.email", *DEFAULT.app.scopes)
WIDE = replace(
    DEFAULT,
    people=(
        *DEFAULT.people,
        Person("U0STR", "mallory", "Mallory", stranger=True, home_team="T0OTHER"),
        Person("U0ROB", "robot", "Robot", bot=True),
        Person("U0PAT", "pat", "Pat", email="Pat@acme.example", admin=True),
        Person("U0OUT", "out", "Out", email="out@acme.example", deactivated=True),
    ),
    channels=(
        *DEFAULT.channels,
        Channel("C0OLD", "old", ("U0ANN", "U0BOT"), archived=True),
        Channel("C0SHARED", "shared", ("U0ANN", "U0STR", "U0BOT"), ext_shared=True),
        Channel("C0ORG", "org", ("U0ANN", "U0BOT"), private=True, org_shared=True),
        Channel("C0HIDDEN", "hidden", ("U0ANN",), private=True),
    ),
    groups=(*DEFAULT.groups, UserGroup("S0OLD", "old", "Old", ("U0ANN",), disabled=True)),
    app=replace(DEFAULT.app, scopes=ALL_SCOPES),
)


@pytest.fixture(scope="module")
def wide() -> Any:
    with running(WIDE) as sandbox:
        yield sandbox


@pytest.fixture
def slack(wide: Running) -> Any:
    return client_of(wide)


def client_of(sandbox: Running) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


def test_people_who_may_not_act_are_marked(slack: Any) -> None:
    stranger = slack.users_info(user="U0STR")["user"]
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0OTHER")
    assert slack.users_info(user="U0ROB")["user"]["is_bot"]
    assert slack.users_info(user="U0GUS")["user"]["is_restricted"]
    assert slack.users_info(user="U0PAT")["user"]["is_admin"]
    assert slack.users_info(user="U0OUT")["user"]["deleted"]


def test_an_address_finds_who_is_still_here(slack: Any) -> None:
    assert slack.users_lookupByEmail(email="pat@acme.example")["user"]["id"] == "U0PAT"
    with pytest.raises(SlackApiError, match="users_not_found"):
        slack.users_lookupByEmail(email="out@acme.example")


def test_addresses_need_their_scope(client: Any) -> None:
    with pytest.raises(SlackApiError, match="missing_scope") as caught:
        client.users_lookupByEmail(email="pat@acme.example")
    assert caught.value.response["needed"] == "users:read.email"
    with running(replace(WIDE, app=DEFAULT.app)) as narrow:
        user = client_of(narrow).users_info(user="U0PAT")["user"]
        assert user
        assert "email" not in user["profile"]


def test_lists_come_in_pages(slack: Any) -> None:
    seen = [user["id"] for page in slack.users_list(limit=3) for user in page["members"]]
    assert seen == [*(person.id for person in WIDE.people), "U0BOT"]
    kinds = "public_channel,private_channel"
    named = [each["name"] for page in slack.conversations_list(types=kinds, limit=2) for each in page["channels"]]
    assert named == ["payments-approvals", "security", "general", "old", "shared", "org"]
    active = slack.conversations_list(exclude_archived=True)["channels"]
    assert [each["name"] for each in active] == ["general", "shared"]
    with pytest.raises(SlackApiError, match="missing_scope"):
        slack.conversations_list(types="im")


def test_shared_and_archived_channels_say_so(slack: Any, wide: Running) -> None:
    def told(channel: str) -> tuple[bool, bool, bool]:
        found = slack.conversations_info(channel=channel)["channel"]
        return found["is_archived"], found["is_ext_shared"], found["is_org_shared"]

    assert told("C0OLD") == (True, False, False)
    assert told("C0SHARED") == (False, True, False)
    assert told("C0ORG") == (False, False, True)
    wide.workspace().share("C0SEC")
    assert told("C0SEC") == (False, True, False)
    wide.workspace().unshare("C0SEC")


def test_groups_are_told_with_the_plan_that_has_them(slack: Any) -> None:
    [group] = slack.usergroups_list(include_users=True, include_count=True)["usergroups"]
    assert (group["handle"], group["users"][0], group["user_count"]) == ("payments-leads", "U0LEA", "4")
    assert len(slack.usergroups_list(include_disabled=True)["usergroups"]) == 2
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        slack.usergroups_users_list(usergroup="S0OLD")
    with running(replace(WIDE, paid=False)) as free, pytest.raises(SlackApiError, match="plan_upgrade_required"):
        client_of(free).usergroups_list()


def test_the_team_and_the_bot_are_known(slack: Any) -> None:
    assert slack.team_info()["team"]["id"] == "T0ACME"
    assert slack.bots_info(bot="B0BOT")["bot"]["app_id"] == "A0COUNTERSIGN"
    with pytest.raises(SlackApiError, match="bot_not_found"):
        slack.bots_info(bot="B0OTHER")
    with pytest.raises(SlackApiError, match="cannot_dm_bot"):
        slack.chat_postMessage(channel="U0ROB", text="x")


@pytest.mark.parametrize("everywhere", [True, False])
def test_on_grid_payloads_carry_the_organisation(everywhere: bool) -> None:
    grid: Cast = replace(DEFAULT, enterprise=Enterprise(org_install=everywhere))
    with running(grid) as sandbox, scripted(sandbox, app := Keeper()):
        client = client_of(sandbox)
        ann = sandbox.workspace().person("U0ANN")
        ann.command(PLACE, "/access")
        client.chat_postMessage(channel=PLACE, text="x", blocks=card())
        ann.click(ann.messages(PLACE)[0], "approve")
        assert client.auth_test()["is_enterprise_install"] is everywhere
        assert client.users_info(user="U0ANN")["user"]["enterprise_user"]["enterprise_id"] == "E0ACME"  # type: ignore[index] - it is there
    command, click = app.payloads
    assert command["enterprise_id"] == "E0ACME"
    assert command["is_enterprise_install"] == ("true" if everywhere else "false")
    assert click["enterprise"] == {"id": "E0ACME", "name": "Acme Group"}
    assert click["user"]["team_id"] == ("E0ACME" if everywhere else "T0ACME")
    assert (click["team"] is None) is everywhere


def test_a_person_of_a_grid_is_written_to_by_an_id_with_w() -> None:
    grid = replace(DEFAULT, enterprise=Enterprise(), people=(Person("W0ANN", "ann", "Ann"),))
    with running(grid) as sandbox:
        client = client_of(sandbox)
        assert client.chat_postMessage(channel="W0ANN", text="hello")["channel"] == "D0ANN"
        with pytest.raises(SlackApiError, match="channel_not_found"):
            client.chat_postMessage(channel="W0NOBODY", text="hello")
        [message] = sandbox.workspace().person("W0ANN").direct_messages()
    assert message.text == "hello"


def test_a_stranger_who_presses_is_named_as_one(wide: Running, slack: Any) -> None:
    slack.chat_postMessage(channel="C0SHARED", text="x", blocks=card())
    stranger = wide.workspace().person("U0STR")
    with scripted(wide, app := Keeper()):
        stranger.click(stranger.messages("C0SHARED")[-1], "approve")
    assert app.payloads[0]["user"]["team_id"] == "T0OTHER"


def test_threads_hang_on_messages_and_not_on_replies(sandbox: Running, client: Any) -> None:
    ann = sandbox.workspace().person("U0ANN")
    parent = str(client.chat_postMessage(channel=PLACE, text="parent")["ts"])
    quiet = str(client.chat_postMessage(channel=PLACE, text="quiet")["ts"])
    reply = str(client.chat_postMessage(channel=PLACE, text="reply", thread_ts=parent)["ts"])
    ann.say(PLACE, "mine", thread=parent)
    with pytest.raises(SlackApiError, match="thread_not_found"):
        client.chat_postMessage(channel=PLACE, text="x", thread_ts=reply)
    client.chat_postEphemeral(channel=PLACE, user="U0ANN", text="seen", thread_ts=parent)
    client.chat_postEphemeral(channel=PLACE, user="U0ANN", text="seen by nobody", thread_ts=quiet)
    assert [each.text for each in ann.messages(PLACE)] == ["parent", "quiet", "reply", "mine", "seen"]
    assert ann.messages(PLACE)[0].raw["reply_count"] == 3


def test_an_own_message_can_be_taken_away_and_changed_for_a_while(sandbox: Running) -> None:
    with running(replace(DEFAULT, edit_window_seconds=60)) as windowed:
        client: Any = client_of(windowed)
        ann = windowed.workspace().person("U0ANN")
        said = ann.say(PLACE, "hers")
        own = str(client.chat_postMessage(channel=PLACE, text="own")["ts"])
        with pytest.raises(SlackApiError, match="cant_delete_message"):
            client.chat_delete(channel=PLACE, ts=said)
        windowed.workspace().move_clock(61)
        with pytest.raises(SlackApiError, match="edit_window_closed"):
            client.chat_update(channel=PLACE, ts=own, text="x")
        client.chat_delete(channel=PLACE, ts=own)
        assert [each.text for each in ann.messages(PLACE)] == ["hers"]


def test_blocks_are_validated_for_anybody(sandbox: Running) -> None:
    anybody: Any = WebClient(base_url=sandbox.api_url)
    assert anybody.api_call("blocks.validate", json={"blocks": card()})["ok"]
    with pytest.raises(SlackApiError, match="invalid_blocks") as caught:
        anybody.api_call("blocks.validate", json={"view": {"type": "home", "blocks": [{"type": "alert"}]}})
    [error] = caught.value.response["errors"]
    assert error["pointer"] == "/view/blocks/0/type"
    assert sandbox.workspace().violations() == []


def test_what_the_manifest_does_not_declare_is_not_there(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text(
        """
        features:
          bot_user: {display_name: Doors}
          app_home: {home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: true}
          slash_commands: [{command: /door, description: Opens}]
          shortcuts: [{name: Ask, type: global, callback_id: ask, description: Asks}]
        oauth_config: {scopes: {bot: [commands]}}
        settings: {event_subscriptions: {bot_events: [app_home_opened]}}
        """
    )
    app = app_of(manifest)
    assert (app.name, app.scopes, app.events) == ("Doors", ("commands",), ("app_home_opened",))
    assert [each.callback_id for each in app.shortcuts] == ["ask"]
    assert (app.home_tab, app.messages_tab, app.messages_read_only) == (True, True, True)
    manifest.write_text(manifest.read_text().replace("global", "message"))
    with pytest.raises(ValueError, match="'Ask' is on messages"):
        app_of(manifest)
    manifest.write_text("{features: {bot_user: {display_name: X}}, oauth_config: {scopes: {bot: []}}, settings: {}}")
    assert (app_of(manifest).home_tab, app_of(manifest).events) == (False, ())
