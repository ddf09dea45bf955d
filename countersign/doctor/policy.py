"""The policy file: what `countersign policy lint` says of it, warnings too."""

from collections.abc import Iterator

from access.catalog import Policy
from access.durations import format_duration
from access.faults import why
from access.policy.document import Problem
from access.ports import Finding
from countersign.cli.policy_lint import people_and_rules
from countersign.doctor.surroundings import Surroundings, error, ok, warning


def look(here: Surroundings) -> Iterator[Finding]:
    file = here.settings.policy_file
    try:
        policy, problems = here.policy_checked
    except OSError as fault:
        cure = "Name it by COUNTERSIGN_POLICY, or write one: `countersign init` asks the few questions."
        yield error("access.yml", f"{file} cannot be read: {why(fault)}.", cure)
        return
    except UnicodeDecodeError:
        yield error("access.yml", f"{file} is not text in UTF-8.", "Save it as UTF-8.")
        return
    if policy is not None:
        yield ok("access.yml", f"{file} can be used: {people_and_rules(policy)}.")
        yield _canary(policy)
    for problem in problems:
        yield _finding(str(file), problem)


def _canary(policy: Policy) -> Finding:
    """A hint where there is none: it is no fault, and somebody has to make a role for it."""
    if policy.canary is None:
        sentence = "No canary is configured, so a broken grant is noticed only by the next person who needs one."
        cure = "Name a role that gives nothing under `canary` in the policy; docs/policy.md explains it."
        return Finding(level="ok", subject="canary", sentence=sentence, cure=cure)
    tried = ", ".join(str(entitlement) for entitlement in policy.canary.entitlements)
    return ok("canary", f"{tried} is opened and closed every {format_duration(policy.canary.every)}.")


def _finding(file: str, problem: Problem) -> Finding:
    where = f"line {problem.line} of {file}" if problem.line else file
    made = error if problem.severity == "error" else warning
    sentence = problem.sentence.rstrip(".")
    return made("access.yml", f"{sentence[:1].upper()}{sentence[1:]}.", f"Edit {where}; docs/policy.md explains it.")
