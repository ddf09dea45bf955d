"""A driver that is missing is a sentence with its package, wherever it is looked for."""

import pytest

from access.errors import BadConfig
from tests.fakes import FakeProvider
from workers.targets import ProviderTargets


class NeedsADriver(FakeProvider):
    def __init__(self, settings: object) -> None:
        import no_such_driver  # pyright: ignore[reportMissingImports] # noqa: F401


def test_a_provider_whose_driver_is_missing_says_which_package_to_install() -> None:
    targets = ProviderTargets({"fake": NeedsADriver}, lambda _name: "")  # pyright: ignore[reportArgumentType] -- as the tests' own

    with pytest.raises(BadConfig) as refused:
        targets.of("fake", {"server": "one"}, "customers-db")

    assert refused.value.sentence == (
        "The provider fake needs the Python package no_such_driver, which this worker does not have. Install it; where "
        "the provider is one of ours: pip install 'countersign-access[fake]'."
    )
