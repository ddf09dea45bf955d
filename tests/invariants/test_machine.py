"""Whatever people, targets, clocks and crashes do: the promises hold."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.invariants.machine import Life

STEPS = 30
EXAMPLES = {"sqlite": 40, "postgresql": 12}


@pytest.mark.timeout(900)
def test_whatever_happens_every_promise_holds(database_kind: str, life: type[Life]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=EXAMPLES[database_kind],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            print_blob=True,
        ),
    )
