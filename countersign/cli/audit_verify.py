"""`countersign audit verify`: does the log hold, from the first event to the head, and do its guards stand."""

from access.audit import verify
from access.audit_guards import missing
from access.settings import Settings
from access.words import counted
from countersign.cli.reading import readable


def verify_log(settings: Settings) -> int:
    """Prints the verdict; 0 when the chain holds and the database guards it, 1 when not."""
    with readable(settings) as database, database.read() as session:
        verified, unguarded = verify(session), missing(session.connection())
    if verified.flaw is None:
        print(f"The audit log holds: {counted(verified.events, 'event', 'events')}, head {verified.head}.")
    else:
        before = counted(verified.events, "event holds", "events hold")
        print(f"The audit log does not hold: {verified.flaw.sentence}. Before it, {before}.")
    if unguarded:
        print(f"The database no longer keeps the log append-only: {', '.join(unguarded)} is gone or switched off.")
    return 1 if verified.flaw or unguarded else 0
