"""Installs locked packages with pip and says how far it is; where pip fails, all that it said.

`python tools/install.py requirements/demo.txt`, by the Python of the environment to install into.
"""

import re
import subprocess
import sys
from pathlib import Path

_LOCKED = re.compile(r"^[A-Za-z0-9][\w.-]*==[^;\n]*$", re.MULTILINE)
"""A package for every machine; those with a condition may not be for this one."""
_TAKEN = re.compile(r"(?:Collecting |Requirement already satisfied: |Processing \S*/)([\w.-]+?)(?:==|-\d)")
"""Pip's words for a package from an index, from the environment, and from a directory."""
_UNPACKING = "Installing collected packages"


def main(requirements: Path) -> int:
    """Pip's exit code."""
    total = len(_LOCKED.findall(requirements.read_text(encoding="utf-8")))
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--require-hashes", "-r", str(requirements)]
    heard, taken = list[str](), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        assert pip.stdout is not None
        for line in pip.stdout:
            heard.append(line)
            if found := _TAKEN.match(line):
                taken += 1
                _say(f"{taken} of {max(taken, total)}  {found[1]}")
            elif line.startswith(_UNPACKING):
                _say(f"unpacking {taken} packages …")
    if sys.stdout.isatty():
        sys.stdout.write("\n")
    if pip.returncode:
        sys.stderr.write("".join(heard))
    return pip.returncode


def _say(words: str) -> None:
    """In a terminal one line that changes; elsewhere a line each."""
    sys.stdout.write(f"\r\033[K  {words}" if sys.stdout.isatty() else f"  {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
