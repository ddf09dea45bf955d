"""A Slack that remembers: answers what the bot calls, keeps what it was told, and says what it would refuse."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook import WebhookResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.block_kit import HOME, MODAL
from sandbox.validator import message_problems, view_problems

TEAM = "T0ACME"


@dataclass
class FakeSlack:
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    """What went to response URLs."""
    failing: dict[str, str | Exception] = field(default_factory=dict)
    """By method: Slack's error, or what happens on the wire."""
    _ids: Iterator[int] = field(default_factory=itertools.count)
    _used: set[str] = field(default_factory=set)

    def join(self, user: str, **profile: Any) -> None:
        self.people[user] = {"id": user, "team_id": TEAM, "tz": "Europe/Amsterdam"} | profile

    def install(self, patch: pytest.MonkeyPatch) -> None:
        async def api_call(_: AsyncWebClient, api_method: str, **given: Any) -> AsyncSlackResponse:
            arguments = (given.get("params") or {}) | (given.get("json") or {}) | (given.get("data") or {})
            return self._response(api_method, self._answer(api_method, arguments))

        async def send_dict(client: AsyncWebhookClient, body: dict[str, Any], **_: Any) -> WebhookResponse:
            failure = self.failing.get("response_url")
            if isinstance(failure, Exception):
                raise failure
            assert message_problems(body.get("blocks", [])) == []
            self.said.append(body)
            return WebhookResponse(url=client.url, status_code=200, body="ok", headers={})

        patch.setattr(AsyncWebClient, "api_call", api_call)
        patch.setattr(AsyncWebhookClient, "send_dict", send_dict)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    @property
    def view(self) -> dict[str, Any]:
        """The modal as it was last opened or updated."""
        (*_, last) = (arguments["view"] for name, arguments in self.calls if name in ("views.open", "views.update"))
        return last

    @property
    def home(self) -> dict[str, Any]:
        """The Home tab as it was last published."""
        (*_, last) = (arguments["view"] for name, arguments in self.calls if name == "views.publish")
        return last

    @property
    def whispers(self) -> list[str]:
        """All that was said to one person only, as plain text."""
        assert all(one["response_type"] == "ephemeral" and not one["replace_original"] for one in self.said)
        return [words(one["blocks"]) for one in self.said]

    def _answer(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((method, arguments))
        failure = self.failing.get(method)
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return {"ok": False, "error": failure}
        match method:
            case "auth.test":
                return {"ok": True, "team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT"}
            case "users.info":
                person = self.people.get(arguments["user"])
                return {"ok": True, "user": person} if person else {"ok": False, "error": "user_not_found"}
            case "chat.getPermalink":
                stands = f"{arguments['channel']}/p{arguments['message_ts'].replace('.', '')}"
                return {"ok": True, "permalink": f"https://acme.slack.com/archives/{stands}"}
            case "chat.postMessage":
                assert message_problems(arguments["blocks"]) == []
                return {"ok": True, "channel": arguments["channel"], "ts": "19.01"}
            case "views.open" | "views.update" | "views.publish":
                return self._view(method, arguments)
            case _:
                raise AssertionError(f"the bot called {method}, which it has no business with")

    def _view(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert view_problems(arguments["view"], HOME if method == "views.publish" else MODAL) == []
        if method == "views.open":
            if arguments["trigger_id"] in self._used:
                return {"ok": False, "error": "exchanged_trigger_id"}
            self._used.add(arguments["trigger_id"])
            return {"ok": True, "view": arguments["view"] | {"id": f"V{next(self._ids)}", "hash": "1"}}
        if method == "views.publish" and arguments["user_id"] not in self.people:
            return {"ok": False, "error": "user_not_found"}
        return {"ok": True, "view": arguments["view"] | {"id": arguments.get("view_id", "V0"), "hash": "2"}}

    @staticmethod
    def _response(method: str, answer: dict[str, Any]) -> AsyncSlackResponse:
        response = AsyncSlackResponse(
            client=None, http_verb="POST", api_url=method, req_args={}, data=answer, headers={}, status_code=200
        )
        if not answer["ok"]:
            raise SlackApiError("The request to the Slack API failed.", response)
        return response


def words(blocks: Any) -> str:
    """All that a person can read, in order."""
    if isinstance(blocks, list):
        return "\n".join(filter(None, (words(one) for one in blocks)))
    if not isinstance(blocks, dict):
        return ""
    if isinstance(blocks.get("text"), str):
        return blocks["text"]
    return "\n".join(filter(None, (words(one) for key, one in blocks.items() if key != "accessibility_label")))
