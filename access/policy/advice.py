"""Advice on a policy that loads: what is probably not meant."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from access.catalog import MANAGER, OWNER, Entitlement, Policy, Rule, Stage
from access.ids import Person
from access.policy.chain import lacking
from access.policy.document import Path
from access.policy.explain import Finding
from access.policy.ladder_advice import ladder_advice

_NAMED = 3
"""So many people are named in a sentence; the rest are counted."""


def advice(policy: Policy) -> Iterator[Finding]:
    """What works as written but leaves somebody without an answer."""
    yield from _empty_groups(policy)
    yield from _closed_entitlements(policy)
    yield from _undescribed(policy)
    for index, rule in enumerate(policy.rules):
        yield from _approvers(policy, rule, ("rules", index, "approve", "stages"))
        yield from ladder_advice(policy, rule, ("rules", index, "escalate"))


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
    for stages, requesters in chains_of(policy, rule).items():
        yield from _completed(policy, rule, stages, requesters, path)


def chains_of(policy: Policy, rule: Rule) -> dict[tuple[Stage, ...], set[Person]]:
    """The rule's chain as it is for each owner and manager, with those who would ask by it."""
    found: defaultdict[tuple[Stage, ...], set[Person]] = defaultdict(set)
    owned = {policy.resources[one.resource].owner: policy.resources[one.resource] for one in rule.entitlements}
    by_owner = any(OWNER in stage.groups for stage in rule.stages)
    by_manager = any(MANAGER in stage.groups for stage in rule.stages)
    requesters = policy.members(rule.groups)
    for resource in [*owned.values()][: None if by_owner else 1]:
        for asking in [frozenset({one}) for one in requesters] if by_manager else [requesters]:
            subject = min(asking, default=Person(""))
            found[tuple(stage.resolved(resource, subject) for stage in rule.stages)] |= asking
    return found


def _completed(
    policy: Policy, rule: Rule, stages: tuple[Stage, ...], requesters: set[Person], path: Path
) -> Iterator[Finding]:  # fmt: skip
    approvers = policy.members(group for stage in stages for group in stage.groups)
    alike: defaultdict[frozenset[Person], list[Person]] = defaultdict(list)
    for requester in sorted(requesters):
        alike[frozenset({requester}) & approvers].append(requester)
    for barred, asking in alike.items():
        members = {group: policy.members([group]) - barred for stage in stages for group in stage.groups}
        would = f"what {_people(asking)} would ask for by rule `{rule.id}`"
        lacks = lacking(stages, members)
        if lacks is not None:
            where = (*path, lacks - 1)
            if len(stages) == 1 and stages[0].wanted == 1:
                yield where, f"no one can approve {would}; it will be refused"
            else:
                yield where, f"stage {lacks} has too few people left to approve {would}; it will be refused"
            continue
        yield from _alone(stages, members, would, path)


def _alone(
    stages: tuple[Stage, ...], members: Mapping[str, frozenset[Person]], would: str, path: Path
) -> Iterator[Finding]:
    for number, stage in enumerate(stages):
        others = frozenset[Person]().union(*(members[group] for group in stage.groups))
        if len(others) == stage.wanted:
            alone = " and ".join(sorted(others))
            yield (*path, number), f"only {alone} can approve {would}; name another"


def _people(people: list[Person]) -> str:
    if len(people) <= _NAMED:
        return " or ".join(people)
    return f"{', '.join(people[:_NAMED])} or {len(people) - _NAMED} more"
