"""Many requests at once while Slack takes no more than its limits say: what is called and refused, how long it takes.

Every process of the product runs as in production, with two workers that tell. Each card is approved as soon as it
stands, and each access given back as soon as its holder reads that it is open.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from access.messages.rate_limits import POST, UPDATE
from bench.figures import Figure
from bench.policy import APPROVER, Crowd
from bench.product import alive
from bench.servers import KINDS, Kind, Servers, say, wait_for
from bot import ids
from sandbox.facts import limit
from sandbox.person import Person, Workspace

GOAL_RATIO = 1.2
GOAL_REFUSED = 1.05
EACH = 3
"""Messages of a request (card, answer, end) and updates (card: open and ended; answer: ended)."""
_QUIET = 2.0
"""Seconds without any call, after the last that was missing."""
Entry = dict[str, Any]


def measure(servers: Servers, *, requests: int, kinds: Sequence[Kind] = KINDS) -> list[Figure]:
    """`requests` of as many people at once, on each store."""
    return [figure for kind in kinds for figure in _measure(servers, kind, requests)]


def floor_of(requests: int) -> float:
    """Seconds that the limits take by themselves: of the cards, which all go to one channel, and of the updates.

    The last card is posted then, and not yet approved: from there on its request takes what one takes alone.
    """
    cards = (requests - limit("rate.channel_burst")) / limit("rate.channel_second")
    updates = (EACH * requests - limit("rate.tier_3")) / (limit("rate.tier_3") / 60)
    return max(cards, updates)


def _measure(servers: Servers, kind: Kind, requests: int) -> Iterator[Figure]:
    say(f"  limits: {requests} requests at once on {kind}, two workers that tell, Slack's real limits")
    crowd = Crowd(people=requests, roles=1)
    with (
        alive(servers, kind, crowd, tellers=2, strict_rates=True) as product,
        ThreadPoolExecutor(len(crowd.askers)) as pool,
    ):
        alone = House(product.workspace, Crowd(people=1, roles=1), pool).run()
        house = House(product.workspace, crowd, pool)
        seconds = house.run()
    made, refused = house.made, house.refused
    say(f"  {made.total()} calls were made, {refused.total()} of them refused")
    name = f"{requests} requests at once under Slack's limits, {kind}"
    counted: dict[str, Any] = {"unit": "calls", "samples": requests}
    yield Figure(
        name=f"{name}, all told", value=seconds, unit="s", floor=floor_of(requests) + alone, goal_ratio=GOAL_RATIO,
        samples=requests,
    )  # fmt: skip
    yield Figure(name=f"{name}, calls made", value=made.total(), floor=2 * EACH * requests, **counted)
    taken = made.total() - refused.total()
    yield Figure(
        name=f"{name}, calls for each one taken", value=made.total() / taken, floor=1, goal=GOAL_REFUSED, **counted
    )
    for method in (POST, UPDATE):
        value = (made[method] - refused[method]) / requests
        yield Figure(name=f"{name}, {method} a request", value=value, floor=EACH, goal=EACH, **counted)


@dataclass
class House:
    """The people in the sandbox; what was called is read in its journal."""

    workspace: Workspace
    crowd: Crowd
    pool: ThreadPoolExecutor
    made: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    _seen: int = 0
    _last: float = 0.0
    _pressed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _clicks: list[Future[Any]] = field(default_factory=list[Future[Any]])
    _over: set[str] = field(default_factory=set[str])
    """The messages that show an end, by their channel and time."""

    def run(self) -> float:
        """Seconds from the first word to the last call of Slack."""
        self._seen = max((entry["number"] for entry in self.workspace.journal()), default=0)
        began, (entitlement,) = self.workspace.now(), self.crowd.entitlements
        people = [self.workspace.person(one.id) for one in self.crowd.askers]
        asked = [
            self.pool.submit(one.command, one.direct_message, "/access", f"{entitlement} 1h INC-12 stuck refunds")
            for one in people
        ]
        assert all(one.result().ok for one in asked)
        wait_for(self._all_over, "every message to show the end", within=60 + 10 * len(people), every=0.02)
        assert all(one.result().ok for one in self._clicks)
        wait_for(self._quiet, "Slack to be called no more", every=0.1)
        return self._last - began

    def _all_over(self) -> bool:
        """The card, the answer and the message of its own say of each that it has ended."""
        self._look()
        return len(self._over) >= EACH * len(self.crowd.askers)

    def _quiet(self) -> bool:
        self._look()
        return self.workspace.now() - self._last > _QUIET

    def _look(self) -> None:
        for entry in self.workspace.journal(self._seen):
            if entry["ms"] is None and entry["way"] == "call":
                return  # not answered yet: it comes first the next time
            self._seen = entry["number"]
            if entry["way"] == "call" and entry["name"] in (POST, UPDATE):
                self._called(entry)

    def _called(self, entry: Entry) -> None:
        self._last = max(self._last, entry["at"])
        self.made[entry["name"]] += 1
        if entry["error"]:
            self.refused[entry["name"]] += 1
            return
        channel, ts, said = entry["answer"]["channel"], entry["answer"]["ts"], str(entry["sent"])
        if entry["sent"]["text"].startswith("Ended"):
            self._over.add(f"{channel} {ts}")
        if ids.APPROVE in said:
            self._press(self.workspace.person(APPROVER), channel, ts, ids.APPROVE)
        elif ids.DONE in said:
            self._press(self.workspace.person(f"U{channel[1:]}"), channel, ts, ids.DONE)

    def _press(self, person: Person, channel: str, ts: str, action: str) -> None:
        if (ts, action) not in self._pressed:
            self._pressed.add((ts, action))
            self._clicks.append(self.pool.submit(_click, person, channel, ts, action))


def _click(person: Person, channel: str, ts: str, action: str) -> Any:
    message = next((one for one in person.messages(channel) if one.ts == ts), None)
    assert message is not None, "it was posted a moment ago"
    return person.click(message, action)
