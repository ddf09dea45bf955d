"""What PostgreSQL's error codes mean for a grant: one table, and one for the words of a refused connection."""

import re

from access.errors import (
    Ambiguous,
    BadConfig,
    BadCredential,
    NotGrantable,
    NotPermitted,
    Permanent,
    ProviderError,
    TargetConflict,
    TargetNotFound,
    Transient,
    Unsupported,
)

DUPLICATE = "42710"
DUPLICATE_AT_ONCE = "23505"
"""Two made the same role in the same moment."""
IN_USE = "2BP01"
UNDEFINED = "42704"

Meaning = tuple[type[ProviderError], str]

_UNREACHABLE = "The database server can't be reached just now"
_BUSY = "The database server is too busy just now"
_CHANGED = "Something else changed the same role on the database server at the same moment"
_LOGIN = "The database server does not accept the bot's own login"

# https://www.postgresql.org/docs/current/errcodes-appendix.html; a whole class where only two characters are given.
MEANINGS: dict[str, Meaning] = {
    "08": (Transient, _UNREACHABLE),
    "0A": (Unsupported, "The database server cannot do that"),
    "0LP01": (NotGrantable, "The database server refuses to grant this role"),
    "22": (BadConfig, "The database server finds a value in the settings malformed"),
    DUPLICATE_AT_ONCE: (TargetConflict, _CHANGED),
    "25006": (Transient, "The database server is read-only just now (is it a standby?)"),
    "28": (BadCredential, _LOGIN),
    IN_USE: (Permanent, "The temporary login still owns something on the database server"),
    "3D000": (TargetNotFound, "The database server has no database of that name"),
    "40": (TargetConflict, _CHANGED),
    "42501": (NotPermitted, "The bot's account on the database server lacks a right it needs"),
    "42601": (Unsupported, "The database server does not understand this statement; it may be too old"),
    "42602": (BadConfig, "A name in the settings cannot be used on the database server"),
    "42622": (BadConfig, "A name in the settings is too long for the database server"),
    UNDEFINED: (TargetNotFound, "The database server does not know a role named in the policy"),
    DUPLICATE: (TargetConflict, _CHANGED),
    "53": (Transient, _BUSY),
    "54": (Transient, _BUSY),
    "55006": (Transient, _BUSY),
    "55P03": (Transient, "A lock on the database server was not free in time"),
    "57014": (Transient, "The database server did not finish in time and has undone the statement"),
    "57P": (Transient, _UNREACHABLE),
    "57P04": (TargetNotFound, "The database was dropped"),
    "58": (Transient, "The database server has trouble with its system"),
    "XX000": (TargetConflict, _CHANGED),  # "tuple concurrently updated" comes as an internal error
}
_HUNG_UP = ("08", "57P")
"""Codes after which nobody can say whether a statement in flight was done."""

# libpq gives no code when a connection is refused, only the server's words. A server that does not speak English falls
# through to Transient: tried again for ever, with an alert.
REFUSALS: tuple[tuple[str, Meaning], ...] = (
    (r"authentication failed|no password supplied", (BadCredential, _LOGIN)),
    (r"role .* (does not exist|is not permitted to log in)", (BadCredential, _LOGIN)),
    (r"no pg_hba.conf entry", (BadCredential, "The database server does not let the bot in from this host")),
    (r"permission denied for database", (NotPermitted, "The bot may not connect to the database")),
    (r"database .* does not exist", (TargetNotFound, "The database server has no database of that name")),
)


def failure(code: str | None, *, changes: bool) -> ProviderError:
    """The error for an SQLSTATE (None: no answer came), with a sentence safe to show."""
    if code is None or (code.startswith(_HUNG_UP) and code not in MEANINGS):
        if changes:
            return Ambiguous("The database server was asked but did not answer; it will be looked at first.", code=code)
        return Transient(f"{_UNREACHABLE}; it will be tried again.", code=code)
    kind, sentence = meaning(code)
    return kind(f"{sentence} (SQLSTATE {code}).", code=code)


def meaning(code: str) -> Meaning:
    for length in (5, 3, 2):
        if code[:length] in MEANINGS:
            return MEANINGS[code[:length]]
    return Permanent, "The database server refuses this"


def connect_failure(words: str) -> ProviderError:
    """The error for the words of a refused connection; they name hosts and logins, so they end here."""
    _, fatal, said = words.partition("FATAL:")
    if fatal:
        for pattern, (kind, sentence) in REFUSALS:
            if re.search(pattern, said):
                return kind(f"{sentence}.")
    return Transient(f"{_UNREACHABLE}; it will be tried again.")
