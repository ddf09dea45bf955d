"""A person submits or closes a modal, and what the app's answer does to it."""

from typing import Any

from sandbox.acting import about, acting, top_view
from sandbox.blocks import INITIAL, input_block_ids, placed_elements
from sandbox.clicks import Surface, offered_to
from sandbox.errors import TROUBLE_CONNECTING, NotPossible, SlackError, Trouble
from sandbox.fields import fill, missing
from sandbox.modals import View
from sandbox.parts import Parts
from sandbox.state import Member
from sandbox.validator import check_view


async def submit(parts: Parts, request: dict[str, Any]) -> dict[str, Any]:
    """Sends the form on top; gives `errors` by block id, or `error` with Slack's word when the answer was no good.

    The request: `as`, `values` as `{block_id: value or {action_id: value}}`, and `view` when it must be that one.
    """
    person = acting(parts, request["as"])
    view = top_view(parts, person, request.get("view"))
    if not view.body.get("submit"):
        raise NotPossible("this modal has no submit button")
    blocks = view.body["blocks"]
    where = Surface(person, view=view)
    view.state = fill(blocks, view.state, request.get("values") or {}, offered_to(parts, where))
    wrong = missing(blocks, view.state)
    if wrong:
        raise NotPossible(f"required and empty: {', '.join(wrong)}", wrong)
    payload = about(parts, person, "view_submission")
    payload |= {"trigger_id": parts.modals.new_trigger(person.id, view.id)}
    payload |= {"view": parts.modals.payload(view), "response_urls": _response_urls(parts, view)}
    try:
        answer = await parts.delivery.send("interactive", payload)
    except Trouble as trouble:
        return {"error": trouble.name, "text": TROUBLE_CONNECTING}
    try:
        return _apply(parts, view, answer)
    except SlackError as error:
        said = error.extra.get("response_metadata", {}).get("messages", [])
        parts.violation("view_submission", error.name, said)
        return {"error": error.name, "text": TROUBLE_CONNECTING}


async def close(parts: Parts, request: dict[str, Any]) -> dict[str, Any]:
    """Closes the view on top as Cancel does, or with `everything` the whole stack as the cross does."""
    person = acting(parts, request["as"])
    view = top_view(parts, person, request.get("view"))
    everything = bool(request.get("everything") or view.body.get("clear_on_close"))
    told = parts.modals.stack(person.id)[0] if everything else view
    if everything:
        parts.modals.clear(person.id)
    else:
        parts.modals.close(view)
    if told.body.get("notify_on_close"):
        await _tell_closed(parts, person, told, everything)
    return {}


async def _tell_closed(parts: Parts, person: Member, view: View, everything: bool) -> None:
    payload = about(parts, person, "view_closed")
    shown = parts.modals.payload(view)
    inputs = input_block_ids(view.body["blocks"])
    shown["state"] = {"values": {block: held for block, held in view.state.items() if block not in inputs}}
    try:
        await parts.delivery.send("interactive", payload | {"view": shown, "is_cleared": everything})
    except Trouble:
        return  # nobody looks at this modal any more, so nobody is told


def _response_urls(parts: Parts, view: View) -> list[dict[str, str]]:
    """One for each conversation chosen in a field that was made for it."""
    found: list[dict[str, str]] = []
    for block, element in placed_elements(view.body["blocks"]):
        if not element.get("response_url_enabled") or block["type"] != "input":
            continue
        held = view.state[block["block_id"]][element["action_id"]]
        channel = held[INITIAL[element["type"]][1]]
        if channel in parts.team.channels:
            url = parts.response_urls.give(channel, view.owner)
            place = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel}
            found.append(place | {"response_url": url})
    return found


def _apply(parts: Parts, view: View, answer: Any) -> dict[str, Any]:
    if answer in (None, ""):
        if view in parts.modals.stack(view.owner):
            parts.modals.close(view)
        return {}
    action = answer.get("response_action") if isinstance(answer, dict) else None
    if action == "clear":
        parts.modals.clear(view.owner)
        return {}
    if action == "errors":
        return {"errors": _errors(view, answer.get("errors"))}
    if action == "update":
        parts.modals.update(view, _body(answer))
        return {}
    if action == "push":
        parts.modals.push(view.owner, _body(answer))
        return {}
    raise _bad(f"{answer!r} is no answer to a view_submission: nothing, or a response_action")


def _errors(view: View, errors: Any) -> dict[str, str]:
    if not isinstance(errors, dict) or not errors:
        raise _bad("errors must name at least one block")
    for block_id, sentence in errors.items():
        if block_id not in input_block_ids(view.body["blocks"]):
            raise _bad(f"errors name {block_id!r}, which is no input block of the view")
        if not isinstance(sentence, str) or not sentence:
            raise _bad(f"the error of {block_id!r} is no sentence")
    return errors


def _body(answer: dict[str, Any]) -> dict[str, Any]:
    check_view(answer.get("view"))
    return answer["view"]


def _bad(sentence: str) -> SlackError:
    return SlackError("invalid_response", response_metadata={"messages": [f"[ERROR] {sentence}"]})
