"""The invariants have teeth: each wrong variant of the product is found, and a table says by whom."""

import random
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.invariants.chain_faults import CHAIN_FAULTS
from tests.invariants.faults import FAULTS as FAULTS_OF_ALL
from tests.invariants.faults import Story
from tests.invariants.hostile_faults import HOSTILE_FAULTS
from tests.invariants.machine import Life
from tests.invariants.outside_faults import OUTSIDE_FAULTS
from tests.invariants.shared_faults import SHARED_FAULTS
from tests.invariants.slack_faults import SLACK_FAULTS
from tests.invariants.timed_faults import TIMED_FAULTS

FAULTS = {
    **FAULTS_OF_ALL, **SHARED_FAULTS, **TIMED_FAULTS, **OUTSIDE_FAULTS, **SLACK_FAULTS, **HOSTILE_FAULTS,
    **CHAIN_FAULTS,
}  # fmt: skip
STORIES = {fault.story: name for name, fault in FAULTS.items()}
"""Some are told of two."""
MOST = 3000
"""Lives in which chance must find a fault."""
_SAYS = re.compile(r"\b(I-\d+|[GOC]\d+)")
Table = dict[str, tuple[str, float]]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    found: Table = {}
    yield found
    for name, (by, seconds) in found.items():
        print(f"\n{name:24} {FAULTS[name].says:64} {by:16} {seconds:6.1f} s", end="")


def lived(story: Story, its: type[Life]) -> None:
    """Told as a machine would: every promise is looked at after the story, and at the end of the life.

    Pauses come by chance: always by the same one, so that a story ends as it always does.
    """
    random.seed(0)
    life = its()
    try:
        story(life)
        life.everything_holds()
    except BaseException:
        life.ending.close()
        raise
    life.teardown()


@pytest.mark.parametrize("story", STORIES, ids=STORIES.values())
def test_the_right_product_keeps_every_promise_in_the_same_story(story: Story, quick_life: type[Life]) -> None:
    lived(story, quick_life)


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_variant_is_found(name: str, quick_life: type[Life], table: Table) -> None:
    began = time.monotonic()
    with FAULTS[name].wrong(), pytest.raises(AssertionError) as found:
        lived(FAULTS[name].story, quick_life)
    table[name] = (_finder(found.value), time.monotonic() - began)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_variant_is_found_by_chance(name: str, quick_life: type[Life], table: Table) -> None:
    began = time.monotonic()
    with FAULTS[name].wrong(), pytest.raises(AssertionError) as found:
        run_state_machine_as_test(
            quick_life,
            settings=settings(
                max_examples=MOST, stateful_step_count=30, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow], report_multiple_bugs=False,
            ),
        )  # fmt: skip
    table[name] = (_finder(found.value), time.monotonic() - began)


def _finder(error: BaseException) -> str:
    by = _SAYS.search(str(error))
    return by.group(1) if by else "the table of moves" if "is not in the table" in str(error) else str(error)[:40]
