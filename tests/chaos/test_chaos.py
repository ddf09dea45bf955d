"""20,000 short grants in twenty minutes, or as many as fit into SOAK_MINUTES, while everything breaks."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.city import LARGE
from tests.chaos.harm import STOPS_ON_A_FILE, STRONG
from tests.chaos.run import Plan, live_through, new_seed

PER_MINUTE = 1000
MINUTES = 20.0


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("store", ["postgresql", "sqlite"])
def test_whatever_breaks_everything_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    """Each store has half of the time."""
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES)) / 2
    on_postgres = store == "postgresql"
    strength = STRONG if on_postgres else replace(STRONG, stop=STOPS_ON_A_FILE)
    plan = Plan(int(PER_MINUTE * minutes), timedelta(minutes=minutes), on_postgres, LARGE, strength)
    seed = new_seed()
    print(f"\n{store}, SOAK_SEED={seed}, {plan.grants} grants in {minutes:g} minutes")
    verdict = live_through(plan, tmp_path, seed, monkeypatch)
    print(verdict.table)

    assert verdict.wrong == []
