"""Requests of a batch that the same people decide share one card, where one click answers all; each ends as its own."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.errors import Conflict, NotAnApprover, NotFound, RequestLapsed, SelfReview
from access.ids import SlackUser
from access.messages.facts import BatchFacts, CardFacts
from access.messages.outbox import Claimed
from access.models import GrantStatus, Message, MessageKind, Request, RequestStatus, Review, Verdict
from access.requests.cancel import cancel
from access.requests.claim import claimant
from access.requests.comment import Written, card_of_thread, comments_on, keep_comment
from access.requests.narrow import TypedTime
from access.requests.remind import BatchReminderFacts, Place, ReminderFacts, card_place
from access.requests.review_several import Outcome, answerable, claim_all, joined, review_all
from access.store import Database
from tests.access.requests.test_batch import FIX, LOGS, READ, SEVERAL, ask
from tests.access.requests.test_edit import change
from tests.access.requests.test_remind import LADDER
from tests.cast import ANN, APPROVALS, EVE, KIM, LEA, SAM
from tests.world import World

pytestmark = pytest.mark.both_databases
ONE = "quorum: 1}]}"
CUSTOMERS = SEVERAL.partition("max: 2h")[2].partition(ONE)[0]
TWO_STAGES = SEVERAL.replace(f"max: 2h{CUSTOMERS}{ONE}", f"max: 2h{CUSTOMERS}quorum: 1}}, {{any_of: [security]}}]}}", 1)
REMINDED = SEVERAL.replace(f"max: 2h{CUSTOMERS}{ONE}", f"max: 2h{CUSTOMERS}{LADDER}", 1)
ELSEWHERE = REMINDED.replace("{after: 1h, to: payments-leads}", "{after: 1h, to: security, channel: C0MORE}", 1)
NARROWER = TypedTime(text="30m", zone=ZoneInfo("Europe/Amsterdam"))


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World.make(database, tmp_path, getattr(request, "param", SEVERAL))


def press(
    world: World, *requests: Request, by: SlackUser = LEA, verdict: Verdict = Verdict.APPROVE, **more: Any
) -> list[Outcome]:
    said: dict[str, Any] = {"comment": "Not today."} if verdict is Verdict.DENY else {}
    return review_all(world.core, buttons=joined(requests), reviewer=by_slack(by), verdict=verdict, **said | more)


def statuses(world: World) -> dict[str, str]:
    return {one.entitlement: one.status for one in world.requests()}


def said(world: World, kind: MessageKind) -> list[Claimed]:
    return [one for one in world.said if one.message.kind == kind]


def shown(world: World) -> dict[str, str]:
    """What the card said last of each."""
    facts = said(world, MessageKind.BATCH_REVIEW)[-1].facts
    assert isinstance(facts, BatchFacts)
    return {one.request.entitlement: one.grant.status if one.grant else one.request.status for one in facts.parts}


def refused(outcomes: list[Outcome]) -> dict[str, str]:
    return {one.entitlement: one.refused.sentence for one in outcomes if one.refused}


def waiting_in(facts: object) -> set[str]:
    assert isinstance(facts, BatchReminderFacts)
    return {one.request.entitlement for one in facts.parts}


def test_those_of_one_rule_share_one_card_and_another_rule_has_its_own(world: World) -> None:
    batch = ask(world, READ, FIX, LOGS)
    world.work()

    assert sorted(one.message.destination for one in said(world, MessageKind.BATCH_REVIEW)) == [APPROVALS]
    assert shown(world) == {READ: "pending", FIX: "pending"}
    assert [one.message.destination for one in said(world, MessageKind.REVIEW)] == ["C0LOGS"]
    read, fix, logs = batch.requests
    assert read.card_id == fix.card_id == read.id
    assert logs.card_id is None


def test_of_two_rules_with_one_part_each_both_have_a_card_as_before(world: World) -> None:
    requests = ask(world, READ, LOGS).requests
    world.work()

    assert [one.card_id for one in requests] == [None, None]
    assert {one.message.destination for one in said(world, MessageKind.REVIEW)} == {APPROVALS, "C0LOGS"}


def test_one_click_approves_all_on_the_card_and_each_opens_by_its_own_vote(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    assert refused(press(world, *requests)) == {}
    world.work()

    assert shown(world) == {READ: GrantStatus.ACTIVE, FIX: GrantStatus.ACTIVE}
    with world.core.database.read() as session:
        votes = session.exec(select(Review)).all()
    assert {(one.request_id, one.fingerprint) for one in votes} == {(one.id, one.fingerprint) for one in requests}
    assert len({one.ts for one in world.messages(MessageKind.BATCH_REVIEW)}) == 1
    assert world.verified().flaw is None


def test_what_is_written_beneath_the_card_is_kept_with_each_on_it(world: World) -> None:
    read, fix, logs = ask(world, READ, FIX, LOGS).requests
    world.work()
    (card,) = world.messages(MessageKind.BATCH_REVIEW)
    found = card_of_thread(world.core, channel=APPROVALS, thread=str(card.ts))
    assert found
    said = Written(place=Place(APPROVALS, "31.01"), thread=str(card.ts), words="Which refunds?")
    assert keep_comment(world.core, by=by_slack(KIM), card=found, written=said)

    with world.core.database.read() as session:
        kept = {one.entitlement: [said.words for said in comments_on(session, one)] for one in (read, fix, logs)}
    assert kept == {READ: ["Which refunds?"], FIX: ["Which refunds?"], LOGS: []}


def test_the_card_follows_each_access_to_its_end(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    press(world, *requests)
    world.work()
    cancelled_later = world.grant_of(requests[0])
    world.pass_time(minutes=61)

    assert cancelled_later.status == GrantStatus.ACTIVE
    assert shown(world) == {READ: GrantStatus.ENDED, FIX: GrantStatus.ENDED}


def test_a_part_can_be_decided_alone_and_the_card_shows_both(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    press(world, fix, verdict=Verdict.DENY)
    world.work()
    assert shown(world) == {READ: "pending", FIX: "denied"}

    press(world, read, by=KIM)
    world.work()
    assert shown(world) == {READ: GrantStatus.ACTIVE, FIX: "denied"}


def test_a_part_that_another_decided_is_named_and_the_others_are_decided(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    press(world, fix, by=KIM, verdict=Verdict.DENY)

    outcomes = press(world, read, fix)

    assert refused(outcomes) == {FIX: "Someone decided this request before you did: kim (denied)."}
    assert statuses(world) == {READ: RequestStatus.APPROVED, FIX: RequestStatus.DENIED}
    assert world.refusals() == [("request.approve", "AlreadyDecided")]


def test_a_part_that_was_taken_back_holds_up_none_of_the_others(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    cancel(world.core, request_id=read.id, by=by_slack(ANN))

    assert [*refused(press(world, read, fix))] == [READ]
    assert statuses(world) == {READ: RequestStatus.CANCELLED, FIX: RequestStatus.APPROVED}


@pytest.mark.parametrize(("by", "why"), [(ANN, SelfReview), (EVE, NotAnApprover)])
def test_who_may_decide_none_is_told_why_once_and_nothing_is_decided(
    world: World, by: SlackUser, why: type[Exception]
) -> None:
    requests = ask(world, READ, FIX).requests

    with pytest.raises(why):
        press(world, *requests, by=by)
    with pytest.raises(why):
        answerable(world.core, buttons=joined(requests), reviewer=by_slack(by), verdict=Verdict.DENY)
    assert set(statuses(world).values()) == {RequestStatus.PENDING}


def test_a_double_click_is_one_and_says_nothing(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    press(world, *requests)

    assert refused(press(world, *requests)) == {}
    assert len(world.grants()) == 2


@pytest.mark.parametrize("forged", ["", ",", "v1.x", "v1.00000000000000000000000000.1.0123456789abcdef"])
def test_a_button_that_is_not_ours_decides_nothing(world: World, forged: str) -> None:
    requests = ask(world, READ, FIX).requests

    with pytest.raises(NotFound):
        review_all(world.core, buttons=forged, reviewer=by_slack(LEA), verdict=Verdict.APPROVE)
    half = f"{joined(requests[:1])},{joined(requests[1:])[:-16]}{'0' * 16}"
    outcomes = review_all(world.core, buttons=half, reviewer=by_slack(LEA), verdict=Verdict.APPROVE)
    assert [*refused(outcomes)] == [FIX]
    assert statuses(world) == {READ: RequestStatus.APPROVED, FIX: RequestStatus.PENDING}


def test_a_part_that_was_changed_is_not_decided_by_the_old_card_and_goes_on_with_its_own(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    world.work()
    change(world, read, time="30m")
    outcomes = press(world, read, fix)
    world.work()

    assert "ann has changed this request" in refused(outcomes)[READ]
    assert statuses(world) == {READ: RequestStatus.PENDING, FIX: RequestStatus.APPROVED}
    (own,) = [one.message for one in said(world, MessageKind.REVIEW)]
    assert (own.subject, own.version) == (read.id, 2)
    (now,) = [one for one in world.requests() if one.id == read.id]
    with world.core.database.read() as session:
        place = card_place(session, now)
    (stands,) = world.messages(MessageKind.REVIEW)
    assert place == Place(stands.channel or "", stands.ts or "")
    world.approve(now)
    assert statuses(world)[READ] == RequestStatus.APPROVED


def test_a_part_can_be_approved_for_less_and_the_other_stays_as_it_was(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    press(world, read, less=NARROWER)
    world.work()

    assert {one.entitlement: (one.version, one.duration_s) for one in world.requests()} == {
        READ: (2, 1800), FIX: (1, 3600),
    }  # fmt: skip
    assert statuses(world) == {READ: RequestStatus.APPROVED, FIX: RequestStatus.PENDING}
    assert [(one.message.subject, one.message.version) for one in said(world, MessageKind.REVIEW)] == [(read.id, 2)]
    press(world, fix)
    assert statuses(world)[FIX] == RequestStatus.APPROVED


def test_of_sixty_four_clicks_at_once_each_part_is_decided_by_one(world: World) -> None:
    requests = ask(world, READ, FIX).requests

    def click(number: int) -> None:
        by, verdict = (LEA, KIM)[number % 2], (Verdict.APPROVE, Verdict.APPROVE, Verdict.DENY)[number % 3]
        with suppress(Conflict):  # both were decided before
            press(world, *requests, by=by, verdict=verdict)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(click, range(64)))

    with world.core.database.read() as session:
        votes = session.exec(select(Review)).all()
    assert sorted(one.request_id for one in votes) == sorted(one.id for one in requests)
    approved = [one.id for one in world.requests() if one.status == RequestStatus.APPROVED]
    assert sorted(one.request_id for one in world.grants()) == sorted(approved)
    assert RequestStatus.PENDING not in statuses(world).values()
    assert world.verified().flaw is None


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_with_one_click_those_of_the_next_stage_are_called_once_for_all(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    world.work()
    press(world, read, fix)
    world.work()

    (called,) = said(world, MessageKind.BATCH_NEXT_STAGE)
    assert waiting_in(called.facts) == {READ, FIX}
    assert isinstance(called.facts, BatchReminderFacts)
    assert called.facts.card is not None
    assert {user for one in called.facts.parts for user in one.named} == {SAM}
    assert said(world, MessageKind.NEXT_STAGE) == []
    press(world, read, fix, by=SAM)
    assert set(statuses(world).values()) == {RequestStatus.APPROVED}


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_of_two_clicks_each_calls_the_next_stage(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    world.work()
    for one in (read, fix):
        press(world, one)
        world.work()

    assert len(said(world, MessageKind.BATCH_NEXT_STAGE)) == 2


@pytest.mark.parametrize("world", [REMINDED], indirect=True)
def test_all_that_wait_are_reminded_of_in_one_message_in_the_thread_of_their_card(world: World) -> None:
    read, _ = ask(world, READ, FIX).requests
    world.work()
    (card,) = world.messages(MessageKind.BATCH_REVIEW)
    world.pass_time(minutes=15)
    press(world, read, verdict=Verdict.DENY)
    world.pass_time(minutes=45)

    first, second = said(world, MessageKind.BATCH_REMINDER)
    assert [waiting_in(one.facts) for one in (first, second)] == [{READ, FIX}, {FIX}]
    assert isinstance(first.facts, BatchReminderFacts)
    assert first.facts.card == Place(card.channel or "", card.ts or "")
    assert first.facts.parts[0].next is not None
    assert first.facts.parts[0].next.after == timedelta(hours=1)
    assert said(world, MessageKind.REMINDER) == []


@pytest.mark.parametrize("world", [REMINDED], indirect=True)
def test_once_all_are_decided_no_one_is_reminded(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    press(world, *requests)
    world.pass_time(minutes=61)

    assert said(world, MessageKind.BATCH_REMINDER) == []
    assert world.messages(MessageKind.BATCH_REMINDER) == []


@pytest.mark.parametrize("world", [REMINDED], indirect=True)
def test_a_part_with_a_card_of_its_own_is_reminded_of_there_and_of_nothing_twice(world: World) -> None:
    read, _ = ask(world, READ, FIX).requests
    world.pass_time(minutes=15)
    change(world, read, time="30m")
    world.work()
    world.pass_time(minutes=45)

    assert [waiting_in(one.facts) for one in said(world, MessageKind.BATCH_REMINDER)] == [{READ, FIX}, {FIX}]
    (own,) = said(world, MessageKind.REMINDER)
    assert isinstance(own.facts, ReminderFacts)
    assert own.facts.request.id == read.id
    assert own.message.step_after_s == 3600


@pytest.mark.parametrize("world", [ELSEWHERE], indirect=True)
def test_who_is_asked_too_gets_one_card_and_can_answer_all_there(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    world.pass_time(minutes=60)

    assert {(one.message.id, one.message.destination) for one in said(world, MessageKind.BATCH_ESCALATED)} == {
        (world.messages(MessageKind.BATCH_ESCALATED)[0].id, "C0MORE")
    }
    assert refused(press(world, *requests, by=SAM)) == {}
    assert set(statuses(world).values()) == {RequestStatus.APPROVED}


def test_those_on_one_card_lapse_together_and_the_card_says_so(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    world.pass_time(hours=9)

    assert shown(world) == {READ: "lapsed", FIX: "lapsed"}
    with pytest.raises(RequestLapsed):
        press(world, *requests)


def test_a_click_on_a_card_of_which_we_do_not_know_where_it_stands_tells_us(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    card = Place(APPROVALS, "99.1")
    press(world, *requests, card=card)

    (adopted,) = [one for one in world.messages(MessageKind.BATCH_REVIEW) if one.ts == card.ts]
    assert adopted.subject == requests[0].card_id
    assert world.messages(MessageKind.REVIEW) == []


def test_who_says_of_all_to_be_looking_is_named_and_pressed_again_is_not(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    looks: dict[str, Any] = {"buttons": joined(requests), "by": by_slack(KIM)}

    def looking() -> set[SlackUser | None]:
        return {claimant(one, world.clock.now()) for one in world.requests()}

    claim_all(world.core, buttons=joined(requests[:1]), by=by_slack(KIM))
    claim_all(world.core, **looks)
    assert looking() == {KIM}
    claim_all(world.core, **looks)
    assert looking() == {None}


def test_a_rule_that_has_changed_asks_each_anew_and_decides_none(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    world.rewrite_policy(f"max: 2h{CUSTOMERS}{ONE}", f"max: 2h{CUSTOMERS}quorum: 2}}]}}")

    with pytest.raises(Exception, match="rule"):
        press(world, *requests)
    world.work()
    assert {one.version for one in world.requests()} == {2}
    assert {one.message.subject for one in said(world, MessageKind.REVIEW)} == {one.id for one in requests}


def test_a_message_about_one_of_them_is_found_by_the_subject_of_its_card(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    world.work()
    with world.core.database.read() as session:
        places = {card_place(session, one) for one in requests}
        (card,) = session.exec(select(Message).filter_by(kind=MessageKind.BATCH_REVIEW)).all()
    assert places == {Place(card.channel or "", card.ts or "")}


def answers(world: World) -> list[dict[str, str]]:
    """Each message to who asked, as it was said last: what it says of which request."""
    last: dict[str, dict[str, str]] = {}
    for one in said(world, MessageKind.BATCH_ANSWER):
        assert one.message.destination == ANN
        assert isinstance(one.facts, BatchFacts)
        last[one.message.id] = {
            part.request.entitlement: part.grant.status if part.grant else part.request.status
            for part in one.facts.parts
        }
    return [*last.values()]


def test_who_asked_gets_one_message_for_what_one_click_decided(world: World) -> None:
    requests = ask(world, READ, FIX, LOGS).requests
    press(world, *requests[:2])
    world.work()
    world.deny(requests[2], by=SAM)
    world.work()

    assert answers(world) == [{READ: GrantStatus.ACTIVE, FIX: GrantStatus.ACTIVE}]
    assert {one.message.subject for one in said(world, MessageKind.ANSWER)} == {requests[2].id}


def test_who_asked_gets_a_message_for_each_click(world: World) -> None:
    read, fix = ask(world, READ, FIX).requests
    press(world, fix, verdict=Verdict.DENY)
    world.work()
    press(world, read, by=KIM)
    world.work()

    assert answers(world) == [{FIX: "denied"}, {READ: GrantStatus.ACTIVE}]
    world.pass_time(minutes=61)
    assert answers(world) == [{FIX: "denied"}, {READ: GrantStatus.ENDED}]


def test_of_what_lapses_together_who_asked_gets_one_message(world: World) -> None:
    ask(world, READ, FIX)
    world.work()
    world.pass_time(hours=9)

    assert answers(world) == [{READ: "lapsed", FIX: "lapsed"}]
    assert said(world, MessageKind.ANSWER) == []


def test_what_is_approved_for_less_is_told_with_the_others_of_the_click(world: World) -> None:
    press(world, *ask(world, READ, FIX).requests, less=NARROWER)
    world.work()

    assert answers(world) == [{READ: GrantStatus.ACTIVE, FIX: GrantStatus.ACTIVE}]
    assert {one.duration_s for one in world.grants()} == {1800}


def test_more_time_for_one_of_them_leads_back_to_the_message_about_all(world: World) -> None:
    requests = ask(world, READ, FIX).requests
    press(world, *requests)
    world.work()
    (all_of_them,) = world.messages(MessageKind.BATCH_ANSWER)
    world.approve(world.extend(world.grant_of(requests[0])))
    world.work()

    (told,) = {
        one.facts.access for one in said(world, MessageKind.ANSWER)
        if isinstance(one.facts, CardFacts) and one.facts.request.extends
    }  # fmt: skip
    assert told == Place(all_of_them.channel or "", all_of_them.ts or "")
