"""The promises about opening and closing: once, again, without a receipt, cut off anywhere."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from access.errors import Ambiguous, ProviderError, Transient
from access.ports import Deadline, GrantSpec, Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, gets_in, grant, reveal, revoke, strike
from countersign.testing.world import FaultKind, World

_CALLS_AT_MOST = 60


class Opening(ContractFixtures):
    """C01 to C06."""

    def test_c01_the_person_gets_in_from_the_grant_to_the_revoke(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec, untouched = make_spec(), world.snapshot()
        assert not gets_in(world, spec, None), "C01: the person gets in before the grant"
        outcome = grant(provider, spec)
        secret = reveal(provider, spec)
        assert gets_in(world, spec, secret), "C01: the person does not get in after the grant"
        revoke(provider, spec, outcome.receipt)
        assert not gets_in(world, spec, secret), "C01: the person gets in after the revoke"
        assert world.snapshot() == untouched, "C01: something of the grant is left on the target"

    def test_c02_granting_twice_is_granting_once(self, provider: Provider, world: World, make_spec: MakeSpec) -> None:
        spec = make_spec()
        first = grant(provider, spec)
        secret, granted = reveal(provider, spec), world.snapshot()
        second = grant(provider, spec)
        assert second.receipt == first.receipt, "C02: the second grant has another receipt"
        assert world.snapshot() == granted, "C02: the second grant changed the target"
        assert gets_in(world, spec, secret), "C02: the second grant locked the person out"
        revoke(provider, spec, first.receipt)

    def test_c03_revoking_what_is_absent_succeeds(self, provider: Provider, world: World, make_spec: MakeSpec) -> None:
        spec, never_granted = make_spec(), make_spec()
        receipt = grant(provider, spec).receipt
        revoke(provider, spec, receipt)
        untouched = world.snapshot()
        for absent, known in ((spec, receipt), (spec, None), (never_granted, None)):
            try:
                removal = revoke(provider, absent, known)
            except ProviderError as error:
                pytest.fail(f"C03: revoking what is absent raises {error!r}")
            assert removal.state == "absent", "C03: revoking what is absent claims to have removed it"
        assert world.snapshot() == untouched, "C03: revoking what is absent changed the target"

    def test_c04_a_revoke_needs_no_receipt(self, provider: Provider, world: World, make_spec: MakeSpec) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        secret = reveal(provider, spec)
        removal = revoke(provider, spec, None)
        assert removal.state == "removed", "C04: without a receipt the revoke finds nothing"
        assert not gets_in(world, spec, secret), "C04: without a receipt the access stays"
        for known in (receipt, None):
            present = provider.observe(spec, known, deadline()).present
            assert not present, "C04: observe still sees the access"

    @pytest.mark.parametrize("kind", ["before", "after"])
    @pytest.mark.parametrize("verb", ["grant", "reveal", "revoke"])
    def test_c05_cut_off_at_any_call_and_run_again_it_converges(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec, verb: str, kind: FaultKind
    ) -> None:
        untouched = world.snapshot()
        for at in range(1, _CALLS_AT_MOST):
            where = f"cut {kind} call {at} of {verb}"
            spec, first, again = make_spec(), make_provider(), make_provider()
            if verb != "grant":
                grant(first, spec)
            verbs = {"grant": grant, "reveal": reveal, "revoke": _revoke_unknown}
            struck = strike(world, kind, at, partial(verbs[verb], first, spec))
            first.close()
            try:
                if verb != "revoke":
                    grant(again, spec)
                    assert gets_in(world, spec, reveal(again, spec)), f"C05: {where}, the grant does not converge"
                revoke(again, spec, None)
            except ProviderError as error:
                pytest.fail(f"C05: {where}, the next run raises {error!r}")
            assert world.snapshot() == untouched, f"C05: {where}, something is left"
            if not struck:
                return
        pytest.fail(f"C05: {verb} makes over {_CALLS_AT_MOST} calls")

    def test_c06_a_lost_answer_is_ambiguous(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        done_without_answer = 0
        for at in range(1, _CALLS_AT_MOST):
            spec, provider, fresh = make_spec(), make_provider(), make_provider()
            try:
                with world.fault("after", at) as fault:
                    error = error_of(provider.grant, spec, deadline())
                if not fault.fired:
                    break
                assert isinstance(error, Ambiguous | Transient), f"C06: a lost answer gives {error!r}"
                if fresh.observe(spec, None, deadline()).present:
                    done_without_answer = at
                    assert isinstance(error, Ambiguous), f"C06: the grant was done, but the error is {error!r}"
                another = make_provider()  # what the first one remembers spares it calls, so that none is the `at`-th
                with world.fault("silence", at):
                    begun = time.monotonic()
                    error = error_of(another.grant, spec, Deadline.after(0.3))
                    assert isinstance(error, Ambiguous | Transient), f"C06: silence gives {error!r}"
                    assert time.monotonic() - begun < 3, "C06: the deadline does not end a call without an answer"
            finally:
                revoke(fresh, spec, None)
        assert done_without_answer, "C06: no call of the grant had its answer lost after it was done"


def _revoke_unknown(provider: Provider, spec: GrantSpec) -> None:
    revoke(provider, spec, None)
