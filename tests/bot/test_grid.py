"""The bot in a workspace of an Enterprise Grid organisation, where people's ids may begin with W."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from access.ids import SlackUser
from access.models import GrantStatus, RequestStatus
from access.store import Database
from bot import ids
from sandbox.cast import DEFAULT, Cast, Enterprise
from sandbox.server import Running, running
from tests.bot.staging import SCOPES, Serving, Way, deliver, modal, serving, the_card
from tests.cast import ANN, APPROVALS, LEA, POLICY, SAM
from tests.waiting import wait_until
from tests.world import World


def on_grid(user: str) -> SlackUser:
    return SlackUser(user.replace("U0", "W0"))


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, POLICY.replace("U0", "W0"))


@pytest.fixture
def sandbox() -> Iterator[Running]:
    """The app is installed in this one workspace of the organisation."""
    own = DEFAULT.app.user_id
    grid: Cast = replace(
        DEFAULT,
        enterprise=Enterprise(),
        people=tuple(replace(person, id=on_grid(person.id)) for person in DEFAULT.people),
        channels=tuple(
            replace(channel, members=tuple(each if each == own else on_grid(each) for each in channel.members))
            for channel in DEFAULT.channels
        ),
        app=replace(DEFAULT.app, scopes=SCOPES),
    )
    with running(grid) as sandbox:
        yield sandbox


@pytest.fixture(params=["Socket Mode", "HTTP mode"])
def serves(request: pytest.FixtureRequest, world: World, sandbox: Running) -> Iterator[Serving]:
    way: Way = request.param
    with serving(way, world, sandbox) as serves:
        yield serves


@pytest.mark.usefixtures("serves")
def test_the_whole_conversation_on_grid(world: World, sandbox: Running) -> None:
    workspace = sandbox.workspace()
    ann, lea, sam = (workspace.person(on_grid(user)) for user in (ANN, LEA, SAM))

    ann.command("C0GENERAL", "/access")
    ann.choose(modal(ann), ids.CHOOSE, "customers-db/read")
    wait_until(lambda: "Will be asked in" in modal(ann).words, "the form to say who is asked")
    filled = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}
    assert ann.submit(filled) is None
    deliver(world, sandbox)

    lea.click(the_card(lea), ids.APPROVE)
    wait_until(lambda: world.requests()[0].status == RequestStatus.APPROVED, "the approval")
    deliver(world, sandbox)
    assert "Open until" in ann.direct_messages()[-1].words

    sam.click(the_card(sam), ids.REVOKE)
    modal(sam)
    assert sam.submit({ids.REASON: "The laptop was stolen."}) is None
    deliver(world, sandbox)
    assert world.grants()[0].status == GrantStatus.ENDED
    assert "Verified" in ann.direct_messages()[-1].words
    assert f"<@{on_grid(LEA)}>" in str(lea.messages(APPROVALS)[0].raw)
    assert workspace.violations() == []
