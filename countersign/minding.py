"""The half of `countersign up` that stays: it minds the processes, and imports no library, so that it is small.

The half that looks at settings, policy and schema needs all of them, so it writes down what is to run and becomes this
program, under the same process id (docs/adr/0033-memory.md).
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from access import clock
from countersign import logs
from countersign.supervisor import Child, Supervisor, write_line

if TYPE_CHECKING:
    from access.settings import LogFormat


def become(children: Sequence[Child], log_format: "LogFormat", directory: Path) -> NoReturn:
    """Runs these children in the place of this process. What is written for it has no name, and none of our values."""
    plan = {"log_format": log_format, "children": [_written(child) for child in children]}
    with tempfile.TemporaryFile("w+", encoding="utf-8", dir=directory) as file:
        json.dump(plan, file)
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "countersign.minding", str(file.fileno())])  # noqa: S606


def main(descriptor: int) -> int:
    """Minds what the plan at this descriptor names, until it is told to stop."""
    with os.fdopen(descriptor, encoding="utf-8") as file:
        plan = json.load(file)
    children = [_read(written) for written in plan["children"]]
    ready = partial(_say_ready, plan["log_format"], [child.name for child in children])
    return Supervisor(children, log_format=plan["log_format"], on_ready=ready).run()


def _written(child: Child) -> dict[str, Any]:
    """Secrets stay in the environment, which passes to who we become; only what is not there is written."""
    inherited = [name for name, value in child.env.items() if os.environ.get(name) == value]
    own = {name: value for name, value in child.env.items() if name not in inherited}
    return {
        "name": child.name, "argv": list(child.argv), "serves_others": child.serves_others,
        "shares_imports": child.shares_imports, "inherited": inherited, "own": own,
    }  # fmt: skip


def _read(written: Mapping[str, Any]) -> Child:
    env = {name: os.environ[name] for name in written["inherited"]} | written["own"]
    flags = {name: written[name] for name in ("serves_others", "shares_imports")}
    return Child(written["name"], written["argv"], env, **flags)


def _say_ready(log_format: "LogFormat", names: Sequence[str]) -> None:
    line = f"Countersign is ready: {', '.join(names)} are running."
    write_line(line if log_format == "text" else logs.as_json(clock.host_now(), "INFO", "up", "countersign.up", line))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
