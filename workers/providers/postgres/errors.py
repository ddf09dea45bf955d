"""What PostgreSQL's error codes mean for a grant: one table, and one for the words of a refused connection."""

import re
from collections.abc import Sequence

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
UNABLE = "0A000"
READ_ONLY = "25006"
NO_SLOTS = "53300"
"""All connections that the server, the database or the account may have are taken."""
LOCKED = "55P03"
NO_LOCKS = "53200"
"""The server's table of locks is full."""

Meaning = tuple[type[ProviderError], str]

_UNREACHABLE = "The database server can't be reached just now"
_TURNED_AWAY = "The database server answers, but let the bot in no session just now; its log says why"
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
    READ_ONLY: (Transient, "The database server is read-only just now (is it a standby?)"),
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
    LOCKED: (Transient, "A lock on the database server was not free in time"),
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
    (
        r"unsupported startup parameter|unrecognized configuration parameter|invalid command-line argument",
        (BadConfig, "The database server, or a pooler before it, refuses the start-up options of the connection"),
    ),
    (r"database .* does not exist", (TargetNotFound, "The database server has no database of that name")),
)


def failure(code: str | None, *, changes: bool) -> ProviderError:
    """The error for an SQLSTATE (None: no answer came), with a sentence safe to show."""
    if code is None or (code.startswith(_HUNG_UP) and code not in MEANINGS):
        if changes:
            return Ambiguous(
                "The database server was asked but did not answer, so it is not known whether this was done.", code=code
            )
        return Transient(f"{_UNREACHABLE}.", code=code)
    kind, sentence = meaning(code)
    return kind(f"{sentence} (SQLSTATE {code}).", code=code)


def meaning(code: str) -> Meaning:
    for length in (5, 3, 2):
        if code[:length] in MEANINGS:
            return MEANINGS[code[:length]]
    return Permanent, "The database server refuses this"


# What libpq itself says before it has told the server anything.
_UNPROVEN: tuple[tuple[str, str], ...] = (
    (
        r"certificate verify failed|does not match host name",
        "The database server could not prove by its certificate that it is the target, so it was told nothing. "
        "Look at sslrootcert of the dsn, at the host's name in it, and at the server's certificate.",
    ),
    (
        r"root certificate file .* does not exist|could not read root certificate",
        "The dsn demands that the database server proves who it is, but the worker has no authority to check it by. "
        "Add sslrootcert=/path/of/the/authority.pem to the dsn, or sslrootcert=system.",
    ),
    (
        r"server does not support SSL",
        "The database server has no TLS, which the connection demands. Switch ssl on at the server.",
    ),
    (
        r"authentication method requirement",
        "The database server asks for the bot's secret in a way that the settings do not allow, so it was not told. "
        "Let it ask by scram-sha-256, or say otherwise with tls: {auth: […]} in the settings.",
    ),
    (
        r"invalid \S+ value|could not match|invalid connection option",
        "The target's dsn has a word or value that the driver does not know.",
    ),
)
_FULL: tuple[tuple[str, str], ...] = (
    (r"too many clients|remaining connection slots|too many connections for", NO_SLOTS),
    (r"out of shared memory", NO_LOCKS),
)


def connect_failure(words: str) -> ProviderError:
    """The error for the words of a refused connection; they name hosts and logins, so they end here."""
    _, fatal, said = words.partition("FATAL:")
    if not fatal:
        for pattern, sentence in _UNPROVEN:
            if re.search(pattern, words):
                return BadConfig(sentence)
        return Transient(f"{_UNREACHABLE}.")
    for pattern, (kind, sentence) in REFUSALS:
        if re.search(pattern, said):
            return kind(f"{sentence}.")
    for pattern, code in _FULL:
        if re.search(pattern, said):
            return Transient(f"{_BUSY} (SQLSTATE {code}).", code=code)
    return Transient(f"{_TURNED_AWAY}.")


def connect_failures(words: Sequence[str]) -> ProviderError:
    """Of all ways to a target: what trying again cannot help says more than silence."""
    found = [connect_failure(said) for said in words]
    return next((error for error in found if not isinstance(error, Transient)), found[-1])
