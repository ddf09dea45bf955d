"""People who type and click in the sandbox, and the bot as it runs: the same by Socket Mode and by HTTP."""

from collections.abc import Iterator

import pytest

from access.ids import SlackUser, short
from access.models import GrantStatus, MessageKind, RequestStatus
from access.monitor.approver_checks import is_named
from access.monitor.schedule_checks import schedule_checks
from bot import ids
from sandbox.person import Workspace
from sandbox.server import Running
from tests.bot.staging import Serving, Way, deliver, modal, serving, the_card
from tests.cast import ANN, APPROVALS, KIM, LEA, SAM
from tests.waiting import wait_until
from tests.world import World


@pytest.fixture(params=["Socket Mode", "HTTP mode"])
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
def serves(way: Way, world: World, sandbox: Running) -> Iterator[Serving]:
    with serving(way, world, sandbox) as serves:
        yield serves


def test_the_whole_conversation(world: World, sandbox: Running, workspace: Workspace, serves: Serving) -> None:
    ann, lea, kim, sam = (workspace.person(user) for user in (ANN, LEA, KIM, SAM))

    ann.command("C0GENERAL", "/access")
    ann.choose(modal(ann), ids.CHOOSE, "customers-db/read")
    wait_until(lambda: "Will be asked in" in modal(ann).words, "the form to say who is asked")
    filled = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 <!channel> *stuck*"}
    assert ann.submit(filled) is None
    assert "<@U0KIM> and <@U0LEA>" in modal(ann).words

    deliver(world, sandbox)
    card = the_card(lea)
    assert "INC-12 <!channel> *stuck*" in card.words
    ann.click(card, ids.APPROVE)
    wait_until(
        lambda: any("can't decide your own" in said.words for said in ann.ephemerals(APPROVALS)),
        "ann to be told that she may not",
    )
    lea.click(card, ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    kim.click(card, ids.APPROVE)
    wait_until(
        lambda: any("before you did: lea" in said.words for said in kim.ephemerals(APPROVALS)),
        "the slower approver to be told",
    )

    deliver(world, sandbox)
    answer = ann.direct_messages()[-1]
    assert "Open until" in answer.words
    ann.click(answer, ids.CONNECT)
    waiting = modal(ann)
    wait_until(lambda: world.messages(MessageKind.REVEAL), "a worker to be asked for the secret")
    assert world.messages(MessageKind.REVEAL)[0].recipient == waiting.id
    ann.close_view()

    sam.click(the_card(sam), ids.REVOKE)
    modal(sam)
    assert sam.submit({ids.REASON: "The laptop was stolen."}) is None
    deliver(world, sandbox)
    assert world.grants()[0].status == GrantStatus.ENDED
    assert "The laptop was stolen." in the_card(lea).words
    assert the_card(lea).actions() == [ids.DETAILS]
    assert "Verified" in ann.direct_messages()[-1].words


def test_among_more_than_slack_lists_typing_finds_it(world: World, workspace: Workspace, serves: Serving) -> None:
    names = [f"role-{number}" for number in range(150)]
    roles = "".join(f"\n      {name}: {{title: Number {name[5:]}, power: look}}" for name in names)
    world.rewrite_policy("    roles:", f"    roles:{roles}")
    world.rewrite_policy(
        "customers-db/fix-orders]", "".join(f"customers-db/{name}, " for name in names).rstrip(", ") + "]"
    )
    ann = workspace.person(ANN)

    ann.command("C0GENERAL", "/access")
    modal(ann)
    everything = len(ann.suggest(ids.ENTITLEMENT, ids.CHOOSE))
    (found,) = ann.suggest(ids.ENTITLEMENT, ids.CHOOSE, "number 149")
    asked = {ids.ENTITLEMENT: found["value"], ids.DURATION: "1h", ids.REASON: "stuck refunds"}

    assert everything == 100
    assert ann.submit(asked) is None
    assert [request.entitlement for request in world.requests()] == ["customers-db/role-149"]


def test_a_denial_asks_why_and_is_told(world: World, sandbox: Running, workspace: Workspace, serves: Serving) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    ann.command(ann.direct_message, "/access", "customers-db/read 1h stuck refunds")
    wait_until(lambda: "Asked" in "".join(one.words for one in ann.ephemerals(ann.direct_message)), "the answer")
    deliver(world, sandbox)

    lea.click(the_card(lea), ids.DENY)
    modal(lea)
    assert lea.submit({ids.COMMENT: "Use the dashboard."}) is None

    deliver(world, sandbox)
    assert "Use the dashboard." in the_card(lea).words
    assert "Use the dashboard." in ann.direct_messages()[-1].words


def test_a_guest_and_somebody_deactivated_are_refused(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    world.ask()
    deliver(world, sandbox)
    card = the_card(lea)
    workspace.make_guest(ANN)
    workspace.deactivate(LEA, session_lives=True)

    outcome = ann.command(APPROVALS, "/access", "mine")
    lea.click(card, ids.APPROVE)

    assert outcome.message
    assert "Countersign is for full members" in outcome.message.words
    wait_until(lambda: len(world.events("attempt.refused")) == 2, "both refusals to be written down")
    assert world.requests()[0].status == RequestStatus.PENDING


def test_who_comes_back_and_decides_is_named_again_as_one_who_can(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    lea = workspace.person(LEA)
    world.ask()
    deliver(world, sandbox)
    card = the_card(lea)
    schedule_checks(world.core)
    workspace.deactivate(LEA, session_lives=True)
    lea.click(card, ids.APPROVE)
    wait_until(lambda: not named(world, LEA), "Lea to be named no more")

    workspace.reactivate(LEA)
    lea.click(card, ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "her approval")
    assert named(world, LEA)


def named(world: World, user: SlackUser) -> bool:
    with world.core.database.read() as session:
        return is_named(session, user)


def test_done_by_command_ends_the_access(world: World, sandbox: Running, workspace: Workspace, serves: Serving) -> None:
    ann = workspace.person(ANN)
    grant = world.open()

    ann.command(APPROVALS, "/access", f"done {short(grant.id)}")

    wait_until(lambda: world.grants()[0].status == GrantStatus.REVOKING, "the end to begin")


def test_what_was_acknowledged_before_the_bot_stops_is_finished_and_told(
    way: Way, world: World, workspace: Workspace, serves: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "uvicorn.error")
    ann = workspace.person(ANN)
    with world.core.database.engine().begin():  # nobody can write to the database
        assert ann.command(ann.direct_message, "/access", "customers-db/read 1h stuck refunds").ok
        serves.live.halt()
        gone = (lambda: serves.said[-1] is False) if way == "Socket Mode" else (lambda: "Finished" in caplog.text)
        wait_until(gone, "the door to close, with nothing left to wait for but the listener")
        assert not serves.live.ended.done()
    serves.live.ended.result(20)

    assert [request.requester for request in world.requests()] == ["ann"]
    assert "Asked" in "".join(one.words for one in ann.ephemerals(ann.direct_message))
