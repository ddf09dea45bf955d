"""Web API methods that open, push and change modals."""

from typing import Any

from sandbox.block_kit import HOME
from sandbox.errors import SlackError, StateError
from sandbox.parts import Parts
from sandbox.validator import check_view


def open_view(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Opens a modal for whom the trigger was given to."""
    check_view(arguments["view"])
    trigger = parts.modals.exchange(arguments["trigger_id"])
    return {"view": parts.modals.payload(parts.modals.open(trigger, arguments["view"]))}


def push_view(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Lays a modal on top of the one the trigger came from."""
    check_view(arguments["view"])
    trigger = parts.modals.exchange(arguments["trigger_id"])
    if trigger.view_id is None:
        raise SlackError("not_found")
    parts.modals.find(trigger.view_id)
    return {"view": parts.modals.payload(parts.modals.push(trigger.person, arguments["view"]))}


def publish_view(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Shows a view on a person's Home tab."""
    if not parts.team.app.home_tab:
        raise SlackError("not_enabled")
    check_view(arguments["view"], HOME)
    person = parts.team.people.get(arguments["user_id"])
    if person is None or person.bot or person.deactivated:
        kind = StateError if person and person.deactivated else SlackError
        raise kind("invalid_arguments", response_metadata={"messages": ["[ERROR] invalid `user_id`"]})
    view = parts.homes.publish(person.id, arguments["view"], arguments.get("hash"))
    return {"view": parts.modals.payload(view)}


def update_view(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Replaces a modal that is still open, found by its id or the app's own."""
    if arguments.get("view_id"):
        view = parts.modals.find(arguments["view_id"])
    elif arguments.get("external_id"):
        view = parts.modals.find_external(arguments["external_id"])
    else:
        raise SlackError(
            "invalid_arguments",
            response_metadata={"messages": ["[ERROR] either view_id or external_id is needed"]},
        )
    check_view(arguments["view"])
    parts.modals.update(view, arguments["view"], arguments.get("hash"))
    return {"view": parts.modals.payload(view)}
