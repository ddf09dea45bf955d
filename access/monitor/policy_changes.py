"""What a policy that comes into force changes against the one before: for the log, and for the digest."""

from collections.abc import Mapping
from typing import Any

from access.catalog import Policy
from access.errors import PolicyError
from access.policy.differences import differences
from access.policy.load import load_policy
from access.ports import Provider

MOST = 50
"""So many lines are kept, the wider ones first; the others are counted. `countersign policy diff` prints them all."""


def changes(before: str | None, policy: Policy, providers: Mapping[str, type[Provider]]) -> dict[str, Any]:
    """The details of the event. `before`: the text that was in force; None: none was, or it was not kept."""
    if before is None:
        return {}
    try:
        old = load_policy(before, file="the policy before", providers=providers)
    except PolicyError:
        return {"not_compared": "This version cannot read the policy that was in force before."}
    found = differences(old, policy)
    left = found[MOST:]
    return {
        "differences": [{"sentence": one.sentence, "wider": one.is_wider} for one in found[:MOST]],
        "more": len(left), "more_wider": sum(one.is_wider for one in left),
    }  # fmt: skip
