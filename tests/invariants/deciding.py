"""What the machine has people do with a request that waits, besides deciding on it as it stands."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from access.actors import by_slack
from access.models import Request, RequestStatus, Verdict
from access.requests.claim import claim
from access.requests.edit import edit
from access.requests.narrow import TypedTime
from tests.invariants.choices import approvers, at, crashes, places, slack
from tests.invariants.watched import WatchedTown

UTC = ZoneInfo("UTC")
LESS = st.sampled_from(["1m", "5m", "30m"]).map(lambda text: TypedTime(text=text, zone=UTC))


class Deciding(RuleBasedStateMachine):
    """A part of `Life`."""

    town: WatchedTown
    buttons: list[tuple[str, str]]
    _do: Callable[..., Any]
    _decide: Callable[..., None]
    _request: Callable[[str], Request]

    @precondition(lambda self: self.buttons)
    @rule(by=approvers, less=LESS, which=places, crash=crashes)
    def narrow(self, by: str, less: TypedTime, which: int, crash: int | None) -> None:
        self._decide(by, Verdict.APPROVE, *at(self.buttons[-4:], which), crash, less=less)

    @precondition(lambda self: self.buttons)
    @rule(time=LESS, which=places, crash=crashes)
    def change_what_is_asked(self, time: TypedTime, which: int, crash: int | None) -> None:
        """By the newest button, or by an older one, as in a window that stood open meanwhile."""
        request_id, button = at(self.buttons[-4:], which)
        asker = by_slack(self._request(request_id).requester_slack)
        reason = f"Another reason than before, at {self.town.clock.now():%H:%M:%S}"
        self._do(lambda: edit(self.town.core, button=button, by=asker, time=time, reason=reason), crash)
        self._button_of_now(request_id)

    @precondition(lambda self: self.buttons)
    @rule(by=approvers, which=places, crash=crashes)
    def look(self, by: str, which: int, crash: int | None) -> None:
        _, button = at(self.buttons[-4:], which)
        self._do(lambda: claim(self.town.core, button=button, by=by_slack(slack(by))), crash)

    def _button_of_now(self, request_id: str) -> None:
        request = self._request(request_id)
        if request.status == RequestStatus.PENDING:
            self.buttons.append((request_id, self.town.button(request)))
