"""What is shown of messages that do not arrive, in every state."""

from typing import Any

from access.alerts.undelivered import EVERYWHERE, NeverAsked, Undelivered, WaitingMessage
from access.ids import AlertId
from access.models import Alert, AlertKind, MessageKind, RequestStatus
from access.queries.mine import Mine
from bot.views.answer import answer, asked_in_modal
from bot.views.blocks import Rendered, View
from bot.views.mine import mine_list
from bot.views.review import review_card
from bot.views.undelivered import unasked, undelivered_card, why
from tests.bot.facts import a_request, an_alert, facts, minutes
from tests.cast import APPROVALS

ARCHIVED = f"{APPROVALS} is_archived"
NEVER_ASKED = NeverAsked(problem=why(APPROVALS, "is_archived"), place=APPROVALS, told=True)
AWAY = NeverAsked(problem=why(EVERYWHERE, "unavailable"), place=EVERYWHERE)
LAPSED = a_request(
    status=RequestStatus.LAPSED, decided_at=minutes(480),
    decided_because=f"The approvers were never asked: the card could not be posted. {NEVER_ASKED.problem}",
)  # fmt: skip
CARD = WaitingMessage(kind=MessageKind.REVIEW, stands=False, request=a_request(), alert=None)
ANSWER = WaitingMessage(kind=MessageKind.ANSWER, stands=False, request=a_request(), alert=None)
REMINDER = WaitingMessage(kind=MessageKind.REMINDER, stands=False, request=a_request(), alert=None)
STALE = WaitingMessage(kind=MessageKind.REVIEW, stands=True, request=a_request(role="fix-orders"), alert=None)
OVERDUE = WaitingMessage(kind=MessageKind.ALERT, stands=False, request=None, alert=an_alert())
DIGEST = WaitingMessage(kind=MessageKind.DIGEST, stands=False, request=None, alert=None)


def the_alert(cause: str = ARCHIVED, **values: Any) -> Alert:
    where, _, error = cause.partition(" ")
    said = "Slack takes no message from Countersign." if where == EVERYWHERE else f"Messages for {where} do not arrive."
    known = {
        "id": AlertId("01kaq9z00000000000000a1ert"), "kind": AlertKind.UNDELIVERED, "subject": cause, "name": where,
        "variant": error,
        "sentence": f"{said} {why(where, error)}", "opened_at": minutes(133),
    }  # fmt: skip
    return Alert(**(known | values))


def waiting(*first: WaitingMessage, cause: str = ARCHIVED, number: int = 0) -> Undelivered:
    where, _, error = cause.partition(" ")
    return Undelivered(
        where=where, code=error, problem=why(where, error), since=minutes(132), number=number or len(first), first=first
    )


IN_SLACK = f"{EVERYWHERE} unavailable"
STATES: dict[str, Rendered | View] = {
    "alert-undelivered": undelivered_card(the_alert(), waiting(CARD, STALE)),
    "alert-undelivered-one": undelivered_card(the_alert("U0ANN user_disabled"), waiting(ANSWER)),
    "alert-undelivered-many": undelivered_card(
        the_alert(IN_SLACK), waiting(CARD, REMINDER, STALE, OVERDUE, DIGEST, cause=IN_SLACK, number=14)
    ),
    "alert-undelivered-closed": undelivered_card(the_alert(closed_at=minutes(150)), None),
    "unasked": unasked(facts(never_asked=NEVER_ASKED)),
    "unasked-slack-away": unasked(facts(never_asked=AWAY)),
    "unasked-arrived": unasked(facts()),
    "unasked-lapsed": unasked(facts(LAPSED)),
    "modal-not-asked-yet": asked_in_modal(facts(never_asked=NEVER_ASKED)),
    "mine-not-asked-yet": mine_list(
        Mine(requests=[a_request()], grants=[], not_asked={a_request().id: NEVER_ASKED}), minutes(60), {}
    ),
    "answer-lapsed-never-asked": answer(facts(LAPSED)),
    "card-lapsed-never-asked": review_card(facts(LAPSED)),
}
