"""Slack as the town knows it: it has weather as well, and what it was told it knows."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from slack_sdk.errors import SlackApiError

from access.messages.outbox import Claimed, Delivery
from access.models import Alert, AlertKind
from tests.fakes import NOON, FakeClock
from tests.invariants.servers import Points

SlackWeather = Literal["fine", "refuses", "down"]
SLACK_WEATHERS: tuple[SlackWeather, ...] = ("fine", "refuses", "down")
OF_ACCESS = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE, AlertKind.DRIFT)
"""Alerts that are about access; nothing can be granted before there is a channel to tell them in."""
RECOVERS = timedelta(minutes=3)
"""After that nothing waits any more for what has gone wrong in telling: the longest pause, a claim and a lease."""


@dataclass
class TownSlack:
    """Who is told what, and who must know what by now."""

    clock: FakeClock
    points: Points
    said: list[Claimed]
    weather: SlackWeather = "fine"
    disturbed_at: datetime = NOON - RECOVERS
    """When it last refused or was down, a process died, or the rows were exchanged."""
    deactivated: set[str] = field(default_factory=set)
    """Users, as Slack names them."""
    must_know: frozenset[str] = field(default_factory=frozenset)
    """Alerts that were open before the last whole turn, and nothing kept anybody from telling them."""

    def disturbed(self) -> None:
        self.disturbed_at, self.must_know = self.clock.now(), frozenset()

    def post(self, claimed: Claimed) -> Delivery:
        with self.points.around("slack.post"):
            if self.weather == "down":
                return Delivery(claimed, problem="Slack cannot be reached.", healthy=False)
            if self.weather == "refuses":
                return Delivery(claimed, problem="Slack refuses the message.")
            self.said.append(claimed)
        return Delivery(claimed, channel=claimed.message.recipient, ts=f"{len(self.said)}.0")

    def users_info(self, *, user: str) -> dict[str, Any]:
        with self.points.around("slack.users_info"):
            if self.weather == "down":
                raise TimeoutError
            if self.weather == "refuses":
                raise SlackApiError("", {"ok": False, "error": "internal_error"})
            return {"user": {"id": user, "deleted": user in self.deactivated}}

    def undelivered(self, alerts: Iterable[Alert]) -> Iterator[str]:
        """I-1: whatever is open about access has been told."""
        for alert in alerts:
            if alert.delivered_at is None and alert.id in self.must_know:
                yield f"I-1: an alert was opened at {alert.opened_at:%H:%M:%S}, and nobody was told: {alert.sentence}"

    @contextmanager
    def listening(self, alerts: Iterable[Alert], in_line: Callable[[], set[str]]) -> Generator[None]:
        """A turn: what was open before it is known after it, or is `in_line`: Slack takes only so many in a second.

        Whoever dies in it has told nobody.
        """
        if self.weather != "fine":
            self.disturbed()
        now, since = self.clock.now(), self.disturbed_at
        recovered = now >= since + RECOVERS
        waiting = [one.id for one in alerts if one.closed_at is None and one.kind in OF_ACCESS]
        told = frozenset(one.id for one in alerts if one.id in waiting and (recovered or one.opened_at > since))
        yield
        self.must_know = told - in_line()
