"""A membership of the person's own login, on PostgreSQL 18 and on the older one of this host, against each obstacle."""

from pathlib import Path

import pytest

from access.store import Database
from tests.adversary.cases import Case, cases, play
from tests.adversary.shop import Shop
from tests.contracts.membership_world import OLDER


@pytest.mark.parametrize("case", cases("membership", chosen=True), ids=str)
def test_after_the_end_the_adversary_can_do_nothing(case: Case, shop: Shop, store: Database, tmp_path: Path) -> None:
    left = play(case, shop, store, tmp_path)
    assert not left, "\n".join(left)


@pytest.mark.soak
@pytest.mark.parametrize("case", cases("membership", chosen=False), ids=str)
def test_in_every_other_case_too(case: Case, shop: Shop, store: Database, tmp_path: Path) -> None:
    left = play(case, shop, store, tmp_path)
    assert not left, "\n".join(left)


if OLDER:

    @pytest.mark.parametrize("case", cases("membership on 15", chosen=True), ids=str)
    def test_on_an_older_server_the_adversary_can_do_nothing(
        case: Case, older_shop: Shop, store: Database, tmp_path: Path
    ) -> None:
        left = play(case, older_shop, store, tmp_path)
        assert not left, "\n".join(left)

    @pytest.mark.soak
    @pytest.mark.parametrize("case", cases("membership on 15", chosen=False), ids=str)
    def test_on_an_older_server_in_every_other_case_too(
        case: Case, older_shop: Shop, store: Database, tmp_path: Path
    ) -> None:
        left = play(case, older_shop, store, tmp_path)
        assert not left, "\n".join(left)
