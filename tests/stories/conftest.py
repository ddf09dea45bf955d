"""A house for each story, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.demo import target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.stories.house import House, Way, standing


@pytest.fixture(scope="session")
def shop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The target; a server of its own, because a story may stop it."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("shop")) as server:
        yield server
        server.remove()


@pytest.fixture
def way() -> Way:
    """How Slack and the bot meet; a story that is told by both has it as its parameter."""
    return "Socket Mode"


@pytest.fixture
def house(tmp_path: Path, database_url: str, shop_server: EmbeddedPostgres, way: Way) -> Iterator[House]:
    with standing(tmp_path, database_url, shop_server, target.prepare(shop_server), way) as made:
        yield made
