"""Advice on a policy that loads: what is probably not meant."""

from collections import defaultdict
from collections.abc import Iterator

from access.catalog import Entitlement, Policy, Rule
from access.ids import Person
from access.policy.document import Path
from access.policy.explain import Finding

_NAMED = 3
"""So many people are named in a sentence; the rest are counted."""


def advice(policy: Policy) -> Iterator[Finding]:
    """What works as written but leaves somebody without an answer."""
    yield from _empty_groups(policy)
    yield from _closed_entitlements(policy)
    yield from _undescribed(policy)
    for index, rule in enumerate(policy.rules):
        yield from _approvers(policy, rule, ("rules", index, "approve", "stages", 0, "any_of"))


def _empty_groups(policy: Policy) -> Iterator[Finding]:
    for group in policy.groups.values():
        if not group.people:
            yield ("groups", group.name), f"group `{group.name}` has no people"


def _closed_entitlements(policy: Policy) -> Iterator[Finding]:
    opened = {entitlement for rule in policy.rules for entitlement in rule.entitlements}
    opened |= set(policy.canary.entitlements if policy.canary else ())
    for index, resource in enumerate(policy.resources.values()):
        for role in resource.roles:
            entitlement = Entitlement(resource.id, role)
            if entitlement not in opened:
                yield ("resources", index, "roles", role), f"no rule opens {entitlement}, so it cannot be asked for"


def _undescribed(policy: Policy) -> Iterator[Finding]:
    """Roles that people ask for and decide on by their titles alone; one sentence a resource."""
    opened = {entitlement for rule in policy.rules for entitlement in rule.entitlements}
    for index, resource in enumerate(policy.resources.values()):
        bare = [
            role.name
            for role in resource.roles.values()
            if not role.description and Entitlement(resource.id, role.name) in opened
        ]
        if bare:
            yield ("resources", index, "roles", bare[0]), _no_description(resource.id, bare)


def _no_description(resource: str, roles: list[str]) -> str:
    which, what = ("role", "it") if len(roles) == 1 else ("roles", "each")
    has = "has" if len(roles) == 1 else "have"
    return f"{which} {_names(roles)} of {resource} {has} no `description`; say in one plain sentence what {what} allows"


def _names(roles: list[str]) -> str:
    shown = [f"`{role}`" for role in roles[:_NAMED]]
    if len(roles) > _NAMED:
        shown.append(f"{len(roles) - _NAMED} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _approvers(policy: Policy, rule: Rule, path: Path) -> Iterator[Finding]:
    """A chain that some requester's request can never complete, and one that hangs on a single person."""
    approvers = policy.members(rule.any_of)
    left: defaultdict[frozenset[Person], list[Person]] = defaultdict(list)
    for requester in sorted(policy.members(rule.groups)):
        left[approvers - {requester} if requester in approvers else approvers].append(requester)
    for others, requesters in left.items():
        asking = _people(requesters)
        if len(others) < rule.quorum:
            yield path, f"no one can approve what {asking} would ask for by rule `{rule.id}`; it will be refused"
        elif len(others) == rule.quorum:
            alone = " and ".join(sorted(others))
            yield path, f"only {alone} can approve what {asking} would ask for by rule `{rule.id}`; name another"


def _people(people: list[Person]) -> str:
    if len(people) <= _NAMED:
        return " or ".join(people)
    return f"{', '.join(people[:_NAMED])} or {len(people) - _NAMED} more"
