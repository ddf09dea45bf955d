"""What can be made to go wrong on purpose, a few times or until it is taken back."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sandbox.errors import NotPossible

FaultKind = Literal["lose", "delay", "drop_ack", "delay_ack", "duplicate", "rate_limit", "api_error", "api_break"]
"""lose: the payload never arrives. delay: it arrives late, its trigger id older. drop_ack: the app's acknowledgement is
lost. delay_ack: it is late. duplicate: the payload arrives twice. rate_limit: a call is answered 429. api_error: a call
is refused with an error name. api_break: the connection breaks after the call was done."""

KINDS: tuple[str, ...] = get_args(FaultKind)
UNASKED = frozenset({"message"})
"""What comes with every message: a fault is for the next thing that a person does, unless it names these."""


@dataclass
class Fault:
    """One fault: `times` it will still happen, None until it is cleared.

    `only` narrows it to one kind of payload (`block_actions`, `/access`) or to one Web API method.
    """

    kind: str
    times: int | None = 1
    seconds: float = 0.0
    only: str = ""
    error: str = ""


class Faults:
    """The faults that wait to happen."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Sets a fault up."""
        if fault.kind not in KINDS:
            raise NotPossible(f"there is no fault {fault.kind!r}; there is {', '.join(KINDS)}")
        if fault.times is not None and fault.times < 1:
            raise NotPossible("a fault happens at least once")
        self.waiting.append(fault)

    def take(self, kind: FaultKind, name: str) -> Fault | None:
        """The fault of this kind that happens now to the payload or method `name`; counted."""
        meant = {name} if name in UNASKED else {name, ""}
        fault = next((each for each in self.waiting if each.kind == kind and each.only in meant), None)
        if fault is None or fault.times is None:
            return fault
        fault.times -= 1
        if not fault.times:
            self.waiting.remove(fault)
        return fault

    def clear(self) -> None:
        """Takes every fault back."""
        self.waiting.clear()


def read_fault(asked: dict[str, Any]) -> Fault:
    """A fault as a door asks for it."""
    seconds = float(asked.get("seconds") or 0)
    return Fault(asked["kind"], asked.get("times", 1), seconds, asked.get("only") or "", asked.get("error") or "")
