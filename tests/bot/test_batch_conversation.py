"""Several requests on one card, as people see and answer them in the sandbox, with the bot as it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from access.models import RequestStatus, Verdict
from access.store import Database
from bot import ids
from sandbox.person import Person, Workspace
from sandbox.seen import Message
from sandbox.server import Running
from tests.access.requests.test_batch import FIX, LOGS, READ, SEVERAL
from tests.access.requests.test_batch_card import TWO_STAGES
from tests.bot.staging import Serving, deliver, modal, serving
from tests.cast import ANN, APPROVALS, EVE, KIM, LEA, SAM, SECURITY
from tests.waiting import wait_until
from tests.world import World

ALL_THREE = f"{READ},{FIX},{LOGS} 1h INC-12 stuck refunds"


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    policy = getattr(request, "param", SEVERAL).replace("C0LOGS", SECURITY)  # a channel of the sandbox
    return World.make(database, tmp_path, policy)


@pytest.fixture
def serves(world: World, sandbox: Running) -> Iterator[Serving]:
    with serving("Socket Mode", world, sandbox) as serves:
        yield serves


@pytest.fixture
def ann(world: World, sandbox: Running, workspace: Workspace, serves: Serving) -> Person:
    """Who has asked for three, two of them by one rule."""
    ann = workspace.person(ANN)
    ann.command("C0GENERAL", "/access", ALL_THREE)
    wait_until(lambda: len(world.requests()) == 3, "the requests")
    deliver(world, sandbox)
    return ann


def statuses(world: World) -> dict[str, str]:
    return {one.entitlement: one.status for one in world.requests()}


def parts(person: Person) -> dict[str, str]:
    """What can be ticked in the modal, and its value."""
    (which,) = [block for block in modal(person).blocks if block.get("block_id") == ids.PARTS]
    return {one["text"]["text"]: one["value"] for one in which["element"]["options"]}


def cards(person: Person) -> list[Message]:
    """Replies beneath them are none."""
    seen = [one for one in person.messages(APPROVALS) if not one.ephemeral]
    return [one for one in seen if one.raw.get("thread_ts") in (None, one.ts)]


def the_card(person: Person) -> Message:
    (card,) = cards(person)
    return card


def told(world: World, person: Person, words: str) -> None:
    wait_until(lambda: any(words in one.words for one in person.ephemerals(APPROVALS)), f"to be told: {words}")


def test_one_click_answers_the_card_of_one_rule_and_leaves_that_of_another(
    world: World, sandbox: Running, workspace: Workspace, ann: Person
) -> None:
    lea = workspace.person(LEA)
    assert "Access request, 2 at once" in the_card(lea).words

    lea.click(the_card(lea), ids.BATCH_APPROVE)
    wait_until(lambda: statuses(world)[FIX] == statuses(world)[READ] == RequestStatus.APPROVED, "both to be approved")
    deliver(world, sandbox)

    assert "Answered, 2 requests" in the_card(lea).words
    assert the_card(lea).words.count("Open until") == 2
    assert statuses(world)[LOGS] == RequestStatus.PENDING
    assert lea.ephemerals(APPROVALS) == []
    (answer,) = ann.direct_messages()
    assert answer.words.count("Open until") == 2
    ann.click(answer, ids.DONE, world.grants()[0].id)
    wait_until(lambda: world.grants()[0].ended_by_person == "ann", "one to be given back")
    deliver(world, sandbox)
    assert ann.direct_messages()[0].words.count("Open until") == 1
    assert sandbox.workspace().violations() == []


def test_a_part_is_denied_alone_and_who_answers_all_later_is_told_of_it(
    world: World, sandbox: Running, workspace: Workspace, ann: Person
) -> None:
    lea, kim = workspace.person(LEA), workspace.person(KIM)
    old = the_card(kim)
    lea.click(the_card(lea), ids.BATCH_SOME)
    assert sorted(parts(lea)) == sorted([READ, FIX])
    lea.close_view()
    lea.click(the_card(lea), ids.BATCH_SOME)
    answer = {ids.PARTS: [parts(lea)[FIX]], ids.VERDICT: Verdict.DENY}
    assert "Say why" in str(lea.submit(answer))
    assert lea.submit(answer | {ids.COMMENT: "Ben corrects orders this week."}) is None

    kim.click(old, ids.BATCH_APPROVE)
    told(world, kim, f"Not approved: {FIX}. Someone decided this request before you did: lea (denied)")
    told(world, kim, f"Approved: {READ}.")
    deliver(world, sandbox)

    assert statuses(world)[READ] == RequestStatus.APPROVED
    assert "Ben corrects orders this week." in the_card(kim).words
    assert "*Denied* by <@U0LEA>" in the_card(kim).words
    assert any("Ben corrects orders" in one.words for one in ann.direct_messages())


def test_deny_asks_why_once_for_all_that_are_ticked(
    world: World, sandbox: Running, workspace: Workspace, ann: Person
) -> None:
    lea = workspace.person(LEA)
    lea.click(the_card(lea), ids.BATCH_DENY)
    assert modal(lea).title == "Deny these requests"
    assert lea.submit({ids.COMMENT: "Not before the audit."}) is None
    deliver(world, sandbox)

    assert statuses(world)[READ] == statuses(world)[FIX] == RequestStatus.DENIED
    assert the_card(lea).words.count("Not before the audit.") == 1


def test_who_may_not_answer_is_told_so_once(world: World, workspace: Workspace, ann: Person) -> None:
    ann.click(the_card(ann), ids.BATCH_APPROVE)
    told(world, ann, "You can't decide your own request.")
    eve = workspace.person(EVE)
    for button in (ids.BATCH_SOME, ids.BATCH_DENY, ids.BATCH_CLAIM):
        eve.click(the_card(eve), button)
    wait_until(lambda: len(eve.ephemerals(APPROVALS)) == 3, "Eve to be told three times")

    assert {one.words for one in eve.ephemerals(APPROVALS)} == {"You are not one of the approvers of this request."}
    assert eve.view() is None
    assert set(statuses(world).values()) == {RequestStatus.PENDING}


def test_for_less_a_part_goes_on_with_a_card_of_its_own(
    world: World, sandbox: Running, workspace: Workspace, ann: Person
) -> None:
    lea, kim = workspace.person(LEA), workspace.person(KIM)
    lea.click(the_card(lea), ids.BATCH_SOME)
    less = {ids.PARTS: [parts(lea)[READ]], ids.VERDICT: Verdict.APPROVE, ids.DURATION: "2h"}
    assert "ann asked for 1 h" in str(lea.submit(less))
    assert lea.submit(less | {ids.DURATION: "20m"}) is None
    deliver(world, sandbox)

    shared, own = cards(kim)
    assert "lea has narrowed its time" in shared.words
    assert "Access request, 1 of 2 still waiting" in shared.words
    assert "narrowed to 20 min by lea" in own.words
    kim.click(shared, ids.BATCH_APPROVE)
    wait_until(lambda: statuses(world)[FIX] == RequestStatus.APPROVED, "the other to be approved")


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_the_next_stage_is_called_once_beneath_the_card_and_answers_all_there(
    world: World, sandbox: Running, workspace: Workspace, ann: Person
) -> None:
    lea, sam = workspace.person(LEA), workspace.person(SAM)
    lea.click(the_card(lea), ids.BATCH_CLAIM)
    wait_until(lambda: {one.claimed_by for one in world.requests()} == {"lea", None}, "Lea to be looking")
    deliver(world, sandbox)
    assert "<@U0LEA> is looking" in the_card(sam).words
    lea.click(the_card(lea), ids.BATCH_APPROVE)
    wait_until(lambda: len(world.events("request.reviewed")) == 2, "both votes")
    deliver(world, sandbox)

    card, *replies = sam.messages(APPROVALS)
    assert [one.raw["thread_ts"] for one in replies] == [card.ts]
    assert "<@U0SAM>: it is your turn" in replies[0].words
    assert READ in replies[0].words
    assert FIX in replies[0].words
    lea.click(card, ids.BATCH_SOME)
    assert modal(lea).title == "Deny these requests", "she has approved, and can still think better of it"
    sam.click(card, ids.BATCH_APPROVE)
    wait_until(lambda: statuses(world)[FIX] == statuses(world)[READ] == RequestStatus.APPROVED, "both to be approved")
