"""Which rules and stages of a policy its cases touch."""

from collections.abc import Iterable
from dataclasses import dataclass

from access.catalog import Policy
from access.policy.cases import Case


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A rule is touched by a case that it allows; a stage, by one that says whom it asks."""

    parts: int
    untouched: tuple[str, ...]
    """`rule orders-fix`, `stage 2 of rule orders-fix`, in the file's order."""

    @property
    def percent(self) -> int:
        """Rounded down: 100 is all of it."""
        return 100 if not self.parts else (self.parts - len(self.untouched)) * 100 // self.parts


def coverage(policy: Policy, cases: Iterable[Case]) -> Coverage:
    said: dict[str, int] = {}
    for case in cases:
        if case.rule is not None:
            said[case.rule] = max(said.get(case.rule, 0), case.stages)
    parts, untouched = 0, list[str]()
    for rule in policy.rules:
        parts += 1 + len(rule.stages)
        if rule.id not in said:
            untouched.append(f"rule {rule.id}")
        untouched += [
            f"stage {number} of rule {rule.id}"
            for number in range(1, len(rule.stages) + 1)
            if number > said.get(rule.id, 0)
        ]
    return Coverage(parts=parts, untouched=tuple(untouched))
