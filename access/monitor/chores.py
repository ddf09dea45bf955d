"""The chores of a sweep: when each has something to do, and what it does. A new one is one entry.

Whether there is something to do is asked of the rows by one statement for all chores (`sweep_plan.py`), once a second;
so what an entry asks must be found by an index, however many rows there are. It may say yes too often, never too
seldom: what a chore does looks for itself, and of several timekeepers each may do it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Boolean, ColumnElement, Date, String, bindparam, or_
from sqlmodel import col, select

from access.alerts.undelivered import alerts_due
from access.core import Core
from access.grants import outage
from access.grants.admission import being_compared
from access.messages.digest import make
from access.models import Alert, AlertKind, CheckKind, Grant, Message, PeriodicCheck, Request, UtcDateTime
from access.monitor.canary import run_canaries
from access.monitor.due import exists, first, lapsed_requests, overdue_grants
from access.monitor.lapse import lapse_requests
from access.monitor.overdue import alert_overdue
from access.monitor.policy_in_force import note_policy
from access.monitor.schedule_checks import schedule_checks
from access.monitor.silent_workers import something_in_hand, take_from_silent
from access.monitor.unanswerable_requests import look_at_unanswerable
from access.monitor.undelivered_alerts import settle_undelivered
from access.policy_versions import last_policy_kept
from access.reconcile import restored
from access.requests.claim import end_claims, lapsed_claims
from access.requests.extend import cancel_what_is_over, for_what_is_over

NOW = bindparam("now", type_=UtcDateTime())
POLICY = bindparam("policy", type_=String())
"""The hash of the policy of now."""
DAY = bindparam("day", type_=Date())
HOUR = bindparam("hour", type_=UtcDateTime())
"""The newest day that a digest tells of, and the moment of it."""
HAS_CANARY = bindparam("has_canary", type_=Boolean())


@dataclass(frozen=True)
class Chore:
    """One thing that a sweep sees to."""

    name: str
    asks: Callable[[], ColumnElement[bool]]
    """Whether there is, or may be, something to do; a part of the one statement, made of the parameters above."""
    does: Callable[[Core], object]


def is_open(kind: AlertKind) -> ColumnElement[bool]:
    """While an alert of this kind is open, what opened it is looked at again and again."""
    return exists(select(Alert.id).where(col(Alert.closed_at).is_(None), col(Alert.kind) == kind))


def _another_policy() -> ColumnElement[bool]:
    return or_(last_policy_kept().scalar_subquery().is_distinct_from(POLICY), is_open(AlertKind.POLICY))


def _undelivered() -> ColumnElement[bool]:
    return or_(first(alerts_due(NOW), Message.alert_at), is_open(AlertKind.UNDELIVERED))


def _checks_are_old() -> ColumnElement[bool]:
    roster = select(PeriodicCheck.id).where(col(PeriodicCheck.kind) == CheckKind.ROSTER)
    return ~exists(roster.where(col(PeriodicCheck.due_at) > NOW))


def _canaries(core: Core) -> None:
    with core.database.read() as session:
        if being_compared(session) is not None:
            return  # nothing is granted until it is
    run_canaries(core)


RESTORED = Chore("restored", lambda: is_open(AlertKind.RESTORED), restored.watch)
"""Done as well when the log is not what is remembered of it outside of the database, which no statement sees."""
CHORES = (
    RESTORED,  # first: what is written before it is noticed belongs to another life than what is remembered
    Chore("policy", _another_policy, note_policy),
    Chore("lapse", lambda: first(lapsed_requests(NOW), Request.lapses_at), lapse_requests),
    Chore("claims", lambda: first(lapsed_claims(NOW), Request.claim_until), end_claims),
    Chore("extensions", lambda: exists(for_what_is_over()), cancel_what_is_over),
    Chore("overdue", lambda: first(overdue_grants(NOW), Grant.alert_at), alert_overdue),
    Chore("unanswerable", lambda: is_open(AlertKind.UNANSWERABLE), look_at_unanswerable),
    Chore("undelivered", _undelivered, settle_undelivered),
    Chore("digest", lambda: make.is_due(DAY, HOUR), make.make_when_due),
    Chore("canary", lambda: or_(HAS_CANARY, is_open(AlertKind.CANARY)), _canaries),
    Chore("checks", _checks_are_old, schedule_checks),
    # Last, so that what they make due is found by this very sweep, which begins with what was due before.
    Chore("silent workers", lambda: something_in_hand(NOW), take_from_silent),
    Chore("outage", lambda: outage.some_wait(NOW), outage.probe_targets),
)
