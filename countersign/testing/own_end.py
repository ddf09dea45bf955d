"""The promises about the end that the target itself has: it holds when all of us are dead, and it can be moved."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from access.errors import ProviderError, Unsupported
from access.ports import GrantSpec, Provider, host_time
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import SECONDS, deadline, error_of, gets_in, grant, reveal, revoke
from countersign.testing.world import World

_SOON = timedelta(seconds=2)


class OwnEnd(ContractFixtures):
    """C13 to C15."""

    def test_c13_the_target_alone_lets_nobody_in_after_the_end(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec, grain = replace(make_spec(), expires_at=host_time() + _SOON), _grain(provider, make_spec())
        if grain is None:
            _says_that_it_has_none(provider, world, spec)
            return
        grant(provider, spec)
        secret = reveal(provider, spec)
        let_in = gets_in(world, spec, secret)
        assert let_in or host_time() >= spec.expires_at, "C13: the person does not get in before the end"
        _wait_until(spec.expires_at + grain)
        assert not gets_in(world, spec, secret), "C13: nobody revoked it, and the person gets in after the end"
        revoke(provider, spec, None)

    def test_c14_the_targets_own_end_is_never_early_nor_later_than_its_grain(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        whole = host_time().replace(microsecond=0) + timedelta(hours=1)
        for more in (0, 1, 499_999, 500_000, 999_999):
            spec = replace(make_spec(), expires_at=whole + timedelta(microseconds=more))
            grain = _grain(provider, spec)
            if grain is None:
                _says_that_it_has_none(provider, world, spec)
                continue
            receipt = grant(provider, spec).receipt
            ends = world.own_end(spec)
            seen = provider.observe(spec, receipt, deadline()).expires_at
            revoke(provider, spec, receipt)
            assert ends is not None, "C14: the target has no end of its own"
            assert ends >= spec.expires_at, f"C14: the target ends it {spec.expires_at - ends} early"
            assert ends < spec.expires_at + max(grain, _LEAST), "C14: the target ends it later than rounding explains"
            assert receipt.native_expiry == seen == ends, "C14: receipt and observe say another end than the target"

    def test_c15_the_targets_own_end_moves_later_and_earlier(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        provider, spec = make_provider(), make_spec()
        if not provider.capabilities.of(spec.settings).extend:
            grant(provider, spec)
            error = error_of(provider.extend, spec, None, deadline())
            revoke(provider, spec, None)
            assert isinstance(error, Unsupported), f"C15: it cannot move the end, and gives {error!r}"
            return
        grain = _grain(provider, spec)
        assert grain is not None, "C15: it can move an end, and the target has none"
        receipt, secret = grant(provider, spec).receipt, reveal(provider, spec)
        for more in (timedelta(hours=1), timedelta(minutes=-30), timedelta(minutes=-30)):
            moved = replace(spec, expires_at=spec.expires_at + more)
            outcome = make_provider().extend(moved, receipt, deadline())
            again = make_provider().extend(moved, receipt, deadline())
            assert again.receipt == outcome.receipt, "C15: moving it twice is not moving it once"
            ends = world.own_end(spec)
            assert ends is not None, "C15: after it was moved the target has no end of its own"
            assert moved.expires_at <= ends < moved.expires_at + max(grain, _LEAST), (
                f"C15: moved by {more} it is {ends}"
            )
            assert outcome.receipt.native_expiry == ends, "C15: the new receipt has another end than the target"
            assert gets_in(world, spec, secret), "C15: moving the end locked the person out"
            receipt = outcome.receipt
        revoke(provider, spec, receipt)
        assert not gets_in(world, spec, secret), "C15: with the new receipt the revoke does not shut it"

    def test_c15_moving_the_end_opens_nothing_again(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec, never_granted, untouched = make_spec(), make_spec(), world.snapshot()
        receipt = grant(provider, spec).receipt
        secret = reveal(provider, spec)
        revoke(provider, spec, receipt)
        later = replace(spec, expires_at=spec.expires_at + timedelta(hours=1))
        for gone, known in ((later, receipt), (later, None), (never_granted, None)):
            error = error_of(provider.extend, gone, known, deadline())
            assert isinstance(error, ProviderError), "C15: it claims to have moved the end of what is gone"
            assert not gets_in(world, spec, secret), "C15: moving the end opened again what was revoked"
            assert world.snapshot() == untouched, "C15: moving the end of what is gone left something"


_LEAST = timedelta(microseconds=1)


def _grain(provider: Provider, spec: GrantSpec) -> timedelta | None:
    return provider.capabilities.of(spec.settings).native_expiry


def _says_that_it_has_none(provider: Provider, world: World, spec: GrantSpec) -> None:
    receipt = grant(provider, spec).receipt
    said = (receipt.native_expiry, provider.observe(spec, receipt, deadline()).expires_at, world.own_end(spec))
    revoke(provider, spec, receipt)
    assert said == (None, None, None), f"C14: the target has no end of its own, and yet: {said}"


def _wait_until(moment: datetime) -> None:
    end = time.monotonic() + SECONDS
    while host_time() < moment:
        assert time.monotonic() < end, "the clock of this host stands still"
        time.sleep(0.05)
