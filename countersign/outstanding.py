"""Every grant that may still be on a target, with what ends it by hand: for the night when all is down."""

from typing import cast

from access.models import Grant
from access.operations import outstanding
from access.settings import Settings
from countersign.wiring import opened


def report(settings: Settings) -> str:
    """Reads the database only: no policy, no Redis, no Slack. Raises Unready."""
    with opened(settings) as database:
        grants = outstanding(database)
    if not grants:
        return "No access is open."
    head = f"{len(grants)} {'grant' if len(grants) == 1 else 'grants'} that may be open, the soonest to end first.\n"
    return "\n".join([head, *(_one(grant) for grant in grants)])


def _one(grant: Grant) -> str:
    ends = f"ends {grant.expires_at:%Y-%m-%d %H:%M:%S} UTC" if grant.expires_at else "has not started"
    lines = [f"{grant.id}  {grant.entitlement}  {grant.subject} (as {grant.principal})  {grant.status}, {ends}"]
    if grant.problem:
        lines.append(f"    last problem: {grant.problem}")
    statements = cast("list[str]", grant.plan.get("revoke") or [])
    if statements:
        lines.append("    by hand, on the target:")
        lines += [f"      {line}" for statement in statements for line in statement.splitlines()]
    return "\n".join([*lines, ""])
