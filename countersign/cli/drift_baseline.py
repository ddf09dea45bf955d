"""Who holds what without a grant, as the last look at each target saw it, and who accepted that."""

from collections.abc import Sequence
from itertools import groupby

from sqlmodel import select

from access.errors import NotFound
from access.messages.digest.standing_counts import standing_list
from access.models import CheckKind, PeriodicCheck, StandingAccess, StandingStatus
from access.settings import Settings
from access.words import clean
from countersign.cli.reading import readable


def report(settings: Settings, resources: Sequence[str]) -> int:
    """Prints it, of all resources where none is named; 1 where a target has not answered. Needs the database alone.

    Raises NotFound for a resource that has never been looked at.
    """
    with readable(settings) as database, database.read() as session:
        rows = standing_list(session)
        looks = {row.subject: row for row in session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT))}
    known = looks.keys() | {row.resource for row in rows}
    for resource in resources:
        if resource not in known:
            raise NotFound(f"No target of a resource {resource} has been looked at. The policy may not have it yet.")
    chosen = sorted(resources or known)
    silent = [name for name in chosen if name in looks and (looks[name].looked_at is None or looks[name].problem)]
    rows = [row for row in rows if row.resource in chosen]
    for resource, its in groupby(rows, lambda row: row.resource):
        print(_of(resource, list(its)), end="\n\n")
    for name in silent:
        print(f"{name}: not known. {looks[name].problem or 'No worker has looked there yet.'}")
    if not chosen:
        print("No target has been looked at yet. Are the workers and a timekeeper running? `countersign doctor` says.")
    elif not rows and not silent:
        print("No role is held without a grant.")
    return int(bool(silent) or not chosen)


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
