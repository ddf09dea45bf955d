"""What both see where Lea asks for Ben."""

from typing import Any

from access.choices import Choices
from access.messages.facts import CardFacts
from access.models import Grant, GrantStatus, Request, RequestStatus, Review, Verdict
from access.queries.mine import Mine
from bot.views.answer import answer, asked
from bot.views.blocks import Rendered
from bot.views.for_another import asked_for
from bot.views.form import request_form
from bot.views.mine import mine_list
from bot.views.modals import denial
from bot.views.review import review_card
from tests.bot.chain_states import LEADS_NOW, SECURITY_THEN
from tests.bot.facts import a_choice, a_grant, a_preview, a_request, a_review, asked_of, facts, minutes
from tests.cast import BEN, KIM, LEA

_BOTH: dict[str, Any] = {"requester": "lea", "requester_slack": LEA, "subject": "ben", "subject_slack": BEN}
_NO_LEAD = "It needs 1 approval of payments-leads, and too few people are left who can give one."
KIM_APPROVED = a_review(reviewer="kim", reviewer_slack=KIM)


def for_ben(**more: Any) -> Request:
    return a_request(**_BOTH | more)


def held(status: GrantStatus = GrantStatus.ACTIVE, **more: Any) -> Grant:
    return a_grant(status, requester="lea", subject="ben", subject_slack=BEN, **more)


def shown(request: Request | None = None, grant: Grant | None = None, *reviews: Review, **more: Any) -> CardFacts:
    return facts(request or for_ben(), grant, *reviews, **{"approvers": [KIM], "usually": None} | more)


def approved(grant: Grant | None, **more: Any) -> CardFacts:
    return shown(for_ben(status=RequestStatus.APPROVED), grant, KIM_APPROVED, **more)


DENIED = shown(
    for_ben(status=RequestStatus.DENIED), None,
    a_review(Verdict.DENY, reviewer="kim", reviewer_slack=KIM, comment="Ben is on leave."),
)  # fmt: skip
LATER = held(GrantStatus.SCHEDULED, starts_at=minutes(1200), start_by=minutes(1215))


STATES: dict[str, Rendered | dict[str, Any]] = {
    "card-for-another": review_card(shown()),
    "asked-for-another": asked(shown()),
    "for-you": asked_for(shown()),
    "for-you-two-stages": asked_for(shown(chain=(LEADS_NOW, SECURITY_THEN))),
    "for-you-unanswerable": asked_for(shown(approvers=[], unanswerable=_NO_LEAD)),
    "for-you-about-to-open": asked_for(approved(None)),
    "for-you-later": asked_for(approved(LATER)),
    "for-you-active": asked_for(approved(held())),
    "for-you-ended": asked_for(approved(held(GrantStatus.ENDED))),
    "for-you-denied": asked_for(DENIED),
    "for-you-lapsed": asked_for(shown(for_ben(status=RequestStatus.LAPSED))),
    "for-you-taken-back": asked_for(shown(for_ben(status=RequestStatus.CANCELLED, decided_at=minutes(2)))),
    "answer-active-to-who-asked": answer(approved(held(), reader=LEA)),
    "answer-active-to-who-receives": answer(approved(held(), reader=BEN, extendable=True)),
    "mine-for-another": mine_list(
        Mine(requests=[for_ben()], grants=[], asked={for_ben().id: asked_of(KIM)}), minutes(60), {}
    ),
    "mine-by-another": mine_list(Mine(requests=[], grants=[], by_others=[for_ben()]), minutes(60), {}),
    "form-for-another": request_form(Choices([a_choice()]), for_others=True),
    "form-chosen-for-another": request_form(Choices([a_choice()]), a_preview(), for_others=True),
    "modal-deny-for-another": denial(for_ben(), "{}"),
}  # fmt: skip
