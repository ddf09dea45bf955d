"""What is shown of less than was asked, of what its requester has changed, and of who is looking."""

from typing import Any

from access.ids import Person, VersionId
from access.messages.facts import CardFacts
from access.models import Grant, Request, RequestStatus, RequestVersion, VersionOrigin
from access.requests.edit import Editable
from bot.views.answer import answer
from bot.views.approval import approval
from bot.views.blocks import Rendered
from bot.views.change import change_form
from bot.views.review import review_card
from tests.bot.chain_states import SECURITY_NOW, TWO, stage
from tests.bot.facts import REQUEST, a_grant, a_preview, a_request, a_review, facts, history, minutes
from tests.cast import KIM, LEA, SAM

BY_LEA: dict[str, Any] = {
    "version": 2, "narrowed_from": 1, "narrowed_by": Person("lea"), "narrowed_by_slack": LEA, "duration_s": 1800,
    "asked_duration_s": 7200,
}  # fmt: skip
APPROVED: dict[str, Any] = {"status": RequestStatus.APPROVED, "decided_at": minutes(3)}
WORDS = "Half an hour is enough to look at INC-12; ask me again if it is not."
LONGEST = "<!channel> *w* " + "w" * 485
LEA_FOR_MORE = a_review(version=2, carried_from=1, groups=["payments-leads"])
SAM_FOR_LESS = a_review(version=2, reviewer="sam", reviewer_slack=SAM, comment=WORDS, at=minutes(9), stage=2)
BUTTON = f"v1.{REQUEST}.1.0123456789abcdef"


def made(origin: VersionOrigin, by: str | None = None) -> RequestVersion:
    return RequestVersion(
        id=VersionId("01kaq9z00000000000000vers2"), request_id=REQUEST, version=2, origin=origin,
        made_by=Person(by) if by else None, at=minutes(4),
    )  # fmt: skip


def void(origin: VersionOrigin, by: str) -> Rendered:
    return review_card(facts(a_request(version=2), version=1, successor=made(origin, by)))


def narrowed(grant: Grant | None = None, **values: Any) -> CardFacts:
    request = a_request(**(BY_LEA | APPROVED | values))
    return facts(request, grant or half_an_hour(), a_review(version=2, comment=WORDS), version=2)


def half_an_hour() -> Grant:
    return a_grant(duration_s=1800, expires_at=minutes(33), end_due_at=minutes(33))


def at_the_second_stage() -> CardFacts:
    """Lea has narrowed it; Sam is asked now."""
    request = Request(**TWO.model_dump() | BY_LEA)
    lea = a_review(version=2, comment=WORDS, groups=["payments-leads"])
    chain = (stage("payments-leads", approved=[lea]), SECURITY_NOW)
    return facts(request, None, lea, chain=chain, approvers=[SAM], history=history(), version=2)


def sam_narrowed() -> CardFacts:
    request = Request(**TWO.model_dump() | BY_LEA | APPROVED | {"narrowed_by": Person("sam"), "narrowed_by_slack": SAM})
    return facts(request, half_an_hour(), LEA_FOR_MORE, SAM_FOR_LESS, version=2)


def of_more_time(**values: Any) -> Request:
    known: dict[str, Any] = {
        "id": "01kaq9z0000000000000m0r3tm", "extends": a_grant().id, "duration_s": None, "until": minutes(183),
        "lapses_at": a_grant().expires_at,
    }  # fmt: skip
    return a_request(**(known | values))


END: dict[str, Any] = {"duration_s": None, "until": minutes(240), "asked_duration_s": None, "asked_until": minutes(300)}
EXTENSION: dict[str, Any] = {**BY_LEA, "duration_s": None, "until": minutes(150), "asked_duration_s": None,
                             "asked_until": minutes(183)}  # fmt: skip
STATES: dict[str, Rendered | dict[str, Any]] = {
    "approval": approval(a_request(), BUTTON),
    "approval-of-more-time": approval(of_more_time(), BUTTON),
    "card-claimed": review_card(
        facts(a_request(claimed_by="kim", claimed_by_slack=KIM, claimed_at=minutes(3)), claimant=KIM)
    ),
    "card-narrowed-second-of-two": review_card(at_the_second_stage()),
    "card-narrowed-active": review_card(narrowed()),
    "card-narrowed-for-longer": review_card(sam_narrowed()),
    "card-narrowed-until": review_card(facts(a_request(**(BY_LEA | END)), version=2)),
    "card-narrowed-to-an-end": review_card(
        facts(a_request(**BY_LEA | {"duration_s": None, "until": minutes(90)}), version=2)
    ),
    "card-narrowed-extension": review_card(facts(of_more_time(**EXTENSION), extends=a_grant(), version=2)),
    "card-superseded-changed": void(VersionOrigin.EDITED, "ann"),
    "card-superseded-narrowed": void(VersionOrigin.NARROWED, "lea"),
    "answer-narrowed-active": answer(narrowed()),
    "answer-narrowed-longest": answer(
        facts(a_request(**(BY_LEA | APPROVED)), half_an_hour(), a_review(version=2, comment=LONGEST), version=2)
    ),
    "answer-narrowed-second-of-two": answer(at_the_second_stage()),
    "answer-narrowed-until": answer(narrowed(a_grant(until=minutes(240), expires_at=minutes(240)), **END)),
    "change": change_form(Editable(request=a_request(), button=BUTTON, time="2h", terms=a_preview())),
    "change-more-time": change_form(
        Editable(request=of_more_time(), button=BUTTON, time="until 16:03", terms=a_preview())
    ),
}
