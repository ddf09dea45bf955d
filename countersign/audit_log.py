"""`countersign audit verify`: does the log hold, from the first event to the head."""

from access.audit import verify
from access.settings import Settings
from countersign.wiring import opened


def verify_log(settings: Settings) -> int:
    """Prints the verdict; 0 when the chain holds, 1 when it does not."""
    with opened(settings) as database, database.read() as session:
        verified = verify(session)
    if verified.flaw is not None:
        print(f"The audit log does not hold: {verified.flaw.sentence}. The {verified.events} events before it do.")
        return 1
    print(f"The audit log holds: {verified.events} events, head {verified.head}.")
    return 0
