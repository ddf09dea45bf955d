"""Pages whoever is on duty: alerts are posted to a webhook, and posted again when they are closed."""

import http.client
import json
import socket
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from access.alerts.groups import group_sentence
from access.alerts.undelivered import DeliveryFailure
from access.messages.outbox import AlertFacts, Claimed, Delivery
from access.ports import Deadline
from access.unit_of_work import WEBHOOK

OPEN = "open"
CLOSED = "closed"
SERVER_ERROR = 500
_UNREACHABLE = DeliveryFailure(WEBHOOK, "page_unreachable")
_REFUSED = DeliveryFailure(WEBHOOK, "page_refused")
TOO_LATE = "The address for pages does not answer in time."


@dataclass(frozen=True)
class Pages:
    """Posts to one address, which is a secret: it stands in no log, no row and no exception."""

    url: SecretStr | None

    def send(self, claimed: Claimed, facts: AlertFacts, deadline: Deadline) -> Delivery:
        """A 2xx is told; anything else is tried again. What was sent already is not sent twice.

        Of many alerts it is sent again while one of them is open of which nobody was told.
        """
        if self.url is None:
            return Delivery(claimed, problem="COUNTERSIGN_PAGE_URL is not set in this process.")
        state = _state(facts)
        if claimed.message.ts == state and not (facts.storm and facts.storm.untold):
            return Delivery(claimed, ts=state)  # only its words in Slack have changed
        try:
            status = _post(urlsplit(self.url.get_secret_value()), page(facts), deadline)
        except (OSError, http.client.HTTPException) as error:
            problem = f"The address for pages cannot be reached ({type(error).__name__})."
            problem = TOO_LATE if deadline.passed else problem
            return Delivery(claimed, problem=problem, failure=_UNREACHABLE, healthy=False)
        if deadline.passed:  # what was cut off looks like an answer that has ended
            return Delivery(claimed, problem=TOO_LATE, failure=_UNREACHABLE, healthy=False)
        if not 200 <= status < 300:
            problem = f"The address for pages answered with {status}."
            return Delivery(claimed, problem=problem, failure=_REFUSED, healthy=status < SERVER_ERROR)
        return Delivery(claimed, ts=state)


def page(facts: AlertFacts) -> dict[str, str | None]:
    """What is posted. `alert` is the same when it is opened and closed; nothing in it was written by people."""
    alert = facts.alert
    return {
        "alert": alert.id,
        "kind": alert.kind,
        "state": _state(facts),
        "sentence": group_sentence(facts.storm) if facts.storm and facts.storm.number else alert.sentence,
        "subject": alert.subject,
        "level": facts.grant.level if facts.grant else None,
        "opened_at": alert.opened_at.isoformat(),
        "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
    }


def _state(facts: AlertFacts) -> str:
    return OPEN if facts.alert.closed_at is None else CLOSED


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has just ended by itself
        connection.shutdown(socket.SHUT_RDWR)


def _post(address: SplitResult, body: dict[str, str | None], deadline: Deadline) -> int:
    """The status of the answer, whose words are not read. Raises OSError and HTTPException. Follows to nowhere."""
    https = address.scheme == "https"
    connect = http.client.HTTPSConnection if https else http.client.HTTPConnection
    with closing(connect(address.hostname or "", address.port, timeout=deadline.left())) as connection:
        connection.connect()
        # A time-out counts anew with every byte; somebody who answers one now and then would keep us for ever.
        end = threading.Timer(deadline.left(), _cut, [connection.sock])
        end.start()
        try:
            path = (address.path or "/") + (f"?{address.query}" if address.query else "")
            headers = {"Content-Type": "application/json", "User-Agent": "Countersign"}
            connection.request("POST", path, json.dumps(body).encode(), headers)
            return connection.getresponse().status
        finally:
            end.cancel()
