"""People at the bot's listeners: payloads as Slack sends them, straight into Bolt."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import ids
from bot.app import build_app
from tests.bot.slack import TEAM, FakeSlack
from tests.cast import APPROVALS
from tests.world import World

Body = dict[str, Any]


@dataclass
class Desk:
    app: AsyncApp
    slack: FakeSlack
    world: World
    _triggers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    @contextmanager
    def manned(cls, world: World, slack: FakeSlack) -> Iterator["Desk"]:
        with ThreadPoolExecutor(4) as executor:
            app = build_app(world.core, client=AsyncWebClient("xoxb-test"), executor=executor)
            yield cls(app, slack, world)

    def send(self, *bodies: Body) -> Any:
        """Dispatches payloads, the listeners run to their end; the last one's ack as JSON, or the status."""
        return asyncio.run(self._send(bodies))

    async def _send(self, bodies: tuple[Body, ...]) -> Any:
        requests = [AsyncBoltRequest(body=body, mode="socket_mode") for body in bodies]
        answers = await asyncio.gather(*(self.app.async_dispatch(request) for request in requests))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        if answers[-1].status != 200:
            return answers[-1].status
        return json.loads(answers[-1].body) if answers[-1].body else None

    def command(self, user: str, text: str = "") -> Any:
        return self.send(self.command_body(user, text))

    def press(self, user: str, action: str, value: str) -> Any:
        return self.send(self.press_body(user, action, value))

    def submit(self, user: str, view: Body, **typed: str) -> Any:
        return self.send(self.submit_body(user, view, **typed))

    def choose(self, user: str, view: Body, entitlement: str, **typed: str) -> Any:
        return self.send(self.choose_body(user, view, entitlement, **typed))

    def suggest(self, user: str, typed: str) -> Any:
        return self.send(self.suggest_body(user, typed))

    def command_body(self, user: str, text: str = "") -> Body:
        return {
            "command": "/access",
            "text": text,
            "team_id": TEAM,
            "team_domain": "acme",
            "channel_id": "C0GENERAL",
            "user_id": user,
            "user_name": "somebody",
            "is_enterprise_install": "false",
            "response_url": "https://hooks.example/commands/1",
            "trigger_id": self._trigger(),
        }

    def press_body(self, user: str, action: str, value: str) -> Body:
        return self._interaction("block_actions", user) | {
            "container": {"type": "message", "message_ts": "17.01", "channel_id": APPROVALS, "is_ephemeral": False},
            "channel": {"id": APPROVALS, "name": "payments-approvals"},
            "message": {"ts": "17.01", "blocks": []},
            "response_url": "https://hooks.example/actions/1",
            "actions": [{"type": "button", "block_id": "b", "action_id": action, "value": value, "action_ts": "1"}],
        }

    def open_home(self, user: str, tab: str = "home") -> Any:
        return self.send(self.home_body(user, tab))

    def press_home(self, user: str, action: str, value: str) -> Any:
        return self.send(self.press_home_body(user, action, value))

    def home_body(self, user: str, tab: str = "home") -> Body:
        event = {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": tab, "event_ts": "1.0"}
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A0",
            "event": event,
            "event_id": f"Ev{self._trigger()}",
            "event_time": 1,
            "is_ext_shared_channel": False,
        }

    def write(self, user: str, text: str = "hello", **event: Any) -> Any:
        return self.send(self.message_body(user, text, **event))

    def message_body(self, by: str, text: str, **event: Any) -> Body:
        """A person writes to the bot in their direct messages."""
        said = {"type": "message", "user": by, "text": text, "ts": "18.01", "channel": f"D{by[1:]}"}
        return self.home_body(by) | {"event": said | {"channel_type": "im", "event_ts": "18.01"} | event}

    def press_home_body(self, user: str, action: str, value: str) -> Body:
        """As on a message, but there is no place to answer to."""
        view = {"type": "home", "id": "V1", "hash": "1", "team_id": TEAM, "blocks": [], "state": {"values": {}}}
        return self._interaction("block_actions", user) | {
            "container": {"type": "view", "view_id": "V1"},
            "view": view,
            "actions": [{"type": "button", "block_id": "b", "action_id": action, "value": value, "action_ts": "1"}],
        }

    def submit_body(self, user: str, view: Body, **typed: str) -> Body:
        return self._interaction("view_submission", user) | {"view": self._filled(view, typed)}

    def choose_body(self, user: str, view: Body, entitlement: str, **typed: str) -> Body:
        action = {"type": "static_select", "block_id": ids.ENTITLEMENT, "action_id": ids.CHOOSE, "action_ts": "1"}
        return self._interaction("block_actions", user) | {
            "container": {"type": "view", "view_id": "V1"},
            "view": self._filled(view, {ids.ENTITLEMENT: entitlement} | typed),
            "actions": [action | {"selected_option": {"value": entitlement}}],
        }

    def suggest_body(self, user: str, typed: str) -> Body:
        body = self._interaction("block_suggestion", user)
        del body["trigger_id"]
        return body | {"action_id": ids.CHOOSE, "block_id": ids.ENTITLEMENT, "value": typed, "view": {"id": "V1"}}

    def _interaction(self, kind: str, user: str) -> Body:
        return {
            "type": kind,
            "team": {"id": TEAM, "domain": "acme"},
            "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": TEAM},
            "api_app_id": "A0",
            "trigger_id": self._trigger(),
            "is_enterprise_install": False,
            "enterprise": None,
        }

    def _filled(self, view: Body, typed: dict[str, str]) -> Body:
        values = {}
        for block in view["blocks"]:
            if block["type"] != "input":
                continue
            kind, said = block["element"]["type"], typed.get(block["block_id"])
            held = {"value": said} if kind == "plain_text_input" else {"selected_option": said and {"value": said}}
            if kind == "datetimepicker":
                held = {"selected_date_time": int(said) if said else None}
            if kind == "checkboxes" or kind.startswith("multi_"):
                held = {"selected_options": [{"value": one} for one in (said or "").split(",") if one]}
            if kind == "users_select":
                held = {"selected_user": said}
            values[block["block_id"]] = {block["element"]["action_id"]: {"type": kind} | held}
        blocks = [{"block_id": f"b{number}"} | block for number, block in enumerate(view["blocks"])]
        return view | {"blocks": blocks, "id": "V1", "hash": "1", "team_id": TEAM, "state": {"values": values}}

    def _trigger(self) -> str:
        return f"trigger.{next(self._triggers)}"
