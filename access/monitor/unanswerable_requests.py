"""Looks again at requests that no one could approve: a rule that names others by now asks them."""

from contextlib import suppress

from sqlmodel import col, select

from access.core import Core
from access.errors import PolicyError, Refusal
from access.ids import RequestId
from access.models import Alert, Request, RequestStatus
from access.monitor.overdue import TIMEKEEPER
from access.requests.review import follow_rule
from access.requests.unanswerable import KIND, note_unanswerable
from access.unit_of_work import UnitOfWork


def look_at_unanswerable(core: Core) -> None:
    with core.database.read() as session:
        opened = session.exec(select(Alert.subject).filter_by(kind=KIND, closed_at=None).order_by(Alert.subject)).all()
    for request in opened:
        with suppress(Refusal, PolicyError):  # it cannot be asked by the policy of now either, which the alert says
            follow_rule(core, RequestId(request), TIMEKEEPER)
    if opened:
        these = select(Request).where(col(Request.id).in_(opened)).order_by(col(Request.id))
        with core.work(TIMEKEEPER) as work:
            note_unanswerable(work, work.session.exec(these).all())


def note_all_waiting(work: UnitOfWork) -> None:
    """Another policy is in force."""
    waiting = select(Request).where(Request.status == RequestStatus.PENDING).order_by(col(Request.id))
    note_unanswerable(work, work.session.exec(waiting).all())
