"""The set-up guide, done step by step as it is written: its SQL, its commands, and the doctor's words in it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from countersign import schema
from countersign.demo.stage import acme
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.manifest import manifest_link
from sandbox.server import Running, running
from tests.waiting import wait_until

GUIDE = (Path(__file__).parents[2] / "docs" / "set-up.md").read_text(encoding="utf-8")
ACCOUNT = (Path(__file__).parents[2] / "docs" / "providers" / "postgres.md").read_text(encoding="utf-8")
PASSWORD = "a long random one"

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]


def blocks(language: str) -> list[str]:
    found = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, kind, text in found if kind == language]


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running(acme()) as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """The target before step 6: a database, and a role that holds what people may get."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        with psycopg.connect(server.superuser_dsn, autocommit=True) as superuser:
            superuser.execute("CREATE DATABASE shop")
            superuser.execute("CREATE ROLE support_read")
        yield server
        server.remove()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def shell(home: Path, sandbox: Running) -> dict[str, str]:
    """What is set in the shells of somebody who has installed Countersign; the sandbox stands in for Slack."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kept | {"PATH": path, "SLACK_API_URL": sandbox.api_url, "COUNTERSIGN_SANDBOX": "1", "COLUMNS": "120"}


def test_whoever_follows_the_guide_has_a_well_house_and_gets_access(
    home: Path, shell: dict[str, str], sandbox: Running, shop: EmbeddedPostgres
) -> None:
    _, link, init, start, doctor = blocks("")

    assert typed(link, home, shell).stdout.strip() == manifest_link()

    dsn = f"postgresql://countersign:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{shop.port}/shop?sslmode=disable"
    answers = [
        "", sandbox.bot_token, sandbox.app_token, "", "Europe/Amsterdam", "ann=U0ANN ben=U0BEN", "lea=U0LEA kim=U0KIM",
        "sam=U0SAM", "C0PAYAPPR", "C0SEC", "", "", "", "Read customers, but no card numbers", "", dsn,
    ]  # fmt: skip
    told = typed(init, home, shell, said="\n".join([*answers, ""]))
    assert told.returncode == 0, told.stderr
    make_account(shop, told.stdout)

    with started(start, home, shell):
        wait_until(sandbox.workspace().connections, "the bot to connect", within=90)
        told = wait_until(lambda: well(typed(doctor, home, shell)), "the doctor to find all well", within=90)
        assert told is not None
        shown, _ = blocks("text")
        assert alike(told) == alike(shown), told
        assert f"at revision {schema.head()}." in shown

        (home / "access.yml").chmod(0o666)
        warned = typed(f"{doctor.strip()} --json", home, shell)
        assert warned.returncode == 1, warned.stdout + warned.stderr
        found = json.loads(warned.stdout)
        assert [one["subject"] for one in found if one["level"] != "ok"] == ["policy file"]

        ann, lea = sandbox.workspace().person("U0ANN"), sandbox.workspace().person("U0LEA")
        words = re.search(r"`/access (.*?)`\. An approver", GUIDE)
        assert words is not None
        assert ann.command("C0PAYAPPR", "/access", words[1]).ok
        card = wait_until(lambda: [one for one in lea.messages("C0PAYAPPR") if one.blocks], "the card")[-1]
        assert lea.click(card, "request.approve").ok
        wait_until(lambda: logins(shop) == 1, "the door to be open")
    assert sandbox.workspace().violations() == []


def make_account(shop: EmbeddedPostgres, told: str) -> None:
    """By the statements that `init` printed, those of its page; psql asks for the password by `\\password`."""
    printed = re.findall(r"^  ((?:CREATE|GRANT|REVOKE) .*;|\\password .*)$", told, re.MULTILINE)
    *statements, password = printed
    assert password == '\\password "countersign"'
    script = re.findall(r"```sql\n(.*?)```", ACCOUNT, re.DOTALL)[0]
    written = [line for line in script.splitlines() if not line.startswith("--")]
    assert written == [
        line.replace('"', "").replace("CREATEROLE;", f"CREATEROLE PASSWORD '{PASSWORD}';") for line in statements
    ]
    with psycopg.connect(shop.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("\n".join(statements).encode())
        superuser.execute(f"ALTER ROLE countersign PASSWORD '{PASSWORD}'".encode())


def typed(block: str, home: Path, shell: dict[str, str], said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", block], cwd=home, env=shell, input=said, capture_output=True, text=True, check=False
    )  # fmt: skip


@contextmanager
def started(block: str, home: Path, shell: dict[str, str]) -> Iterator[None]:
    """`countersign up`, in place of the shell so that it can be told to end."""
    up = shutil.which("countersign", path=shell["PATH"])
    assert up is not None
    commands = block.replace("countersign up", f"exec {up} up")
    assert commands != block
    with (home / "log").open("wb") as log:
        running = subprocess.Popen(["/bin/sh", "-c", commands], cwd=home, env=shell, stdout=log, stderr=log)
    try:
        yield
    except BaseException:
        print((home / "log").read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        running.terminate()
        running.wait(60)


def well(told: subprocess.CompletedProcess[str]) -> str:
    """What the doctor said, once everybody has come; what may not be well before is life alone."""
    if told.returncode == 0:
        return told.stdout
    bad = re.findall(r"^  (?:warning|error) +(.*)$", told.stdout, re.MULTILINE)
    assert all(re.match(r"(timekeeper|worker|bot|targets|reachable|alert|work) ", line) for line in bad), told.stdout
    return ""


def logins(shop: EmbeddedPostgres) -> int:
    with psycopg.connect(shop.superuser_dsn) as superuser:
        found = superuser.execute(r"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'cs\_%'").fetchone()
    assert found is not None
    return found[0]


def alike(told: str) -> str:
    """Without what differs from host to host, and from day to day."""
    told = re.sub(r"[\w.-]+@[\w.-]+:\d+", "somebody", told)
    told = re.sub(r"\b(Valkey|PostgreSQL) [\d.]+\d", r"\1", told)
    told = re.sub(r"by \d\.\d s", "…", told)
    return " ".join(told.split())
