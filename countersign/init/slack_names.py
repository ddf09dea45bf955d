"""Slack's own names for the ids that are typed, as far as the bot's token lets us ask."""

import asyncio
from http.client import HTTPException
from typing import Any

from aiohttp import ClientError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from access.catalog import Policy
from access.words import clean
from bot.channels import check_channels
from countersign.init.questions import CASTS, people_of

_SECONDS = 5
_LONGEST = 80
_QUOTES = str.maketrans("“”", "''")
_NOT_A_TOKEN = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type",
}  # fmt: skip
_SILENT_ERRORS = (OSError, HTTPException, SlackClientError)
_SILENT = "Slack cannot be asked from here just now, so no name is said beside an id."


class SlackNames:
    """Says who and what an id is. Nothing is decided by it: where Slack is silent, ids are taken as they are typed."""

    def __init__(self, api_url: str) -> None:
        self.team = ""
        """The id of the token's workspace; empty while there is no token."""
        self._api_url = api_url
        self._client: WebClient | None = None

    def about(self, key: str, answer: str) -> list[str]:
        """Sentences. Raises ValueError with the reason when Slack says that the answer cannot be right."""
        if key == "bot_token":
            return self._open(answer)
        if self._client is None:
            return []
        try:
            return self._looked_up(self._client, key, answer)
        except _SILENT_ERRORS:
            self._client = None
            return [_SILENT]

    def troubles(self, policy: Policy) -> list[str]:
        """Why the bot cannot post in the policy's channels; nothing where it can, or where Slack is silent."""
        if self._client is None:
            return []
        try:
            client = AsyncWebClient(self._client.token, self._api_url, timeout=_SECONDS)
            return [str(trouble) for trouble in asyncio.run(check_channels(client, policy))]
        except (OSError, ClientError, TimeoutError):
            return [_SILENT]

    def _open(self, token: str) -> list[str]:
        if not token:
            return []
        client = WebClient(token, self._api_url, timeout=_SECONDS, retry_handlers=[])
        try:
            answer = client.auth_test()
        except _SILENT_ERRORS as error:
            if _word(error) in _NOT_A_TOKEN:
                raise ValueError(f"Slack does not accept it ({_word(error)}); copy it again, or leave it out") from None
            return [_SILENT]
        self._client = client
        if answer.get("is_enterprise_install"):
            return ["The app is installed for a whole organisation; install it to one workspace."]
        self.team = str(answer["team_id"])
        return [f"The bot is {_shown(answer['user'])} in {_shown(answer['team'])} ({self.team})."]

    def _looked_up(self, client: WebClient, key: str, answer: str) -> list[str]:
        if key == "team" and self.team and answer != self.team:
            raise ValueError(f"the bot's token is for {self.team}")
        if key in CASTS:
            return [_person(client, name, slack) for name, slack in people_of(answer).items()]
        if key in ("approval_channel", "security_channel"):
            return [_channel(client, answer)]
        return []


def _person(client: WebClient, name: str, slack: str) -> str:
    try:
        user: dict[str, Any] = client.users_info(user=slack)["user"] or {}
    except SlackApiError as error:
        if _word(error) == "user_not_found":
            raise ValueError(f"Slack knows no account {slack} in this workspace") from None
        return f"Slack does not say who {slack} is ({_word(error)})."
    called = user.get("real_name") or (user.get("profile") or {}).get("real_name")
    return f"{name}={slack} is {_shown(called)} in Slack{_barred(user)}."


def _barred(user: dict[str, Any]) -> str:
    """Whom the bot will not answer; bot/directory.py says the same of who asks."""
    if user.get("deleted"):
        return ", whose account is deactivated"
    if user.get("is_bot"):
        return ", which is an app"
    if user.get("is_stranger"):
        return ", who is of another company: the bot answers full members only"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return ", who is a guest: the bot answers full members only"
    return ""


def _channel(client: WebClient, channel: str) -> str:
    try:
        found: dict[str, Any] = client.conversations_info(channel=channel)["channel"] or {}
    except SlackApiError as error:
        if _word(error) == "channel_not_found":
            return f"Slack shows the bot no channel {channel}: the id is wrong, or the bot must be invited there first."
        return f"Slack does not say what {channel} is ({_word(error)})."
    kind = "a private channel" if found.get("is_private") else "a public channel"
    return f"{channel} is {_shown(found.get('name'))}, {kind}."


def _shown(name: object) -> str:
    """People choose their own names: in quotes, on one line, and without what a terminal would obey."""
    cleaned = " ".join(clean(str(name or "?")).text.split())
    return f"“{cleaned.translate(_QUOTES)[:_LONGEST]}”"


def _word(error: Exception) -> str:
    """Slack's own, where it said one."""
    response: Any = getattr(error, "response", None)
    return str((response or {}).get("error") or "no reason given")
