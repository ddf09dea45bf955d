"""Who may decide, once, on what was shown."""

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.errors import (
    AlreadyDecided,
    AlreadyReviewed,
    InvalidInput,
    NotAnApprover,
    NotFound,
    PolicyError,
    Refusal,
    RequestChanged,
    RequestLapsed,
    SelfReview,
    UnknownPerson,
)
from access.ids import RequestId, SlackUser
from access.models import GrantStatus, MessageKind, Request, RequestStatus, Review, Verdict
from access.policy.fingerprint import button_value
from access.requests.cancel import cancel
from access.requests.remind import Place
from access.requests.review import may_deny, review
from tests.cast import ANN, APPROVALS, BEN, EVE, KIM, LEA, SAM, STRANGER
from tests.world import World


def reviews(world: World) -> list[tuple[str, str, str]]:
    with world.core.database.read() as session:
        return [(one.reviewer, one.verdict, one.comment) for one in session.exec(select(Review))]


def unchanged(world: World, request: Request) -> bool:
    """Nothing was decided, and nothing was opened."""
    now = next(one for one in world.requests() if one.id == request.id)
    return (now.status, now.version) == (request.status, request.version) and not world.grants() and not reviews(world)


def test_an_approval_makes_one_grant_and_one_event(world: World) -> None:
    request = world.approve(world.ask())

    assert request.status == RequestStatus.APPROVED
    assert reviews(world) == [("lea", "approve", "")]
    assert [grant.status for grant in world.grants()] == [GrantStatus.SCHEDULED]
    assert [event.actor for event in world.events("request.approved")] == [f"slack:{LEA}"]


def test_a_denial_ends_the_request_and_keeps_the_words(world: World) -> None:
    request = world.deny(world.ask(), comment="Ask again on Monday.")
    world.work()

    assert request.status == RequestStatus.DENIED
    assert reviews(world) == [("lea", "deny", "Ask again on Monday.")]
    assert world.grants() == []
    assert (MessageKind.ANSWER, ANN) in world.told()


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize(
    ("who", "refusal"), [(STRANGER, UnknownPerson), (EVE, NotAnApprover), (SAM, NotAnApprover), (ANN, SelfReview)]
)
def test_only_an_approver_decides_and_every_other_click_is_kept(
    world: World, verdict: Verdict, who: SlackUser, refusal: type[Refusal]
) -> None:
    request = world.ask()

    with pytest.raises(refusal):
        review(world.core, button=world.button(request), reviewer=by_slack(who), verdict=verdict, comment="Because.")

    assert unchanged(world, request)
    assert world.refusals() == [(f"request.{verdict}", refusal.__name__)]
    assert world.events("attempt.refused")[0].actor == f"slack:{who}"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_an_approver_never_decides_his_own_request(world: World, verdict: Verdict) -> None:
    request = world.ask(by=LEA)

    with pytest.raises(SelfReview):
        review(world.core, button=world.button(request), reviewer=by_slack(LEA), verdict=verdict, comment="Because.")

    assert unchanged(world, request)
    assert world.approve(request, by=KIM).status == RequestStatus.APPROVED


@pytest.mark.parametrize("who", [EVE, SAM, ANN, STRANGER])
def test_who_may_not_deny_is_not_asked_why(world: World, who: SlackUser) -> None:
    request = world.ask()

    with pytest.raises(Refusal):
        may_deny(world.core, button=world.button(request), reviewer=by_slack(who))

    assert unchanged(world, request)
    assert [attempt for attempt, _ in world.refusals()] == ["request.deny"]


def test_an_approver_is_asked_why_before_anything_changes(world: World) -> None:
    request = world.ask()

    assert may_deny(world.core, button=world.button(request), reviewer=by_slack(LEA)).id == request.id
    assert unchanged(world, request)


@pytest.mark.parametrize("words", ["", "  \n ", "\u200b\u202e"])
def test_a_denial_needs_words(world: World, words: str) -> None:
    request = world.ask()

    with pytest.raises(InvalidInput, match="Say why") as refused:
        world.deny(request, comment=words)

    assert refused.value.field == "comment"
    assert unchanged(world, request)


def test_a_comment_too_long_for_a_card_is_refused(world: World) -> None:
    request = world.ask()

    with pytest.raises(InvalidInput, match=r"Shorten the comment: it may have 500 characters, this has 3,000\.") as no:
        world.deny(request, comment="x" * 3000)

    assert no.value.field == "comment"
    assert unchanged(world, request)


@pytest.mark.both_databases
def test_the_slower_approver_is_told_who_decided(world: World) -> None:
    request = world.ask()
    world.approve(request, by=KIM)

    with pytest.raises(AlreadyDecided, match=r"Someone decided this request before you did: kim \(approved\)\."):
        world.deny(request, by=LEA)

    assert len(world.grants()) == 1
    assert reviews(world) == [("kim", "approve", "")]


