"""What everything of one host takes of its memory when nothing happens, beside as many bare Python processes."""

import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from bench.figures import Figure
from bench.policy import Crowd, policy
from bench.servers import Servers, inherited, say, wait_for
from sandbox.cast import DEFAULT
from sandbox.server import Running, running

GOAL = 300
READY = "Countersign is ready"
BARE = "import sys, redis, rq, sqlalchemy; print('Countersign is ready', flush=True); sys.stdin.read()"
STEADY_MB = 0.5
"""On a quiet machine: what is shared with other Python processes counts for less while more of them run."""
STEADY_SECONDS = 2.0


def measure(servers: Servers, *, samples: int, steady_mb: float = STEADY_MB) -> list[Figure]:
    """`countersign up` as it is installed: SQLite and a Valkey of its own."""
    values, floors = list[float](), list[float]()
    for _ in range(samples):
        say("  memory: `countersign up`, then bare processes")
        with running(DEFAULT) as sandbox, _up(servers, sandbox) as process:
            values.append(_steady(lambda: _tree(process.pid), steady_mb))
            count = sum(_is_python(pid) for pid in _tree(process.pid))
        floors.append(_bare(count, steady_mb))
    return [
        Figure(
            name="up, idle, all processes", value=statistics.median(values), unit="MB",
            floor=statistics.median(floors), goal=GOAL, samples=samples,
        )
    ]  # fmt: skip


@contextmanager
def _up(servers: Servers, sandbox: Running) -> Generator[subprocess.Popen[str]]:
    state = Path(mkdtemp(prefix="memory-", dir=servers.directory))
    file = state / "access.yml"
    settings = {"dsn": {"env": "SHOP_DSN"}}
    text = policy(Crowd(people=1, roles=2), provider="postgres", settings=settings, role={"grants": ["any"]})
    file.write_text(text, encoding="utf-8")
    environment = inherited() | {
        "COUNTERSIGN_STATE": str(state), "COUNTERSIGN_POLICY": str(file), "COUNTERSIGN_SANDBOX": "1",
        "SLACK_API_URL": sandbox.api_url, "SLACK_BOT_TOKEN": sandbox.bot_token, "SLACK_APP_TOKEN": sandbox.app_token,
        "SHOP_DSN": "host=127.0.0.1 port=1 dbname=shop user=nobody",
    }  # fmt: skip
    with _started([sys.executable, "-m", "countersign", "up"], environment) as process:
        yield process


def _bare(count: int, steady_mb: float) -> float:
    with ExitStack() as stack:
        started = [stack.enter_context(_started([sys.executable, "-c", BARE], inherited())) for _ in range(count)]
        return _steady(lambda: [process.pid for process in started], steady_mb)


@contextmanager
def _started(command: Sequence[str], environment: dict[str, str]) -> Generator[subprocess.Popen[str]]:
    """Until it says that it is ready; ended when left."""
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = list[str]()
            for line in process.stdout:
                said.append(line)
                if READY in line:
                    break
            assert any(READY in line for line in said), f"it ended: {''.join(said)}"
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _steady(pids: Callable[[], Sequence[int]], steady_mb: float) -> float:
    """Megabytes, when two looks in a row say the same: what runs once after the start is over."""
    seen = [0.0]

    def steady() -> bool:
        try:
            seen.append(sum(_proportional(pid) for pid in pids()))
        except FileNotFoundError:
            return False  # what runs once after the start has just ended
        return abs(seen[-1] - seen[-2]) < steady_mb

    wait_for(steady, "the memory to be steady", within=120, every=STEADY_SECONDS)
    return seen[-1]


def _proportional(pid: int) -> float:
    """What is shared is counted in parts: the sum over all processes is what they take together."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no proportional set size")


def _tree(pid: int) -> list[int]:
    return [pid, *(below for child in _children(pid) for below in _tree(child))]


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text(encoding="ascii").split())


def _is_python(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").readlink() == Path(sys.executable).resolve()
