"""`countersign restored`: how the comparison of a restored database stands, beginning it, and ending it by hand."""

import sys
from datetime import datetime

from access.clock import host_now
from access.core import Core
from access.errors import Unready
from access.grants.admission import being_compared
from access.reconcile import restored
from access.settings import Settings
from countersign.host import host_account
from countersign.wiring import command_parts, policy_problem

_SAID = (
    "An operator says that the database was restored. What was done after {since:%Y-%m-%d %H:%M:%S} UTC is not known. "
    "Nothing new is granted until every target has been compared with it."
)
_THEN = "when it was, type `countersign restored --over`."


def show(settings: Settings) -> int:
    """The exit code: 1 while something is left, or while the policy cannot be used."""
    with command_parts(settings) as made:
        return _show(made.core)


def compare(settings: Settings, taken: str | None) -> int:
    """Begins. `taken`: when the backup was taken. Raises Unready for a time that cannot be read."""
    with command_parts(settings) as made:
        since = _moment(taken) if taken else restored.last_known(made.core)
        restored.begin(made.core, since, _SAID.format(since=since), actor=host_account())
        return _show(made.core)


def over(settings: Settings) -> int:
    """Ends it, whatever is left."""
    with command_parts(settings) as made:
        _show(made.core)
        restored.end_by_hand(made.core, actor=host_account())
    print("The gate is open: requests are taken again. The audit log says that it was opened by hand.")
    return 0


def _show(core: Core) -> int:
    with core.database.read() as session:
        alert = being_compared(session)
        left = restored.what_is_left(core, session, alert) if alert else []
        by_hand = restored.by_hand(session)
    refused = policy_problem(core)
    if alert is not None and refused:
        print(refused, file=sys.stderr)
    if alert is None and refused:
        print(f"Nothing is being compared, but no request is taken without a policy. {refused}")
    elif alert is None:
        print("Nothing is being compared: requests are taken.")
    else:
        print(alert.sentence)
        left = left or ["All is compared. A timekeeper opens the gate within a second."]
    for sentence in [*left, *(f"{one} must be compared by hand; {_THEN}" for one in by_hand)]:
        print(f"- {sentence}")
    return int(alert is not None or bool(by_hand or refused))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unready(f"{text} is no time; write it as 2026-11-23T04:00+00:00.") from None
    if moment.tzinfo is None:
        raise Unready(f"{text} has no time zone; write it as {text}+00:00 for UTC.")
    if moment > host_now():
        raise Unready(f"{text} has not come yet; say when the backup was taken.")
    return moment
