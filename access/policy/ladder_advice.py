"""Advice on the steps of a ladder: those that would call no one."""

from collections.abc import Iterator

from access.catalog import Policy, Rule
from access.durations import format_duration
from access.policy.document import Path
from access.policy.explain import Finding


def ladder_advice(policy: Policy, rule: Rule, path: Path) -> Iterator[Finding]:
    """`path`: of the rule's `escalate`."""
    requesters = policy.members(rule.groups)
    for index, step in enumerate(rule.reminders):
        where, inside = (*path, index, "to"), policy.members([step.group])
        after = format_duration(step.after)
        if not inside:
            yield where, f"`{step.group}` has no people, so the step after {after} calls no one"
        elif len(inside) == 1 and inside <= requesters:
            alone = min(inside)
            yield (
                where,
                f"only {alone} is in `{step.group}`, so the step after {after} calls no one when {alone} asks by rule "
                f"`{rule.id}`",
            )
