"""A few hundred grants within half a minute, while each thing that may break breaks once; then everything has ended.

The long run is tests/chaos.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.city import SMALL
from tests.chaos.harm import Strength
from tests.chaos.run import Plan, live_through

BRIEF = Strength(pause=(0.3, 1.0), outage=(1, 4), silence=(1, 4), stop=(1, 6))


@pytest.mark.timeout(400)
def test_whatever_breaks_everything_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(grants=300, time=timedelta(seconds=25), on_postgres=True, processes=SMALL, strength=BRIEF)
    seed = os.environ.get("SOAK_SEED", "story")
    verdict = live_through(plan, tmp_path, seed, monkeypatch)
    print(f"SOAK_SEED={seed}\n{verdict.table}")

    assert verdict.wrong == []
