"""Each mutant is tried by the tests that reach it, in a process in which none of its code has run."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.mutation.areas import AREAS, ROOT
from tests.mutation.runner import Result

MODULE = """\
from functools import cache

LIMIT = 3


def within(count, least=1):
    return least <= count < LIMIT + 1


@cache
def answer():
    return 42


class Box:
    @property
    def full(self):
        return True

    @classmethod
    def made(cls):
        return 7


def counted_down(left):
    while left:
        left -= 1
    return "over and out"


def never_tried():
    return 5


def half_tried(a):
    return a > 10
"""
TESTS = """\
import small
from small import LIMIT, Box, answer, counted_down, half_tried, within

SEEN = []


def test_the_limit():
    assert LIMIT == 3


def test_within():
    assert [within(count) for count in (0, 1, 3, 4)] == [False, True, True, False]


def test_the_answer_is_kept():
    assert answer() == 42


def test_the_answer_again():
    assert small.answer() == 42


def test_a_box():
    assert Box().full is True
    assert Box.made() == 7


def test_it_ends():
    assert counted_down(3) == "over and out"


def test_half():
    assert half_tried(12)


def test_half_again():
    SEEN.append(half_tried(12))


def test_what_the_test_before_has_left():
    assert half_tried(20)
    assert SEEN
"""
RUN = """\
import json, sys
from pathlib import Path
import pytest
from tests.mutation.runner import Mutation, Result

known = [Result(**one) for one in json.load(sys.stdin)]
here, found = Path.cwd(), []
mutation = Mutation(
    files=[here / "small.py"], root=here, chosen=lambda item: True, known={one.key: one for one in known},
    believed=lambda before: before.killed_by is not None, keep=found.append, seed=1, budget=60, least=0.5,
)
pytest.main(["-q", "-s", "-p", "no:randomly", "-p", "no:cacheprovider", "test_small.py"], plugins=[mutation])
print("results:", json.dumps([vars(one) for one in found]))
"""


def tried(folder: Path, known: Iterable[Result] = ()) -> dict[str, Result]:
    (folder / "small.py").write_text(MODULE)
    (folder / "test_small.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True, input=json.dumps([vars(one) for one in known]),
    )  # fmt: skip
    _, _, said = done.stdout.rpartition("results: ")
    return {f"{one.where}: {one.change}": one for one in (Result(**kept) for kept in json.loads(said))}


def test_what_the_tests_notice_is_told_apart_from_what_they_do_not(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert {name for name, one in found.items() if one.killed_by is None} == {
        "never_tried: return 5 → return None", "never_tried: 5 → 6", "half_tried: a > 10 → a >= 10",
        "half_tried: 10 → 11",
    }  # fmt: skip
    by = {name: str(one.killed_by).rpartition("::")[2] for name, one in found.items()}
    assert by["LIMIT: 3 → 4"] in ("test_the_limit", "test_within"), "made at the import, and imported by others"
    assert by["within: 1 → 2"] == "test_within", "a default"
    assert by["answer: 42 → 43"].startswith("test_the_answer"), "no test before has filled the cache"
    assert (by["Box.full: True → False"], by["Box.made: 7 → 8"]) == ("test_a_box", "test_a_box")
    assert by["counted_down: left -= 1 → nothing"] == "the time it took"
    assert found["never_tried: 5 → 6"].tests == 0
    assert str(found["never_tried: 5 → 6"]) == "small.py:32 never_tried: 5 → 6  (0 tests)"

    again = tried(tmp_path, [*found.values()])
    assert again == found, "what was noticed is believed, and what was not is tried again"


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("area", AREAS)
def test_the_tests_notice_at_least_95_of_100_mutants(area: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", area], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
