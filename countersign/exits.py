"""How a program of ours ends: by an exit code of docs/adr/0025-the-command-line.md, and a sentence that says why."""

import gc
import os
import sys
from collections.abc import Callable

from access.errors import AccessError, Misconfigured
from access.faults import describe, why


def run(program: Callable[[], object]) -> None:
    """What goes wrong is said in its sentence, without a traceback; a mistake of ours keeps its own."""
    gc.set_threshold(50_000)  # what is imported stays: looked through less often, it is there a tenth sooner
    try:
        program()
    except Misconfigured as error:
        _end(str(error), os.EX_CONFIG)
    except AccessError as error:
        _end(error.sentence if not str(error) else str(error), 2)
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        _end(f"This failed: {about}{why(error)} ({describe(error)}).", 2)


def _end(sentence: str, code: int) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(code)
