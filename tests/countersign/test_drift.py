"""`countersign drift`: asks, waits for what the workers saw, and says it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from access import comparisons
from access.clock import host_now
from access.errors import NotFound, PolicyError
from access.monitor.schedule_checks import schedule_checks
from access.ports import Capabilities, Isolation
from access.reconcile import drift
from access.settings import Settings
from countersign.cli import drift as command
from countersign.providers import ProviderClasses
from tests.fakes import FakeProvider
from tests.world import World

RESOURCE = "customers-db"


@pytest.fixture
def settings(world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(ProviderClasses, "__getitem__", lambda *_: FakeProvider)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return Settings.read(
        {"DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(world.policy_file), "COUNTERSIGN_STATE": str(state)}
    )


@contextmanager
def worker(world: World) -> Iterator[None]:
    """Looks whenever a look is due."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            world.clock.time = host_now()
            world.compare([row.id for row in comparisons.looks(world.core).values()])

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def nothing(_world: World) -> None:
    pass


def tamper(world: World) -> None:
    world.server.holders["0" * 26] = ("eve", "read")


def down(world: World) -> None:
    world.server.weather = "down"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (nothing, 0, "customers-db: as it was left."),
        (tamper, 1, f"customers-db: differs: fake-{'0' * 26}. Open alerts say what is done about it."),
        (down, 1, "customers-db: no answer. The fake server does not answer."),
    ],
)
def test_it_says_what_the_workers_saw(
    world: World, settings: Settings, change: Callable[[World], None], code: int, said: str,
    *, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    second = comparisons.SECOND_LOOK / 60
    for module in (comparisons, drift):
        monkeypatch.setattr(module, "SECOND_LOOK", second)
    monkeypatch.setattr(command, "SECOND_LOOK", second)
    monkeypatch.setattr(command, "PATIENCE", second * 8)
    change(world)
    with worker(world):
        assert command.look_now(settings, []) == code
    assert capsys.readouterr().out.strip() == said


def test_without_workers_it_says_so(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATIENCE", comparisons.SECOND_LOOK / 600)
    assert command.look_now(settings, [RESOURCE]) == 1
    assert "Are the workers and a timekeeper running?" in capsys.readouterr().out


def test_without_a_policy_only_what_is_open_is_compared_and_that_is_said(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    world.open(minutes=30)
    world.policy_file.unlink()
    with worker(world):
        assert command.look_now(settings, []) == 2
    said = capsys.readouterr()
    assert said.out == f"{RESOURCE}: as it was left.\n"
    assert "so only targets with open access were compared" in said.err
    assert said.err.count("there is no such file") == 1


def test_where_nothing_can_be_compared_the_reason_is_said(world: World, settings: Settings) -> None:
    world.policy_file.unlink()
    with pytest.raises(PolicyError, match="there is no such file"):
        command.look_now(settings, [])


def test_a_target_that_cannot_list_is_named_and_is_no_all_clear(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Capabilities(isolation=Isolation.PER_GRANT, end_means="It is gone.")
    monkeypatch.setattr(FakeProvider, "capabilities", blind)

    assert command.look_now(settings, []) == 1

    assert capsys.readouterr().out == (
        f"{RESOURCE}: not compared. Its provider cannot list what is there: look there by hand.\n"
    )


def test_a_target_that_the_workers_do_not_know_of_yet_is_no_all_clear(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The roster was called a moment ago, and then the policy changed."""
    text = world.policy_file.read_text(encoding="utf-8")
    world.policy_file.unlink()
    world.clock.time = host_now()
    schedule_checks(world.core)
    assert comparisons.looks(world.core) == {}
    world.policy_file.write_text(text, encoding="utf-8")

    assert command.look_now(settings, []) == 1

    assert capsys.readouterr().out.startswith(f"{RESOURCE}: not compared yet, for it is new in the policy.")


def test_a_resource_that_cannot_be_listed_is_named(settings: Settings) -> None:
    with pytest.raises(NotFound, match="no resource another"):
        command.look_now(settings, ["another"])
