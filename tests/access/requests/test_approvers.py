"""Who is named can decide: no guest, no one who has left or is of another workspace; without any, nothing is asked."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.approvers import approver_look, approvers, people_now
from access.errors import InvalidInput, PolicyRefuses
from access.ids import Person, SlackUser
from access.messages.facts import CardFacts, card_of
from access.models import MessageKind, PeriodicCheck, RequestStatus
from access.monitor.approver_checks import EVERY, SOONER, approvers_to_look_at, learn
from access.monitor.offboarding import Members, Membership
from access.monitor.schedule_checks import schedule_checks
from access.queries.mine import mine
from access.requests.extend import may_extend
from access.requests.remind import ReminderFacts
from access.requests.submit import preview
from tests.access.messages.test_home import homes, looked
from tests.access.requests.test_remind import LADDER
from tests.cast import ANN, EVE, KIM, LEA, SAM
from tests.world import World

GUEST = "Slack shows this account as a guest."


def slack_says(world: World, **gone: str) -> None:
    """Slack's word on all approvers, and what follows from it."""
    world.gone = {f"U0{name.upper()}": because for name, because in gone.items()}
    schedule_checks(world.core)
    world.clock.tick(seconds=EVERY.total_seconds())
    world.work()


def cards(world: World) -> list[CardFacts]:
    return [
        one.facts for one in world.said if one.message.kind == MessageKind.REVIEW and isinstance(one.facts, CardFacts)
    ]


def named_on_the_card(world: World) -> list[SlackUser]:
    world.ask()
    world.work()
    return cards(world)[-1].approvers


def named_in_the_form(world: World) -> list[SlackUser]:
    return [*preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read").asked.approvers]


def named_at_once_after_asking(world: World) -> list[SlackUser]:
    return card_of(world.core, world.ask().id).approvers


def named_in_mine(world: World) -> list[SlackUser]:
    request = world.ask()
    return [*mine(world.core, person=by_slack(ANN)).asked[request.id].approvers]


def named_for_an_extension(world: World) -> list[SlackUser]:
    grant = world.open()
    return [*may_extend(world.core, grant_id=grant.id, by=by_slack(ANN)).terms.asked.approvers]


def named_in_a_reminder(world: World) -> list[SlackUser]:
    world.rewrite_policy("quorum: 1}]}", LADDER)
    world.ask()
    world.work()
    world.clock.tick(minutes=15)
    world.work()
    return next(one.facts.named for one in world.said if isinstance(one.facts, ReminderFacts))


NAMING = [
    named_on_the_card, named_in_the_form, named_at_once_after_asking, named_in_mine, named_for_an_extension,
    named_in_a_reminder,
]  # fmt: skip


@pytest.mark.parametrize("named", NAMING)
def test_who_cannot_decide_is_named_nowhere(world: World, named: Callable[[World], list[SlackUser]]) -> None:
    slack_says(world, kim=GUEST)

    assert named(world) == [LEA]


@pytest.mark.parametrize("named", NAMING)
def test_of_whom_slack_has_said_nothing_yet_nothing_is_held_against(
    world: World, named: Callable[[World], list[SlackUser]]
) -> None:
    assert named(world) == [KIM, LEA]


def test_a_guest_is_shown_no_request_as_one_to_decide(world: World) -> None:
    looked(world, KIM, LEA)
    world.ask()
    world.work()
    assert len(homes(world, KIM)[-1].waiting) == 1

    slack_says(world, kim=GUEST)

    assert homes(world, KIM)[-1].waiting == []
    assert len(homes(world, LEA)[-1].waiting) == 1


def test_a_card_that_stands_names_who_became_a_guest_no_more_and_who_came_back_again(world: World) -> None:
    world.ask()
    world.work()
    assert cards(world)[-1].approvers == [KIM, LEA]

    slack_says(world, kim=GUEST)
    assert cards(world)[-1].approvers == [LEA]

    slack_says(world)
    assert cards(world)[-1].approvers == [KIM, LEA]


def test_a_card_that_stands_names_who_can_decide_by_another_policy(world: World) -> None:
    world.work()
    world.ask()
    world.work()
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim, sam]}")

    world.work()

    assert cards(world)[-1].approvers == [KIM, SAM]


def test_the_same_answer_twice_tells_nothing_anew(world: World) -> None:
    world.ask()
    slack_says(world, kim=GUEST)
    told = len(cards(world))

    slack_says(world, kim=GUEST)

    assert len(cards(world)) == told


def test_what_no_approver_could_answer_is_not_asked(world: World) -> None:
    slack_says(world, kim=GUEST, lea="Slack shows this account as deactivated.")
    sentence = "Slack does not show kim and lea, who would approve it, as full members of this workspace."

    with pytest.raises(PolicyRefuses, match=sentence):
        world.ask()
    with pytest.raises(InvalidInput, match=sentence) as refused:
        preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read")

    assert refused.value.field == "entitlement"
    assert world.requests() == []
    assert world.refusals() == [("request.submit", "RefusedByPolicy")]


def test_what_is_open_is_not_extended_where_no_approver_could_answer(world: World) -> None:
    grant = world.open(minutes=60)
    slack_says(world, kim=GUEST, lea=GUEST)

    with pytest.raises(PolicyRefuses, match="Slack does not show kim and lea"):
        world.extend(grant)
    with pytest.raises(InvalidInput, match="Slack does not show kim and lea"):
        may_extend(world.core, grant_id=grant.id, by=by_slack(ANN))


