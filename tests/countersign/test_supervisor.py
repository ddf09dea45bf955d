"""The supervisor: each child its own environment, restarts, logs by name, and an orderly end."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from countersign.supervisor import Child, Status, Supervisor
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
IDLE = """
import os, signal, sys, time
def end(*_):
    os.write(1, b"down\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("up", flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(name: str, program: str, **env: str) -> Child:
    return Child(name, [sys.executable, "-c", program], env)


@dataclass
class House:
    """A supervisor in a thread, and what it wrote."""

    supervisor: Supervisor
    lines: list[str]
    code: int | None = None
    thread: threading.Thread = field(init=False)

    def run(self) -> None:
        self.code = self.supervisor.run()

    def status(self, name: str) -> Status:
        return next(status for status in self.supervisor.status() if status.name == name)

    def stop(self) -> None:
        self.supervisor.stop()
        self.thread.join()


@contextmanager
def house(*children: Child, on_ready: Callable[[], None] | None = None) -> Iterator[House]:
    lines: list[str] = []
    made = House(Supervisor(children, write=lines.append, on_ready=on_ready), lines)
    made.thread = threading.Thread(target=made.run)
    made.thread.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_child_gets_its_own_environment_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_TOKEN", "secret")
    show = "import json, os; print(json.dumps(dict(os.environ)), flush=True); import time; time.sleep(60)"

    with house(python("bot", show, SLACK="for the bot"), python("worker", show, TARGET="for the worker")) as made:
        wait_until(lambda: len(made.lines) == 2, "both to show their environment")

    shown = {line.split(" | ")[0].strip(): json.loads(line.split(" | ")[1]) for line in made.lines[:2]}
    # Python itself sets LC_CTYPE where no locale is given.
    assert {name: {key for key in env if key != "LC_CTYPE"} for name, env in shown.items()} == {
        "bot": {"SLACK"},
        "worker": {"TARGET"},
    }


def test_a_killed_child_is_started_again() -> None:
    with house(python("bot", IDLE), python("worker", IDLE)) as made:
        wait_until(lambda: made.lines.count("worker | up") == 1 and "bot    | up" in made.lines, "both")
        killed = made.status("worker").pid
        assert killed is not None

        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: made.lines.count("worker | up") == 2, "the worker to be back")
        after = made.status("worker")
        assert (after.state, after.restarts, after.exit_code) == ("running", 1, -signal.SIGKILL)
        assert after.pid != killed
        assert made.status("bot").restarts == 0
        assert "worker | ended (SIGKILL); starting again in 0.2 s" in made.lines

    assert made.code == 0


def test_a_child_that_ends_by_itself_is_started_again_with_growing_pauses() -> None:
    with house(python("worker", "print('hello')")) as made:
        wait_until(lambda: made.lines.count("worker | hello") == 4, "some starts")

    pauses = [line.rsplit(" ", 2)[-2] for line in made.lines if "exit code 0" in line]
    assert pauses[:3] == ["0.2", "0.4", "0.8"]


def test_a_child_whose_settings_cannot_be_used_is_not_started_again() -> None:
    with house(python("worker", "raise SystemExit(78)"), python("bot", IDLE)) as made:
        wait_until(lambda: made.status("worker").state == "stopped", "it to be given up")
        wait_until(lambda: "bot    | up" in made.lines, "the other child")
        assert made.status("bot").state == "running"

    assert [line for line in made.lines if "ended" in line] == [
        "worker | ended (exit code 78); not started again before its settings are mended"
    ]
    assert made.status("worker").restarts == 0
    assert made.code == 0


def test_where_none_is_left_that_could_work_it_ends_and_says_why_by_its_code() -> None:
    redis = Child("redis", [sys.executable, "-c", IDLE], {}, serves_others=True)
    with house(redis, python("worker", "raise SystemExit(78)")) as made:
        wait_until(lambda: not made.thread.is_alive(), "the end of all")

    assert made.code == 78
    assert made.status("redis").state == "stopped"


