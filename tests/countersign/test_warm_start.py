"""The processes that import the same are forked from one that has: they share memory, and nothing else."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from access.settings import Settings
from access.store import Database
from countersign import adopted
from countersign.init.texts import policy_text
from countersign.supervisor import Child
from countersign.up import children
from tests.countersign.test_init import ANSWERS
from tests.countersign.test_supervisor import IDLE, House, house, python
from tests.redis_server import own_redis, redis_server, redis_url
from tests.waiting import wait_until

__all__ = ["own_redis", "redis_server", "redis_url"]

FORKED = ("timekeeper", "grant", "revoke", "tell")
SECRET = "host=127.0.0.1 port=1 password=canary-of-the-target"


@pytest.fixture
def forked(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    """All of one host but the bot, ready."""
    policy = tmp_path / "access.yml"
    policy.write_text(policy_text(ANSWERS | {"address": ""}), encoding="utf-8")
    given = {
        "PATH": os.environ["PATH"], "DATABASE_URL": database_url, "REDIS_URL": redis_url,
        "COUNTERSIGN_STATE": str(tmp_path / "state"), "COUNTERSIGN_POLICY": str(policy),
        "SLACK_BOT_TOKEN": "xoxb-none", "CUSTOMERS_DB_DSN": SECRET,
    }  # fmt: skip
    database, ready = Database(database_url), list[str]()
    found = children(Settings.read(given), database, given)
    database.close()
    wanted = [child for child in found if child.name in FORKED]
    wanted.append(replace(wanted[-1], name="second"))  # a process may run twice
    with house(*wanted, on_ready=lambda: ready.append("ready")) as made:
        wait_until(lambda: ready, "all to be ready", within=120)
        yield made


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_is_forked_shares_its_imports_keeps_its_own_secrets_and_is_minded_like_any_other(forked: House) -> None:
    pids = {name: _pid(forked, name) for name in FORKED}
    for pid in pids.values():
        resident, proportional = _memory(pid)
        assert proportional < 0.75 * resident
        assert _started_with(pid) <= {*adopted._SHARED, "LC_CTYPE"}
        assert os.getsid(pid) == pid
    assert {name: SECRET.encode() in _memory_of(pid) for name, pid in pids.items()} == {
        "timekeeper": True, "grant": True, "revoke": True, "tell": False,
    }  # fmt: skip
    assert {(Path(f"/proc/{pid}/comm")).read_text(encoding="ascii").strip() for pid in pids.values()} == {
        f"cs-{name}" for name in FORKED
    }

    os.kill(pids["tell"], signal.SIGKILL)

    back = lambda: [one for one in forked.lines if one.startswith("tell ") and one.endswith("queue tell")]  # noqa: E731
    wait_until(lambda: len(back()) == 2, "it to be back", within=60)
    assert "tell       | ended (SIGKILL); starting again in 0.2 s" in forked.lines
    alone = Path(f"/proc/{_pid(forked, 'tell')}/cmdline").read_text(encoding="utf-8").split("\0")
    assert alone[1:4] == ["-m", "countersign.process", "tell"]

    forked.stop()

    assert forked.code == 0
    assert {status.exit_code for status in forked.supervisor.status()} == {0}


def test_where_nothing_can_be_forked_each_is_started_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopted, "_PROGRAM", "countersign.nowhere")
    with house(_shares("grant"), _shares("tell"), python("bot", IDLE)) as made:
        wait_until(lambda: {"grant | up", "tell  | up", "bot   | up"} <= set(made.lines), "all of them")

        assert any("not started together with the others (ChildProcessError" in line for line in made.lines)
    assert made.code == 0


def test_a_stop_while_they_are_imported_leaves_nobody_behind() -> None:
    with house(_shares("grant"), _shares("tell"), python("bot", IDLE)) as made:
        wait_until(lambda: "bot   | up" in made.lines, "another to run, for imports hold up nobody")
        (importing,) = [pid for pid in _below(os.getpid()) if adopted._PROGRAM in _command(pid)]

        made.stop()

        assert made.code == 0
        assert importing not in _below(os.getpid())
        assert not any("started" in line for line in made.lines)


def _shares(name: str) -> Child:
    """Started by itself it idles."""
    child = python(name, IDLE, PATH=os.environ["PATH"])
    return Child(child.name, child.argv, child.env, shares_imports=True)


def _pid(made: House, name: str) -> int:
    pid = made.status(name).pid
    assert pid is not None
    return pid


def _memory(pid: int) -> tuple[int, int]:
    """Resident and proportional."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    return sizes["Rss:"], sizes["Pss:"]


def _memory_of(pid: int) -> bytes:
    """All that it has written."""
    found = list[bytes]()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            place, rights, *_ = line.split()
            if rights.startswith("rw") and "[v" not in line:
                begin, end = (int(address, 16) for address in place.split("-"))
                memory.seek(begin)
                found.append(memory.read(end - begin))
    return b"".join(found)


def _started_with(pid: int) -> set[str]:
    given = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return {one.partition(b"=")[0].decode() for one in given if one}


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")


def _below(pid: int) -> list[int]:
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
