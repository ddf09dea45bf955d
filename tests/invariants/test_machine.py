"""Whatever people, targets, clocks and crashes do: the promises hold."""

import os
import secrets
import time
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.invariants.machine import Life

STEPS = 30
EXAMPLES = {"sqlite": 16, "postgresql": 5}
LONG_STEPS = 60
AT_A_TIME = 20
MINUTES = 20.0


@pytest.mark.timeout(900)
def test_whatever_happens_every_promise_holds(database_kind: str, life: type[Life]) -> None:
    """Other lives in each run; of one that fails, SOAK_SEED lives the same again."""
    begun = first_seed()
    print(f"\n{database_kind}, SOAK_SEED={begun}")
    live(life, begun, lives=EXAMPLES[database_kind], steps=STEPS)


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_however_long_it_goes_on_every_promise_holds(database_kind: str, life: type[Life]) -> None:
    """For SOAK_MINUTES, half of them on each database; the same SOAK_SEED lives the same lives in the same order."""
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES)) / 2
    first = first_seed()
    end, number = time.monotonic() + 60 * minutes, 0
    life.lived.clear()
    print(f"\n{database_kind}, SOAK_SEED={first}, {minutes:g} minutes")
    while time.monotonic() < end:
        live(life, f"{first} {number}", lives=AT_A_TIME, steps=LONG_STEPS)
        number += 1
    print(f"{life.lived['lives']} lives, {life.lived['steps']} steps: every promise held")


def test_no_run_lives_what_another_has_lived_unless_it_is_asked_to() -> None:
    """Also where hypothesis would rather have every run alike, as it does in CI."""
    before = settings.get_current_profile_name()
    settings.load_profile("ci")
    try:
        with patch.dict(os.environ):
            os.environ.pop("SOAK_SEED", None)
            one, another = first_seed(), first_seed()
        assert lived(one) == lived(one)
        assert lived(one) != lived(another)
        with patch.dict(os.environ, SOAK_SEED=one):
            assert first_seed() == one
    finally:
        settings.load_profile(before)


def first_seed() -> str:
    return os.environ.get("SOAK_SEED") or secrets.token_hex(4)


def lived(begun: str) -> list[int]:
    """What chance has chosen in lives that begin so."""
    chosen: list[int] = []

    class Note(RuleBasedStateMachine):
        @rule(number=st.integers())
        def choose(self, number: int) -> None:
            chosen.append(number)

    live(Note, begun, lives=5, steps=5)
    return chosen


def live(life: type[RuleBasedStateMachine], begun: str, *, lives: int, steps: int) -> None:
    run_state_machine_as_test(
        seed(begun)(life),
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            derandomize=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            print_blob=True,
        ),
    )
