"""What a request shows whose rule wants several persons."""

from collections.abc import Sequence
from typing import Any

from access.approvers import Asked, StageState
from access.choices import Choices
from access.ids import SlackUser
from access.messages.facts import CardFacts
from access.models import Review
from access.queries.mine import Mine
from access.requests.remind import ReminderFacts
from bot.views.answer import answer, asked
from bot.views.blocks import Rendered
from bot.views.form import request_form
from bot.views.mine import mine_list
from bot.views.next_stage import next_stage
from bot.views.review import review_card
from tests.bot.facts import a_choice, a_preview, a_request, a_review, facts, history, minutes
from tests.cast import KIM, LEA, SAM

BEN_IS_SECURITY_TOO = SlackUser("U0BEN")
LEA_APPROVED = a_review(comment="Only the customers of INC-12, please.", groups=["payments-leads"])
TWO = a_request(
    role="fix-orders", role_title="Correct the status of an order", level="critical",
    chain={"stages": [{"any_of": ["payments-leads"], "quorum": 1}, {"any_of": ["security"], "quorum": 1}]},
)  # fmt: skip


def stage(
    *groups: str, people: Sequence[SlackUser] = (), missing: int = 0, approved: Sequence[Review] = (),
    is_now: bool = False, wanted: int = 1, of_each: bool = False,
) -> StageState:  # fmt: skip
    return StageState(
        groups=groups, of_each=of_each, wanted=wanted, missing=missing, approved=tuple(approved), people=tuple(people),
        is_now=is_now,
    )  # fmt: skip


LEADS_NOW = stage("payments-leads", people=(KIM, LEA), missing=1, is_now=True)
SECURITY_THEN = stage("security", people=(BEN_IS_SECURITY_TOO, SAM), missing=1)
LEADS_DONE = stage("payments-leads", approved=[LEA_APPROVED])
SECURITY_NOW = stage("security", people=(BEN_IS_SECURITY_TOO, SAM), missing=1, is_now=True)
EACH = stage(
    "payments-leads", "security", people=(SAM,), missing=1, approved=[LEA_APPROVED], is_now=True, wanted=2, of_each=True
)
THREE_OF_MANY = stage(
    "manager:ann", "payments-leads", people=[SlackUser(f"U0{n:09}") for n in range(60)], missing=3, is_now=True,
    wanted=3,
)  # fmt: skip


def waiting(*chain: StageState, reviews: Sequence[Review] = (), **more: Any) -> CardFacts:
    people = next(one.people for one in chain if one.is_now)
    return facts(TWO, None, *reviews, chain=chain, approvers=list(people), history=history(), **more)


def _called(*chain: StageState, named: Sequence[SlackUser]) -> Rendered:
    return next_stage(ReminderFacts(request=TWO, named=list(named), card=None, now=minutes(3), chain=chain))


STATES: dict[str, Rendered | dict[str, Any]] = {
    "card-first-of-two": review_card(waiting(LEADS_NOW, SECURITY_THEN)),
    "card-second-of-two": review_card(waiting(LEADS_DONE, SECURITY_NOW, reviews=[LEA_APPROVED])),
    "card-one-of-each": review_card(waiting(EACH, reviews=[LEA_APPROVED])),
    "card-three-of-many": review_card(waiting(THREE_OF_MANY)),
    "asked-two-stages": asked(waiting(LEADS_NOW, SECURITY_THEN, usually=None)),
    "asked-three-of-many": asked(waiting(THREE_OF_MANY)),
    "answer-second-of-two": answer(waiting(LEADS_DONE, SECURITY_NOW, reviews=[LEA_APPROVED])),
    "next-stage": _called(LEADS_DONE, SECURITY_NOW, named=[BEN_IS_SECURITY_TOO, SAM]),
    "next-stage-nobody": _called(LEADS_DONE, stage("security", missing=1, is_now=True), named=[]),
    "mine-two-stages": mine_list(
        Mine(
            requests=[TWO],
            grants=[],
            asked={TWO.id: Asked(approvers=(KIM, LEA), usually=None, missing=1, then=(SAM,))},
        ),
        minutes(60),
        {},
    ),
    "form-chosen-two-stages": request_form(
        Choices([a_choice(role="fix-orders", role_title="Correct the status of an order")]),
        a_preview(asked=Asked(approvers=(KIM, LEA), usually=None, missing=2, then=(SAM,))),
    ),
}
