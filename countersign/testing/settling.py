"""The promise about a target that needs its time: what was said to be so is seen to be so, by whoever looks."""

import time
from collections.abc import Callable

from access.ports import GrantSpec, Provider, Receipt
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, grant, revoke

_LOOKS = 3


class Settling(ContractFixtures):
    """C30. Without a time to settle a target shows each change at once."""

    def test_c30_what_is_said_to_be_so_is_seen_by_every_instance(
        self, provider: Provider, make_provider: Callable[[], Provider], make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        settle = provider.capabilities.of(spec.settings).settle.total_seconds()
        receipt = grant(provider, spec).receipt
        try:
            _wait_until_seen(make_provider, spec, receipt, settle)
            assert all(_looks(make_provider, spec, receipt)), "C30: what was granted is seen, and then not any more"
        finally:
            removal = revoke(provider, spec, receipt)
        assert removal.state == "removed", "C30: the end does not find what was granted"
        # An end is said when it is seen: until then it is `pending`, and says when to look again.
        assert not any(_looks(make_provider, spec, receipt)), "C30: the end was said, and the access is still seen"


def _wait_until_seen(make_provider: Callable[[], Provider], spec: GrantSpec, receipt: Receipt, settle: float) -> None:
    end = time.monotonic() + settle
    while not make_provider().observe(spec, receipt, deadline()).present:
        assert time.monotonic() < end, "C30: what was granted is not seen when the target has had its time"
        time.sleep(settle / 10)


def _looks(make_provider: Callable[[], Provider], spec: GrantSpec, receipt: Receipt) -> list[bool]:
    """By instances that have not done it themselves, with and without a receipt."""
    known = (receipt, None) * _LOOKS
    return [make_provider().observe(spec, one, deadline()).present for one in known]
