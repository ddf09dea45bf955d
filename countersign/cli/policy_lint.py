"""`countersign policy lint`: every mistake of a policy file, with its line and its cure."""

from pathlib import Path

from access.catalog import Policy
from access.policy.load import check
from access.policy_source import read_policy
from access.words import counted
from countersign.providers import ProviderClasses


def lint_file(file: Path) -> int:
    """Prints what there is to mend; 0 when the file can be used. Raises PolicyError when it cannot be read."""
    classes = ProviderClasses()
    policy, problems = check(read_policy(file), file=str(file), providers=classes)
    for problem in problems:
        print(f"{problem.severity}: {problem.where(str(file))}: {problem.sentence}")
    for sentence in classes.problems.values():
        print(f"warning: {file}: {sentence}")
    if policy is None:
        return 1
    roles = counted(sum(len(resource.roles) for resource in policy.resources.values()), "role", "roles")
    resources = counted(len(policy.resources), "resource", "resources")
    counts = f"{people_and_rules(policy)}, {resources} with {roles}"
    print(f"{file} can be used: {counts}; sha256 {policy.sha256[:16]}")
    return 0


def people_and_rules(policy: Policy) -> str:
    return f"{counted(len(policy.people), 'person', 'people')}, {counted(len(policy.rules), 'rule', 'rules')}"
