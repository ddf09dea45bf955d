"""The promises about an adversary inside the target: who holds access there, or merely a login, and fights its end."""

from contextlib import suppress

from access.errors import ProviderError
from access.ports import Deadline, GrantSpec, Provider, Receipt, Secret
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, gets_in, grant, reveal
from countersign.testing.world import LiveSession, World

_ONE_CALL = 10.0
"""What a worker gives one call."""
_MORE_CALLS = 3


class Hostile(ContractFixtures):
    """C31 to C36, and C40."""

    def test_c31_the_holders_own_locks_do_not_hold_up_the_end(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C31", provider, world, make_spec)

    def test_c32_anothers_locks_do_not_either_and_our_waiting_makes_no_one_queue(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C32", provider, world, make_spec)

    def test_c33_what_a_holder_made_never_runs_with_our_rights(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C33", provider, world, make_spec)

    def test_c34_names_that_others_planted_are_never_called_by_us(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C34", provider, world, make_spec)

    def test_c35_a_session_that_is_half_way_in_or_not_shown_has_nothing_afterwards(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C35", provider, world, make_spec)

    def test_c36_what_a_holder_leaves_never_delays_the_end(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        self._ends_against("C36", provider, world, make_spec, calls=1)

    def test_c40_the_printed_statements_end_the_access_by_hand(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        every = [one for one in world.obstacles() if one.by_hand]
        for obstacle in every or [None]:
            spec = make_spec()
            receipt, secret = _opened(provider, spec)
            session = world.open_session(spec, secret)
            where = f"C40: against {obstacle.name if obstacle else 'nothing'}, by hand,"
            try:
                if obstacle is None:
                    world.type_by_hand(provider.plan(spec).revoke)
                    _nothing_is_left(where, world, spec, secret, session)
                    continue
                with obstacle.played(spec, secret) as left:
                    world.type_by_hand(provider.plan(spec).revoke)
                    _nothing_is_left(where, world, spec, secret, session)
                    assert not (found := left()), f"{where} {found}"
            finally:
                session.close()
                _end(provider, spec, receipt, calls=_MORE_CALLS)

    def _ends_against(
        self, promise: str, provider: Provider, world: World, make_spec: MakeSpec, *, calls: int = _MORE_CALLS
    ) -> None:
        """In the time of one call nothing of the access works, whatever the obstacle; soon after the target says so."""
        obstacles = [one for one in world.obstacles() if one.promise == promise]
        if not obstacles:
            reason = self.no_obstacles.get(promise)
            assert reason, f"{promise}: the world has no obstacle of this kind, and nothing says why"
            return
        for obstacle in obstacles:
            spec = make_spec()
            receipt, secret = _opened(provider, spec)
            session = world.open_session(spec, secret)
            try:
                with obstacle.played(spec, secret) as left:
                    with suppress(ProviderError):
                        provider.revoke(spec, receipt, Deadline.after(_ONE_CALL))
                    where = f"{promise}: against {obstacle.name}, after one call"
                    _nothing_is_left(where, world, spec, secret, session)
                    seen = _end(provider, spec, receipt, calls=calls)
                    assert not (found := left()), f"{promise}: against {obstacle.name}: {found}"
                    assert seen, f"{promise}: against {obstacle.name} the end is not reached"
            finally:
                session.close()
                _end(provider, spec, receipt, calls=_MORE_CALLS)


def _opened(provider: Provider, spec: GrantSpec) -> tuple[Receipt, Secret | None]:
    return grant(provider, spec).receipt, reveal(provider, spec)


def _nothing_is_left(where: str, world: World, spec: GrantSpec, secret: Secret | None, session: LiveSession) -> None:
    assert not session.is_alive(), f"{where} an open session still serves"
    assert not gets_in(world, spec, secret), f"{where} the person still gets in"


def _end(provider: Provider, spec: GrantSpec, receipt: Receipt, *, calls: int) -> bool:
    """Whether the target says that nothing is there, after so many more calls."""
    for _ in range(calls):
        with suppress(ProviderError):
            removal = provider.revoke(spec, receipt, Deadline.after(_ONE_CALL))
            if removal.state != "pending" and not provider.observe(spec, receipt, deadline()).present:
                return True
    return False
