"""A session of the bot's on a MariaDB server: for one call, with pinned settings, and with errors that are ours."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymysql

from access.errors import BadConfig, ProviderError, Unsupported
from access.ports import Deadline
from workers.providers.mysql import errors
from workers.providers.mysql.connecting import Connection, connect
from workers.providers.mysql.settings import MysqlSettings
from workers.providers.mysql.statements import FULL_DISK, PINNED, Statement

Row = tuple[Any, ...]
OLDEST = (10, 11)
"""Before it nothing was tried."""
_IN_THE_WAY = frozenset({errors.LOCKED, errors.TOO_LATE})


class Session:
    """One connection; every statement is a transaction of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def deadline(self) -> Deadline:
        return self._connection.deadline

    @property
    def version(self) -> tuple[int, ...]:
        """`10.11.6-MariaDB-0+deb12u1`; some servers say `5.5.5-` before it, for clients that are afraid of tens."""
        said = str(self._connection.server_version).removeprefix("5.5.5-").partition("-")[0]
        return tuple(int(part) for part in said.split(".") if part.isdigit())

    @property
    def is_mariadb(self) -> bool:
        return "MariaDB" in str(self._connection.server_version)

    def refuse_strange(self) -> None:
        """Raises Unsupported for a server on which it was never tried that an end ends."""
        if not self.is_mariadb:
            raise Unsupported("The database server is no MariaDB; with MySQL itself this provider was never tried.")
        if self.version[:2] < OLDEST:
            raise Unsupported(
                f"The database server is MariaDB {'.'.join(map(str, self.version))}; at least 10.11 is needed."
            )

    def read(self, statement: Statement | str) -> list[Row]:
        """Raises ProviderError."""
        return self._said(statement, changes=False)

    def write(self, statement: Statement | str) -> None:
        """Raises ProviderError; Ambiguous where no answer came."""
        self._said(statement, changes=True)

    def _said(self, statement: Statement | str, *, changes: bool) -> list[Row]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(str(statement))
                return list(cursor.fetchall())
        except ProviderError:
            raise
        except pymysql.err.Error as error:
            number = _number(error)
            if number in _IN_THE_WAY and self._disk_is_full():
                number = errors.DISK_FULL
            raise errors.failure(number, changes=changes) from None
        except OSError:
            raise errors.failure(None, changes=changes) from None
        except Exception:  # whatever the driver stumbles over in what is no answer of a database server
            if changes:
                raise errors.failure(None, changes=True) from None
            raise BadConfig(errors.GARBAGE) from None

    def _disk_is_full(self) -> bool:
        """Who writes to a full disk waits for room, with locks, and says no error; the others learn of the locks."""
        with suppress(pymysql.err.Error, ProviderError, OSError), self._connection.cursor() as cursor:
            cursor.execute(FULL_DISK)
            return bool(cursor.fetchall())
        return False


def _number(error: pymysql.err.Error) -> int | None:
    """The server's own, if it is one."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    # From 2000 to 2999 they are the driver's own: the line is gone, or what came was no answer.
    return None if number is None or number == 0 or 2000 <= number < 3000 else number


@contextmanager
def session(settings: MysqlSettings, deadline: Deadline) -> Iterator[Session]:
    """Raises ProviderError."""
    connection = connect(settings, deadline)
    try:
        opened = Session(connection)
        opened.read(PINNED)
        yield opened
    finally:
        _close(connection)


def _close(connection: Connection) -> None:
    """Without a word of farewell: the server may not listen any more."""
    connection._force_close()
