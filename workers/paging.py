"""Pages whoever is on duty: alerts are posted to a webhook, and posted again when they are closed."""

from dataclasses import dataclass

from pydantic import SecretStr

from access.alerts.groups import group_sentence
from access.alerts.undelivered import DeliveryFailure
from access.messages.outbox import AlertFacts, Claimed, Delivery
from access.ports import Deadline
from access.unit_of_work import WEBHOOK
from workers.http_status import Unanswered, http_status

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
        if claimed.message.ts == state and not (facts.group and facts.group.undelivered):
            return Delivery(claimed, ts=state)  # only its words in Slack have changed
        try:
            status = http_status("POST", self.url.get_secret_value(), deadline, body=page(facts))
        except Unanswered as error:
            problem = TOO_LATE if deadline.passed else f"The address for pages cannot be reached ({error})."
            return Delivery(claimed, problem=problem, failure=_UNREACHABLE, healthy=False)
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
        "sentence": group_sentence(facts.group) if facts.group and facts.group.number else alert.sentence,
        "subject": alert.subject,
        "level": facts.grant.level if facts.grant else None,
        "opened_at": alert.opened_at.isoformat(),
        "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
    }


def _state(facts: AlertFacts) -> str:
    return OPEN if facts.alert.closed_at is None else CLOSED
