"""Which way to Slack the bot takes is said by what is set, and only the bot is given it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from access.errors import Unready
from access.settings import Settings
from access.store import Database
from countersign.processes import run_bot
from countersign.up import children, run_up

SECRET = "8f742231b10e4c1d9a6be0f3a7c25d10"
BOTH = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test", "SLACK_SIGNING_SECRET": SECRET}
ONE_OR_THE_OTHER = "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set, and it is one or the other"


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """Nothing is there that could be opened."""
    return {"COUNTERSIGN_STATE": str(tmp_path / "none"), "COUNTERSIGN_POLICY": str(tmp_path / "none.yml")}


@pytest.mark.parametrize("start", [run_bot, run_up])
def test_both_ways_at_once_are_refused_before_anything_is_opened(
    nowhere: dict[str, str], start: Callable[[Settings], object]
) -> None:
    with pytest.raises(Unready, match=ONE_OR_THE_OTHER):
        start(Settings.read(nowhere | BOTH))

    assert not Path(nowhere["COUNTERSIGN_STATE"]).exists()


def test_both_ways_at_once_by_files_are_refused_too(nowhere: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    given = nowhere | BOTH | {"SLACK_SIGNING_SECRET": "", "SLACK_SIGNING_SECRET_FILE": str(file)}

    with pytest.raises(Unready, match=ONE_OR_THE_OTHER):
        run_bot(Settings.read(given))


@pytest.mark.parametrize("missing", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_without_a_signing_secret_it_is_socket_mode(nowhere: dict[str, str], missing: str) -> None:
    given = {name: value for name, value in BOTH.items() if name not in ("SLACK_SIGNING_SECRET", missing)}

    with pytest.raises(Unready, match=f"{missing} is not set"):
        run_bot(Settings.read(nowhere | given))


def test_http_mode_needs_the_bot_token_too(nowhere: dict[str, str]) -> None:
    with pytest.raises(Unready, match="SLACK_BOT_TOKEN is not set"):
        run_bot(Settings.read(nowhere | {"SLACK_SIGNING_SECRET": SECRET}))


def test_only_the_bot_is_given_what_http_mode_needs(database_url: str, tmp_path: Path) -> None:
    policy = Path(__file__).parents[2] / "access.example.yml"
    http = {"SLACK_SIGNING_SECRET": SECRET, "COUNTERSIGN_HTTP_LISTEN": "0.0.0.0:80", "COUNTERSIGN_HTTP_PREFIX": "/a"}
    environment = http | {"DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(policy), "SLACK_BOT_TOKEN": "xoxb"}
    database = Database(database_url)

    processes = children(Settings.read(environment), database, environment)
    database.close()

    given = {one.name: set(http) & set(one.env) for one in processes}
    assert given.pop("bot") == set(http)
    assert given
    assert set().union(*given.values()) == set()


def test_the_address_for_pages_is_given_to_all_for_whoever_is_left_alone_pages(database_url: str) -> None:
    policy = Path(__file__).parents[2] / "access.example.yml"
    page = {"COUNTERSIGN_PAGE_URL": "https://duty.example/hooks/1"}
    environment = page | {"DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(policy), "REDIS_URL": "unix:///none"}
    database = Database(database_url)

    processes = children(Settings.read(environment), database, environment)
    database.close()

    assert all(page.items() <= one.env.items() for one in processes)
    assert len(processes) == 5
