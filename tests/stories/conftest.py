"""A house for each story, on either database."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from countersign.demo import target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.databases import PostgresDatabases, SqliteFiles
from tests.stories.errand import Houses
from tests.stories.house import PAIRS, House, Way, standing
from tests.stories.mould import Mould


@pytest.fixture(scope="session")
def shop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The target; a server of its own, because a story may stop it."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("shop")) as server:
        yield server
        server.remove()


@pytest.fixture(scope="session")
def mould() -> Iterator[Mould]:
    made = Mould()
    yield made
    made.close()


@pytest.fixture
def way() -> Way:
    """How Slack and the bot meet; a story that is told by both has it as its parameter."""
    return "Socket Mode"


@pytest.fixture
def strict_rates() -> bool:
    """Whether Slack allows no more than its tiers say; not where many people, or many bots, come within a minute."""
    return False


@pytest.fixture
def house(
    tmp_path: Path, database_url: str, *, shop_server: EmbeddedPostgres, mould: Mould, way: Way, strict_rates: bool
) -> Iterator[House]:
    shop = target.prepare(shop_server)
    with standing(tmp_path, database_url, shop_server, shop, mould=mould, way=way, strict_rates=strict_rates) as made:
        yield made


@pytest.fixture(scope="module")
def houses(
    tmp_path_factory: pytest.TempPathFactory,
    shop_server: EmbeddedPostgres,
    sqlite_files: SqliteFiles,
    postgres_databases: PostgresDatabases,
    mould: Mould,
) -> Iterator[Houses]:
    """One for each way, each on another database, all started; the target is the same for all."""
    shop = target.prepare(shop_server)
    with ExitStack() as stack:
        made = Houses()
        for kind, way in PAIRS:
            url = stack.enter_context((sqlite_files if kind == "sqlite" else postgres_databases).fresh())
            directory = tmp_path_factory.mktemp("house")
            house = stack.enter_context(standing(directory, url, shop_server, shop, mould=mould, way=way))
            made[f"in {way} on {kind}"] = house
            house.spawn()
        for house in made.values():
            house.wait_until_reached()
        yield made
        for house in made.values():
            house.ask_to_end()
