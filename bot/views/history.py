"""What was asked for before: in a line of a card, and one by one in its details."""

from collections.abc import Iterable

from access.ids import short
from access.messages.facts import OTHERS_MOST, CardFacts, Others
from access.models import RequestStatus
from access.queries.details import Earlier
from access.words import counted
from bot.views.blocks import at, code, escaped

_PAST = {
    RequestStatus.PENDING: "still waiting",
    RequestStatus.APPROVED: "approved",
    RequestStatus.DENIED: "denied",
    RequestStatus.CANCELLED: "taken back",
    RequestStatus.LAPSED: "lapsed",
}


def history(facts: CardFacts) -> str:
    """Whose it is, said: others may have asked often."""
    subject, others = escaped(facts.request.subject), facts.others
    if not facts.history and others is None:
        return "This is the first request for this resource."
    earlier = "; ".join(
        f"{code(past.role)} {at(past.asked_at)}, {_PAST[RequestStatus(past.status)]}" for past in facts.history
    )
    never = f"{subject} has never asked for this resource."
    own = f"{subject} asked for this resource before: {earlier}." if earlier else never
    return f"{own} {_of_others(others)}".rstrip()


def _of_others(others: Others | None) -> str:
    if others is None:
        return ""
    often = f"more than {OTHERS_MOST} times" if others.times > OTHERS_MOST else counted(others.times, "time", "times")
    approved = f", last approved by {escaped(others.last_approved_by)}" if others.last_approved_by else ""
    return f"Others: {often}{approved}."


def listed(earlier: Iterable[Earlier]) -> str:
    """A line for each."""
    return "\n".join(_line(one) for one in earlier)


def _line(one: Earlier) -> str:
    more = ", more time" if one.is_extension else ""
    by = f" by {' and '.join(map(escaped, one.decided_by))}" if one.decided_by else ""
    became = f"{_PAST[RequestStatus(one.status)]}{by}"
    return f"{at(one.asked_at)}: {escaped(one.subject)}, {code(one.role)}{more}, {became} ({code(short(one.id))})"
