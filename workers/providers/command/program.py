"""Who could put another program in the place of this one? Asked before each call, since it runs with our rights."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

_MOST_LINKS = 40
_LONGEST_FIRST_LINE = 256


def doubt(path: str) -> str | None:
    """Why the program at this path is not to be run; None: only root, and the worker's own account, could change it."""
    return _doubt(path, executable=True)


def doubt_beside(path: str, arguments: Sequence[str]) -> str | None:
    """The same of what is run or read beside it: its interpreter, and each file that an argument names."""
    interpreter = _interpreter(path)
    if interpreter is not None and (found := _doubt(interpreter, executable=True)):
        return found
    files = (one for one in arguments if one.startswith("/") and Path(one).is_file())
    return next((found for one in files if (found := _doubt(one, executable=False))), None)


def digest(path: str) -> str:
    """Of what the program is, so that the same one is known again. Raises OSError."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def unchanged_copy(path: str, known: str) -> int | None:
    """A descriptor of the program in memory, where nothing can replace it, if it is still what it was."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != known:
        return None
    copy = os.memfd_create("program")
    os.write(copy, content)
    os.fchmod(copy, 0o555)
    return copy


def _doubt(path: str, *, executable: bool) -> str | None:
    try:
        for step in _steps(Path(path)):
            if found := _replaceable(step):
                return found
        found = Path(path).stat()
    except FileNotFoundError:
        return f"There is no program at {path} on this worker's host."
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        return f"The program {path} cannot be looked at: {why}."
    if not stat.S_ISREG(found.st_mode):
        return f"{path} is not a file."
    if executable and not found.st_mode & 0o111:
        return f"The program {path} is not executable; run chmod +x {path}."
    return None


def _steps(path: Path) -> Iterator[Path]:
    """Every directory and link on the way, and what stands at its end."""
    waiting, here, links = list(path.parts[:0:-1]), Path("/"), 0
    yield here
    while waiting:
        step = waiting.pop()
        if step == "..":
            here = here.parent
            continue
        here = here / step
        yield here
        if here.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise OSError(40, "Too many levels of symbolic links")
            target = here.readlink()
            here = Path("/") if target.is_absolute() else here.parent
            waiting += [part for part in reversed(target.parts) if part != "/"]


def _replaceable(step: Path) -> str | None:
    found = step.lstat()
    if found.st_uid not in {0, os.geteuid()}:
        return f"Others than root could replace {step}, which belongs to another account; run chown root {step}."
    if stat.S_ISLNK(found.st_mode):
        return None  # its mode says nothing; who could replace it is said by its directory
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_mode & 0o022 and not sticky:
        return f"Others than root could replace {step}, which they may write to; run chmod go-w {step}."
    return None


def _interpreter(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            first = file.readline(_LONGEST_FIRST_LINE)
    except OSError:
        return None  # it may be run and not read; then it is no script
    words = first[2:].split() if first.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else None
