"""Asking for another, and for several, as people type and click it in the sandbox, with the bot as it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from access.models import GrantStatus, RequestStatus
from access.store import Database
from bot import ids
from sandbox.person import Workspace
from sandbox.server import Running
from tests.access.requests.test_batch import LOGS, READ, SEVERAL
from tests.access.requests.test_on_behalf import FOR_OTHERS
from tests.bot.staging import Serving, deliver, modal, serving, the_card
from tests.cast import ANN, APPROVALS, BEN, KIM, LEA
from tests.waiting import wait_until
from tests.world import World

TYPED = {ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World.make(database, tmp_path, request.param)


@pytest.fixture
def serves(world: World, sandbox: Running) -> Iterator[Serving]:
    with serving("Socket Mode", world, sandbox) as serves:
        yield serves


@pytest.mark.parametrize("world", [FOR_OTHERS], indirect=True)
def test_lea_asks_for_ben_kim_approves_and_ben_gives_it_back(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    lea, ben, kim = (workspace.person(user) for user in (LEA, BEN, KIM))
    lea.command("C0GENERAL", "/access")
    assert "For whom?" in modal(lea).words
    assert lea.submit(TYPED | {ids.ENTITLEMENT: READ, ids.SUBJECT: BEN}) is None
    assert "for ben" in modal(lea).words
    deliver(world, sandbox)
    assert "asked for this access, which you would receive" in ben.direct_messages()[-1].words

    lea.click(the_card(lea), ids.APPROVE)
    wait_until(
        lambda: any("can't decide your own" in said.words for said in lea.ephemerals(APPROVALS)),
        "Lea to be told that she may not",
    )
    kim.click(the_card(kim), ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    deliver(world, sandbox)

    assert ids.DONE not in lea.direct_messages()[-1].actions()
    assert "can use it and give it back" in lea.direct_messages()[-1].words
    ben.click(ben.direct_messages()[-1], ids.DONE)
    wait_until(lambda: world.grants()[0].status == GrantStatus.REVOKING, "the end to begin")
    deliver(world, sandbox)
    assert world.grants()[0].ended_by_person == "ben"

    lea.command(APPROVALS, "/access", f"why {world.grants()[0].id}")
    because = "matches because lea, who asks for ben, is in team-leads"
    wait_until(lambda: any(because in said.words for said in lea.ephemerals(APPROVALS)), "Lea to be told why")


@pytest.mark.parametrize("world", [SEVERAL], indirect=True)
def test_ann_asks_for_a_bundle_is_told_what_is_refused_and_asks_for_the_rest(
    world: World, sandbox: Running, workspace: Workspace, serves: Serving
) -> None:
    ann = workspace.person(ANN)
    ann.command("C0GENERAL", "/access")
    ann.choose(modal(ann), ids.CHOOSE, "bundle:everything")
    wait_until(lambda: "can't be asked for" in modal(ann).words, "the form to say what can't be asked for")

    filled = TYPED | {ids.ENTITLEMENT: "bundle:everything", ids.ALSO: ["customers-db/fix-orders"]}
    assert ann.submit(filled) is None
    assert "This will not be asked" in modal(ann).words
    assert world.requests() == []
    assert ann.submit(filled) is None

    assert {one.entitlement for one in world.requests()} == {READ, LOGS, "customers-db/fix-orders"}
    assert "logs/all: There is no logs/all that you may ask for." in modal(ann).words
