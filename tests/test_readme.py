"""Every command that the README tells people to type is typed here."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.store import Database
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.stage import acme
from sandbox.server import Running, running
from tests.tampering import tamper
from tests.waiting import wait_until
from tests.world import World

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
PACKED = {"countersign/manifest.yml", "countersign/manifest.http.yml", "countersign/access.example.yml"}
STEPS = [
    "refused_before", "modal_opened", "requested", "card_posted", "self_approval_refused", "approved", "granted",
    "allowed_during", "session_open", "expired", "session_ended", "refused_after", "card_final", "audit_verified",
]  # fmt: skip
READY = "Countersign is ready: redis, timekeeper, grant, revoke, tell, bot are running.\n"
TYPED_HERE = {
    "make demo", "make demo ARGS=--play", "make test", "pip install 'countersign-access[local]'",
    "countersign migrate", "countersign up", "countersign outstanding", "countersign audit verify",
    "countersign policy lint access.yml",
}  # fmt: skip
TYPED_IN_THE_STORIES = {
    "countersign bot", "countersign timekeeper", "countersign worker grant", "countersign worker revoke",
    "countersign worker tell",
}  # fmt: skip
TYPED_WITH_THE_OTHERS = {"countersign up --env-file .env"}
"""tests/countersign/test_up.py."""
TYPED_BY_THE_GUIDE = {
    "countersign manifest-link", "countersign init", "set -a; . ./.env; set +a", "countersign doctor"
}  # fmt: skip
"""docs/set-up.md; tests/countersign/test_set_up.py follows it."""

pytestmark = pytest.mark.timeout(240)


def commands() -> set[str]:
    """What stands in a block of its own, or between backticks, and begins like a command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```\n", text, re.DOTALL | re.MULTILINE)
    lines = [line for language, block in fenced if not language for line in block.splitlines()]
    text = re.sub(r"^```.*?^```\n", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(lines) | {word for word in re.findall(r"`([^`\n]+)`", text) if re.match(r"(make|countersign) \w", word)}


def test_every_command_of_the_readme_is_typed_in_a_test() -> None:
    typed = TYPED_HERE | TYPED_IN_THE_STORIES | TYPED_BY_THE_GUIDE | TYPED_WITH_THE_OTHERS
    assert commands() - typed == set()


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running(acme()) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, sandbox: Running) -> dict[str, str]:
    """The environment of a first installation: a policy, tokens, and nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "access.yml").write_text(demo_policy(acme()), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "COUNTERSIGN_STATE": str(home / "state"), "COUNTERSIGN_SANDBOX": "1", "SLACK_API_URL": sandbox.api_url,
        "SLACK_BOT_TOKEN": sandbox.bot_token, "SLACK_APP_TOKEN": sandbox.app_token, SECRET: "postgresql://unused",
        "COUNTERSIGN_POLICY": str(home / "access.yml"),
    }  # fmt: skip


def countersign(words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "countersign", *shlex.split(words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)


def test_make_demo_comes_up_and_goes(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("w") as file:
        demo = subprocess.Popen(
            ["make", "demo"], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            env=_typed(),
        )  # fmt: skip
    try:
        address = wait_until(
            lambda: re.search(r"http://127\.0\.0\.1:\d+/", output.read_text()),
            "the demo's address",
            within=120,
            every=0.1,
        )
        assert address is not None
        with urllib.request.urlopen(address[0], timeout=10) as page:
            assert "Sandbox, not Slack" in page.read().decode()
    finally:
        os.killpg(demo.pid, signal.SIGINT)  # as Ctrl-C does: make hears it too
        demo.wait(60)
    assert "Ending everything" in output.read_text()
    wait_until(lambda: not _alive(demo.pid), "everything that the demo started to have ended", within=30)


def _typed() -> dict[str, str]:
    """Our environment without what a `make` around these tests tells those within it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_make_demo_plays_the_whole_story() -> None:
    played = subprocess.run(
        ["make", "demo", "ARGS=--play"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=_typed(),
    )

    said: list[dict[str, Any]] = [json.loads(line) for line in played.stdout.splitlines() if line.startswith("{")]
    assert [step["step"] for step in said] == STEPS, played.stderr + played.stdout
    assert all(step["ok"] for step in said)
    assert played.returncode == 0


def test_make_test_runs_pytest() -> None:
    listed = subprocess.run(
        ["make", "test", "ARGS=--collect-only -q tests/test_readme.py"], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False, env=_typed(),
    )  # fmt: skip

    assert listed.returncode == 0, listed.stderr
    assert "test_make_test_runs_pytest" in listed.stdout


def test_the_installed_package_has_the_command_and_its_files(tmp_path: Path) -> None:
    subprocess.run(
        [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        files = archive.namelist()

    assert {*PACKED, "sandbox/page/index.html"} <= set(files)
    (points,) = (tmp_path / "installed").glob("*.dist-info/entry_points.txt")
    assert "countersign = countersign.__main__:main" in points.read_text()
    (metadata,) = (tmp_path / "installed").glob("*.dist-info/METADATA")
    assert "Provides-Extra: local" in metadata.read_text()
    helped = subprocess.run(
        [sys.executable, "-P", "-m", "countersign", "--help"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert helped.returncode == 0
    assert "outstanding" in helped.stdout
    linked = subprocess.run(
        [sys.executable, "-P", "-m", "countersign", "manifest-link", "--http", "https://bot.example.org"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "https%3A%2F%2Fbot.example.org%2Fslack%2Fevents" in linked.stdout, linked.stderr


def test_a_first_installation_lints_migrates_comes_up_and_goes(home: dict[str, str], sandbox: Running) -> None:
    linted = countersign(f"policy lint {home['COUNTERSIGN_POLICY']}", home)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    migrated = countersign("migrate", home)
    assert "revision" in migrated.stdout

    log = Path(home["COUNTERSIGN_STATE"]).parent / "log"
    with log.open("w") as file:
        up = subprocess.Popen(
            [sys.executable, "-m", "countersign", "up"], env=home, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: READY in log.read_text(encoding="utf-8"), "all to be ready", within=90)
        assert sandbox.workspace().connections()
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)
    assert up.returncode == 0, log.read_text(encoding="utf-8")


def test_before_the_schema_is_there_every_command_says_what_to_do(home: dict[str, str]) -> None:
    Path(home["COUNTERSIGN_STATE"]).mkdir()
    for words in ("outstanding", "audit verify", "bot", "timekeeper"):
        refused = countersign(words, home)
        assert refused.returncode == 2
        assert "Run `countersign migrate`." in refused.stderr
        assert "Traceback" not in refused.stderr


def test_outstanding_prints_what_ends_each_grant_by_hand(world: World, database_url: str, home: dict[str, str]) -> None:
    environment = home | {"DATABASE_URL": database_url}
    environment.pop("COUNTERSIGN_POLICY")
    assert countersign("outstanding", environment).stdout == "No access is open.\n"

    grant = world.open(minutes=30)

    said = countersign("outstanding", environment)
    assert said.returncode == 0
    for word in (grant.id, "customers-db/read", "ann", "active", f"REMOVE {grant.id}"):
        assert word in said.stdout


def test_audit_verify_tells_a_changed_log_from_a_whole_one(
    world: World, database: Database, database_url: str, home: dict[str, str]
) -> None:
    world.open(minutes=30)
    environment = home | {"DATABASE_URL": database_url}
    held = countersign("audit verify", environment)
    assert (held.returncode, held.stdout.startswith("The audit log holds: ")) == (0, True)

    tamper(database, "UPDATE audit_event SET entry = replace(entry, 'ann', 'eve') WHERE seq = 1")

    broken = countersign("audit verify", environment)
    assert broken.returncode == 1
    assert "event 1 was changed" in broken.stdout
