"""The runbook knows every alert, and what it tells people to type is typed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.models import AlertKind
from access.store import Database
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.stage import acme
from countersign.embedded.postgres import wheel_binaries
from tests.cast import BEN
from tests.world import World

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
TYPED = {
    "countersign outstanding": "tests/test_runbook.py",
    "countersign outstanding --json": "tests/test_runbook.py",
    "countersign restored": "tests/test_runbook.py",
    "countersign restored --compare --taken 2026-11-23T04:00+00:00": "tests/test_runbook.py",
    "countersign restored --over": "tests/test_runbook.py",
    "countersign migrate": "tests/test_runbook.py",
    "countersign audit verify": "tests/test_runbook.py",
    "countersign policy lint access.yml": "tests/test_runbook.py",
    "countersign policy simulate": "tests/countersign/test_policy_commands.py",
    "countersign doctor": "tests/test_runbook.py",
    "countersign drift": "tests/stories/test_restored.py",
    "countersign drift --baseline": "tests/countersign/test_baseline.py",
    "countersign up": "tests/test_readme.py",
    "countersign timekeeper": "tests/stories/house.py",
    "countersign worker grant": "tests/stories/house.py",
    "countersign worker revoke": "tests/stories/house.py",
    "countersign worker tell": "tests/stories/house.py",
}
"""By command, the test in which it is typed."""

pytestmark = pytest.mark.timeout(240)


def section(heading: str) -> str:
    """What stands under `## heading`, or under `### heading`."""
    found = re.search(rf"^(##+) {re.escape(heading)}\n(.*?)(?=^##? |^\1 |\Z)", RUNBOOK, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the runbook has no section “{heading}”"
    return found[2]


def blocks(text: str) -> list[str]:
    """What is to be typed: blocks without a language."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, kind, block in found if not kind]


def commands() -> set[str]:
    lines = {line for block in blocks(RUNBOOK) for line in block.splitlines() if line.startswith("countersign ")}
    text = re.sub(r"^ *```.*?^ *```$", "", RUNBOOK, flags=re.DOTALL | re.MULTILINE)
    return lines | {words for words in re.findall(r"`([^`\n]+)`", text) if words.startswith("countersign ")}


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_its_section(kind: AlertKind) -> None:
    for part in ("**Means:**", "**Look:**", "**Do:**", "**Over:**"):
        assert part in section(kind)


def test_every_command_is_typed_in_a_test() -> None:
    assert commands() == TYPED.keys()
    for command, file in TYPED.items():
        words = re.split(r"[^\w-]+", (ROOT / file).read_text(encoding="utf-8"))
        assert set(re.split(r"[^\w-]+", command.removeprefix("countersign "))) <= set(words), (command, file)


def test_every_link_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    for target in re.findall(r"\]\(([^)]+)\)", RUNBOOK):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).exists(), target
        assert file or anchor in anchors, target


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the operator stands: a policy, and the state directory where it is by default."""
    home = tmp_path / "home"
    (home / ".countersign").mkdir(mode=0o700, parents=True)
    (home / "access.yml").write_text(demo_policy(acme()), encoding="utf-8")
    (tmp_path / "backup").mkdir()
    return home


@pytest.fixture
def shell(home: Path, database_kind: str, unmigrated_url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = [str(Path(sys.executable).parent), str(wheel_binaries()), os.environ["PATH"]]
    mine = {"DATABASE_URL": unmigrated_url} if database_kind == "postgresql" else {}
    return kept | mine | {"PATH": ":".join(path), SECRET: "postgresql://nobody@127.0.0.1:1/shop"}


@pytest.fixture
def house(home: Path, shell: dict[str, str], tmp_path: Path) -> Iterator[World]:
    assert "is at revision" in typed("countersign migrate", home, shell).stdout
    database = Database(shell.get("DATABASE_URL") or f"sqlite:///{home}/.countersign/countersign.db")
    yield World.make(database, tmp_path)
    database.close()


def typed(words: str, home: Path, shell: dict[str, str]) -> subprocess.CompletedProcess[str]:
    said = subprocess.run(
        ["bash", "-e", "-c", words.replace("/backup", str(home.parent / "backup"))], cwd=home, env=shell,
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert "Traceback" not in said.stderr, said.stderr
    return said


def test_a_night_by_the_runbook(house: World, home: Path, shell: dict[str, str]) -> None:
    first, last = blocks(RUNBOOK)[0].splitlines()
    assert typed(first, home, shell).returncode == 2  # there is neither Slack nor a worker here
    empty = typed(last, home, shell)
    assert empty.stdout == "No access is open.\n", empty.stderr
    grant = house.open(minutes=30)
    house.scheduled(by=BEN)

    by_hand = typed(blocks(section("End everything by hand"))[0], home, shell).stdout

    assert by_hand.startswith("2 grants that may be open, the soonest to end first.\n")
    assert f"{grant.id}  customers-db/read  ann (as ann)  active, ends " in by_hand
    assert f"    by hand, on server one:\n      REMOVE {grant.id}\n" in by_hand
    listed = json.loads(typed("countersign outstanding --json", home, shell).stdout)
    assert {one["principal"] for one in listed} == {"ann", "ben"}
    assert typed("countersign audit verify", home, shell).returncode == 0
    assert typed("countersign policy lint access.yml", home, shell).returncode == 0


def test_a_backup_and_its_restore_by_the_runbook(
    house: World, home: Path, shell: dict[str, str], database_kind: str
) -> None:
    of = {"postgresql": 0, "sqlite": 1}[database_kind]
    outstanding, *restores, started, watched, said, over = blocks(section("Restore"))
    kept = house.open(minutes=30)
    assert typed(watched, home, shell).stdout == "Nothing is being compared: requests are taken.\n"
    saved = typed(blocks(section("Backup"))[of], home, shell)
    assert saved.returncode == 0, saved.stderr
    forgotten = house.open(by=BEN, minutes=30)
    assert typed(watched, home, shell).returncode == 0
    assert forgotten.id in typed(outstanding, home, shell).stdout
    house.core.database.close()

    restored = typed(restores[of], home, shell)

    assert restored.returncode == 0, restored.stderr
    migrate, up = started.splitlines()
    assert typed(migrate, home, shell).returncode == 0
    assert up == "countersign up"
    noticed = typed(watched, home, shell)
    assert noticed.returncode == 1
    assert noticed.stdout.startswith("The database is older than it was: event ")
    assert "\n- customers-db has not been compared yet.\n" in noticed.stdout
    known = typed(outstanding, home, shell).stdout
    assert (kept.id in known, forgotten.id in known) == (True, False)
    assert typed(over, home, shell).returncode == 0
    assert typed(watched, home, shell).returncode == 0
    beginning = typed(said, home, shell)
    assert beginning.returncode == 1, beginning.stderr
    assert "What was done after 2026-11-23 04:00:00 UTC is not known." in beginning.stdout
