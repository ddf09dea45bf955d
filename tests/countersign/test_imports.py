"""What each process imports: what stays for weeks, and many times over, carries no library that it does not use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from countersign import minding
from countersign.init.texts import policy_text
from countersign.supervisor import Child
from tests.countersign.test_init import ANSWERS
from tests.redis_server import own_redis, redis_server, redis_url

__all__ = ["own_redis", "redis_server", "redis_url"]

ROOT = Path(__file__).parents[2]


def imported(program: str) -> set[str]:
    """The modules that are there after a fresh interpreter has run this."""
    said = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return set(json.loads(said.stdout.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


BARE = imported("import json, sys")
"""What a bare interpreter has: an editable install adds to it."""
STAYS_SMALL = {
    "countersign.minding": {
        "access", "access.clock", "access.faults", "countersign", "countersign.adopted", "countersign.embedded",
        "countersign.embedded.leash", "countersign.logs", "countersign.minding", "countersign.ready",
        "countersign.supervisor",
    },
    "countersign.embedded.valkey": {
        "access", "access.errors", "access.faults", "access.private_files", "countersign", "countersign.embedded",
        "countersign.embedded.leash", "countersign.embedded.resp", "countersign.embedded.valkey", "countersign.ready",
    },
}  # fmt: skip


@pytest.mark.parametrize("program", STAYS_SMALL)
def test_who_minds_others_imports_no_library_and_nothing_that_decides(program: str) -> None:
    found = imported(f"import {program}") - BARE
    ours = {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}

    assert ours == STAYS_SMALL[program]


def test_what_up_writes_for_the_half_that_stays_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    child = Child("bot", ["python"], {"SLACK_BOT_TOKEN": "xoxb-canary", "DATABASE_URL": "sqlite:///here"})

    written = json.dumps(minding._written(child))

    assert "canary" not in written
    assert minding._read(json.loads(written)) == child


NOT_TO_SERVE = {"alembic", "prometheus_client", "psycopg", "sandbox", "typer", "uvicorn"}
"""What no process needs while it serves: the figures are not shown here, and the store is SQLite."""
NO_SLACK = {"bot", "slack_bolt", "slack_sdk", "aiohttp"}
NEVER = {
    "timekeeper": NOT_TO_SERVE | NO_SLACK,
    "revoke": NOT_TO_SERVE | NO_SLACK,
    "grant": NOT_TO_SERVE | {"slack_bolt", "aiohttp"},
    "tell": NOT_TO_SERVE | {"slack_bolt", "aiohttp"},
}
RUNS = """
import json, os, signal, sys, threading
from countersign import exits, process
hear, say = os.pipe()
os.environ["COUNTERSIGN_READY_FD"] = str(say)
def stop():
    os.read(hear, 1)
    print(json.dumps(sorted(sys.modules)), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop).start()
exits.run(lambda: process.run(sys.argv[1]))
"""


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("name", NEVER)
def test_a_process_that_waits_for_work_has_imported_nothing_that_it_may_never_use(
    name: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    policy = tmp_path / "access.yml"
    policy.write_text(policy_text(ANSWERS | {"address": ""}), encoding="utf-8")
    given = {
        "DATABASE_URL": database_url, "REDIS_URL": redis_url, "COUNTERSIGN_STATE": str(tmp_path / "state"),
        "COUNTERSIGN_POLICY": str(policy), "SLACK_BOT_TOKEN": "xoxb-none", "CUSTOMERS_DB_DSN": "host=127.0.0.1 port=1",
    }  # fmt: skip

    said = subprocess.run(
        [sys.executable, "-c", RUNS, name],
        cwd=ROOT, env={"PATH": os.environ["PATH"]} | given, capture_output=True, check=True, text=True,
    )  # fmt: skip

    assert packages(set(json.loads(said.stdout))) & NEVER[name] == set()


@pytest.mark.parametrize("way", ["socket_mode", "http_mode"])
def test_the_bot_imports_no_queue_and_no_driver_of_a_target(way: str) -> None:
    found = packages(imported(f"import countersign.process, countersign.async_slack, bot.{way}"))

    assert found & (NOT_TO_SERVE - {"uvicorn"} | {"rq"}) == set()
    assert ("uvicorn" in found) is (way == "http_mode")
