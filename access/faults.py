"""How an error that is not our own is named: an unexpected one in the log, the system's to a person."""

import errno
import traceback
from pathlib import Path

_WHY = {
    errno.ENOENT: "there is no such file",
    errno.EISDIR: "it is a directory",
    errno.ENOTDIR: "a part of its path is not a directory",
    errno.EACCES: "this account may not use it",
    errno.EADDRINUSE: "another program listens there already",
    errno.EADDRNOTAVAIL: "this host does not have that address",
}


def describe(error: BaseException) -> str:
    """Its type and place, without its own words: they may quote a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def why(error: OSError | UnicodeDecodeError) -> str:
    """Why a file or an address cannot be used, as a person says it: `there is no such file`."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if error.errno in _WHY:
        return _WHY[error.errno]
    words = error.strerror or type(error).__name__
    return words[:1].lower() + words[1:]
