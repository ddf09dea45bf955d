"""Targets that hang, fail or answer, and lanes to them."""

import threading
from dataclasses import dataclass, field

from access.ports import Deadline
from tests.workers.rows import Answer, RowsBusiness, Won
from workers.lanes import Lanes
from workers.pacing import Limits


@dataclass
class Target:
    """A target whose calls hang, fail or answer, as the test wants."""

    hanging: set[str] = field(default_factory=set)
    failing: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)
    calling: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, identifier: str, _deadline: Deadline) -> bool:
        with self.lock:
            self.calling += 1
            self.most = max(self.most, self.calling)
        if identifier in self.hanging or self.failing:
            self.let_go.wait(0.02 if self.failing else 30)
        with self.lock:
            self.calling -= 1
        return not self.failing


@dataclass
class Leaks:
    count: int = 0

    def __call__(self) -> None:
        self.count += 1


def make_lanes(business: RowsBusiness, limits: Limits | None = None, leaks: Leaks | None = None) -> Lanes[Won, Answer]:
    return Lanes(business, on_leak=leaks or Leaks(), limits=lambda _target: limits or Limits())


def ids(count: int, prefix: str = "id") -> list[str]:
    return [f"{prefix}{number:05}" for number in range(count)]
