"""Twenty people at the same moment: what each asked for is done once.

How soon they are answered is for `make bench` to say (slash → ack, 50 in flight); here it is printed.
"""

import math
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from typing import TypeVar

import pytest

from bot import ids
from sandbox.person import Message, Person
from tests.stories.crowd import CROWD
from tests.stories.errand import Errand, again, patiently, pressed
from tests.stories.house import House

pytestmark = pytest.mark.timeout(300)

TOLD = {"dispatch_failed", "operation_timeout"}
"""What Slack says to who presses while no connection is there, and where the answer got lost with one."""
READ, FIX = "customers-db/read", "customers-db/fix-orders"
T = TypeVar("T")


class Payloads:
    """What the sandbox sent the bot, a phase at a time: its journal forgets."""

    def __init__(self, house: House) -> None:
        self._workspace = house.sandbox.workspace()
        self._seen = 0
        self.acknowledged = list[float]()
        """Milliseconds, by the sandbox."""
        self.unanswered = Counter[str]()

    def of_this_phase(self) -> list[str]:
        """Slack's words for those that were not answered."""
        entries = self._workspace.journal(self._seen)
        self._seen = entries[-1]["number"]
        sent = [entry for entry in entries if entry["way"] == "payload"]
        self.acknowledged += [entry["ms"] for entry in sent if not entry["error"]]
        wrong = [entry["error"] for entry in sent if entry["error"]]
        self.unanswered.update(wrong)
        return wrong

    def under_way(self) -> int:
        """How many this phase has sent."""
        return sum(entry["way"] == "payload" for entry in self._workspace.journal(self._seen))

    def quantile(self, share: float) -> float:
        ordered = sorted(self.acknowledged)
        return ordered[math.ceil(share * len(ordered)) - 1]


@contextmanager
def all_at_once(act: Callable[[T], object], things: Iterable[T]) -> Generator[None]:
    """Begins it for all of them, twenty at a time; at the end each has done it."""
    with ThreadPoolExecutor(len(CROWD)) as pool:
        doing = [pool.submit(act, thing) for thing in things]
        yield
        for one in doing:
            one.result()


@pytest.mark.both_databases
def test_twenty_at_once_are_served_once(
    house: House, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    house.start()
    payloads, faults = Payloads(house), house.sandbox.workspace().faults
    half = len(CROWD) // 2
    read = [Errand.of(house, one.id, READ) for one in CROWD[:half]]
    fix = [Errand.of(house, one.id, FIX) for one in CROWD[half:]]

    with all_at_once(lambda errand: again(lambda: errand.type_line("30m").ok, "a line to be answered"), read):
        pass
    assert set(payloads.of_this_phase()) <= TOLD, "whoever was not answered hears it, and types again"

    with all_at_once(lambda errand: errand.fill_form("30m"), fix):
        patiently(lambda: payloads.under_way() > len(fix), "the first of the forms to be sent")
        faults.disconnect()
    patiently(lambda: len(cards(house)) == len(CROWD), "a card for each request")
    assert set(payloads.of_this_phase()) <= TOLD, "whoever was not answered hears it, and presses again"

    approvers = [house.person("U0LEA"), house.person("U0KIM")]
    with all_at_once(lambda each: decide(*each), list(product(cards(house), approvers))):
        patiently(lambda: payloads.under_way() > len(CROWD), "the first of the cards to be decided")
        faults.cut()
    patiently(lambda: len(house.logins()) == len(CROWD), "all access to be open")
    assert set(payloads.of_this_phase()) <= TOLD

    with all_at_once(Errand.give_back, [*read, *fix]):
        pass
    patiently(lambda: all(one.proven_at for one in house.grants()), "all access to be ended and proven")
    assert set(payloads.of_this_phase()) <= TOLD

    done = Counter(house.actions())
    for action in ("request.created", "request.approved", "grant.scheduled", "grant.revoking", "grant.ended"):
        assert done[action] == len(CROWD), action
    for request in [one for asker in CROWD for one in house.requests(asker.id)]:
        assert len(house.reviews(request)) == 1
    assert house.logins() == []
    assert house.verified().flaw is None

    figures = {
        "acknowledged": len(payloads.acknowledged), "p50 ms": payloads.quantile(0.5), "p99 ms": payloads.quantile(0.99),
        "unanswered": dict(payloads.unanswered),
    }  # fmt: skip
    for name, figure in figures.items():
        record_property(name, figure)
    with capsys.disabled():
        print(f"\n  twenty at once on {house.database_url.partition(':')[0]}: {figures}")


def cards(house: House) -> list[Message]:
    crowd = [one.id for one in CROWD]
    return [one for one in house.cards() if any(asker in str(one.blocks) for asker in crowd)]


def decide(card: Message, approver: Person) -> None:
    again(lambda: pressed(approver, card, ids.APPROVE), "the decision to be taken")
