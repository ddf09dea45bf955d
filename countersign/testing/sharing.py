"""The promises about what more than one has reason for: standing access, grants that overlap, rights added by hand."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from access.errors import TargetConflict, Transient, Unsupported
from access.ports import GrantSpec, Holder, Isolation, Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, gets_in, grant, reveal, revoke
from countersign.testing.world import World

_AT_ONCE = 20


class Sharing(ContractFixtures):
    """C07, C08, C09, C17 and C38. The core counts; here it is told to a provider by `kept`, as the core would."""

    def test_c07_standing_access_survives(self, provider: Provider, world: World, make_spec: MakeSpec) -> None:
        spec = make_spec()
        with world.standing(spec) as stands:
            spec = _beside_what_stands(provider, spec)
            receipt = grant(provider, spec).receipt
            assert stands(), "C07: the grant broke what stood there before it"
            revoke(provider, spec, receipt)
            assert stands(), "C07: the revoke took what stood there before the grant"

    def test_c08_what_stood_there_is_as_it_was(self, provider: Provider, world: World, make_spec: MakeSpec) -> None:
        spec = make_spec()
        with world.standing(spec):
            before = world.snapshot()
            spec = _beside_what_stands(provider, spec)
            grant(provider, spec)
            revoke(provider, spec, None)
            after = world.snapshot()
        assert after == before, "C08: the level or the end of what stood there is not what it was"

    @pytest.mark.parametrize("first", [0, 1])
    def test_c09_of_two_that_overlap_each_ends_its_own(
        self, provider: Provider, world: World, make_spec: MakeSpec, first: int
    ) -> None:
        specs, untouched = [make_spec(), make_spec()], world.snapshot()
        for spec in specs:
            grant(provider, spec)
        ending, staying = specs[first], specs[1 - first]
        secret = reveal(provider, staying)
        revoke(provider, _beside(provider, ending, staying), None)
        assert gets_in(world, staying, secret), "C09: the end of one grant took away what another needs"
        assert provider.observe(staying, None, deadline()).present, "C09: observe does not see what is left"
        gone = provider.observe(_beside(provider, ending, staying), None, deadline())
        assert not gone.present, "C09: observe counts what is another's"
        revoke(provider, staying, None)
        assert not gets_in(world, staying, secret), "C09: after the last end the person still gets in"
        assert world.snapshot() == untouched, "C09: after the last end something is left"

    def test_c09_many_at_once(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:  # fmt: skip
        provider, untouched = make_provider(), world.snapshot()
        last, *others = [make_spec() for _ in range(_AT_ONCE)]
        _all_at_once([lambda spec=spec: grant(provider, spec) for spec in (last, *others)])
        secret = reveal(provider, last)
        _all_at_once([lambda spec=spec: revoke(provider, _beside(provider, spec, last), None) for spec in others])
        assert gets_in(world, last, secret), "C09: of many ends at once one took away what another grant needs"
        revoke(provider, last, None)
        assert world.snapshot() == untouched, "C09: of many grants at once something is left"

    def test_c17_rights_added_by_hand_are_reported_and_end_with_the_rest(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec, untouched = make_spec(), world.snapshot()
        receipt = grant(provider, spec).receipt
        assert not provider.observe(spec, receipt, deadline()).extra_privileges, (
            "C17: more than was granted is reported at once"
        )
        assert not _listed_extra_privileges(provider, spec), "C17: more than was granted is listed at once"
        world.tamper(spec)
        seen, listed = (
            provider.observe(spec, receipt, deadline()).extra_privileges,
            _listed_extra_privileges(provider, spec),
        )
        revoke(provider, spec, receipt)
        assert seen, "C17: observe does not see what was added by hand"
        assert listed, "C17: what was added by hand is not listed"
        assert world.snapshot() == untouched, "C17: the revoke leaves something of ours"

    def test_c38_whoever_holds_what_we_can_give_is_listed(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        if not provider.capabilities.of(spec.settings).list_holders:
            error = error_of(provider.list_holders, deadline())
            assert isinstance(error, Unsupported), f"C38: it cannot list who holds what, and gives {error!r}"
            return
        before = _held_by_others(provider, spec)
        with world.standing(spec):
            there = _held_by_others(provider, spec)
        after = _held_by_others(provider, spec)
        assert there, "C38: access that another gave is not listed, or is taken for ours"
        assert not before, "C38: somebody is listed who holds nothing"
        assert not after, "C38: what was taken away is still listed"


def _held_by_others(provider: Provider, spec: GrantSpec) -> list[Holder]:
    return [one for one in provider.list_holders(deadline()) if one.principal == spec.principal and not one.ours]


def _shares(provider: Provider, spec: GrantSpec) -> bool:
    return provider.capabilities.of(spec.settings).isolation is not Isolation.PER_GRANT


def _beside_what_stands(provider: Provider, spec: GrantSpec) -> GrantSpec:
    """As the core tells it: it looks before it adds."""
    if not _shares(provider, spec):
        return spec
    return replace(spec, kept=provider.observe(spec, None, deadline()).standing)


def _beside(provider: Provider, spec: GrantSpec, other: GrantSpec) -> GrantSpec:
    """As the core tells it while another grant is open."""
    return replace(spec, kept=provider.rights(other).roles) if _shares(provider, spec) else spec


def _listed_extra_privileges(provider: Provider, spec: GrantSpec) -> list[object]:
    able = provider.capabilities.of(spec.settings)
    found = list[object]()
    if able.list_managed:
        mine = [one for one in provider.list_managed(deadline()) if one.grant_id == spec.grant_id]
        found += [one for one in mine if one.roles - provider.rights(spec).roles]
    elif able.list_holders:
        found += [one for one in provider.list_holders(deadline()) if one.ours and one.extra_privileges]
    return found


def _all_at_once(calls: list[Callable[[], object]]) -> None:
    """Each in a thread of its own; what the target says is worth another try is tried again, as the core would."""
    start, errors = threading.Barrier(len(calls)), list[BaseException]()

    def persist(call: Callable[[], object]) -> None:
        start.wait()
        until = deadline()
        while True:
            try:
                call()
            except (TargetConflict, Transient) as error:
                if until.passed:
                    errors.append(error)
                    return
            except BaseException as error:
                errors.append(error)
                return
            else:
                return

    threads = [threading.Thread(target=persist, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, f"C09: {errors}"
