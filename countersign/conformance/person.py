"""The way in of the person, by what was revealed to them: not by the provider, so that it does not grade itself."""

from collections.abc import Callable, Mapping
from typing import Protocol

from access.ports import Secret


class Refused(Exception):
    """The target did not let the person in."""


class Session(Protocol):
    """What the person has open."""

    def is_alive(self) -> bool:
        """Whether the target still answers on it."""
        ...

    def close(self) -> None: ...


LogIn = Callable[[Mapping[str, str]], Session]
"""With the variables that the target's clients read. Raises Refused."""


def way_in(secret: Secret | None) -> Callable[[], Session] | None:
    """How the person gets in with this; None where nothing here knows how."""
    if secret is None:
        return None
    told = {label: value.get_secret_value() for label, value in secret.fields}
    variables = {name: told.get(label, label) for name, label in secret.environment.items()}
    for variable, log_in in CLIENTS.items():
        if variable in variables and secret.made:
            return lambda: log_in(variables)
    return None


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


CLIENTS: dict[str, LogIn] = {"PGHOST": _postgres}
"""By a variable that tells the target's kind. Another kind of target whose holder gets a secret is a line here."""
