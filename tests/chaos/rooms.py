"""What grants share: there a name is a role and a person, and one stay may be of many grants."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from access.models import Alert, EndedBy, Grant
from tests.chaos.city import ALERT_AFTER
from tests.chaos.target import Stay

SLACK_OF_CLOCKS = 0.05
"""Seconds: the store's clock is measured, and the kernel's stamps are coarse."""
OPENS_WITHIN = 15.0
"""Seconds after it must, for processes that are killed or stopped just then are started anew."""


class Rooms:
    """Judged by the rows, and by who was put out while a grant of his held him."""

    def __init__(self, grants: Sequence[Grant], stays: Sequence[Stay]) -> None:
        self.grants = [grant for grant in grants if grant.settings.get("mode") == "shared"]
        self.stays = stays
        self.holders = defaultdict[str, list[Grant]](list)
        for grant in self.grants:
            for right in grant.definition["rights"]:
                self.holders[f"{right}~{grant.principal}"].append(grant)

    def early(self, lock_expired: Callable[[float], bool]) -> Iterator[str]:
        """Nobody was put out while a grant that was not over gave him that: neither too early nor by another's end."""
        for stay in self.stays:
            held = [grant for grant in self.holders[stay.name] if _holds(grant, stay.until)]
            if held and not lock_expired(stay.until):
                ahead = max(seconds(grant.end_due_at) for grant in held) - stay.until
                yield f"{stay.name} was put out {ahead:.3f} s before the end of {', '.join(one.id for one in held)}"

    def unknown(self, lock_expired: Callable[[float], bool]) -> Iterator[str]:
        """Nobody came in but by a grant that was not proven gone."""
        for stay in self.stays:
            if not any(_gives(grant, stay.since) for grant in self.holders[stay.name]) and not lock_expired(stay.since):
                yield f"nobody was told to let {stay.name} in"

    def lateness(self) -> dict[str, float]:
        """Seconds from its end until it was proven."""
        ended = [one for one in self.grants if one.end_due_at is not None and one.proven_at is not None]
        return {one.id: seconds(one.proven_at) - seconds(one.end_due_at) for one in ended}

    def overdue(self, alerts: Sequence[Alert], away: Callable[[float, float], float]) -> Iterator[str]:
        """What was proven late had an alert meanwhile. While the store was away nothing could be written at all."""
        opened = {alert.subject: seconds(alert.opened_at) for alert in alerts}
        due: dict[str, float] = {
            grant.id: seconds(grant.end_due_at) for grant in self.grants if grant.end_due_at is not None
        }
        for name, late in self.lateness().items():
            # Without an alert the access may have been gone for long, and nobody could write it.
            since = due[name] + (ALERT_AFTER - 5 if name in opened else 0)
            until = opened.get(name, due[name] + late)
            if until - due[name] > ALERT_AFTER + OPENS_WITHIN + away(since, until):
                yield f"{name} was proven {late:.1f} s after its end, without an alert until {until - due[name]:.1f} s"


def drifted(grants: Sequence[Grant]) -> Iterator[str]:
    """Nobody tampers here: what was open was there, and what was found again is another row."""
    for grant in grants:
        if grant.ended_by == EndedBy.DRIFT and grant.supersedes_grant_id is None:
            yield f"{grant.id} was ended because it had gone, and nobody had taken it away"


def _holds(grant: Grant, moment: float) -> bool:
    if grant.activated_at is None or grant.end_due_at is None:
        return False
    return seconds(grant.activated_at) + SLACK_OF_CLOCKS < moment < seconds(grant.end_due_at) - SLACK_OF_CLOCKS


def _gives(grant: Grant, moment: float) -> bool:
    over = float("inf") if grant.proven_at is None else seconds(grant.proven_at)
    return seconds(grant.created_at) - SLACK_OF_CLOCKS < moment < over + SLACK_OF_CLOCKS


def seconds(moment: datetime | None) -> float:
    assert moment is not None
    return moment.timestamp()
