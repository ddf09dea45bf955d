"""What is mutated, and the tests that should notice."""

from dataclasses import dataclass
from pathlib import Path

import access

ROOT = Path(access.__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Area:
    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


def _policy(*names: str) -> tuple[str, ...]:
    return tuple(f"access/policy/{name}.py" for name in names)


def _tests(*names: str) -> tuple[str, ...]:
    """Of the policy: pure functions, of which thousands run in the time of one story."""
    return tuple(f"tests/access/policy/test_{name}.py" for name in names)


AREAS = {
    area.name: area
    for area in (
        Area(
            name="policy",
            files=_policy("decide", "checks", "load", "target_checks"),
            tests=_tests("decide", "load", "names", "targets"),
        ),
        Area(
            name="chain",
            files=_policy("chain", "chain_now", "turns", "escalation"),
            tests=_tests("chain", "chain_now", "turns", "escalation", "reference"),
        ),
        Area(
            name="lifecycle",
            files=("access/lifecycle.py", "access/requests/vote.py", "access/grants/votes.py"),
            tests=(
                "tests/access/test_store.py::test_a_file_that_became_read_only_is_unavailable",  # makes the databases
                "tests/access/test_lifecycle.py", "tests/access/policy/test_lost_votes.py",
                "tests/access/requests/test_vote.py", "tests/access/requests/test_review.py",
                "tests/access/requests/test_chains.py", "tests/access/grants/test_votes.py",
            ),
        ),
    )
}  # fmt: skip
