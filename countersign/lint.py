"""`countersign policy lint`: every mistake of a policy file, with its line and its cure."""

from pathlib import Path

from access.errors import PolicyError
from access.policy.load import check
from countersign.providers import ProviderClasses


def lint_file(file: Path) -> int:
    """Prints what there is to mend; 0 when the file can be used. Raises PolicyError when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"the file cannot be read: {error}", file=str(file)) from None
    policy, problems = check(text, file=str(file), providers=ProviderClasses())
    for problem in problems:
        print(f"{problem.severity}: {problem.at(str(file))}")
    if policy is None:
        return 1
    roles = sum(len(resource.roles) for resource in policy.resources.values())
    counts = (
        f"{len(policy.people)} people, {len(policy.resources)} resources with {roles} roles, {len(policy.rules)} rules"
    )
    print(f"{file} can be used: {counts}; sha256 {policy.sha256[:16]}")
    return 0
