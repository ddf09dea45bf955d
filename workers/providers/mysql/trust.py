"""By which authorities a MariaDB server is believed: read again when their files change, and not for each call.

To read those of the system takes some 40 ms of a core, more than a whole grant or end does beside it.
"""

import ssl
from pathlib import Path

from access.errors import BadConfig
from workers.providers.mysql import errors

_State = tuple[tuple[str, tuple[int, ...] | None], ...]
"""Each file or directory, and by what a change of it is seen; None where there is none."""

_read = dict[str, tuple[_State, ssl.SSLContext]]()
"""Without a lock: two that read at once both read what is right, and a file that hangs holds up no other target."""


def proof_by(ca: str) -> ssl.SSLContext:
    """The file of an authority, or `system`. Raises BadConfig."""
    # Looked at first: what changes while it is read is read again by the next call.
    state = _state(ca)
    known = _read.get(ca)
    if known is None or known[0] != state:
        known = _read[ca] = (state, _made(ca))
    return known[1]


def _made(ca: str) -> ssl.SSLContext:
    try:
        proof = ssl.create_default_context(cafile=None if ca == "system" else ca)
    except OSError:
        raise BadConfig(errors.NO_CA) from None
    proof.minimum_version = ssl.TLSVersion.TLSv1_2
    return proof


def _state(ca: str) -> _State:
    if ca != "system":
        return ((ca, _stat(ca)),)
    paths = ssl.get_default_verify_paths()
    return tuple((path, _stat(path)) for path in (paths.cafile, paths.capath) if path is not None)


def _stat(path: str) -> tuple[int, ...] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None  # which the reading refuses
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
