"""What chance may choose from."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

from access.ids import SlackUser
from tests.invariants.rules import PEOPLE, RESOURCES
from tests.invariants.watched import WatchedTown

ENTITLEMENTS = [f"{resource}/{role}" for resource in RESOURCES for role in ("read", "fix")]
people = st.sampled_from(PEOPLE)
askers = st.sampled_from(["ann", "ann", "ben", "ben", "lea", "eve"])
approvers = st.sampled_from(["lea", "kim", "lea", "kim", "sam", "ann"])
places = st.integers(0, 5)
Hand = Callable[[WatchedTown, int], None]
HANDS: tuple[Hand, ...] = (
    WatchedTown.access_is_removed, WatchedTown.a_right_is_added, WatchedTown.access_is_put_back,
    WatchedTown.something_that_is_not_ours_appears, WatchedTown.a_shared_right_is_taken,
)  # fmt: skip
crashes = st.one_of(st.none(), st.none(), st.integers(0, 14))

T = TypeVar("T")


def at(things: Sequence[T], place: int) -> T:
    return things[place % len(things)]


def slack(person: str) -> SlackUser:
    return SlackUser(f"U0{person.upper()}")
