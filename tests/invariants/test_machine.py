"""Whatever people, targets, clocks and crashes do: the promises hold."""

import os
import secrets
import time

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.invariants.machine import Life

STEPS = 30
EXAMPLES = {"sqlite": 32, "postgresql": 10}
LONG_STEPS = 60
AT_A_TIME = 20
MINUTES = 20.0


@pytest.mark.timeout(900)
def test_whatever_happens_every_promise_holds(database_kind: str, life: type[Life]) -> None:
    live(life, lives=EXAMPLES[database_kind], steps=STEPS)


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_however_long_it_goes_on_every_promise_holds(database_kind: str, life: type[Life]) -> None:
    """For SOAK_MINUTES, half of them on each database; the same SOAK_SEED lives the same lives in the same order."""
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES)) / 2
    first = os.environ.get("SOAK_SEED") or secrets.token_hex(4)
    end, number = time.monotonic() + 60 * minutes, 0
    life.lived.clear()
    print(f"\n{database_kind}, SOAK_SEED={first}, {minutes:g} minutes")
    while time.monotonic() < end:
        live(seed(f"{first} {number}")(life), lives=AT_A_TIME, steps=LONG_STEPS)
        number += 1
    print(f"{life.lived['lives']} lives, {life.lived['steps']} steps: every promise held")


def live(life: type[Life], *, lives: int, steps: int) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            print_blob=True,
        ),
    )
