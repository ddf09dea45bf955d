"""What a command reads, said before it is read: in the wrong folder another database would answer, and all is quiet."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from access.database_address import DatabaseAddress
from access.errors import Misconfigured, Unavailable, Unready
from access.settings import Settings
from access.store import Database
from countersign import env_file, schema


@contextmanager
def readable(settings: Settings) -> Generator[Database]:
    """The database alone, be it a copy or a standby; nothing is made or written. Raises Unready."""
    name_database(settings)
    database = Database(settings.database_url, pool_size=2)
    try:
        schema.check_readable(database)
        yield database
    except Unavailable as error:
        raise Unready(f"The database {database.shown} cannot be read. Restore a backup, or read a copy.") from error
    finally:
        database.close()


def name_database(settings: Settings) -> None:
    """On standard error: what programs read stays as it is."""
    _say("Database", DatabaseAddress.parse(settings.database_url).shown, "DATABASE_URL", settings)


def name_policy(settings: Settings) -> None:
    """As above."""
    _say("Policy", str(settings.policy_file), "COUNTERSIGN_POLICY", settings)


def _say(what: str, shown: str, setting: str, settings: Settings) -> None:
    where = f" ({setting} is not set{_elsewhere(setting)})" if setting in settings.unset else ""
    print(f"{what}: {shown}{where}", file=sys.stderr, flush=True)


def _elsewhere(setting: str) -> str:
    """Most often it was only not loaded."""
    try:
        known = env_file.HERE.exists() and setting in env_file.read(env_file.HERE)
    except Misconfigured:
        known = False
    return f"; the .env here sets it: {env_file.LOAD}" if known else ""
