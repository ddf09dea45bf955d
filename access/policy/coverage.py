"""Which rules and stages of a policy its cases touch."""

from collections.abc import Iterable
from dataclasses import dataclass

from access.catalog import Policy
from access.durations import format_duration
from access.policy.cases import Case
from access.policy.escalation import added_by


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A case touches the rule that allows it, and each stage or step that adds people of which it says whom it asks."""

    parts: int
    untouched: tuple[str, ...]
    """`rule orders-fix`, `stage 2 of rule orders-fix`, `step after 45 min of rule orders-fix`, in the file's order."""

    @property
    def percent(self) -> int:
        """Rounded down: 100 is all of it."""
        return 100 if not self.parts else (self.parts - len(self.untouched)) * 100 // self.parts


def coverage(policy: Policy, cases: Iterable[Case]) -> Coverage:
    said: dict[str, int] = {}
    added: dict[str, int] = {}
    for case in cases:
        if case.rule is not None:
            said[case.rule] = max(said.get(case.rule, 0), case.stages)
            added[case.rule] = max(added.get(case.rule, 0), case.steps)
    parts, untouched = 0, list[str]()
    for rule in policy.rules:
        adding = added_by(rule.reminders, rule.stages)
        parts += 1 + len(rule.stages) + len(adding)
        if rule.id not in said:
            untouched.append(f"rule {rule.id}")
        untouched += [
            f"stage {number} of rule {rule.id}"
            for number in range(1, len(rule.stages) + 1)
            if number > said.get(rule.id, 0)
        ]
        untouched += [
            f"step after {format_duration(step.after)} of rule {rule.id}"
            for number, step in enumerate(adding, start=1)
            if number > added.get(rule.id, 0)
        ]
    return Coverage(parts=parts, untouched=tuple(untouched))