def test_the_form_of_a_person_who_would_be_the_only_approver_says_so(world: World) -> None:
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea]}")

    with pytest.raises(InvalidInput, match="No other person can approve customers-db/read for you"):
        preview(world.core, requester=by_slack(LEA), entitlement="customers-db/read")


def test_a_click_is_judged_by_slacks_word_of_that_moment_and_not_by_the_last_look(world: World) -> None:
    """The bot has just asked; the look is some minutes old."""
    request = world.ask()
    slack_says(world, kim=GUEST)

    assert world.approve(request, by=KIM).status == RequestStatus.APPROVED


def test_who_was_refused_at_a_click_is_named_no_more_and_looked_at_again(world: World) -> None:
    world.ask()
    slack_says(world)
    with world.core.work(by_slack(SlackUser("U0KIM"))) as work:
        learn(work, KIM, GUEST)
        learn(work, EVE, GUEST)
    world.work()

    assert cards(world)[-1].approvers == [LEA]
    slack_says(world)
    assert cards(world)[-1].approvers == [KIM, LEA]


def test_who_decides_again_is_named_again_at_once(world: World) -> None:
    world.ask()
    slack_says(world, kim=GUEST)
    assert deciding(world) == {"lea"}

    with world.core.work(by_slack(SlackUser("U0KIM"))) as work:
        learn(work, KIM, "")
        learn(work, LEA, "")
    world.work()
    assert deciding(world) == {"kim", "lea"}
    assert cards(world)[-1].approvers == [KIM, LEA]


def test_who_was_refused_at_a_click_is_looked_at_within_four_minutes(world: World) -> None:
    world.ask()
    slack_says(world)
    with world.core.work(by_slack(SlackUser("U0KIM"))) as work:
        learn(work, KIM, GUEST)
    due = {look.subject: look.due_at - world.clock.now() for look in looks(world)}
    assert due[approver_look(KIM)] <= SOONER


def test_an_answer_that_was_given_before_a_refused_click_changes_nothing(world: World) -> None:
    world.ask()
    schedule_checks(world.core)
    world.clock.tick(seconds=EVERY.total_seconds())
    members = Members(world.core)
    claimed = members.claim([one.id for one in looks(world)])
    with world.core.work(by_slack(SlackUser("U0KIM"))) as work:
        learn(work, KIM, GUEST)

    members.commit([Membership(one) for one in claimed])

    assert deciding(world) == {"lea"}


def test_a_look_without_an_answer_leaves_what_is_known(world: World) -> None:
    world.ask()
    slack_says(world, kim=GUEST)
    world.clock.tick(seconds=EVERY.total_seconds())
    members = Members(world.core)
    claimed = members.claim([one.id for one in looks(world)])
    assert len(claimed) >= 2

    members.commit([Membership(one, problem="Slack cannot be reached.") for one in claimed])

    assert deciding(world) == {"lea"}


def test_who_has_left_and_held_something_is_no_approver_from_that_moment(world: World) -> None:
    world.ask()
    world.approve(world.ask(by=LEA, entitlement="customers-db/fix-orders"), by=KIM)
    schedule_checks(world.core)
    world.clock.tick(minutes=4)
    members = Members(world.core)
    claimed = members.claim([one.id for one in looks(world, LEA)])

    members.commit([Membership(one, gone="Slack shows this account as deactivated.") for one in claimed])

    assert deciding(world) == {"kim"}


def test_every_approver_of_the_policy_is_looked_at_and_nobody_else(world: World) -> None:
    schedule_checks(world.core)

    assert {one.subject for one in looks(world)} == {approver_look(KIM), approver_look(LEA)}
    world.rewrite_policy("any_of: [payments-leads]", "any_of: [security]")
    world.clock.tick(seconds=31)
    schedule_checks(world.core)
    assert {one.subject for one in looks(world)} == {approver_look(SAM)}


def test_however_many_approvers_there_are_looks_at_them_leave_room_for_those_at_leavers(world: World) -> None:
    assert set(approvers_to_look_at(world.core.policy.current()).values()) == {EVERY}
    many = [f"lead-{number}" for number in range(1_000)]
    people = "".join(f"  {name}: {{slack: U0LEAD{number}}}\n" for number, name in enumerate(many))
    world.rewrite_policy("people:\n", f"people:\n{people}")
    world.rewrite_policy("people: [lea, kim]", f"people: [lea, kim, {', '.join(many)}]")

    spans = approvers_to_look_at(world.core.policy.current())

    assert len(spans) == 1_002
    assert sum(timedelta(hours=1) / span for span in spans.values()) <= 600, (
        "calls an hour, of 3,600 that the lane makes"
    )


def test_who_was_found_to_be_a_guest_is_looked_at_sooner_than_others(world: World) -> None:
    slack_says(world, kim=GUEST)

    due = {one.subject: one.due_at for one in looks(world)}

    assert due[approver_look(LEA)] - due[approver_look(KIM)] >= EVERY - SOONER - timedelta(seconds=1)


def deciding(world: World) -> set[Person]:
    policy = world.core.policy.current()
    with world.core.database.read() as session:
        return set(approvers(session, people_now(session, policy), world.requests()[0], world.clock.now()))


def looks(world: World, *subjects: str) -> list[PeriodicCheck]:
    """Those at approvers, or others."""
    with world.core.database.read() as session:
        found = session.exec(select(PeriodicCheck)).all()
    return [one for one in found if one.subject in subjects or (not subjects and one.subject.endswith(":approver"))]
