"""The promises about what a provider says of itself and of its target: claims are true, too many privileges told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from access.errors import Unsupported
from access.ports import Finding, GrantSpec, Isolation, Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, grant, reveal, revoke
from countersign.testing.world import World


class Claims(ContractFixtures):
    """C22 and C26."""

    def test_c22_the_check_names_what_has_too_many_privileges(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        before = _faults(make_provider(), spec)
        for too_much in world.too_much(spec):
            with too_much as what:
                found = [one for one in _faults(make_provider(), spec) if one not in before]
                assert found, f"C22: {what} and the check says nothing"
                assert all(one.cure for one in found), f"C22: {what} and the check does not say what to do"

    def test_c26_what_is_claimed_can_be_done_and_all_else_is_unsupported(
        self, provider: Provider, make_spec: MakeSpec
    ) -> None:
        spec = make_spec()
        able, wrong = provider.capabilities.of(spec.settings), list[str]()
        grant(provider, spec)
        try:
            for verb, (claimed, call) in _optional(provider, spec).items():
                error = error_of(call)
                if claimed and error is not None:
                    wrong.append(f"{verb} is claimed and gives {error!r}")
                if not claimed and not isinstance(error, Unsupported):
                    wrong.append(f"{verb} is not claimed and gives {error!r} in place of Unsupported")
            if able.isolation is Isolation.SHARED and not provider.rights(spec).roles:
                wrong.append("grants share what they give, and rights names nothing")
            if not able.reveals and error_of(provider.reveal, spec, None, deadline()) is None:
                made = provider.reveal(spec, None, deadline()).made
                wrong += ["no secret is claimed, and reveal makes one"] if made else []
            if able.reveals and reveal(provider, spec) is None:
                wrong.append("a secret is claimed, and reveal gives none")
        finally:
            revoke(provider, spec, None)
        assert not wrong, f"C26: {wrong}"


def _faults(provider: Provider, spec: GrantSpec) -> list[Finding]:
    roles = {spec.role: type(provider).Role.model_validate(dict(spec.definition))}
    return [one for one in provider.check(roles, deadline()) if one.level != "ok"]


def _optional(provider: Provider, spec: GrantSpec) -> dict[str, tuple[bool, Callable[[], object]]]:
    """What only some can do: whether it is claimed, and a call."""
    able = provider.capabilities.of(spec.settings)
    roles = {spec.role: type(provider).Role.model_validate(dict(spec.definition))}
    later = replace(spec, expires_at=spec.expires_at + timedelta(hours=1))
    return {
        "extend": (able.extend, lambda: provider.extend(later, None, deadline())),
        "list_managed": (able.list_managed, lambda: provider.list_managed(deadline())),
        "list_holders": (able.list_holders, lambda: provider.list_holders(deadline())),
        "role_rights": (able.tells_rights, lambda: provider.role_rights(roles, deadline())),
        "clean_up": (able.cleanup_window is not None, lambda: provider.clean_up([], deadline())),
    }
