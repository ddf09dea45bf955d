"""Requests that nobody answered in time lapse, and who asked is told."""

from access.alerts.undelivered import why_never_asked
from access.answer_times import LAPSED
from access.core import Core
from access.models import Request, RequestStatus
from access.monitor.due import lapsed_requests
from access.monitor.overdue import TIMEKEEPER

AT_A_TIME = 500


def lapse_requests(core: Core) -> None:
    with core.database.read() as session:
        lapsed = sorted(session.exec(lapsed_requests(core.clock.now()).limit(AT_A_TIME)))
    if not lapsed:
        return
    with core.work(TIMEKEEPER) as work:
        for request_id in lapsed:
            request = work.session.get_one(Request, request_id)
            if request.status != RequestStatus.PENDING:
                continue
            because = why_never_asked(work.session, request)
            details = {"because": because} if because else {}
            if work.move_request(request, RequestStatus.LAPSED, action=LAPSED, details=details, because=because):
                work.tell_answer(request)