def test_the_same_person_decides_once(world: World) -> None:
    request = world.ask()
    world.deny(request)

    with pytest.raises(AlreadyReviewed):
        world.approve(request)

    assert world.requests()[0].status == RequestStatus.DENIED
    assert world.grants() == []


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "not yet swept"])
def test_nobody_answers_after_the_lapse(world: World, swept: bool) -> None:
    request = world.ask()
    world.clock.tick(hours=8)
    if swept:
        world.work()

    for decide in (world.approve, world.deny):
        with pytest.raises(RequestLapsed):
            decide(request)

    assert world.grants() == []
    world.work()
    assert world.requests()[0].status == RequestStatus.LAPSED
    assert (MessageKind.ANSWER, ANN) in world.told()


def test_the_last_second_before_the_lapse_still_counts(world: World) -> None:
    request = world.ask()
    world.clock.tick(hours=8, seconds=-1)
    world.work()

    assert world.approve(request).status == RequestStatus.APPROVED


def test_a_request_taken_back_cannot_be_decided(world: World) -> None:
    request = world.ask()
    cancel(world.core, request_id=request.id, by=by_slack(ANN))

    with pytest.raises(AlreadyDecided, match="The requester has taken this request back"):
        world.approve(request)

    assert world.grants() == []


@pytest.mark.parametrize(
    "button",
    [
        "",
        "approve",
        "v1",
        "v1.." + "0" * 16,
        "v2.01hx000000000000000000000x.1." + "0" * 16,
        "v1.' OR 1=1.1.0",
        "é" * 50,
    ],
)
def test_a_button_that_we_did_not_write_is_refused_and_kept(world: World, button: str) -> None:
    request = world.ask()

    with pytest.raises(NotFound):
        review(world.core, button=button, reviewer=by_slack(LEA), verdict=Verdict.APPROVE)

    assert unchanged(world, request)
    assert world.refusals() == [("request.approve", "NotFound")]


def test_a_button_of_no_request_is_refused_and_kept(world: World) -> None:
    button = button_value(RequestId("0" * 26), 1, "0" * 64)

    with pytest.raises(NotFound):
        review(world.core, button=button, reviewer=by_slack(LEA), verdict=Verdict.APPROVE, card=Place("C0", "1.0"))

    assert world.refusals() == [("request.approve", "NotFound")]


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("forged", ["version", "fingerprint"])
def test_a_button_must_carry_what_was_shown(world: World, verdict: Verdict, forged: str) -> None:
    request = world.ask()
    version = request.version + (forged == "version")
    fingerprint = "0" * 64 if forged == "fingerprint" else request.fingerprint

    button = button_value(request.id, version, fingerprint)
    with pytest.raises(RequestChanged):
        review(world.core, button=button, reviewer=by_slack(LEA), verdict=verdict, comment="Because.")

    assert unchanged(world, request)


def test_an_approver_who_left_the_group_may_no_longer_decide(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    with pytest.raises(NotAnApprover):
        world.approve(request, by=LEA)

    assert unchanged(world, request)
    assert world.approve(request, by=KIM).status == RequestStatus.APPROVED


def test_an_approver_who_joined_after_the_card_may_decide(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea, kim, ben]}")

    assert world.approve(request, by=BEN).status == RequestStatus.APPROVED


def test_nothing_is_approved_on_a_policy_that_cannot_be_read(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("any_of:", "anyof:")

    with pytest.raises(PolicyError, match=r"access\.yml:\d+: "):
        world.approve(request)

    assert unchanged(world, request)
    assert world.refusals() == [("request.approve", "PolicyError")]


def test_a_denial_needs_no_readable_policy(world: World) -> None:
    request = world.ask()
    world.policy_file.unlink()

    assert may_deny(world.core, button=world.button(request), reviewer=by_slack(LEA))
    assert world.deny(request).status == RequestStatus.DENIED


def test_a_click_on_a_card_we_know_registers_nothing(world: World) -> None:
    request = world.ask()
    world.work()
    card = world.messages("review")[0]
    assert card.channel is not None
    assert card.ts is not None

    with pytest.raises(NotAnApprover):
        review(
            world.core, button=world.button(request), reviewer=by_slack(EVE), verdict=Verdict.APPROVE,
            card=Place(card.channel, card.ts),
        )  # fmt: skip

    assert len(world.messages("review")) == 1
    assert world.events("card.registered") == []


def test_a_click_on_a_card_we_lost_keeps_that_card_true(world: World) -> None:
    """We died between posting it and noting where it stands."""
    request = world.ask()
    button = world.button(request)

    for _ in range(2):
        with pytest.raises(NotAnApprover):
            review(
                world.core,
                button=button,
                reviewer=by_slack(EVE),
                verdict=Verdict.APPROVE,
                card=Place(APPROVALS, "77.7"),
            )

    lost = [one for one in world.messages("review") if one.ts == "77.7"]
    assert [(one.channel, one.version) for one in lost] == [(APPROVALS, 1)]
    assert len(world.events("card.registered")) == 1

    world.approve(request)
    world.said.clear()
    world.work()
    assert "77.7" in [one.message.ts for one in world.said]
