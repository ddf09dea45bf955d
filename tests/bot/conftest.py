"""The bot's listeners on the real core, with a Slack that remembers."""

from collections.abc import Iterator

import pytest

from sandbox.person import Workspace
from sandbox.server import Running
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.bot.staging import acme
from tests.cast import ANN, BEN, EVE, KIM, LEA, SAM, STRANGER
from tests.world import World


@pytest.fixture
def database_kind() -> str:
    """One kind is enough here: the verbs are held to both in their own tests."""
    return "sqlite"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> FakeSlack:
    slack = FakeSlack()
    for person in (ANN, BEN, LEA, KIM, SAM, EVE, STRANGER):
        slack.join(person)
    slack.install(monkeypatch)
    return slack


@pytest.fixture
def desk(world: World, slack: FakeSlack) -> Iterator[Desk]:
    with Desk.manned(world, slack) as desk:
        yield desk


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    assert workspace.violations() == []
