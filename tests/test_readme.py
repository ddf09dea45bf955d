"""Every command that the README tells people to type is typed here."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.store import Database
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.stage import acme
from sandbox.person import Workspace
from sandbox.server import Running, running
from tests.ports import free_port
from tests.tampering import tamper
from tests.waiting import wait_until
from tests.world import World

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
PACKED = {
    "countersign/manifest.yml", "countersign/manifest.http.yml", "countersign/access.example.yml",
    "countersign/provider_template/pyproject.toml.txt",
    "countersign/conformance/record.json",
}  # fmt: skip
TROUBLE = re.compile(r" (WARNING|ERROR|CRITICAL) |Traceback|overdue|past the end|held no timers|lost its timers")
"""In a log where nothing is wrong."""
STEPS = [
    "refused_before", "modal_opened", "requested", "card_posted", "self_approval_refused", "approved", "granted",
    "allowed_during", "session_open", "console_entered", "expired", "session_ended", "refused_after", "card_final",
    "console_left", "audit_verified",
]  # fmt: skip
READY = "Countersign is ready: redis, timekeeper, grant, revoke, tell, bot are running.\n"
CLONE = "git clone <this repository> countersign && cd countersign"
INSTALL = "pip install '.[local]'"
TYPED_HERE = {
    CLONE, "make demo", "make demo ARGS=--play", "make test", INSTALL, "countersign migrate", "countersign up",
    "countersign outstanding", "countersign audit verify", "countersign policy lint access.yml",
    "countersign doctor", "countersign digest --now",
}  # fmt: skip
TYPED_IN_THE_STORIES = {
    "countersign bot", "countersign timekeeper", "countersign worker grant", "countersign worker revoke",
    "countersign worker tell",
}  # fmt: skip
TYPED_WITH_THE_OTHERS = {
    "countersign up --env-file .env", "countersign providers", "countersign conformance --live <resource>",
}  # fmt: skip
"""tests/countersign/test_up.py, test_providers.py, test_conformance.py."""
TYPED_BY_THE_GUIDE = {
    "countersign manifest-link", "countersign init", "set -a; . ./.env; set +a",
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


def test_make_demo_comes_up_can_be_looked_at_from_beside_and_goes(tmp_path: Path) -> None:
    output, port = tmp_path / "output", free_port()
    with output.open("w") as file:
        demo = subprocess.Popen(
            ["make", "demo", f"ARGS=--port {port}"], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, env=_typed(),
        )  # fmt: skip
    try:
        address = wait_until(
            lambda: re.search(r"(http://127\.0\.0\.1:\d+/).*Ctrl-C", output.read_text(), re.DOTALL),
            "the demo's address",
            within=120,
            every=0.1,
        )
        assert address is not None
        with urllib.request.urlopen(address[1], timeout=10) as page:
            assert "Sandbox, not Slack" in page.read().decode()
        assert address[1] == f"http://127.0.0.1:{port}/"
        with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/", timeout=10) as window:
            assert "Window onto the target" in window.read().decode()
        operator_file = looked_at_from_beside(output.read_text())
        ticked_by_playing(address[1], f"http://127.0.0.1:{port + 1}/")
        taken = subprocess.run(
            [sys.executable, "-m", "countersign", "demo", "--port", str(port)], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert taken.returncode == 2
        assert "Traceback" not in taken.stderr
        assert f"nothing can listen at 127.0.0.1 port {port}: another program listens there" in taken.stderr
    finally:
        os.killpg(demo.pid, signal.SIGINT)  # as Ctrl-C does: make hears it too
        demo.wait(60)
    assert "Ending everything" in output.read_text()
    assert not operator_file.exists()
    wait_until(lambda: not _alive(demo.pid), "everything that the demo started to have ended", within=30)


def ticked_by_playing(page: str, window: str) -> None:
    """The steps of the story tick themselves, one after the other."""

    def story() -> dict[str, Any]:
        with urllib.request.urlopen(f"{window}looks", timeout=10) as answer:
            return json.load(answer)["story"]

    def done() -> list[bool]:
        return [step["done"] for step in story()["steps"]]

    with urllib.request.urlopen(page, timeout=10) as answer:
        (token,) = re.findall(r'name="sandbox-token" content="([^"]+)"', answer.read().decode())
    people = Workspace(page.rstrip("/"), token)
    ann, lea = people.person("U0ANN"), people.person("U0LEA")
    assert done() == [False] * 4, "also while a canary comes and goes"
    assert ann.command("C0PAYAPPR", "/access", "customers-db/read 5m INC-12 stuck refunds").ok
    wait_until(lambda: done() == [True, False, False, False], "the first step to be ticked", within=30)
    assert story()["waiting"] == ""
    card = wait_until(lambda: [one for one in lea.messages("C0PAYAPPR") if one.blocks], "the card", within=30)[-1]
    assert lea.click(card, "request.approve").ok
    wait_until(lambda: story()["waiting"] == "Ann", "the word to press “Show me how to connect”", within=30)
    assert done() == [True, True, False, False]
    told = wait_until(
        lambda: [one for one in ann.direct_messages() if "grant.connect" in one.actions()], "the button", within=30
    )  # fmt: skip
    assert ann.click(told[-1], "grant.connect").ok
    wait_until(lambda: done() == [True, True, True, False], "the door to be open", within=30)
    assert story()["waiting"] == ""
    assert ann.click(told[-1], "grant.done").ok
    wait_until(lambda: done() == [True] * 4, "all steps to be ticked", within=30)
    people.close()


def looked_at_from_beside(told: str) -> Path:
    """In a second shell, by the line that the demo prints; the file that this reads."""
    (line,) = re.findall(r"^ +(set -a; \. (\S+); set \+a)$", told, re.MULTILINE)
    for words in ("countersign doctor", "countersign digest --now", "countersign outstanding"):
        assert f"\n      {words} " in told

    def beside(words: str) -> subprocess.CompletedProcess[str]:
        shell = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
        return subprocess.run(
            ["/bin/sh", "-c", f"{line[0]}; {words}"], env=shell, capture_output=True, text=True, timeout=90, check=False
        )  # fmt: skip

    doctor = wait_until(lambda: found if (found := beside("countersign doctor --json")).returncode == 0 else None,
                        "the doctor to find all well", within=90)  # fmt: skip
    assert doctor is not None
    assert {one["level"] for one in json.loads(doctor.stdout)} == {"ok"}
    digest = beside("countersign digest --now")
    assert "is made: a worker of the queue tell posts it to C0SEC" in digest.stdout, digest.stderr
    assert beside("countersign outstanding").returncode == 0
    file = Path(line[1])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text(encoding="utf-8"), "only workers need it"
    return file


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


def test_what_is_installed_from_the_clone_has_the_command_and_its_files(tmp_path: Path) -> None:
    """Without what it depends on, and with the builder that is here: those would come from the internet."""
    cloned = CLONE.replace("<this repository>", shlex.quote(str(ROOT)))
    offline = f"--no-deps --no-build-isolation --target {shlex.quote(str(tmp_path / 'installed'))}"
    installed = INSTALL.replace("pip", f"{shlex.join(PIP)}", 1) + f" --quiet {offline}"
    typed = subprocess.run(
        ["/bin/sh", "-ec", f"{cloned}; {installed}"],
        cwd=tmp_path,
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
    )
    assert typed.returncode == 0, typed.stderr

    assert all((tmp_path / "installed" / file).exists() for file in (*PACKED, "sandbox/page/index.html"))
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
    said = log.read_text(encoding="utf-8")
    assert up.returncode == 0, said
    assert [line for line in said.splitlines() if TROUBLE.search(line)] == [], said


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
