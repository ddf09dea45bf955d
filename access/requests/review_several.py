"""One click answers several requests on one card: each by its own checks, its own vote and its own outcome.

Each is decided in a transaction of its own, as if its own button had been pressed. One that cannot be decided any more,
or not by this person, holds up none of the others, and the one answer names it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from access.actors import Actor
from access.core import Core
from access.errors import AccessError, AlreadyReviewed, PolicyError, Refusal, Unavailable
from access.ids import RequestId, ulid
from access.models import Request, Verdict
from access.policy.fingerprint import Button, button_value, parse_button
from access.requests.claim import claim, claimant
from access.requests.narrow import TypedTime
from access.requests.remind import Place
from access.requests.review import may_approve, may_deny, review

SEPARATOR = ","


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one of them."""

    entitlement: str
    refused: AccessError | None = None
    """Why it was not done."""


def joined(requests: Sequence[Request]) -> str:
    """The value of a button for these, each as it is shown."""
    return SEPARATOR.join(button_value(one.id, one.version, one.fingerprint) for one in requests)


def review_all(
    core: Core, *, buttons: str, reviewer: Actor, verdict: Verdict, comment: str = "", card: Place | None = None,
    less: TypedTime | None = None,
) -> list[Outcome]:  # fmt: skip
    """One click on all that these buttons name. Raises the Refusal where none could be done, for one reason."""
    click = ulid(core.clock.now())

    def decide(button: str) -> None:
        try:
            review(
                core, button=button, reviewer=reviewer, verdict=verdict, comment=comment, card=card, less=less,
                click=click,
            )  # fmt: skip
        except AlreadyReviewed as reviewed:
            if not reviewed.twice:  # the card tells what the first click did
                raise

    return _each(core, buttons, reviewer, f"request.{verdict}", decide)


def claim_all(core: Core, *, buttons: str, by: Actor) -> list[Outcome]:
    """Says of all that they are being looked at; of none any more where this person had said so of each."""
    pressed = _parsed(core, buttons, by, "request.claim")
    with core.refusals_recorded(by, "request.claim", None):
        account = core.person(by, core.policy.last_valid()).slack
    known, now = _requests(core, pressed), core.clock.now()
    others = [one for one in pressed if one.request_id not in known or claimant(known[one.request_id], now) != account]
    return _each(core, _value(others or pressed), by, "request.claim", lambda button: claim(core, button=button, by=by))


def answerable(core: Core, *, buttons: str, reviewer: Actor, verdict: Verdict) -> list[Request]:
    """Those that this person could answer so now. Raises a Refusal where there is none."""
    may, found = may_approve if verdict is Verdict.APPROVE else may_deny, list[Request]()

    def ask(button: str) -> None:
        found.append(may(core, button=button, reviewer=reviewer))

    outcomes = _each(core, buttons, reviewer, f"request.{verdict}", ask)
    if not found:
        raise next(one.refused for one in outcomes if one.refused)
    return found


def _each(core: Core, buttons: str, by: Actor, attempt: str, do: Callable[[str], object]) -> list[Outcome]:
    pressed, outcomes, gone = _parsed(core, buttons, by, attempt), list[Outcome](), None
    known = _requests(core, pressed)
    for one in pressed:
        request = known.get(one.request_id)
        entitlement, refused = request.entitlement if request else "an unknown request", gone
        try:
            if gone is None:
                do(_value([one]))
        except (Refusal, PolicyError) as error:
            refused = error
        except Unavailable as error:
            refused = gone = error  # the others would wait for the database as long
        outcomes.append(Outcome(entitlement=entitlement, refused=refused))
    reasons = {one.refused.sentence if one.refused else "" for one in outcomes}
    if len(reasons) == 1 and outcomes[0].refused:
        raise outcomes[0].refused
    return outcomes


def _parsed(core: Core, buttons: str, by: Actor, attempt: str) -> list[Button]:
    """Each once. Raises NotFound for anything that we did not write."""
    with core.refusals_recorded(by, attempt, None):
        return [parse_button(one) for one in dict.fromkeys(buttons.split(SEPARATOR))]


def _value(buttons: Sequence[Button]) -> str:
    return SEPARATOR.join(button_value(one.request_id, one.version, one.fingerprint) for one in buttons)


def _requests(core: Core, buttons: Sequence[Button]) -> dict[RequestId, Request]:
    with core.database.read() as session:
        found = session.exec(select(Request).where(col(Request.id).in_([one.request_id for one in buttons])))
        return {one.id: one for one in found}
