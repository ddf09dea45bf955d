"""A person touches an element on a message or in a modal: a button, a menu, a select that asks the app."""

from dataclasses import dataclass
from typing import Any

from sandbox.acting import about, acting, channel_of, message_of, top_view
from sandbox.blocks import INITIAL, Block, Element, placed_elements
from sandbox.chat import message_object
from sandbox.errors import NotPossible, Trouble
from sandbox.fields import entry, fill, option
from sandbox.modals import View
from sandbox.parts import Parts
from sandbox.state import Channel, Member, Message
from sandbox.validator import suggestion_problems


@dataclass(frozen=True)
class Surface:
    """Where the element stands: on a message in a channel, in the view on top, or on the Home tab."""

    person: Member
    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None
    is_home: bool = False

    @property
    def id(self) -> str:
        """The view's id, or the message's timestamp."""
        return self.view.id if self.view else self.message.ts if self.message else ""

    @property
    def blocks(self) -> list[Block]:
        """What is drawn there."""
        return self.view.body["blocks"] if self.view else self.message.blocks if self.message else []


def surface(parts: Parts, request: dict[str, Any]) -> Surface:
    """The surface a request names by `view`, or by `channel` and `ts`, as this person sees it."""
    person = acting(parts, request["as"])
    home = parts.homes.of(person.id)
    if home and home.id == request.get("view"):
        return Surface(person, view=home, is_home=True)
    if request.get("view"):
        return Surface(person, view=top_view(parts, person, request["view"]))
    channel = channel_of(parts, person, request["channel"])
    return Surface(person, channel, message_of(person, channel, request["ts"]))


async def act(parts: Parts, request: dict[str, Any]) -> dict[str, Any]:
    """Presses a button or chooses a value; `error` has Slack's word when the app did not answer.

    The request: `as`, `view` or `channel` + `ts`, `action_id`, `block_id` when the action id is not enough, `value`,
    and `values`, what else stands in the fields around it.
    """
    where = surface(parts, request)
    value = request.get("value")
    block, element = _find(where, request["action_id"], request.get("block_id"), value)
    state = _state(parts, where, request.get("values") or {})
    action: dict[str, Any] = {"type": element["type"], "block_id": block["block_id"]}
    action |= {"action_id": element["action_id"], "action_ts": parts.team.next_ts()}
    offered = offered_to(parts, where)(block["block_id"], element["action_id"])
    action |= _done(element, value, offered)
    if element["type"] in INITIAL:
        state[block["block_id"]][element["action_id"]] = entry(element, value, offered)
    if where.view:
        where.view.state = state
    if block["type"] == "input" and not block.get("dispatch_action"):
        return {}
    try:
        await parts.delivery.send("interactive", _payload(parts, where, action, state))
    except Trouble as trouble:
        return {"error": trouble.name, "text": str(trouble)}
    return {}


async def suggest(parts: Parts, request: dict[str, Any]) -> dict[str, Any]:
    """Asks the app for the options of an external select; the request is as for `act`, `value` the typed text."""
    where = surface(parts, request)
    text = request.get("value") or ""
    block, element = _find(where, request["action_id"], request.get("block_id"), None)
    if element["type"] not in ("external_select", "multi_external_select"):
        raise NotPossible(f"a {element['type']} asks nobody for its options")
    least = element.get("min_query_length", 3)
    if len(text) < least:
        raise NotPossible(f"at least {least} characters must be typed here")
    if where.view:
        where.view.state = _state(parts, where, request.get("values") or {})
    payload = about(parts, where.person, "block_suggestion")
    payload |= {"action_id": element["action_id"], "block_id": block["block_id"], "value": text}
    payload |= _place(parts, where)
    answer = await parts.delivery.send("interactive", payload)
    groups = _groups(parts, answer)
    offered = parts.offered.setdefault((where.person.id, where.id, block["block_id"], element["action_id"]), {})
    offered.update({found["value"]: found for group in groups for found in group["options"]})
    return {"groups": groups}


def offered_to(parts: Parts, where: Surface) -> Any:
    """Gives for a block id and an action id the options that were offered to this person there."""
    return lambda block_id, action_id: parts.offered.get((where.person.id, where.id, block_id, action_id), {})


def _groups(parts: Parts, answer: Any) -> list[dict[str, Any]]:
    wrong = suggestion_problems(answer)
    if wrong:
        parts.violation("block_suggestion", "invalid_options", [str(problem) for problem in wrong])
        raise Trouble("invalid_options", "Results could not be loaded. Try again?")
    return answer.get("option_groups") or [{"label": None, "options": answer["options"]}]


def _find(where: Surface, action_id: str, block_id: str | None, value: Any) -> tuple[Block, Element]:
    placed = list(placed_elements(where.blocks))
    found = [
        (block, element)
        for block, element in placed
        if element["action_id"] == action_id
        and block_id in (None, block["block_id"])
        and (element["type"] != "button" or value in (None, element.get("value")))
    ]
    if not found:
        there = ", ".join(element["action_id"] for _, element in placed) or "nothing to press"
        raise NotPossible(f"{where.person.real_name} sees no {action_id!r} there; there is {there}")
    if len(found) > 1:
        raise NotPossible(f"{action_id!r} is there {len(found)} times: say which by its block id or value")
    return found[0]


def _state(parts: Parts, where: Surface, values: dict[str, Any]) -> dict[str, Any]:
    return fill(where.blocks, where.view.state if where.view else {}, values, offered_to(parts, where))


def _done(element: Element, value: Any, offered: dict[str, Any]) -> dict[str, Any]:
    if element["type"] == "button":
        return {key: element[key] for key in ("text", "value", "style") if key in element}
    if element["type"] in ("icon_button", "workflow_button", "feedback_buttons"):
        raise NotPossible(f"this sandbox can check a {element['type']}, not press it")
    if element["type"] == "overflow":
        return {"selected_option": option(element, value, offered)}
    key = INITIAL[element["type"]][1]
    return {key: entry(element, value, offered)[key]}


def _payload(parts: Parts, where: Surface, action: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    payload = about(parts, where.person, "block_actions")
    payload |= {"trigger_id": parts.modals.new_trigger(where.person.id, _modal_id(where))}
    payload |= _place(parts, where)
    if where.channel and where.message:
        payload["response_url"] = parts.response_urls.give(where.channel.id, where.person.id, where.message.ts)
        payload["state"] = {"values": state}
    return payload | {"actions": [action]}


def _modal_id(where: Surface) -> str | None:
    return where.view.id if where.view and not where.is_home else None


def _place(parts: Parts, where: Surface) -> dict[str, Any]:
    if where.view:
        return {"container": {"type": "view", "view_id": where.view.id}, "view": parts.modals.payload(where.view)}
    assert where.channel
    assert where.message
    ephemeral = where.message.only_for is not None
    container: dict[str, Any] = {"type": "message", "message_ts": where.message.ts, "channel_id": where.channel.id}
    container["is_ephemeral"] = ephemeral
    name = "directmessage" if where.channel.with_person else where.channel.name
    place: dict[str, Any] = {"container": container, "channel": {"id": where.channel.id, "name": name}}
    if not ephemeral:
        place["message"] = message_object(parts, where.message)
    return place
