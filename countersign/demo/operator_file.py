"""What lets a second shell look at the running demo as its operator: an environment file beside it."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from countersign.demo.policy import SECRET

_TARGETS = frozenset({SECRET})
"""Only workers need them."""


def write_operator_file(directory: Path, environment: Mapping[str, str]) -> Path:
    """Removed with the directory when the demo ends. For us alone: it holds the sandbox's tokens."""
    file = directory / "operator.env"
    file.touch(mode=0o600, exist_ok=False)
    programs = Path(sys.executable).parent
    lines = [f"{name}={shlex.quote(value)}" for name, value in environment.items() if name not in _TARGETS]
    file.write_text(
        "\n".join([
            "# For a second shell while the demo runs; removed when it ends.",
            f'PATH={shlex.quote(str(programs))}:"$PATH"',
            *lines,
            "",
        ]),
        encoding="utf-8",
    )  # fmt: skip
    return file
