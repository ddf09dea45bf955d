"""Reads what Slack sends: only ids and what was typed into our own fields."""

import json
from datetime import UTC, datetime
from typing import Any

from access.ids import SlackUser
from access.requests.remind import Place


def pressed(body: dict[str, Any]) -> str:
    """The value of the button that was pressed: an id of ours."""
    return str(body["actions"][0].get("value") or "")


def place(body: dict[str, Any]) -> Place:
    """Where the message with the pressed button stands."""
    container = body["container"]
    return Place(channel=str(container["channel_id"]), ts=str(container["message_ts"]))


def typed(view: dict[str, Any], block: str) -> str:
    """What stands in a text field of a modal; an untouched one is empty."""
    (element,) = view["state"]["values"][block].values()
    return str(element.get("value") or "")


def chosen(view: dict[str, Any], block: str) -> str:
    """The value of the option that is selected in a modal; none is empty."""
    (element,) = view["state"]["values"].get(block, {"": {}}).values()
    return str((element.get("selected_option") or {}).get("value") or "")


def all_chosen(view: dict[str, Any], *blocks: str) -> list[str]:
    """The values of all options that are selected in these menus of a modal, in their order."""
    found: list[str] = []
    for block in blocks:
        (element,) = view["state"]["values"].get(block, {"": {}}).values()
        options = element.get("selected_options") or [element.get("selected_option") or {}]
        found += [str(one["value"]) for one in options if one.get("value")]
    return found


def chosen_person(view: dict[str, Any], block: str) -> SlackUser | None:
    """The account that is selected in a modal; None where there is none, or no such field."""
    (element,) = view["state"]["values"].get(block, {"": {}}).values()
    account = element.get("selected_user")
    return SlackUser(str(account)) if account else None


def picked(view: dict[str, Any], block: str) -> datetime | None:
    """The moment that is chosen in a modal, in UTC."""
    (element,) = view["state"]["values"].get(block, {"": {}}).values()
    chosen = element.get("selected_date_time")
    return datetime.fromtimestamp(int(chosen), UTC) if chosen else None


def pack(button: str, card: Place) -> str:
    """For a modal's private metadata: which button was pressed, and where it stands."""
    return json.dumps({"button": button, "channel": card.channel, "ts": card.ts})


def unpack(view: dict[str, Any]) -> tuple[str, Place]:
    kept = json.loads(view["private_metadata"])
    return str(kept["button"]), Place(channel=str(kept["channel"]), ts=str(kept["ts"]))
