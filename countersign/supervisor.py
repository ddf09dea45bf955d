"""Runs the processes of one host: each with its own environment only, restarted when it dies, stopped in order."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Literal

from access import clock
from access.faults import describe
from countersign import adopted, logs
from countersign.adopted import Adopted, Wanted, WarmStart
from countersign.embedded import leash
from countersign.ready import DESCRIPTOR

if TYPE_CHECKING:
    from access.settings import LogFormat

STOP_SECONDS = 15.0
"""Longer than a worker takes to end its calls."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_HEALTHY_SECONDS = 30.0
_MISCONFIGURED = os.EX_CONFIG
"""By this exit code a process of ours says that its settings cannot be used; they are the same at the next start."""

_Process = subprocess.Popen[bytes] | Adopted
State = Literal["running", "waiting", "stopped"]


@dataclass(frozen=True)
class Child:
    """A process to keep running. `argv` begins with a program's path; `env` is the whole of its environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    serves_others: bool = False
    """Alone it is of no use. It is asked to end when the others have ended, for what they give back goes there."""
    shares_imports: bool = False
    """`python -m countersign.process NAME` that imports much the same as the others of which this is said."""


@dataclass(frozen=True)
class Status:
    """How a child stands."""

    name: str
    state: State
    pid: int | None
    restarts: int
    exit_code: int | None
    """Of its last end; negative for a signal."""


def write_line(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Supervisor:
    """Starts the children and minds them until SIGTERM, SIGINT or `stop`. They die with the thread that runs it.

    Those that share their imports are forked from one process the first time, where the system can do that.

    `on_ready` is called once, when all of them have said that they are ready (ready.py).
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        write: Callable[[str], None] = write_line,
        log_format: "LogFormat" = "text",
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        shown = logs.of_children([child.name for child in children], log_format)
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._on_ready = on_ready
        self._warm_start: WarmStart | None = None
        self._forking: threading.Thread | None = None
        self._minded = [
            _Minded(child, partial(_say, write, shown, child.name), self._news, announces=on_ready is not None)
            for child in children
        ]

    def run(self) -> int:
        """Returns 0 when every child ended in time after the stop, 1 when one had to be killed.

        78 (EX_CONFIG) when none is left that could be started again.
        """
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        self._start_together()
        while not self._stopping.is_set():
            self._news.clear()
            pauses = [pause for minded in self._minded if (pause := minded.mind()) is not None]
            if self._given_up():
                return self._end() or _MISCONFIGURED
            self._tell_when_ready()
            self._news.wait(min(pauses, default=None))
        return self._end()

    def stop(self) -> None:
        """Asks for the end. Returns at once."""
        self._stopping.set()
        self._news.set()

    def status(self) -> list[Status]:
        return [minded.status() for minded in self._minded]

    def _given_up(self) -> bool:
        working = [minded.given_up for minded in self._minded if not minded.serves_others]
        return bool(working) and all(working)

    def _tell_when_ready(self) -> None:
        if self._on_ready is not None and all(minded.ready for minded in self._minded):
            self._on_ready()
            self._on_ready = None

    def _start_together(self) -> None:
        together = [minded for minded in self._minded if minded.shares_imports]
        if len(together) < 2 or not adopted.possible():
            return
        for minded in together:
            minded.forked_for_us = True
        self._warm_start = WarmStart([minded.wanted() for minded in together])
        self._forking = threading.Thread(target=self._fork, args=(self._warm_start, together), daemon=True)
        self._forking.start()

    def _fork(self, warm_start: WarmStart, together: "Sequence[_Minded]") -> None:
        """In a thread of its own: the imports take seconds, and the others start meanwhile."""
        try:
            for minded, (process, announced) in zip(together, warm_start.run(), strict=True):
                minded.adopt(process, announced)
        except Exception as error:
            if not self._stopping.is_set():
                together[0].say(f"not started together with the others ({describe(error)}); each is started by itself")
        finally:
            for minded in together:
                minded.forked_for_us = False
            self._news.set()

    def _end(self) -> int:
        if self._warm_start is not None and self._forking is not None:
            self._warm_start.stop()
            self._forking.join()
        used = [minded for minded in self._minded if minded.serves_others]
        users = [minded for minded in self._minded if not minded.serves_others]
        return 0 if all([*_ended(users), *_ended(used)]) else 1


