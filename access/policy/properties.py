"""Properties of a policy: what must hold for everybody who may ask and everything that may be asked for."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from access.catalog import Policy, Rule
from access.ids import Person
from access.policy.advice import chains_of
from access.policy.cases import AnswerableShape, ApprovalsShape, NeverShape, PropertyShape
from access.policy.chain import lacking
from access.words import counted

_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property, in its words, and what breaks it."""

    name: str
    line: int | None
    failures: tuple[str, ...]


def try_property(policy: Policy, shape: PropertyShape, line: int | None) -> Property:
    if shape.approvals is not None:
        name, found = _name("approvals", shape.approvals.levels), _approvals(policy, shape.approvals)
    elif shape.answerable is not None:
        name, found = _name("answerable", shape.answerable.levels), _answerable(policy, shape.answerable)
    else:
        assert shape.never is not None, "one of them is said"
        name, found = _name("never", shape.never.groups), _never(policy, shape.never)
    return Property(name=name, line=line, failures=tuple(found))


def _name(word: str, of: list[str]) -> str:
    return f"{word}: {', '.join(of)}"


def _approvals(policy: Policy, shape: ApprovalsShape) -> Iterator[str]:
    yield from _unknown(policy, shape.levels)
    for rule, level in _of_levels(policy, shape.levels):
        wanted = sum(stage.wanted for stage in rule.stages)
        if wanted < shape.at_least:
            needed = counted(shape.at_least, "approval", "approvals")
            yield f"rule {rule.id} opens level {level} with {wanted} of {needed}"


def _answerable(policy: Policy, shape: AnswerableShape) -> Iterator[str]:
    yield from _unknown(policy, shape.levels)
    for rule, level in _of_levels(policy, shape.levels):
        stuck = sorted(_stuck(policy, rule))
        if stuck:
            more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
            yield f"rule {rule.id} (level {level}) has too few approvers for {', '.join(stuck[:_NAMED])}{more}"


def _stuck(policy: Policy, rule: Rule) -> Iterator[Person]:
    """Who may ask by this rule, though too few others could approve."""
    for stages, asking in chains_of(policy, rule).items():
        for person in asking:
            members = {group: policy.members([group]) - {person} for stage in stages for group in stage.groups}
            if lacking(stages, members) is not None:
                yield person


def _never(policy: Policy, shape: NeverShape) -> Iterator[str]:
    unknown = [group for group in shape.groups if group not in policy.groups]
    yield from (f"there is no group {group}" for group in unknown)
    for entitlement in shape.entitlements:
        if policy.entitlement(entitlement) is None:
            yield f"there is no entitlement {entitlement}"
        for rule in policy.rules:
            able = sorted(policy.members(shape.groups) & policy.members(rule.groups))
            if entitlement in rule.entitlements and able:
                yield f"{able[0]} may ask for {entitlement}, by rule {rule.id}"


def _unknown(policy: Policy, levels: list[str]) -> Iterator[str]:
    """A word that is wrong must not make a property hold of nothing."""
    yield from (f"there is no level {level}" for level in levels if level not in policy.levels)


def _of_levels(policy: Policy, levels: list[str]) -> Iterator[tuple[Rule, str]]:
    """Every rule, once for each of these levels that it opens something of."""
    opened: defaultdict[str, set[str]] = defaultdict(set)
    for rule in policy.rules:
        for entitlement in rule.entitlements:
            known = policy.entitlement(entitlement)
            if known is not None:
                opened[rule.id].add(known[1].level)
    for rule in policy.rules:
        yield from ((rule, level) for level in levels if level in opened[rule.id])
