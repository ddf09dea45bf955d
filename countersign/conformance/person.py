"""The way in of the person, by what was revealed to them: not by the provider, so that it does not grade itself."""

import ipaddress
import shlex
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from access.ports import Secret

if TYPE_CHECKING:
    import pymysql


class Refused(Exception):
    """The target did not let the person in."""


class CannotLogIn(Exception):
    """Whether the person gets in was not seen; its words say why."""


class Session(Protocol):
    """What the person has open."""

    def is_alive(self) -> bool:
        """Whether the target still answers on it."""
        ...

    def close(self) -> None: ...


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


LogIn = Callable[[Mapping[str, str]], Session]
"""With the variables that the target's clients read, and with all that was shown, by its label. Raises Refused, and
CannotLogIn where that was not seen."""


def way_in(secret: Secret | None) -> Callable[[], Session] | None:
    """How the person gets in with this; None where nothing here knows how."""
    if secret is None:
        return None
    told = {label: value.get_secret_value() for label, value in secret.fields}
    variables = {name: told.get(label, label) for name, label in secret.environment.items()}
    for variable, log_in in CLIENTS.items():
        if variable in variables and secret.made:
            return lambda: log_in({**told, **variables})
    return None


def why_not(secret: Secret | None) -> str:
    """In words, where nothing here knows how the person gets in."""
    if secret is None:
        return "the person comes by their own account there, which is not ours to use"
    if not secret.made:
        return "what is shown is no login, and the person comes by their own account"
    return f"what is shown ({', '.join(label for label, _ in secret.fields)}) is of no client that is known here"


def _postgres(variables: Mapping[str, str]) -> Session:
    import psycopg
    from psycopg import pq

    class Open:
        def __init__(self, connection: psycopg.Connection) -> None:
            self._connection = connection

        def is_alive(self) -> bool:
            try:
                return self._connection.execute("SELECT 1").fetchone() is not None
            except psycopg.Error:
                return False

        def close(self) -> None:
            self._connection.close()

    keywords = {
        option.envvar.decode(): option.keyword.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    said = {keywords[name]: value for name, value in variables.items() if name in keywords}
    try:
        return Open(psycopg.connect("", autocommit=True, **(said | {"connect_timeout": "5"})))  # pyright: ignore[reportArgumentType] -- keywords of libpq
    except psycopg.OperationalError:
        raise Refused from None  # its words name hosts and logins


def _mysql(shown: Mapping[str, str]) -> Session:
    """By the line for the client that the person is shown: it has the login, the authority and the first statement."""
    try:
        import pymysql
    except ModuleNotFoundError:
        raise CannotLogIn("the driver is not installed here: pip install 'countersign-access[mysql]'") from None

    class Open:
        def __init__(self, connection: "pymysql.Connection[Any]", first: str) -> None:
            self._connection = connection
            if first:
                self._ask(first)

        def is_alive(self) -> bool:
            try:
                return bool(self._ask("SELECT 1"))
            except (pymysql.err.Error, OSError):
                return False

        def close(self) -> None:
            with suppress(pymysql.err.Error, OSError):
                self._connection.close()

        def _ask(self, statement: str) -> object:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

    words = {
        name: value
        for name, _, value in (word.removeprefix("--").partition("=") for word in shlex.split(shown["mariadb"])[1:])
    }
    trust = ssl.create_default_context(cafile=words.get("ssl-ca"))
    # Without an authority only a server on this host is a target, which need not prove what it is.
    if "ssl-ca" not in words and is_loopback(words["host"]):
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    try:
        connection = pymysql.connect(
            host=words["host"], port=int(words["port"]), user=words["user"], password=shown["MYSQL_PWD"], ssl=trust,
            autocommit=True, connect_timeout=5, read_timeout=10, write_timeout=10,
        )  # fmt: skip
        return Open(connection, words.get("init-command", ""))
    except pymysql.err.OperationalError as error:
        if error.args and error.args[0] in _NOT_LET_IN:
            raise Refused from None  # its words name hosts and logins
        raise CannotLogIn(f"the database server cannot be reached as the person (error {error.args[0]})") from None


_NOT_LET_IN = frozenset({1044, 1045, 1698, 1959, 4151})
"""What the server says to one whom it does not let in; anything else is no answer to that."""


CLIENTS: dict[str, LogIn] = {"PGHOST": _postgres, "MYSQL_HOST": _mysql}
"""By a variable that tells the target's kind. Another kind of target whose holder gets a secret is a line here."""
