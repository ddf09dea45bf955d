"""Trigger ids and the stack of modals each person has open."""

import secrets
from dataclasses import dataclass
from typing import Any

from sandbox import blocks as block_kit
from sandbox.errors import SlackError
from sandbox.facts import limit
from sandbox.state import Team, new_id


@dataclass
class Trigger:
    """Leave to open one modal, given with a payload; `view_id` when it came from inside a modal."""

    person: str
    issued_at: float
    view_id: str | None = None
    exchanged: bool = False


@dataclass
class View:
    """A modal on somebody's screen; `body` is the view as the app wrote it, with ids filled in."""

    id: str
    owner: str
    root_id: str
    previous_id: str | None
    body: dict[str, Any]
    state: dict[str, dict[str, Any]]
    hash: str


class Modals:
    """All modals of the workspace, one stack a person, the one on top last."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._triggers: dict[str, Trigger] = {}
        self._stacks: dict[str, list[View]] = {}

    def new_trigger(self, person: str, view_id: str | None = None) -> str:
        """A trigger id for this person, good for one call within three seconds from now."""
        issued_at = self._team.now()
        trigger_id = f"{int(issued_at * 1000)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(person, issued_at, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Uses a trigger up; Slack's errors for one that is unknown, used or too old."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if self._team.now() - trigger.issued_at > limit("trigger.seconds"):
            raise SlackError("expired_trigger_id")
        trigger.exchanged = True
        return trigger

    def stack(self, person: str) -> list[View]:
        """What this person has open, the top last."""
        return self._stacks.setdefault(person, [])

    def top(self, person: str) -> View | None:
        """The view this person looks at."""
        stack = self.stack(person)
        return stack[-1] if stack else None

    def find(self, view_id: str) -> View:
        """An open view by its id; `not_found` when it was closed or never was."""
        return self._first(lambda view: view.id == view_id)

    def find_external(self, external_id: str) -> View:
        """An open view by the app's own id for it."""
        return self._first(lambda view: view.body.get("external_id") == external_id)

    def open(self, trigger: Trigger, body: dict[str, Any]) -> View:
        """Opens a modal for whom the trigger was given to; one that was open before gives way."""
        self._unique(body)
        view = self.new_view(trigger.person, body)
        self._stacks[trigger.person] = [view]
        self._team.changed()
        return view

    def push(self, owner: str, body: dict[str, Any]) -> View:
        """Lays a view on top of this person's stack."""
        stack = self.stack(owner)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= limit("view.stack"):
            raise SlackError("push_limit_reached")
        self._unique(body)
        view = self.new_view(owner, body, stack[-1])
        stack.append(view)
        self._team.changed()
        return view

    def update(self, view: View, body: dict[str, Any], expected_hash: str | None = None) -> None:
        """Replaces what a view shows; what was typed stays where block id and action id stay."""
        if expected_hash is not None and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        self._unique(body, but=view)
        typed = view.state
        view.body = _kept(body)
        view.state = block_kit.starting_state(view.body["blocks"])
        block_kit.carry(typed, view.state)
        view.hash = self._new_hash()
        self._team.changed()

    def close(self, view: View) -> None:
        """Takes one view off its stack, and with it those above."""
        stack = self.stack(view.owner)
        del stack[stack.index(view) :]
        self._team.changed()

    def clear(self, person: str) -> None:
        """Closes everything this person has open."""
        self._stacks[person] = []
        self._team.changed()

    def payload(self, view: View) -> dict[str, Any]:
        """The view as Slack writes it in answers and payloads."""
        app, team_id = self._team.app, self._team.cast.team_id
        body = {"close": None, "submit": None, "private_metadata": "", "callback_id": "", "external_id": ""}
        body |= {"notify_on_close": False, "clear_on_close": False} | view.body
        return body | {
            "id": view.id,
            "team_id": team_id,
            "state": {"values": view.state},
            "hash": view.hash,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": app.id,
            "app_installed_team_id": team_id,
            "bot_id": app.bot_id,
        }

    def new_view(self, owner: str, body: dict[str, Any], below: View | None = None) -> View:
        """A view with ids of its own, on nobody's screen yet."""
        view_id = new_id("V")
        root_id = below.root_id if below else view_id
        kept = _kept(body)
        state = block_kit.starting_state(kept["blocks"])
        return View(view_id, owner, root_id, below.id if below else None, kept, state, self._new_hash())

    def _first(self, matches: Any) -> View:
        for stack in self._stacks.values():
            for view in stack:
                if matches(view):
                    return view
        raise SlackError("not_found")

    def _unique(self, body: dict[str, Any], but: View | None = None) -> None:
        external_id = body.get("external_id")
        if not external_id:
            return
        for stack in self._stacks.values():
            if any(view.body.get("external_id") == external_id for view in stack if view is not but):
                raise SlackError("duplicate_external_id")

    def _new_hash(self) -> str:
        return f"{int(self._team.now())}.{secrets.token_urlsafe(6)}"


def _kept(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"blocks": block_kit.as_kept(body["blocks"])}
