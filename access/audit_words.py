"""What older versions wrote in the log, read in the words of now: an event that is written keeps its own for ever."""

import json
from collections.abc import Mapping
from typing import Any

from access.audit import Event

ACTIONS: Mapping[str, str] = {
    "notice.told": "message.delivered",
    "notice.moved": "message.moved",
    "notice.given_up": "message.given_up",
}
DETAILS: Mapping[str, str] = {"continues": "supersedes_grant_id"}


def read_event(entry: str) -> Event:
    """From the canonical JSON of a row of the log."""
    said: dict[str, Any] = json.loads(entry)
    return Event(
        action=ACTIONS.get(said["action"], said["action"]), actor=said["actor"], object_id=said["object"],
        outcome=said["outcome"], details={DETAILS.get(name, name): value for name, value in said["details"].items()},
    )  # fmt: skip
