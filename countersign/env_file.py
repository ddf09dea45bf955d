"""`--env-file`: a file of NAME=value lines, as `countersign init` writes it, and what to do where it was not loaded.

Each line means what it means to `set -a; . ./.env; set +a`, or is refused (docs/adr/0025-the-command-line.md).
"""

import os
import re
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from access.errors import Misconfigured
from access.faults import why

HERE = Path(".env")
LOAD = "run `set -a; . ./.env; set +a` first, or add `--env-file .env`"
_LARGEST = 1_000_000
_OTHERS_WRITE = 0o022
_ROOT = 0
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<rest>.*)", re.DOTALL)
_VALUE = re.compile(r"""(?P<pieces>(?:'[^']*'|"[^"\\$`]*"|[^\s'"\\$`;&|<>()~])*)(?:[ \t]+#.*|[ \t]*)""", re.DOTALL)
"""Quoted, or plain without what a shell would take for something else; a comment may follow."""
_PIECE = re.compile(r"""'([^']*)'|"([^"]*)"|([^'"]+)""")


def load(file: Path, environment: MutableMapping[str, str]) -> None:
    """Puts into the environment what is not set there. Raises Misconfigured, which quotes no value."""
    for name, value in read(file).items():
        if not environment.get(name):
            environment[name] = value
        elif environment[name] != value:
            print(f"{name} is set in the environment already; the value in {file} is not used.", file=sys.stderr)


def read(file: Path) -> dict[str, str]:
    """The values by name. Raises Misconfigured, which quotes none of them."""
    found = dict[str, str]()
    for number, line in enumerate(_text(file).split("\n"), 1):
        if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
            continue
        name, value = _assignment(file, number, line)
        if name in found:
            raise _refused(file, number, f"{name} is set twice; keep one")
        found[name] = value
    return found


def cure(names: Sequence[str]) -> str:
    """What to do where these are not set: it depends on whether a `.env` lies here."""
    if not HERE.exists():
        return (
            "Set them in the environment of this process (NAME_FILE names a file that holds the secret), or put them "
            "into a file and add `--env-file FILE`; `countersign init` writes a first one."
        )
    try:
        there = read(HERE)
    except Misconfigured as bad:
        return f"The .env here cannot be loaded: {bad.sentence}"
    missing = [name for name in names if not there.get(name) and not there.get(f"{name}_FILE")]
    if missing:
        return f"Write {' and '.join(missing)} into the .env here, then load it: {LOAD}."
    return f"The .env here is not loaded: {LOAD}."


def _assignment(file: Path, number: int, line: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None or "\0" in line:
        raise _refused(file, number, "this line is not NAME=value")
    value = _VALUE.fullmatch(found["rest"])
    if value is None:
        raise _refused(
            file, number, f"put the value of {found['name']} into single quotes; a shell reads it as something else"
        )
    return found["name"], "".join("".join(pieces) for pieces in _PIECE.findall(value["pieces"]))


def _text(file: Path) -> str:
    """Whoever may write it decides which database and which programs we use."""
    try:
        with file.open("rb") as stream:
            found = os.fstat(stream.fileno())
            content = stream.read(_LARGEST + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The file {file} cannot be read: {why(error)}.") from None
    if found.st_uid not in (os.geteuid(), _ROOT):
        raise Misconfigured(f"The file {file} belongs to another account; give it to the one that Countersign runs as.")
    if found.st_mode & _OTHERS_WRITE:
        raise Misconfigured(f"Other accounts may write the file {file}. Run `chmod go-w {file}`.")
    if len(content) > _LARGEST:
        raise Misconfigured(f"The file {file} is too large to be a list of settings.")
    return text


def _refused(file: Path, line: int, reason: str) -> Misconfigured:
    return Misconfigured(f"{file}:{line}: {reason}.")
