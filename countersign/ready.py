"""Says to who started this process that it is ready: a line on a descriptor, as s6's notification-fd has it."""

import gc
import os
from collections.abc import MutableMapping

DESCRIPTOR = "COUNTERSIGN_READY_FD"
"""Names the descriptor; set by our supervisor alone."""


def ready(environment: MutableMapping[str, str] = os.environ) -> None:
    """Once; where nobody asked, nothing.

    What was made until now stays until the end: the collector of garbage looks through it no more, time and again.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    named = environment.pop(DESCRIPTOR, None)
    if named is None:
        return
    with os.fdopen(int(named), "wb") as listener:
        listener.write(b"\n")
