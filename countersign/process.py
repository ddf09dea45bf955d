"""One process of `countersign up`: `python -m countersign.process NAME`.

`countersign bot`, `timekeeper` and `worker` do the same for people; the parser of a command line stays away from here.
"""

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial

from access.settings import Settings
from countersign import exits, logs, processes

_RUN: Mapping[str, tuple[str, Callable[[Settings], None]]] = {
    "bot": ("bot", processes.run_bot),
    "timekeeper": ("timekeeper", processes.run_timekeeper),
    "grant": ("worker grant", partial(processes.run_worker, queue="grant")),
    "revoke": ("worker revoke", partial(processes.run_worker, queue="revoke")),
    "tell": ("worker tell", partial(processes.run_worker, queue="tell")),
}
"""By its name: what the log calls it, and what runs it."""


def run(name: str) -> None:
    """Until it is told to stop; what it needs is in the environment."""
    shown, process = _RUN[name]
    settings = Settings.read(os.environ)
    logs.configure(settings.log_level, settings.log_format, shown)
    process(settings)


if __name__ == "__main__":
    exits.run(partial(run, sys.argv[1]))
