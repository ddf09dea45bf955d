"""What is shown of several requests on one card."""

from dataclasses import replace
from typing import Any

from access.errors import AlreadyDecided
from access.grants.role_rights import RightsNote
from access.ids import Person
from access.messages.facts import BatchFacts, CardFacts
from access.models import Request, RequestStatus, Verdict, VersionOrigin
from access.policy.fingerprint import button_value
from access.policy.shape import DESCRIPTION_LONGEST, TITLE_LONGEST
from access.requests.remind import BatchReminderFacts, ReminderFacts
from access.requests.review_several import Outcome
from bot.refusals import sentence_of
from bot.views.answer_to_several import answer_to_several
from bot.views.batch_answer import denial_of_several, not_all, not_all_in_message, some_of_it
from bot.views.batch_card import batch_card
from bot.views.batch_thread import batch_next_stage, batch_reminder
from bot.views.blocks import Rendered
from tests.bot.chain_states import LEADS_DONE, LEADS_NOW, SECURITY_NOW, SECURITY_THEN
from tests.bot.facts import REQUEST, RIGHTS, a_grant, a_request, a_review, facts, history, minutes, next_step
from tests.bot.narrow_states import BY_LEA, half_an_hour, made
from tests.cast import KIM, LEA, SAM

FIX: dict[str, Any] = {"role": "fix-orders", "role_title": "Correct the status of an order"}
LOGS: dict[str, Any] = {"resource": "logs", "resource_title": "Logs", "role_title": "Read the logs of the shop"}
DENIAL = "Ben corrects orders this week; ask him."
DENIED: dict[str, Any] = {"status": RequestStatus.DENIED, "decided_at": minutes(3)}
BY_KIM: dict[str, Any] = {"reviewer": Person("kim"), "reviewer_slack": KIM}
APPROVED: dict[str, Any] = {"status": RequestStatus.APPROVED, "decided_at": minutes(3)}


ONE_MORE = replace(RIGHTS, creates=())


def part(number: int, **values: Any) -> Request:
    ends = {1: "req7xk", 2: "req8yk", 3: "l0gs7k", 4: "l0gs8k"}
    identifier = f"01kaq9z0000000000000{ends.get(number, f'l0ng{number:02}')}"
    return a_request(**({"id": identifier, "card_id": REQUEST, "batch_id": REQUEST} | values))


READ, ORDERS, READ_LOGS = part(1), part(2, **FIX), part(3, **LOGS, level="low")


def card(*parts: CardFacts) -> Rendered:
    return batch_card(BatchFacts(parts=parts, now=minutes(60)))


def partly() -> Rendered:
    """Kim approved one and denied another, Ann changed the third, and of the last Sam is asked."""
    open_now = facts(part(1, **APPROVED), a_grant(), a_review(**BY_KIM))
    no = facts(part(2, **FIX, **DENIED), None, a_review(Verdict.DENY, comment=DENIAL, **BY_KIM))
    changed = facts(part(3, **LOGS, version=2), version=1, successor=made(VersionOrigin.EDITED, "ann"))
    waits = facts(
        part(4, **LOGS | {"role": "all", "role_title": "Read all logs"}), None, a_review(),
        chain=(LEADS_DONE, SECURITY_NOW), approvers=[SAM], claimant=SAM,
    )  # fmt: skip
    waits.request.claimed_at = minutes(55)
    return card(open_now, no, changed, waits)


def longest(rights: RightsNote = ONE_MORE) -> Rendered:
    long: dict[str, Any] = {
        "role": "r" * 63, "resource_title": "T" * TITLE_LONGEST, "role_title": "R" * TITLE_LONGEST,
        "reason": "\n".join(["<!channel> *why* & `so`".ljust(49, "…")] * 10)[:500],
    }  # fmt: skip
    described = "<!channel> *" + "d" * (DESCRIPTION_LONGEST - 12)
    parts = [
        facts(
            part(10 + number, resource=f"{'r' * 61}{number:02}", **long), description=described, history=history(),
            rights=rights, approvers=[KIM, LEA, SAM], next=next_step(KIM, LEA),
            chain=(LEADS_NOW, SECURITY_THEN),
        )
        for number in range(10)
    ]  # fmt: skip
    return card(*parts)


def answered() -> BatchFacts:
    """Lea approved one for less, and denied the other."""
    less = facts(part(1, **BY_LEA | APPROVED), half_an_hour(), a_review(version=2), version=2, extendable=True)
    no = facts(part(2, **FIX, **DENIED), None, a_review(Verdict.DENY, comment=DENIAL))
    return BatchFacts(parts=(less, no), now=minutes(20))


def shown(*parts: Request) -> list[tuple[Request, str]]:
    return [(one, button_value(one.id, one.version, one.fingerprint)) for one in parts]


def reminded(*parts: Request, **more: Any) -> BatchReminderFacts:
    known: dict[str, Any] = {"named": [KIM, LEA], "card": None, "now": minutes(90)}
    facts_of_parts = tuple(ReminderFacts(request=one, **known | more) for one in parts)
    return BatchReminderFacts(parts=facts_of_parts, card=None, now=minutes(90))


SOME_LEFT = [
    Outcome(entitlement=READ.entitlement),
    Outcome(entitlement=READ_LOGS.entitlement),
    Outcome(
        entitlement=ORDERS.entitlement,
        refused=AlreadyDecided("Someone decided this request before you did: kim (denied)"),
    ),
]
STATES: dict[str, Rendered | dict[str, Any]] = {
    "batch-card": card(facts(READ, history=history()), facts(ORDERS), facts(READ_LOGS, description="")),
    "batch-card-partly": partly(),
    "batch-card-longest": longest(),
    "batch-answer": answer_to_several(answered()),
    "batch-some": some_of_it(shown(READ, ORDERS, READ_LOGS), '{"button": "", "channel": "C", "ts": "1"}'),
    "batch-not-all": not_all_in_message(not_all(SOME_LEFT, "request.approve", sentence_of)),
    "batch-reminder": batch_reminder(reminded(READ, READ_LOGS)),
    "batch-next-stage": batch_next_stage(reminded(READ, ORDERS, named=[SAM], chain=(LEADS_DONE, SECURITY_NOW))),
}
UNSEEN = denial_of_several(shown(READ, ORDERS), '{"button": "", "channel": "C", "ts": "1"}')
"""As that of some, with why not alone."""
