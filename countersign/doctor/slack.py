"""Slack: the tokens, the scopes against the manifest, the channels of the policy, and Slack's clock."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import yaml
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.errors import Unready
from access.ports import Finding
from bot.channels import channels_of, check_channels
from countersign.doctor.clocks import compare
from countersign.doctor.surroundings import Surroundings, error, not_looked_at, ok, warning
from countersign.manifest import manifest_file

_SECONDS = 8
_GRAIN = timedelta(seconds=1)
"""An HTTP date has no fractions."""
_BOT_CURE = "Copy the Bot User OAuth Token (xoxb-…) from “OAuth & Permissions” of the app into SLACK_BOT_TOKEN."
_APP_CURE = (
    "Make an app-level token (xapp-…) with connections:write under “Basic Information” of the app, put it into "
    "SLACK_APP_TOKEN, and see that Socket Mode is on."
)


def look(here: Surroundings) -> Iterator[Finding]:
    token = here.settings.slack_bot_token
    if token is None:
        yield error("bot token", "SLACK_BOT_TOKEN is not set.", _BOT_CURE)
        yield from _door(here)
        return
    client = WebClient(token.get_secret_value(), here.settings.slack_api_url, timeout=_SECONDS, retry_handlers=[])
    before = here.host()
    try:
        answer = client.auth_test()
    except SlackApiError as refusal:
        yield error("bot token", f"Slack does not accept SLACK_BOT_TOKEN ({_name(refusal)}).", _BOT_CURE)
        yield from _door(here)
        return
    except OSError as fault:
        sentence = f"Slack cannot be reached at {here.settings.slack_api_url} ({type(fault).__name__})."
        yield error(
            "reachable", sentence, "Let this host reach slack.com by HTTPS, through your proxy if there is one."
        )
        return
    after, headers = here.host(), {name.lower(): value for name, value in answer.headers.items()}
    yield ok("bot token", f"It is {answer['user']}'s in {answer['team']} ({answer['team_id']}).")
    if answer.get("is_enterprise_install"):
        cure = "Remove it from the organisation and install it to the one workspace of the policy."
        yield error("workspace", "The app is installed for a whole Enterprise Grid organisation.", cure)
    else:
        yield from _workspace(here, str(answer["team_id"]))
    yield from _scopes(headers)
    yield from _door(here)
    yield from _channels(here, token.get_secret_value())
    if "date" in headers:
        yield compare("Slack's", parsedate_to_datetime(headers["date"]), before, after, grain=_GRAIN)


def _workspace(here: Surroundings, team: str) -> Iterator[Finding]:
    if here.policy is not None and here.policy.slack_team != team:
        sentence = f"The policy is for the workspace {here.policy.slack_team}, the bot is in {team}: it answers no one."
        yield error("workspace", sentence, "Correct `slack_team` in the policy, or take the token of the other one.")


def _scopes(headers: Mapping[str, str]) -> Iterator[Finding]:
    held = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")} - {""}
    wanted = set(yaml.safe_load(manifest_file().read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])
    missing, surplus = sorted(wanted - held), sorted(held - wanted)
    if missing:
        cure = "Paste manifest.yml into “App Manifest” of the app, then install it to the workspace again."
        yield error("scopes", f"The bot lacks {', '.join(missing)}.", cure)
    if surplus:
        cure = "Take them out of “App Manifest”, remove the app from the workspace and install it again."
        yield warning("scopes", f"The bot holds more than it needs: {', '.join(surplus)}.", cure)
    if not missing and not surplus:
        yield ok("scopes", "Just those of the manifest.")


def _door(here: Surroundings) -> Iterator[Finding]:
    """How Slack reaches the bot: by Socket Mode, or by HTTP where there is a signing secret."""
    settings = here.settings
    try:
        if settings.answers_by_http():
            yield ok("signing secret", "It is set; whether it is this app's shows with Slack's first request.")
            return
    except Unready as unready:
        yield error("app token", unready.sentence, "Take one of the two out of the environment.")
        return
    if settings.slack_app_token is None:
        yield error("app token", "SLACK_APP_TOKEN is not set.", _APP_CURE)
        return
    client = WebClient(base_url=settings.slack_api_url, timeout=_SECONDS, retry_handlers=[])
    try:
        # The link is not followed, so this is not one of the ten connections an app may have.
        client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as refusal:
        yield error("app token", f"Slack does not accept SLACK_APP_TOKEN ({_name(refusal)}).", _APP_CURE)
    except OSError as fault:
        sentence = f"Slack cannot be reached at {settings.slack_api_url} ({type(fault).__name__})."
        yield error(
            "app token", sentence, "Let this host reach slack.com by HTTPS, through your proxy if there is one."
        )
    else:
        yield ok("app token", "It opens Socket Mode.")


def _channels(here: Surroundings, token: str) -> Iterator[Finding]:
    if here.policy is None:
        yield not_looked_at("channels", "the policy")
        return
    client = AsyncWebClient(token, here.settings.slack_api_url, timeout=_SECONDS)
    troubles = {one.channel: one for one in asyncio.run(check_channels(client, here.policy))}
    for channel in channels_of(here.policy):
        trouble = troubles.get(channel)
        if trouble is None:
            yield ok(f"channel {channel}", "The bot is in it, and only your own people read there.")
        else:
            yield error(f"channel {channel}", trouble.sentence, trouble.cure)


def _name(refusal: SlackApiError) -> str:
    response: Any = refusal.response
    return str(response.get("error") or "no word of Slack's")
