"""While no answer comes, a step of the ladder lets more people decide, and shows them the card in their channel."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from access.actors import by_slack
from access.approvers import NextStep
from access.errors import NotAnApprover, NotYourTurn, RequestChanged
from access.ids import SlackUser
from access.messages.facts import CardFacts, card_of
from access.messages.home import home_facts
from access.models import GrantStatus, Message, MessageKind, Request, RequestStatus, Review
from access.policy.escalation import stages_at
from access.queries.mine import mine
from access.requests.remind import ReminderFacts
from access.requests.submit import preview
from access.store import Database
from tests.cast import ANN, APPROVALS, KIM, LEA, POLICY, SAM
from tests.databases import SqliteFiles
from tests.world import World

ONE = "stages: [{any_of: [payments-leads], quorum: 1}]}"
STEPS = "[{after: 15m, to: payments-leads}, {after: 45m, to: security, channel: C0SECAPPR}, {after: 2h, then: lapse}]"
LADDER = f"{ONE}\n    escalate: {STEPS}"
TWO = LADDER.replace("[{any_of: [payments-leads], quorum: 1}]", "[{any_of: [payments-leads]}, {any_of: [bosses]}]")
BOSS = SlackUser("U0BEN")


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return made(database, tmp_path, getattr(request, "param", LADDER))


def made(database: Database, directory: Path, rule: str) -> World:
    assert ONE in POLICY
    groups = "security: {people: [sam]}\n  bosses: {people: [ben]}"
    return World.make(database, directory, POLICY.replace(ONE, rule).replace("security: {people: [sam]}", groups))


def now(world: World) -> Request:
    (request,) = world.requests()
    return request


def can_decide(world: World) -> list[SlackUser]:
    return card_of(world.core, now(world).id).approvers


def test_who_is_added_can_decide_from_that_moment_by_the_clock_and_whether_or_not_a_message_was_sent(
    world: World,
) -> None:
    request = world.ask()
    world.clock.tick(minutes=44, seconds=59)
    with pytest.raises(NotAnApprover):
        world.approve(request, by=SAM)
    assert can_decide(world) == [KIM, LEA]

    world.clock.tick(seconds=1)

    assert can_decide(world) == [KIM, LEA, SAM]
    world.approve(request, by=SAM)
    assert now(world).status == RequestStatus.APPROVED
    world.work()
    assert world.grant_of(request).status == GrantStatus.ACTIVE, "and the vote counts when it starts"
    (event,) = world.events("request.approved")
    assert json.loads(event.entry)["details"]["groups"] == ["security"]


def test_who_is_added_can_say_no(world: World) -> None:
    request = world.ask()
    world.clock.tick(minutes=45)
    world.deny(request, by=SAM)
    assert now(world).status == RequestStatus.DENIED


def test_the_ladder_is_the_one_that_was_said_when_it_was_asked_and_is_bound_by_the_fingerprint(world: World) -> None:
    request = world.ask()
    assert request.chain["escalate"] == [{"after_s": 2700, "group": "security"}]
    assert request.facts["escalate"] == [{"after_s": 2700, "group": "security"}]

    world.rewrite_policy("{after: 45m, to: security, channel: C0SECAPPR}, ", "")
    world.clock.tick(minutes=45)

    with pytest.raises(RequestChanged):
        world.approve(request, by=SAM)
    assert (now(world).version, "escalate" in now(world).chain) == (2, False)
    with pytest.raises(NotAnApprover):
        world.approve(now(world), by=SAM)


def test_who_can_only_be_reminded_is_no_fact_so_that_other_reminders_void_nothing(
    database: Database, tmp_path: Path
) -> None:
    world = made(database, tmp_path, f"{ONE}\n    escalate: [{{after: 15m, to: payments-leads, channel: C0SECAPPR}}]")
    request = world.ask()
    assert ("escalate" in request.chain, "escalate" in request.facts) == (False, False)
    world.rewrite_policy("after: 15m", "after: 20m")
    world.approve(request, by=LEA)
    assert now(world).status == RequestStatus.APPROVED


def test_a_group_that_is_written_into_a_row_decides_nothing(world: World) -> None:
    request = world.ask()
    chain = request.chain | {"escalate": [{"after_s": 1, "group": "bosses"}]}
    with world.core.database.write() as session:
        session.get_one(Request, request.id).chain = chain
    world.clock.tick(minutes=1)
    with pytest.raises(RequestChanged):
        world.approve(request, by=BOSS)
    with pytest.raises(NotAnApprover):
        world.approve(now(world), by=BOSS)


def test_another_time_of_asking_in_the_row_brings_no_step_sooner(world: World) -> None:
    request = world.ask()
    with world.core.database.write() as session:
        session.get_one(Request, request.id).asked_at -= timedelta(hours=1)
    with pytest.raises(NotAnApprover):
        world.approve(request, by=SAM)


def test_the_card_stands_in_the_channel_of_the_step_too_and_both_are_kept_true(world: World) -> None:
    request = world.ask()
    world.work()
    assert world.messages(MessageKind.ESCALATED)[0].ts is None
    world.clock.tick(minutes=10)
    world.work()
    assert world.messages(MessageKind.ESCALATED)[0].ts is None, "not before its time, whatever is told anew"

    world.clock.tick(minutes=35)
    world.work()

    first, second = world.messages(MessageKind.REVIEW)[0], world.messages(MessageKind.ESCALATED)[0]
    assert (first.channel, second.channel) == (APPROVALS, "C0SECAPPR")
    assert second.ts is not None
    shown = last_shown(world, second)
    assert (shown.approvers, shown.request.status) == ([KIM, LEA, SAM], RequestStatus.PENDING)
    assert last_shown(world, first).approvers == [KIM, LEA, SAM], "the first card names them too"

    world.approve(request, by=KIM)
    world.work()
    for card in (first, second):
        assert last_shown(world, card).request.status == RequestStatus.APPROVED


def test_the_card_of_a_step_is_not_posted_when_there_was_an_answer_before(world: World) -> None:
    request = world.ask()
    world.work()
    world.deny(request)
    world.clock.tick(minutes=46)
    world.work()
    assert world.messages(MessageKind.ESCALATED) == []
    assert MessageKind.ESCALATED not in {one.message.kind for one in world.said}


def last_shown(world: World, card: Message) -> CardFacts:
    facts = [one.facts for one in world.said if one.message.id == card.id][-1]
    assert isinstance(facts, CardFacts)
    return facts


def test_the_thread_calls_those_who_are_added_and_the_asker_is_told_of_them_before_and_then(world: World) -> None:
    request = world.ask()
    first = NextStep(after=timedelta(minutes=15), at=request.asked_at + timedelta(minutes=15), named=(KIM, LEA))
    assert next_of(world) == first
    terms = preview(world.core, requester=by_slack(ANN), entitlement="customers-db/fix-orders")
    assert terms.asked.next is not None
    assert not terms.asked.next.adds
    world.work()
    world.clock.tick(minutes=15)
    world.work()
    at = request.asked_at + timedelta(minutes=45)
    assert next_of(world) == NextStep(after=timedelta(minutes=45), at=at, named=(SAM,), adds=True)
    world.said.clear()

    world.clock.tick(minutes=30)
    world.work()

    (call,) = [one.facts for one in world.said if isinstance(one.facts, ReminderFacts)]
    assert (call.named, call.adds) == ([SAM], True)
    assert next_of(world) is None
    (row,) = mine(world.core, person=by_slack(ANN)).asked.values()
    assert row.approvers == (KIM, LEA, SAM)
    with world.core.database.read() as session:
        home = home_facts(session, world.core.known_policy(), SAM, world.clock.now())
    assert [one.request.id for one in home.waiting] == [request.id]


def next_of(world: World) -> NextStep | None:
    facts, row = card_of(world.core, now(world).id), mine(world.core, person=by_slack(ANN)).asked[now(world).id]
    assert facts.next == row.next
    return facts.next


def test_before_asking_it_says_who_would_be_asked_too(database: Database, tmp_path: Path) -> None:
    world = made(database, tmp_path, f"{ONE}\n    escalate: [{{after: 15m, to: security}}]")
    terms = preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read")
    assert terms.asked.next == NextStep(after=timedelta(minutes=15), at=None, named=(SAM,), adds=True)


@pytest.mark.parametrize("world", [TWO], indirect=True)
def test_they_are_added_to_the_stage_that_waits_then_and_to_each_later_one_but_not_to_one_that_is_over(
    world: World,
) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.clock.tick(minutes=45)

    chain = card_of(world.core, request.id).chain
    assert [stage.groups for stage in chain] == [("payments-leads",), ("bosses", "security")]
    world.approve(now(world), by=SAM)
    assert now(world).status == RequestStatus.APPROVED


@pytest.mark.parametrize("world", [TWO], indirect=True)
def test_who_is_added_counts_once_in_the_chain_however_many_stages_they_are_added_to(world: World) -> None:
    request = world.ask()
    world.clock.tick(minutes=45)
    world.approve(request, by=SAM)
    assert now(world).status == RequestStatus.PENDING
    with pytest.raises(Exception, match="already approved"):
        world.approve(now(world), by=SAM)
    assert can_decide(world) == [BOSS]
    with pytest.raises(NotYourTurn):
        world.approve(now(world), by=LEA)


def test_a_vote_of_before_is_not_carried_by_a_group_that_was_added_after_it(world: World) -> None:
    """Lea approves as a lead for a later start, leaves the leads, and joins who is added only after that."""
    request = world.ask(starts_at=world.clock.now() + timedelta(hours=1))
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")
    world.rewrite_policy("security: {people: [sam]}", "security: {people: [sam, lea]}")
    world.clock.tick(hours=1)
    world.work()
    assert "lea, who approved this, is no longer one of its approvers" in world.grant_of(request).end_reason


def test_the_vote_of_who_was_added_counts_at_the_start_though_the_first_approvers_are_gone_by_then(
    world: World,
) -> None:
    request = world.ask(starts_at=world.clock.now() + timedelta(hours=1))
    world.clock.tick(minutes=45)
    world.approve(request, by=SAM)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: []}")
    world.clock.tick(minutes=15)
    world.work()
    assert world.grant_of(request).status == GrantStatus.ACTIVE


def test_who_was_added_and_left_the_group_before_the_start_takes_the_approval_along(world: World) -> None:
    request = world.ask(starts_at=world.clock.now() + timedelta(hours=1))
    world.clock.tick(minutes=45)
    world.approve(request, by=SAM)
    world.rewrite_policy("security: {people: [sam]}", "security: {people: [eve]}")
    world.clock.tick(minutes=15)
    world.work()
    assert "sam, who approved this, is no longer one of its approvers" in world.grant_of(request).end_reason


def test_a_rule_that_changes_late_brings_its_own_ladder_along(database: Database, tmp_path: Path) -> None:
    world = made(database, tmp_path, ONE)
    request = world.ask()
    world.work()
    world.rewrite_policy(ONE, LADDER)
    world.clock.tick(minutes=50)
    with pytest.raises(RequestChanged):
        world.approve(request, by=LEA)

    world.work()

    assert can_decide(world) == [KIM, LEA, SAM]
    assert [one.channel for one in world.messages(MessageKind.ESCALATED)] == ["C0SECAPPR"]
    (call,) = [one.facts for one in world.said if isinstance(one.facts, ReminderFacts)]
    assert (call.named, call.adds) == ([SAM], True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("silence"))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spans=st.lists(st.integers(1, 3000), min_size=1, max_size=12),
    quorum=st.integers(1, 2),
)
def test_time_alone_never_approves(files: SqliteFiles, tmp_path: Path, spans: list[int], quorum: int) -> None:
    with files.emptied() as database:
        world = made(database, tmp_path, LADDER.replace("quorum: 1", f"quorum: {quorum}"))
        world.ask()
        for span in spans:
            world.clock.tick(seconds=span)
            world.work()
            (request,) = world.requests()
            assert request.status in (RequestStatus.PENDING, RequestStatus.LAPSED)
            assert len(stages_at(request, [], world.clock.now())) == 1
        assert world.grants() == []
        with world.core.database.read() as session:
            assert session.exec(select(Review)).all() == []
