"""What was shown is what is granted: a rule or role that changes in between voids the card."""

from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import NotAnApprover, RequestChanged
from access.models import GrantStatus, MessageKind, RequestStatus, Verdict
from access.policy.refusals import RefusedByPolicy
from access.requests.review import review
from tests.cast import ANN, EVE, KIM, LEA, SAM
from tests.world import World

CHANGES = {
    "the role's power": ("power: look", "power: mend"),
    "the target": ("server: one", "server: two"),
    "the channel": ("channel: C0PAYAPPR", "channel: C0OTHER"),
    "the level's name": ("medium", "careful"),
    "the approvers' groups": ("any_of: [payments-leads]", "any_of: [payments-leads, security]"),
    "the rule's name": ("id: customers\n", "id: customers-two\n"),
    "the name on the target": ("ann: {slack: U0ANN}", "ann: {slack: U0ANN, names: {fake: ann.a}}"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_rule_is_posted_anew_and_the_old_button_is_void(world: World, change: str) -> None:
    request = world.ask()
    world.work()
    world.rewrite_policy(*CHANGES[change])

    with pytest.raises(RequestChanged):
        world.approve(request)

    now = world.requests()[0]
    assert (now.status, now.version) == (RequestStatus.PENDING, 2)
    assert now.fingerprint != request.fingerprint
    assert world.grants() == []
    assert world.refusals() == [("request.approve", "RequestChanged")]
    assert len(world.events("request.changed")) == 1

    world.said.clear()
    world.work()
    cards = [one.message for one in world.said if one.message.kind == MessageKind.REVIEW]
    assert sorted((one.version, one.recipient) for one in cards) == [(1, request.channel), (2, now.channel)]

    with pytest.raises(RequestChanged):
        world.approve(request)
    assert world.requests()[0].version == 2, "an old button makes no third version"

    assert world.approve(now).status == RequestStatus.APPROVED
    world.work()
    assert world.grant_of(now).status == GrantStatus.ACTIVE


def test_a_new_version_takes_the_terms_of_now(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("power: look", "power: glance")
    world.rewrite_policy("channel: C0PAYAPPR", "channel: C0OTHER")

    with pytest.raises(RequestChanged):
        world.approve(request)
    world.approve(world.requests()[0])

    assert world.requests()[0].channel == "C0OTHER"
    assert world.grants()[0].definition == {"power": "glance"}


@pytest.mark.parametrize(
    "unrelated",
    [
        ("eve: {slack: U0EVE}", "eve: {slack: U0EVE}\n  max: {slack: U0MAX}"),
        ("Correct the status of an order", "Mend an order"),
        ('at: "09:00"', 'at: "10:00"'),
    ],
)
def test_an_unrelated_change_leaves_the_card_alone(world: World, unrelated: tuple[str, str]) -> None:
    request = world.ask()
    world.rewrite_policy(*unrelated)

    assert world.approve(request).version == 1


def test_a_renamed_group_of_approvers_leaves_no_card_to_nobody(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("payments-leads", "payments-approvers")

    with pytest.raises(RequestChanged):
        world.approve(request)

    assert world.approve(world.requests()[0]).status == RequestStatus.APPROVED


def test_who_was_never_asked_changes_no_card(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("power: look", "power: glance")

    for who in (EVE, SAM):
        with pytest.raises(NotAnApprover):
            world.approve(request, by=who)

    assert world.requests()[0].version == 1


def test_a_denial_needs_no_new_card(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("power: look", "power: glance")

    assert world.deny(request).status == RequestStatus.DENIED


def test_what_the_policy_refuses_now_is_not_approved(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")

    with pytest.raises(RefusedByPolicy) as refused:
        world.approve(request)
    assert refused.value.sentence == (
        "The policy has changed: ann may not ask for customers-db/read any more. Deny it, or ask the security team."
    )

    assert world.requests()[0].status == RequestStatus.PENDING
    assert world.grants() == []
    assert "ann" in world.events("attempt.refused")[0].entry, "the log keeps the trace"


def test_a_shorter_limit_holds_for_what_is_pending(world: World) -> None:
    request = world.ask(minutes=90)
    world.rewrite_policy("max: 2h", "max: 1h")

    with pytest.raises(
        RefusedByPolicy,
        match=r"^The policy has changed: at most 1 h is allowed now\. Deny it, or ask ann to ask again\.$",
    ):
        world.approve(request)


def test_what_ends_at_a_time_that_has_passed_is_not_approved(world: World) -> None:
    request = world.ask(duration=None, until=world.clock.now() + timedelta(minutes=30))
    world.clock.tick(minutes=31)

    with pytest.raises(RefusedByPolicy, match=r"^The end that was asked for has passed"):
        world.approve(request)


def test_a_second_change_makes_a_third_card(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("power: look", "power: glance")
    with pytest.raises(RequestChanged):
        world.approve(request, by=LEA)
    second = world.requests()[0]
    world.rewrite_policy("power: glance", "power: peek")
    with pytest.raises(RequestChanged):
        world.approve(second, by=KIM)

    third = world.requests()[0]
    assert third.version == 3
    for old in (request, second):
        with pytest.raises(RequestChanged):
            review(world.core, button=world.button(old), reviewer=by_slack(LEA), verdict=Verdict.DENY, comment="No.")
    assert world.approve(third).requester_slack == ANN
