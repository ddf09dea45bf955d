"""What a policy lets people have in the end: for how long, and by whose approval. Pure.

Computed of the loaded policy, so that another way to say the same is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations

from access.catalog import MANAGER, OWNER, Entitlement, Policy, Resource, Role, Rule, Stage
from access.ids import Person
from access.policy.escalation import added_by

_PERMUTED = 5
"""Groups of one stage that are compared in every order; beyond, only in one."""
Places = tuple[frozenset[Person], ...]
"""Of whom a stage wants approvals: of one set several, or one of each of several sets."""


@dataclass(frozen=True, order=True)
class StageReach:
    wanted: int
    places: Places

    @property
    def people(self) -> frozenset[Person]:
        return frozenset[Person]().union(*self.places)

    def is_within(self, other: "StageReach") -> bool:
        """Whether whatever approvals fill this one fill the other too; it may say no where it is so."""
        if len(self.places) == 1 == len(other.places):
            return self.wanted >= other.wanted and self.places[0] <= other.places[0]
        if len(self.places) != len(other.places):
            return False
        orders = permutations(self.places) if len(self.places) <= _PERMUTED else [self.places]
        return any(all(mine <= theirs for mine, theirs in zip(one, other.places, strict=True)) for one in orders)


@dataclass(frozen=True)
class Reach:
    """What one person can have of one entitlement."""

    longest: timedelta
    stages: tuple[StageReach, ...]
    later: frozenset[tuple[timedelta, Person]]
    """Who can approve too after so long without an answer."""

    @property
    def approvals(self) -> int:
        return sum(stage.wanted for stage in self.stages)

    @property
    def approvers(self) -> frozenset[Person]:
        return frozenset[Person]().union(*(stage.people for stage in self.stages))

    def is_within(self, other: "Reach") -> bool:
        """Whether whatever completes this chain completes the other: each of its stages is in this one, in order."""
        left = iter(self.stages)
        return all(any(mine.is_within(theirs) for mine in left) for theirs in other.stages)


class Effective:
    """One policy, asked about everything that it opens."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.opened = frozenset(entitlement for rule in policy.rules for entitlement in rule.entitlements)
        self._asking: dict[tuple[str, ...], frozenset[Person]] = {}

    def known(self, entitlement: Entitlement) -> tuple[Resource, Role]:
        """Of one that a rule opens."""
        known = self.policy.entitlement(entitlement)
        assert known, "a loaded policy's rules name only what its catalog has"
        return known

    def asking(self, rules: Iterable[Rule]) -> frozenset[Person]:
        """Who may ask by one of these, and receives then."""
        key = tuple(rule.id for rule in rules)
        if key not in self._asking:
            self._asking[key] = self.policy.members(group for rule in rules for group in rule.groups)
        return self._asking[key]

    def crowds(self, rules: Iterable[Rule]) -> list[tuple[frozenset[Person], frozenset[Person]]]:
        """Of each rule that lets people ask for others, who may, and for whom."""
        return [
            (self.policy.members(rule.on_behalf), self.policy.members(rule.groups)) for rule in rules if rule.on_behalf
        ]

    def terms_key(self, rule: Rule, entitlement: Entitlement) -> tuple[str, str, str]:
        """What of the entitlement bears on who decides and for how long: of two with the same it is the same."""
        resource, role = self.known(entitlement)
        return rule.id, resource.owner, role.level

    def reach(self, rule: Rule, entitlement: Entitlement, person: Person) -> Reach:
        resource, role = self.known(entitlement)
        level, barred = self.policy.levels[role.level], frozenset({person})
        stages = tuple(stage.resolved(resource, person) for stage in rule.stages)
        lapses_after = min(rule.lapses_after or level.request_ttl, level.request_ttl)
        steps = added_by([one for one in rule.reminders if one.after < lapses_after], stages)
        each = tuple(self._stage(stage, barred) for stage in stages)
        always = frozenset[Person].intersection(*(stage.people for stage in each)) | barred
        called = {one: step.after for step in reversed(steps) for one in self.policy.members([step.group]) - always}
        return Reach(
            longest=self.policy.longest(role, rule), later=frozenset((after, one) for one, after in called.items()),
            stages=each,
        )  # fmt: skip

    def _stage(self, stage: Stage, barred: frozenset[Person]) -> StageReach:
        sets = [stage.any_of] if stage.any_of else [(one,) for one in stage.all_of]
        return StageReach(stage.wanted, self._places(sets, barred))

    def _places(self, sets: Iterable[Iterable[str]], barred: frozenset[Person]) -> Places:
        return tuple(sorted((self.policy.members(groups) - barred for groups in sets), key=sorted))

    def bearing(self, rule: Rule, entitlement: Entitlement) -> frozenset[Person] | None:
        """Those for whom the chain is not as for everybody else, because they are in it. None: it is each one's own."""
        resource, _ = self.known(entitlement)
        groups = {group for stage in rule.stages for group in stage.groups} | {step.group for step in rule.reminders}
        if MANAGER in groups:
            return None
        return self.policy.members({*groups - {OWNER}, *([resource.owner] if OWNER in groups else [])})
