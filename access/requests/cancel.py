"""The requester takes a pending request back."""

from access.actors import Actor
from access.core import Core, load_request
from access.errors import AlreadyDecided, NotYours
from access.ids import RequestId
from access.models import Request, RequestStatus
from access.people import has_account, requester_of


def cancel(core: Core, *, request_id: RequestId, by: Actor) -> Request:
    """The requester takes a pending request back."""
    with core.refusals_recorded(by, "request.cancel", request_id):
        person = core.person(by)
        with core.work(by) as work:
            request = load_request(work.session, request_id)
            if not has_account(person, requester_of(request)):
                raise NotYours("Only the person who asked can take a request back.")
            if request.status != RequestStatus.PENDING:
                raise AlreadyDecided(f"This request is already {request.status}; there is nothing to take back.")
            if not work.move_request(request, RequestStatus.CANCELLED, action="request.cancelled", details={}):
                raise AlreadyDecided
    return request
