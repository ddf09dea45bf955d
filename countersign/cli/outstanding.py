"""Every grant that may still be on a target, with what ends it by hand: for the night when all is down."""

import json
from collections.abc import Sequence
from typing import Any, cast

from access.models import Grant
from access.queries.mine import outstanding
from access.settings import Settings
from countersign.cli.reading import readable


def report(settings: Settings, *, in_json: bool = False) -> str:
    """Only reads, and only the database, be it a copy or a standby: no policy, no Redis, no Slack. Raises Unready."""
    with readable(settings) as database:
        grants = outstanding(database)
    return json.dumps([_facts(grant) for grant in grants], indent=2) if in_json else _in_words(grants)


def _in_words(grants: Sequence[Grant]) -> str:
    if not grants:
        return "No access is open."
    head = f"{len(grants)} {'grant' if len(grants) == 1 else 'grants'} that may be open, the soonest to end first.\n"
    return "\n".join([head, *(_one(grant) for grant in grants)])


def _one(grant: Grant) -> str:
    ends = f"ends {grant.expires_at:%Y-%m-%d %H:%M:%S} UTC" if grant.expires_at else "has not started"
    lines = [f"{grant.id}  {grant.entitlement}  {grant.subject} (as {grant.principal})  {grant.status}, {ends}"]
    if grant.problem:
        lines.append(f"    last problem: {grant.problem}")
    statements = _by_hand(grant)
    if statements:
        lines.append(f"    by hand, on {_where(grant) or 'the target'}:")
        lines += [f"      {line}" for statement in statements for line in statement.splitlines()]
    return "\n".join([*lines, ""])


def _facts(grant: Grant) -> dict[str, Any]:
    return {
        "grant": grant.id, "resource": grant.resource, "role": grant.role, "person": grant.subject,
        "principal": grant.principal, "provider": grant.provider, "status": grant.status,
        "until": grant.expires_at.isoformat() if grant.expires_at else None, "problem": grant.problem,
        "by_hand": _by_hand(grant), "where": _where(grant),
    }  # fmt: skip


def _where(grant: Grant) -> str:
    """In words; empty where it was planned by a version or a provider that did not say it."""
    return cast("str", grant.plan.get("where") or "")


def _by_hand(grant: Grant) -> list[str]:
    """None was planned before it began."""
    return cast("list[str]", grant.plan.get("revoke") or [])
