"""Who holds what without a grant, as the last look at each target saw it, and who accepted that."""

from collections.abc import Sequence
from itertools import groupby

from access.models import StandingAccess, StandingStatus
from access.operations.standing_counts import standing_list
from access.settings import Settings
from access.words import clean
from countersign.wiring import parts


def report(settings: Settings, resources: Sequence[str]) -> str:
    """Needs the database alone. Of all resources, where none is named."""
    with parts(settings) as made, made.core.database.read() as session:
        rows = [row for row in standing_list(session) if not resources or row.resource in resources]
    if not rows:
        return "No role is held without a grant, as far as targets were looked at."
    return "\n\n".join(_of(resource, list(its)) for resource, its in groupby(rows, lambda row: row.resource))


def _of(resource: str, rows: Sequence[StandingAccess]) -> str:
    accepted = sum(row.status == StandingStatus.ACCEPTED for row in rows)
    return "\n".join([f"{resource}: {accepted} accepted, {len(rows) - accepted} not accepted.", *map(_line, rows)])


def _line(row: StandingAccess) -> str:
    via = f" through {_name(row.via)}" if row.via else ""
    options = f" ({', '.join(row.options)})" if row.options else ""
    by = f", given by {_name(row.grantor)}" if row.grantor else ""
    login = "" if row.can_log_in else ", cannot log in itself"
    since = f"found {row.found_at:%Y-%m-%d %H:%M} UTC"
    accepted = f", accepted {row.accepted_at:%Y-%m-%d %H:%M} UTC by {row.accepted_by}" if row.accepted_at else ""
    holds = f"{_name(row.principal)} holds {_name(row.role)}{options}{via}{by}{login}"
    return f"  {row.status:8}  {holds}; number {_name(row.member_id)}; {since}{accepted}"


def _name(name: str) -> str:
    """Chosen on the target, by anybody: on one line, and nothing in it moves the cursor."""
    cleaned = clean(name)
    return (" ".join(cleaned.text.split()) or "(nothing)") + (" (with hidden characters)" if cleaned.unusual else "")
