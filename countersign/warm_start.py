"""Imports once what several processes have in common, forks them, and ends: they share those pages from then on.

Started by the supervisor (adopted.py) with no secret: each process is given its environment when this one is gone and
the supervisor is its parent. There is no thread and no connection yet at the fork. One that ends is not forked anew but
started by itself, so nothing that serves a stranger is ever a copy (docs/adr/0033-memory.md).
"""

import gc
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from countersign.embedded import leash
from countersign.ready import DESCRIPTOR

Written = Mapping[str, Any]
"""Of a process: its `name`, and its descriptors `environment`, `output` and, where it is to say so, `ready`."""


def main(parent: int, plan: Sequence[Written]) -> None:
    """Prints the ids of the processes, in the order of the plan."""
    gc.disable()
    from sqlalchemy.orm import configure_mappers

    from countersign import exits, process
    from workers import queue_worker, timekeeper  # noqa: F401 -- what all of them have in common

    configure_mappers()
    if threading.active_count() != 1:
        sys.exit("a library has started a thread: nothing can be forked")
    gc.freeze()  # a collection writes into each page that it looks at, and so would unshare them all
    pids = list[int]()
    for written in plan:
        pid = os.fork()
        if pid == 0:
            gc.enable()
            _become(parent, written, plan)
            exits.run(partial(process.run, written["name"]))
            return
        pids.append(pid)
    print(json.dumps(pids), flush=True)


def _become(parent: int, written: Written, plan: Sequence[Written]) -> None:
    """Takes its own descriptors and environment, and none of the others'."""
    os.setsid()
    for other in plan:
        for descriptor in _descriptors(other):
            if other is not written:
                os.close(descriptor)
    for shown in (1, 2):
        os.dup2(written["output"], shown)  # first: who reads the ids must not wait for us
    os.close(written["output"])
    with os.fdopen(written["environment"], "rb") as stream:
        given = stream.read()  # when the supervisor is our parent; nothing, when it has changed its mind
    if not given:
        os._exit(1)
    os.environ.clear()
    os.environ.update(json.loads(given))
    if "ready" in written:
        os.environ[DESCRIPTOR] = str(written["ready"])
    leash.tie(parent)
    leash.name(written["name"])


def _descriptors(written: Written) -> list[int]:
    return [written[name] for name in ("environment", "output", "ready") if name in written]


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