class _Minded:
    """One child and what became of it."""

    def __init__(self, child: Child, say: Callable[[str], None], news: threading.Event, *, announces: bool) -> None:
        self.serves_others = child.serves_others
        self.shares_imports = child.shares_imports
        self.given_up = False
        self.forked_for_us = False
        """Another thread has it started, and then says so."""
        self.say = say
        self._child = child
        self._news = news
        self._announces = announces
        self._process: _Process | None = None
        self._ready: _Process | None = None
        self._reader: threading.Thread | None = None
        self._exit_code: int | None = None
        self._starts = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self._pause = _FIRST_PAUSE
        self._stopped = False

    def mind(self) -> float | None:
        """Notices its end and starts it when it is time. Returns the seconds until then; None while it runs."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return None
            self._note_end(code)
        if self.given_up or self.forked_for_us:
            return None
        wait = self._start_at - clock.monotonic()
        if wait > 0:
            return wait
        self._start()
        return None

    def status(self) -> Status:
        process = self._process
        if process is not None and process.poll() is None:
            return Status(self._child.name, "running", process.pid, self._restarts, self._exit_code)
        state = "stopped" if self._stopped or self.given_up else "waiting"
        return Status(self._child.name, state, None, self._restarts, self._exit_code)

    @property
    def ready(self) -> bool:
        """The one that runs now has said so."""
        return self._process is not None and self._process is self._ready

    def ask_to_stop(self) -> None:
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def wait_for_end(self, stop_at: float) -> bool:
        """False when it had to be killed."""
        process = self._process
        if process is None:
            return True
        try:
            process.wait(max(0.0, stop_at - clock.monotonic()))
            in_time = True
        except subprocess.TimeoutExpired:
            self.say("does not stop; killed")
            process.kill()
            process.wait()
            in_time = False
        self._exit_code = process.returncode
        if self._reader is not None:
            self._reader.join(1.0)  # a child of the child may hold the pipe
        return in_time

    @property
    def _restarts(self) -> int:
        return max(0, self._starts - 1)

    def wanted(self) -> Wanted:
        """What is told to who forks it."""
        return Wanted(self._child.argv[-1], self._child.env, self._announces)

    def adopt(self, process: Adopted, announced: int | None) -> None:
        """It was started for us."""
        self._begin(process, announced)

    def _start(self) -> None:
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(os.getuid()), str(os.getgid())]
        announcing = os.pipe() if self._announces else None
        process = subprocess.Popen(  # noqa: S603  (our own programs)
            [*leashed, *self._child.argv],
            env=dict(self._child.env) | ({DESCRIPTOR: str(announcing[1])} if announcing else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=announcing[1:] if announcing else (),
            start_new_session=True,  # Ctrl-C in the terminal is for us; we stop them in order
        )
        if announcing:
            os.close(announcing[1])
        self._begin(process, announcing[0] if announcing else None)

    def _begin(self, process: _Process, announced: int | None) -> None:
        self._starts += 1
        self._started_at = clock.monotonic()
        self._process = process
        if announced is not None:
            threading.Thread(target=self._hear, args=(process, announced), daemon=True).start()
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def _note_end(self, code: int) -> None:
        self._process = None
        self._exit_code = code
        if code == _MISCONFIGURED:
            self.given_up = True
            self.say(f"ended ({_in_words(code)}); not started again before its settings are mended")
            return
        now = clock.monotonic()
        if now - self._started_at >= _HEALTHY_SECONDS:
            self._pause = _FIRST_PAUSE
        self._start_at = now + self._pause
        self.say(f"ended ({_in_words(code)}); starting again in {self._pause:g} s")
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self.say(line.decode(errors="replace").rstrip())

    def _hear(self, process: _Process, announced: int) -> None:
        with os.fdopen(announced, "rb") as stream:
            said = stream.readline()
        if said:
            self._ready = process
            self._news.set()

    def _watch(self, process: _Process) -> None:
        process.wait()
        self._news.set()


def _ended(minded: Sequence[_Minded]) -> list[bool]:
    """Asks all at once, then waits for each; False for one that had to be killed."""
    for one in minded:
        one.ask_to_stop()
    stop_at = clock.monotonic() + STOP_SECONDS
    return [one.wait_for_end(stop_at) for one in minded]


def _say(write: Callable[[str], None], shown: Callable[[str, str], str], name: str, line: str) -> None:
    write(shown(name, line))


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
