"""The promises about what stays apart: other people, open sessions, changes by hand, what lies beside."""

import time
from collections.abc import Callable

from access.errors import Unsupported
from access.ports import Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.hammer import Hammer
from countersign.testing.steps import deadline, error_of, gets_in, grant, reveal, revoke
from countersign.testing.world import World


class Apartness(ContractFixtures):
    """C10, C11, C12, C16, C18 and C28."""

    def test_c10_the_grants_of_two_people_are_apart(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        ann, lea = make_spec("ann"), make_spec("lea")
        grant(provider, ann)
        grant(provider, lea)
        secrets = {spec.grant_id: reveal(provider, spec) for spec in (ann, lea)}
        revoke(provider, ann, None)
        assert not gets_in(world, ann, secrets[ann.grant_id]), "C10: the one who was revoked still gets in"
        assert gets_in(world, lea, secrets[lea.grant_id]), "C10: the revoke of one person locked out another"
        revoke(provider, lea, None)
        assert not gets_in(world, lea, secrets[lea.grant_id]), "C10: the second one still gets in"

    def test_c11_an_open_session_is_over_or_the_revoke_says_it_is_not(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        session = world.open_session(spec, reveal(provider, spec))
        try:
            assert session.is_alive(), "C11: the session is not alive before the revoke"
            removal = revoke(provider, spec, receipt)
            if not provider.capabilities.of(spec.settings).ends_sessions:
                assert removal.sessions_ended is None, "C11: it counts sessions it says it cannot end"
                assert removal.residual, "C11: sessions may live on, and the revoke does not say so"
                return
            assert not session.is_alive(), "C11: the session lives on after the revoke"
            assert removal.sessions_ended == 1, "C11: the session that was ended is not counted"
        finally:
            session.close()

    def test_c12_nobody_who_keeps_trying_gets_in_after_the_revoke(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        with Hammer(world, spec, reveal(provider, spec)) as hammer:
            hammer.wait_for_entries(3)
            revoke(provider, spec, receipt)
            returned = time.monotonic()
            hammer.wait_for_tries(20)
        assert not hammer.entries_after(returned), "C12: a client got in after the revoke had returned"
        if provider.capabilities.of(spec.settings).ends_sessions:
            assert not hammer.any_alive, "C12: a session that was opened during the revoke lives on"

    def test_c16_access_removed_by_hand_is_seen_to_be_gone(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        assert provider.observe(spec, receipt, deadline()).present, "C16: observe does not see what was granted"
        world.remove_behind_our_back(spec)
        for known in (receipt, None):
            present = provider.observe(spec, known, deadline()).present
            assert not present, "C16: observe sees what was removed by hand"
        assert revoke(provider, spec, receipt).state == "absent", "C16: the revoke claims to have removed it"

    def test_c18_what_is_ours_and_gives_access_is_listed_and_nothing_else(
        self, provider: Provider, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        spec, other = make_spec("ann"), make_spec("lea")
        if not provider.capabilities.of(spec.settings).list_managed:
            error = error_of(provider.list_managed, deadline())
            assert isinstance(error, Unsupported), f"C18: it cannot list what is ours, and gives {error!r}"
            return
        grant(provider, spec)
        grant(provider, other)
        with world.look_alike(make_spec()) as alike:
            listed = make_provider().list_managed(deadline())  # a fresh instance: what counts is on the target
            assert not [one for one in listed if one.name == alike], "C18: what only looks like ours is listed"
        ids = {one.grant_id for one in listed}
        revoke(provider, spec, None)
        left = {one.grant_id for one in provider.list_managed(deadline())}
        world.remove_behind_our_back(other)
        gone = {one.grant_id for one in provider.list_managed(deadline())}
        revoke(provider, other, None)
        assert {spec.grant_id, other.grant_id} <= ids, "C18: a grant that is open is not listed"
        assert spec.grant_id not in left, "C18: a grant that was revoked is still listed"
        assert other.grant_id in left, "C18: a grant that is open is not listed after another was revoked"
        assert other.grant_id not in gone, "C18: what was removed by hand is still listed"

    def test_c28_the_person_reaches_what_was_granted_and_nothing_beside(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        grant(provider, spec)
        secret = reveal(provider, spec)
        assert gets_in(world, spec, secret), "C28: the person does not reach what was granted"
        beside = world.trespasses(spec, secret)
        revoke(provider, spec, None)
        assert not beside, f"C28: the person also reaches {beside}"
