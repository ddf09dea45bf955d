"""Less than was asked, and a change, as people see them: the bot, the workers and the sandbox."""

from collections.abc import Iterator

import pytest

from access.models import GrantStatus, RequestStatus
from bot import ids
from sandbox.person import Person, Workspace
from sandbox.seen import Message
from sandbox.server import Running
from tests.access.requests.test_chains import ONE, TWO_STAGES
from tests.bot.staging import Serving, by_socket, deliver, modal, the_card
from tests.cast import ANN, APPROVALS, KIM, LEA, SAM
from tests.waiting import wait_until
from tests.world import World


@pytest.fixture
def serves(world: World, sandbox: Running) -> Iterator[Serving]:
    with by_socket(world, sandbox) as serves:
        yield serves


def cards(person: Person) -> list[Message]:
    """Those of the request; replies beneath them are none."""
    return [one for one in person.messages(APPROVALS) if one.raw.get("thread_ts") in (None, one.ts)]


def test_a_request_is_looked_at_narrowed_by_one_stage_and_approved_by_the_next(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    world.rewrite_policy(ONE, TWO_STAGES)
    ann, lea, kim, sam = (workspace.person(user) for user in (ANN, LEA, KIM, SAM))
    request = world.ask(minutes=120)
    deliver(world, sandbox)
    kim.click(the_card(kim), ids.CLAIM)
    wait_until(lambda: world.requests()[0].claimed_by == "kim", "kim to be looking")
    deliver(world, sandbox)
    assert "<@U0KIM> is looking, since" in str(the_card(lea).blocks)

    for person in (kim, lea):
        person.click(the_card(lea), ids.APPROVE_WITH)
        modal(person)
    answered = lea.submit({ids.DURATION: "3h"})
    assert answered
    assert "ann asked for 2 h" in str(answered)
    assert lea.submit({ids.DURATION: "30m", ids.COMMENT: "Only *INC-12*."}) is None
    deliver(world, sandbox)

    void, now = cards(lea)
    assert "lea has narrowed the time since this was posted" in void.words
    assert void.actions() == []
    assert "2 h, narrowed to 30 min by lea" in now.words
    assert "Only *INC-12*." in now.words
    assert "is looking" not in now.words
    assert "lea approved 30 min of the 2 h that you asked for" in ann.direct_messages()[-1].words
    assert "lea has narrowed the time of this request" in str(kim.submit({ids.DURATION: "1h"}))
    sam.click(now, ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    deliver(world, sandbox)
    grant = world.grant_of(request)
    assert (grant.status, grant.duration_s) == (GrantStatus.ACTIVE, 1800)
    answer = ann.direct_messages()[-1]
    assert "Open until" in answer.words
    ann.click(answer, ids.DONE)
    wait_until(lambda: world.grants()[0].status == GrantStatus.REVOKING, "the end, as ever")


def test_the_requester_changes_it_and_the_approvers_get_another_card(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    ann, lea = workspace.person(ANN), workspace.person(LEA)
    world.ask(minutes=120)
    deliver(world, sandbox)
    ann.open_home()
    wait_until(lambda: world.messages("home"), "the bot to hear of it")
    deliver(world, sandbox)
    home = ann.home()
    assert home is not None

    ann.click(home, ids.CHANGE)
    modal(ann)
    assert ann.submit({ids.DURATION: "45m", ids.REASON: "INC-13 the refunds of another shop"}) is None
    assert "Asked" in modal(ann).words
    deliver(world, sandbox)

    void, now = cards(lea)
    assert "ann has changed the request since this was posted" in void.words
    assert "INC-13 the refunds of another shop" in now.words
    lea.click(now, ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    assert world.grants()[0].duration_s == 2700
