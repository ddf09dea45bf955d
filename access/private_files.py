"""Files and directories that only the account we run as may use, whatever the umask and whatever was there before.

What belongs to another account is refused: it may have been put there for us to write a secret into. Only root's own
directory is used as it is, because a mounted volume is often root's and cannot be tightened by us; each file in it is
ours all the same.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from access.errors import Unready

_OTHERS = 0o077
_ROOT = 0


def state_directory(path: Path) -> Path:
    """Makes or tightens the directory that the operator named; returns where it is. Raises Unready.

    A link is followed if we or root made it: it is the operator's way of saying where the state lies.
    """
    return private_directory(_followed(path))


def private_directory(path: Path, *, entered: bool = False) -> Path:
    """Makes it, with all that is missing above it, or takes away what others may do there. Raises Unready.

    `entered`: a server that runs under another account must be able to pass through to what is its own.
    """
    try:
        for above in reversed([one for one in path.parents if not one.exists()]):
            above.mkdir(mode=0o755, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        # Looked at and changed through one handle: nothing can be put in its place in between.
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _tighten(handle, path, 0o711 if entered else 0o700, roots=True)
        finally:
            os.close(handle)
    except OSError as error:
        raise _refused(path, error, "directory") from None
    return path


def open_private(path: Path, flags: int) -> int:
    """A descriptor of the file, made if `flags` say so, tightened if it was there. Raises Unready and OSError."""
    # Without waiting: somebody may have put a pipe there, to which nobody writes.
    wanted = flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, wanted, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise _refused(path, error, "file") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unready(f"{path} is not a file; remove it and start again.")
        _tighten(handle, path, 0o600)
    except BaseException:
        os.close(handle)
        raise
    return handle


def private_database(file: Path) -> None:
    """Makes the file of a SQLite database, or tightens it and what lies beside it. Raises Unready and OSError.

    SQLite gives the write-ahead log and its index the mode of the database. None of them is opened where it is there:
    whoever closes a descriptor of such a file takes away every lock that this process has on it.
    """
    file = _followed(file)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for one in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        _tighten_unopened(one)


def _tighten_unopened(file: Path) -> None:
    try:
        found = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        return  # SQLite says what is wrong with it
    if found.st_uid not in (os.geteuid(), _ROOT):
        raise _foreign(file)
    if found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        file.chmod(0o600)


def _tighten(handle: int, path: Path, mode: int, *, roots: bool = False) -> None:
    found = os.fstat(handle)
    if found.st_uid == os.geteuid():
        if stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(handle, mode)
    elif not (roots and found.st_uid == _ROOT):
        raise _foreign(path)


def _followed(path: Path) -> Path:
    if not path.is_symlink():
        return path
    if path.lstat().st_uid not in (os.geteuid(), _ROOT):
        raise _foreign(path)
    return path.resolve()


def _foreign(path: Path) -> Unready:
    return Unready(f"{path} belongs to another account; remove it, or give it to the account that Countersign runs as.")


def _refused(path: Path, error: OSError, kind: str) -> Unready:
    if path.is_symlink():
        return Unready(f"{path} is a link, and Countersign writes its secrets through none; put a {kind} in its place.")
    return Unready(f"The {kind} {path} cannot be made or made private: {error.strerror}.")
