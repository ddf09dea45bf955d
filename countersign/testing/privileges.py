"""The promises about privileges: what has too many is not granted, and it is seen when a role becomes more."""

from collections.abc import Callable

from access.errors import Permanent
from access.ports import GrantSpec, Provider, RoleRights
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, grant, revoke
from countersign.testing.world import World


class Privileges(ContractFixtures):
    """C37 and C38. Ending goes on in all of it."""

    def test_c37_what_has_too_many_privileges_is_not_granted_and_still_ends(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        for too_much in world.too_much(make_spec()):
            spec = make_spec()
            receipt = grant(make_provider(), spec).receipt
            with too_much as what:
                provider, refused, before = make_provider(), make_spec(), world.snapshot()
                error = error_of(provider.grant, refused, deadline())
                assert isinstance(error, Permanent), f"C37: {what} and it grants all the same ({error!r})"
                assert world.snapshot() == before, f"C37: {what} and what was refused is there"
                removal = revoke(provider, spec, receipt)
                assert removal.state == "removed", f"C37: {what} and what was open does not end"

    def test_c38_it_is_seen_when_a_role_allows_more(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        spec, provider = make_spec(), make_provider()
        if not provider.capabilities.of(spec.settings).tells_rights:
            return  # nothing is promised, and `check` has to be asked
        before = _told(provider, spec)
        assert _told(make_provider(), spec) == before, "C38: what a role allows changes by itself"
        with world.widened(spec):
            wider = _told(provider, spec)
        assert wider.fingerprint != before.fingerprint, "C38: a role that allows more has the same fingerprint"
        assert wider.allows - before.allows, "C38: a role that allows more has no new kind of right"
        assert _told(provider, spec) == before, "C38: a right that was taken away is still told"


def _told(provider: Provider, spec: GrantSpec) -> RoleRights:
    roles = {spec.role: type(provider).Role.model_validate(dict(spec.definition))}
    return next(one for one in provider.role_rights(roles, deadline()) if one.role == spec.role)
