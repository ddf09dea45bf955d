"""The Home tab of each person, as the app published it last."""

from typing import Any

from sandbox.errors import SlackError
from sandbox.modals import Modals, View
from sandbox.state import Team


class Homes:
    """One view a person; `modals` makes views and keeps what was typed while ids stay."""

    def __init__(self, team: Team, modals: Modals) -> None:
        self._team = team
        self._modals = modals
        self._views: dict[str, View] = {}

    def of(self, person: str) -> View | None:
        """What this person's Home shows, None before the app published anything."""
        return self._views.get(person)

    def publish(self, person: str, body: dict[str, Any], expected_hash: str | None) -> View:
        """Shows this on the person's Home; `hash_conflict` when it is not what `expected_hash` was given for."""
        view = self._views.get(person)
        if view:
            self._modals.update(view, body, expected_hash)
            return view
        if expected_hash is not None:
            raise SlackError("hash_conflict")
        self._views[person] = view = self._modals.new_view(person, body)
        self._team.changed()
        return view
