"""`countersign policy lint`: every mistake of a policy file, with its line and its cure."""

import json
from pathlib import Path

from access.catalog import Policy
from access.policy.document import Problem
from access.policy.load import check, load_policy
from access.policy_source import read_policy
from access.words import counted
from countersign.providers import ProviderClasses


def lint_file(file: Path, *, in_json: bool = False) -> int:
    """Prints what there is to mend; 0 when the file can be used. Raises PolicyError when it cannot be read."""
    classes = ProviderClasses()
    policy, problems = check(read_policy(file), file=str(file), providers=classes)
    problems += [Problem(line=None, sentence=one, severity="warning") for one in classes.problems.values()]
    print(_in_json(file, policy, problems) if in_json else _in_words(file, policy, problems))
    return 0 if policy is not None else 1


def _in_words(file: Path, policy: Policy | None, problems: list[Problem]) -> str:
    lines = [f"{one.severity}: {one.where(str(file))}: {one.sentence}" for one in problems]
    if policy is not None:
        roles = counted(sum(len(resource.roles) for resource in policy.resources.values()), "role", "roles")
        resources = counted(len(policy.resources), "resource", "resources")
        counts = f"{people_and_rules(policy)}, {resources} with {roles}"
        lines.append(f"{file} can be used: {counts}; sha256 {policy.sha256[:16]}")
    return "\n".join(lines)


def _in_json(file: Path, policy: Policy | None, problems: list[Problem]) -> str:
    found = [{"line": one.line, "severity": one.severity, "sentence": one.sentence} for one in problems]
    said = {"file": str(file), "usable": policy is not None, "sha256": policy and policy.sha256, "problems": found}
    return json.dumps(said, indent=2, ensure_ascii=False)


def load_file(file: Path) -> Policy:
    """The policy that is tried. Raises PolicyError."""
    return load_policy(read_policy(file), file=str(file), providers=ProviderClasses())


def people_and_rules(policy: Policy) -> str:
    return f"{counted(len(policy.people), 'person', 'people')}, {counted(len(policy.rules), 'rule', 'rules')}"
