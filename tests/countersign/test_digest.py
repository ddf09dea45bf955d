"""`countersign digest`: on the terminal what Slack will show, and with `--now` a row that a worker tells."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from access.clock import host_now
from access.messages.digest.make import make_now
from access.models import MessageKind
from access.settings import Settings
from countersign.cli import app as command
from countersign.cli.digest import digest_now, digest_preview
from countersign.providers import ProviderClasses
from tests.fakes import FakeProvider
from tests.world import World


@pytest.fixture
def settings(world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    world.clock.time = host_now()  # as the commands read it
    monkeypatch.setattr(ProviderClasses, "__getitem__", lambda *_: FakeProvider)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return Settings.read(
        {"DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(world.policy_file), "COUNTERSIGN_STATE": str(state)}
    )


def test_a_printed_digest_is_not_made(world: World, settings: Settings) -> None:
    world.open(reason="INC-12 *bold* <!channel> `so`")
    said = digest_preview(settings)

    for line in ("Access digest 1", "Opened (1)", "Nothing needs a person.", "Still open (1)"):
        assert line in said
    assert "ann wrote: INC-12 *bold* <!channel> `so`" in said
    assert "<!date" not in said
    assert world.messages(MessageKind.DIGEST) == []


def test_one_made_now_waits_for_a_worker(world: World, settings: Settings) -> None:
    world.open()
    said = digest_now(settings)

    assert "Opened (1)" in said
    assert said.endswith("Digest 1 is made: a worker of the queue tell posts it to C0SEC.")
    (message,) = world.messages(MessageKind.DIGEST)
    assert message.due_at is not None
    assert make_now(world.core).number == 2


@pytest.mark.parametrize("words", [[], ["--now", "--print"]])
def test_it_wants_to_know_which_of_the_two(words: list[str]) -> None:
    result = CliRunner().invoke(command.app, ["digest", *words], env=dict(os.environ))
    assert result.exit_code == 2
    assert "say --now or --print" in result.output
