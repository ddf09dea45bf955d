"""`countersign up` looks first; while access is open, what is wrong with the bot alone does not keep it from ending."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from access.errors import Misconfigured, PolicyError
from access.ports import SecretReference
from access.settings import Settings
from countersign.init.texts import policy_text
from countersign.up import children, run_up, target_secrets
from tests.countersign.test_init import ANSWERS
from tests.fakes import FakeProvider, FakeSettings
from tests.waiting import wait_until
from tests.world import World

READY = "Countersign is ready: redis, timekeeper, grant, revoke, tell are running.\n"

pytestmark = [pytest.mark.timeout(240), pytest.mark.parametrize("database_kind", ["sqlite"])]


def environment(directory: Path, url: str) -> dict[str, str]:
    """Without an app token, so nothing says how Slack reaches the bot."""
    policy = directory / "mine.yml"
    policy.write_text(policy_text(ANSWERS | {"address": ""}), encoding="utf-8")
    return {
        "DATABASE_URL": url, "COUNTERSIGN_STATE": str(directory / "state"), "COUNTERSIGN_POLICY": str(policy),
        "SLACK_BOT_TOKEN": "xoxb-canary-bot", "SLACK_API_URL": "https://127.0.0.1:1/", "COUNTERSIGN_SANDBOX": "1",
    }  # fmt: skip


@contextmanager
def up(directory: Path, given: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Its settings come from a file."""
    file, log = directory / "env", directory / "log"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in given.items()), encoding="utf-8")
    file.chmod(0o600)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    with log.open("wb") as stream:
        running = subprocess.Popen(
            [sys.executable, "-m", "countersign", "up", "--env-file", str(file)],
            cwd=Path(__file__).parents[2], env=kept, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        yield running, log
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)


def test_while_access_is_open_all_but_the_bot_is_started_and_says_when_it_is_ready(
    world: World, database_url: str, tmp_path: Path
) -> None:
    world.open(minutes=30)
    world.core.database.close()

    with up(tmp_path, environment(tmp_path, database_url)) as (running, log):
        wait_until(lambda: READY in log.read_text(encoding="utf-8"), "all to be ready", within=120)
        said = log.read_text(encoding="utf-8")

    assert running.returncode == 0
    assert said.count("Countersign is ready") == 1
    assert "Access is open, so everything else is started to end it: SLACK_APP_TOKEN is not set." in said
    assert "Targets cannot be reached, for these are not set: CUSTOMERS_DB_DSN." in said
    assert "bot " not in {line.partition("|")[0] for line in said.splitlines()}
    assert "canary" not in said


def test_with_nothing_open_the_same_is_refused_and_nothing_is_made(
    world: World, database_url: str, tmp_path: Path
) -> None:
    given = environment(tmp_path, database_url)

    with pytest.raises(Misconfigured, match="SLACK_APP_TOKEN is not set"):
        run_up(Settings.read(given))
    with pytest.raises(PolicyError, match=r"there is no such file\. Run `countersign init`"):
        run_up(Settings.read(given | {"SLACK_APP_TOKEN": "xapp-1", "COUNTERSIGN_POLICY": str(tmp_path / "none.yml")}))

    assert not (tmp_path / "state").exists()


def test_a_secret_of_a_target_that_is_set_is_not_asked_for(
    world: World, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = environment(tmp_path, database_url)
    for more, missing in (({"CUSTOMERS_DB_DSN": ""}, True), ({"CUSTOMERS_DB_DSN_FILE": "/run/dsn"}, False)):
        caplog.clear()
        children(Settings.read(given), world.core.database, given | more)
        assert ("CUSTOMERS_DB_DSN" in caplog.text) is missing


class Defaulted(FakeProvider):
    """One of its secrets has a name that goes without saying."""

    class Settings(FakeSettings):
        token: SecretReference = SecretReference(env="FAKE_TOKEN")


@pytest.mark.parametrize("policy", ["access.yml", "none.yml"])
def test_a_secret_that_goes_without_saying_is_handed_to_who_needs_it(
    world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """By the policy; and where that cannot be used, by what is open."""
    if policy == "none.yml":
        world.open()
    monkeypatch.setattr("countersign.up.ProviderClasses", lambda: {"fake": Defaulted})
    given = environment(tmp_path, database_url) | {"COUNTERSIGN_POLICY": str(world.policy_file.parent / policy)}

    assert target_secrets(Settings.read(given), world.core.database) == {"FAKE_TOKEN"}


def test_all_die_with_an_up_that_is_killed(world: World, database_url: str, tmp_path: Path) -> None:
    """Also those that another process has forked for it."""
    world.open(minutes=30)
    world.core.database.close()

    with up(tmp_path, environment(tmp_path, database_url)) as (running, log):
        wait_until(lambda: READY in log.read_text(encoding="utf-8"), "all to be ready", within=120)
        named = {pid: (Path("/proc") / pid / "comm").read_text(encoding="ascii").strip() for pid in _below(running.pid)}
        assert {"cs-timekeeper", "cs-grant", "cs-revoke", "cs-tell"} <= set(named.values())

        running.kill()

        wait_until(lambda: not any((Path("/proc") / pid).exists() for pid in named), "all to be gone", within=30)


def _below(pid: int) -> list[str]:
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
