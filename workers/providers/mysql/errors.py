"""What MariaDB's error numbers mean for a grant: one table, and one for what the driver itself says."""

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

Meaning = tuple[type[ProviderError], str]

TOO_MANY = 1040
"""Connections: of those one more is let in, for an account with CONNECTION ADMIN."""
CANNOT_USER = 1396
"""An account that is to be made is there, or one that is to be changed is not."""
NO_SUCH_SESSION = 1094
NO_SUCH_GRANT = 1141
NO_SUCH_EVENT = 1539
LOCKED = 1205
GLOBAL_LOCK = 1223
TOO_LATE = 1969
DISK_FULL = 1021

_UNREACHABLE = "The database server can't be reached just now"
_BUSY = "The database server is too busy just now"
_READ_ONLY = "The database server is read-only just now (is it a replica?)"
_FULL = "The disk of the database server is full; the server goes on by itself within a minute after there is room"
_CHANGED = "Something else changed the same account on the database server at the same moment"
_LOGIN = "The database server does not accept the bot's own login"
_RIGHT = "The bot's account on the database server lacks a right it needs"
_UNKNOWN = "The database server does not know a database, table, column or role named in the policy"
_TROUBLE = "The database server has trouble with its system"
_OLD = "The database server does not understand this statement; it may be too old, or be no MariaDB"
_NAME = "A name in the settings cannot be used on the database server"

# https://mariadb.com/docs/server/reference/error-codes
MEANINGS: dict[int, Meaning] = {
    1004: (Transient, _TROUBLE),
    DISK_FULL: (Transient, _FULL),
    1030: (Transient, _TROUBLE),
    1037: (Transient, _BUSY),
    1038: (Transient, _BUSY),
    TOO_MANY: (Transient, "The database server has too many connections just now"),
    1041: (Transient, _BUSY),
    1044: (NotPermitted, _RIGHT),
    1045: (BadCredential, _LOGIN),
    1046: (BadConfig, _NAME),
    1049: (TargetNotFound, _UNKNOWN),
    1053: (Transient, _UNREACHABLE),
    1054: (TargetNotFound, _UNKNOWN),
    1059: (BadConfig, "A name in the settings is too long for the database server"),
    1064: (Unsupported, _OLD),
    NO_SUCH_SESSION: (TargetConflict, _CHANGED),
    1095: (NotPermitted, "The bot's account may not end the sessions of others; it lacks CONNECTION ADMIN"),
    1102: (BadConfig, _NAME),
    1103: (BadConfig, _NAME),
    1114: (Transient, "The disk of the database server is full"),
    1129: (Transient, "The database server has blocked this host for failed connections (FLUSH HOSTS lifts it)"),
    1130: (BadCredential, "The database server does not let the bot in from this host"),
    NO_SUCH_GRANT: (TargetConflict, _CHANGED),
    1142: (NotPermitted, _RIGHT),
    1143: (NotPermitted, _RIGHT),
    1146: (TargetNotFound, _UNKNOWN),
    1147: (TargetConflict, _CHANGED),
    1158: (Transient, _UNREACHABLE),
    1159: (Transient, _UNREACHABLE),
    1160: (Transient, _UNREACHABLE),
    1161: (Transient, _UNREACHABLE),
    1193: (Unsupported, _OLD),
    1203: (Transient, _BUSY),
    LOCKED: (Transient, "A lock on the database server was not free in time"),
    1213: (TargetConflict, _CHANGED),
    GLOBAL_LOCK: (Transient, "The whole database server is locked just now (is a backup under way?)"),
    1226: (Transient, "The bot's account has used up what the database server allows it"),
    1227: (NotPermitted, _RIGHT),
    1269: (TargetConflict, _CHANGED),
    1290: (Transient, _READ_ONLY),
    1317: (Transient, _UNREACHABLE),
    1347: (TargetConflict, _CHANGED),
    1356: (TargetNotFound, "The view in the database countersign cannot be read; run the script again"),
    1370: (NotPermitted, _RIGHT),
    CANNOT_USER: (TargetConflict, _CHANGED),
    1449: (TargetNotFound, "The view in the database countersign has lost its owner; run the script again"),
    1470: (BadConfig, "A name in the settings is too long for the database server"),
    1537: (TargetConflict, _CHANGED),
    NO_SUCH_EVENT: (TargetConflict, _CHANGED),
    1577: (Transient, "The event scheduler of the database server is disabled"),
    1698: (BadCredential, _LOGIN),
    1792: (Transient, _READ_ONLY),
    1820: (BadCredential, "The password of the bot's account on the database server has expired"),
    1836: (Transient, _READ_ONLY),
    1862: (BadCredential, "The password of the bot's account on the database server has expired"),
    1927: (Transient, _UNREACHABLE),
    1959: (TargetNotFound, _UNKNOWN),
    1961: (NotGrantable, "The database server refuses to grant this role"),
    TOO_LATE: (Transient, "The database server did not finish in time and has undone the statement"),
    3159: (BadConfig, "The database server wants TLS, which the settings do not say: give `ca`"),
    4151: (BadCredential, "The bot's account on the database server is locked"),
}  # fmt: skip
_HUNG_UP = frozenset({1053, 1158, 1159, 1160, 1161, 1317, 1927})
"""Numbers after which no one can say whether a statement in flight was done."""
IN_DOUBT = "The database server was asked but did not answer, so it is not known whether this was done."


def failure(number: int | None, *, changes: bool) -> ProviderError:
    """The error for a number of the server's (None: no answer came), with a sentence safe to show."""
    code = None if number is None else str(number)
    if number is None or number in _HUNG_UP:
        return Ambiguous(IN_DOUBT, code=code) if changes else Transient(f"{_UNREACHABLE}.", code=code)
    kind, sentence = MEANINGS.get(number, (Permanent, "The database server refuses this"))
    return kind(f"{sentence} (error {number}).", code=code)


UNPROVEN = (
    "The database server could not prove by its certificate that it is the target, so it was told nothing. Look at ca "
    "in the settings, at the host's name there, and at the server's certificate."
)
NO_TLS = (
    "The database server has no TLS, which the settings demand with ca. Switch ssl_cert and ssl_key on at the server."
)
NO_CA = "The file of the authority in the settings (ca) cannot be read, so the server could not prove who it is."
CLEAR = (
    "The database server asks for the bot's password in a way in which it would learn it, so it was not told. Let the "
    "bot's account use mysql_native_password."
)
GARBAGE = "What answers at the address of the settings does not speak as a database server does."
TOO_MUCH = "The database server answers with more than such a question can have, so it was not read to its end."


def unreachable() -> ProviderError:
    return Transient(f"{_UNREACHABLE}.")