READY = "import sys; sys.path.insert(0, {root!r}); from countersign.ready import ready; ready(); "


def test_it_is_ready_once_when_every_child_has_said_so(tmp_path: Path) -> None:
    go, said = tmp_path / "go", list[str]()
    at_once = READY.format(root=str(ROOT))
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n{at_once}"
    waits += "print('late'); " + "\n" + IDLE
    with house(
        python("worker", at_once + "\n" + IDLE), python("bot", waits), on_ready=lambda: said.append("ready")
    ) as made:
        wait_until(lambda: "worker | up" in made.lines, "the first to be ready")
        assert said == []
        go.touch()
        wait_until(lambda: said == ["ready"], "both to be ready")
        killed = made.status("worker").pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: made.lines.count("worker | up") == 2, "the worker to be back")

    assert said == ["ready"]


def test_a_program_that_is_not_there_is_tried_again_and_harms_nobody() -> None:
    with house(Child("broken", ["/nowhere/program"], {}), python("bot", IDLE)) as made:
        wait_until(lambda: made.status("broken").restarts >= 1, "another try")
        wait_until(lambda: "bot    | up" in made.lines, "the other child")


def test_the_stop_is_passed_on_and_waited_for() -> None:
    with house(python("bot", IDLE), python("worker", IDLE)) as made:
        wait_until(lambda: len(made.lines) == 2, "both")
        assert [status.state for status in made.supervisor.status()] == ["running", "running"]

    assert sorted(made.lines[2:]) == ["bot    | down", "worker | down"]
    assert made.code == 0
    assert [(status.state, status.exit_code) for status in made.supervisor.status()] == [("stopped", 0)] * 2


def test_what_the_others_use_is_asked_to_end_when_they_have_ended(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    redis = IDLE.replace('os.write(1, b"down\\n")', f"open({str(gone)!r}, 'w').close()")
    looks = f"[time.sleep(0.01) for _ in range(100) if not os.path.exists({str(gone)!r})]"
    says = f"os.write(1, b'alone' if os.path.exists({str(gone)!r}) else b'served')"
    worker = IDLE.replace('os.write(1, b"down\\n")', f"{looks}; {says}")
    used = Child("redis", [sys.executable, "-c", redis], {}, serves_others=True)

    with house(used, python("worker", worker)) as made:
        wait_until(lambda: len(made.lines) == 2, "both")

    assert (made.lines[2:], gone.exists(), made.code) == (["worker | served"], True, 0)


def test_a_child_that_does_not_stop_is_killed_and_the_exit_code_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.supervisor.STOP_SECONDS", 0.2)
    with house(python("worker", STUBBORN)) as made:
        wait_until(lambda: "worker | up" in made.lines, "the worker")

    assert made.code == 1
    assert made.status("worker").exit_code == -signal.SIGKILL
    assert "worker | does not stop; killed" in made.lines


def test_a_stop_in_a_pause_starts_nothing_more() -> None:
    with house(python("worker", "print('hello')")) as made:
        wait_until(lambda: made.status("worker").restarts >= 2, "a longer pause")

    assert made.code == 0
    assert made.status("worker").state == "stopped"


MAIN = f"""
import sys
from countersign.supervisor import Child, Supervisor
sys.exit(Supervisor([Child("worker", [sys.executable, "-c", {IDLE!r}], {{}})]).run())
"""


@contextmanager
def supervisor_process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", MAIN], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_the_whole_house(number: signal.Signals) -> None:
    with supervisor_process() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worker | up\n"

        process.send_signal(number)

        assert process.stdout.readline() == "worker | down\n"
        assert process.wait(15) == 0


def test_children_die_with_a_supervisor_that_is_killed() -> None:
    with supervisor_process() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worker | up\n"
        (worker,) = _children_of(process.pid)

        process.kill()
        process.wait(15)

        wait_until(lambda: not _lives(worker), "the worker to die, too")


def _children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
    except (FileNotFoundError, ProcessLookupError):
        return False
