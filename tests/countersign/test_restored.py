"""`countersign restored`: how the comparison stands, beginning it, and ending it by hand."""

from pathlib import Path

import pytest

from access.clock import host_now
from access.errors import NotNow, Unready
from access.ports import Capabilities, Isolation
from access.settings import Settings
from access.store import Database
from countersign.cli import restored as command
from countersign.host import host_account
from countersign.providers import ProviderClasses
from countersign.wiring import parts
from tests.backups import backup
from tests.cast import BEN
from tests.fakes import FakeProvider
from tests.world import World


@pytest.fixture
def settings(world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(ProviderClasses, "__getitem__", lambda *_: FakeProvider)
    return Settings.read(
        {
            "DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(world.policy_file),
            "COUNTERSIGN_STATE": str(tmp_path / "state"),
        }
    )  # fmt: skip


@pytest.mark.both_databases
def test_whatever_is_started_first_on_an_older_database_notices_it(
    world: World, database: Database, database_url: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.show(settings) == 0
    assert capsys.readouterr().out == "Nothing is being compared: requests are taken.\n"
    database.close()
    restore = backup(database_url)
    world.clock.time = host_now()
    world.open(minutes=60)
    with parts(settings):
        pass  # as any process does, this one remembers how far the log is
    database.close()
    restore()

    assert command.show(settings) == 1

    said = capsys.readouterr().out
    assert said.startswith("The database is older than it was: event ")
    assert "- customers-db has not been compared yet." in said
    with pytest.raises(NotNow):
        world.ask()
    world.pass_time(minutes=2)
    assert command.show(settings) == 0
    assert world.server.holders == {}
    world.ask()


def test_where_nothing_noticed_it_somebody_says_so_and_somebody_ends_it(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    world.open(minutes=60)
    assert command.compare(settings, "2026-11-01T04:00+00:00") == 1
    said = capsys.readouterr().out
    assert "What was done after 2026-11-01 04:00:00 UTC is not known." in said
    with pytest.raises(NotNow):
        world.ask(by=BEN)

    assert command.over(settings) == 0
    assert "opened by hand" in capsys.readouterr().out
    world.ask(by=BEN)
    assert world.events("database.compared")[0].actor == str(host_account())


def test_what_must_be_compared_by_hand_is_named_until_somebody_says_that_it_was(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Capabilities(isolation=Isolation.PER_GRANT, end_means="It is gone.")
    monkeypatch.setattr(FakeProvider, "capabilities", blind)
    assert command.compare(settings, None) == 1
    assert (
        "To compare by hand, because their providers cannot list our access: customers-db." in capsys.readouterr().out
    )
    world.work()

    assert command.show(settings) == 1

    by_hand = "- customers-db must be compared by hand; when it was, type `countersign restored --over`.\n"
    assert capsys.readouterr().out == "Nothing is being compared: requests are taken.\n" + by_hand
    assert command.over(settings) == 0
    capsys.readouterr()
    assert command.show(settings) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [("yesterday", "is no time"), ("2026-11-01 04:00", "has no time zone"), ("9000-01-01T00:00Z", "has not come yet")],
)
def test_a_time_that_says_nothing_is_refused(settings: Settings, text: str, why: str) -> None:
    with pytest.raises(Unready, match=why):
        command.compare(settings, text)
