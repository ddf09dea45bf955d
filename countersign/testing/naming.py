"""The promise about the target's name: all that one account bears on one server is counted together."""

import os
from collections.abc import Callable, Sequence
from unittest.mock import patch

from pydantic import BaseModel

from access.errors import AccessError
from access.ports import Provider
from countersign.testing.fixtures import ContractFixtures

LONGEST = 200


class Naming(ContractFixtures):
    """C41."""

    def test_c41_all_settings_that_lead_to_one_target_name_it_alike_and_no_other(
        self, make_provider: Callable[[], Provider], targets: Sequence[Sequence[BaseModel]]
    ) -> None:
        named = type(make_provider()).target_key
        assert max(len(one) for one in targets) > 1 < len(targets), "C41: there is nothing to compare"
        with patch.dict(os.environ, clear=True):  # the bot and the timekeeper name targets, and hold no secret
            try:
                keys = [[named(settings) for settings in target] for target in targets]
                again = [[named(settings) for settings in target] for target in targets]
            except AccessError as error:
                raise AssertionError(f"C41: without the secrets a target has no name: {error!r}") from None
        assert keys == again, "C41: a target is named otherwise when it is asked again"
        for alike in keys:
            assert len(set(alike)) == 1, f"C41: one target has several names: {sorted(set(alike))}"
            assert 0 < len(alike[0]) <= LONGEST, f"C41: {alike[0]!r} is no name"
            assert alike[0].isprintable(), f"C41: {alike[0]!r} cannot be shown"
        assert len({alike[0] for alike in keys}) == len(keys), f"C41: two targets have one name: {keys}"
