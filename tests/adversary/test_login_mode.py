"""A temporary login, on PostgreSQL 18, against each obstacle: nothing of the access is left."""

from pathlib import Path

import pytest

from access.store import Database
from tests.adversary.cases import Case, cases, play
from tests.adversary.shop import Shop


@pytest.mark.parametrize("case", cases("login", chosen=True), ids=str)
def test_after_the_end_the_adversary_can_do_nothing(case: Case, shop: Shop, store: Database, tmp_path: Path) -> None:
    left = play(case, shop, store, tmp_path)
    assert not left, "\n".join(left)


@pytest.mark.soak
@pytest.mark.parametrize("case", cases("login", chosen=False), ids=str)
def test_in_every_other_case_too(case: Case, shop: Shop, store: Database, tmp_path: Path) -> None:
    left = play(case, shop, store, tmp_path)
    assert not left, "\n".join(left)
