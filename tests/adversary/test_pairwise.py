"""The choice of cases: all pairs that can meet, and few of them."""

from itertools import product

from tests.adversary.cases import CHOSEN, OBSTACLES, everything
from tests.adversary.house import MODES, WAYS
from tests.adversary.pairwise import pairwise, uncovered
from tests.adversary.powers import POWERS


def test_every_pair_that_can_meet_is_in_every_run() -> None:
    assert list(uncovered(everything(), CHOSEN)) == []


def test_every_obstacle_role_mode_and_way_has_a_case() -> None:
    columns = [set(column) for column in zip(*CHOSEN, strict=True)]
    assert columns == [{one.name for one in OBSTACLES}, {one.name for one in POWERS}, set(MODES), set(WAYS)]


def test_the_choice_is_small_and_always_the_same() -> None:
    rows = list(product("abcd", range(3), "xy"))
    assert pairwise(rows) == pairwise(rows)
    assert len(pairwise(rows)) == len("abcd") * 3
    assert list(uncovered(rows, pairwise(rows)[:-1])) != []
