"""The Events API: envelopes with an id of their own, sent at least once and again when nobody took them."""

import asyncio
from typing import Any

from sandbox.carrier import Retry
from sandbox.delivery import Delivery
from sandbox.errors import Trouble
from sandbox.facts import limit
from sandbox.http_push import PushTrouble
from sandbox.state import Team, new_id

MESSAGES = {"im": "message.im", "channel": "message.channels", "group": "message.groups"}
"""What messages are subscribed to as, by the type of conversation that they stand in."""


class Events:
    """Everything the app subscribed to. Events are sent in the background and never awaited by whom they are about."""

    def __init__(self, team: Team, delivery: Delivery) -> None:
        self._team = team
        self._delivery = delivery
        self._sending: set[asyncio.Task[None]] = set()

    def emit(self, kind: str, **event: Any) -> None:
        """Sends one event, if the app subscribed to its kind; a `message` by the kind of its conversation."""
        subscription = MESSAGES[event["channel_type"]] if kind == "message" else kind
        if subscription not in self._team.app.events:
            return
        task = asyncio.get_running_loop().create_task(self._send(self._envelope({"type": kind, **event})))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Gives up what is still to be sent again."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send(self, envelope: dict[str, Any]) -> None:
        waits = (0, limit("event.retry_1"), limit("event.retry_2"), limit("event.retry_3"))
        retry: Retry | None = None
        sent_at = self._team.now()
        for number, wait in enumerate(waits):
            await self._team.until(sent_at + wait)
            sent_at = self._team.now()
            try:
                await self._delivery.send("events_api", envelope, retry)
                return
            except PushTrouble as trouble:
                if trouble.no_retry:
                    return
                retry = Retry(number + 1, trouble.reason)
            except Trouble:
                retry = Retry(number + 1, "timeout")

    def _envelope(self, event: dict[str, Any]) -> dict[str, Any]:
        cast, app = self._team.cast, self._team.app
        enterprise = cast.enterprise.id if cast.enterprise else None
        return {
            "token": "sandbox",
            "team_id": cast.team_id,
            "context_team_id": cast.team_id,
            "context_enterprise_id": enterprise,
            "enterprise_id": enterprise,
            "api_app_id": app.id,
            "event": event | {"event_ts": self._team.next_ts()},
            "type": "event_callback",
            "event_id": new_id("Ev"),
            "event_time": int(self._team.now()),
            "authorizations": [
                {
                    "enterprise_id": enterprise,
                    "team_id": cast.team_id,
                    "user_id": app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": bool(cast.enterprise and cast.enterprise.org_install),
                }
            ],
            "is_ext_shared_channel": False,
        }
