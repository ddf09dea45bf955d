"""DATABASE_URL: what it names, and what of it and of a driver's words about it may be shown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from access.errors import Misconfigured
from access.faults import why

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_WRITE = "write sqlite:////path/to/file.db or postgresql://user:password@host/name"
_ESCAPE = "In a password @ is written %40, / %2F, ? %3F, # %23, & %26 and % itself %25"
_SECRETS = re.compile(r"pass|secret|key|token", re.IGNORECASE)


@dataclass(frozen=True)
class DatabaseAddress:
    """A password that was not escaped is cut in the middle, and its rest passes for a host, a name or an option."""

    written: str = field(repr=False)
    url: URL = field(repr=False)

    @classmethod
    def parse(cls, written: str) -> Self:
        """Raises Misconfigured, which quotes nothing but the kind of database."""
        try:
            parsed = make_url(written)
        except (ArgumentError, ValueError):
            raise Misconfigured(f"DATABASE_URL is not a database URL; {_WRITE}.") from None
        kind = parsed.get_backend_name()
        if kind not in _DRIVERS:
            raise Misconfigured(f"DATABASE_URL names {kind}; Countersign knows sqlite and postgresql: {_WRITE}.")
        if kind == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise Misconfigured(
                f"DATABASE_URL names no file, and each process would have a memory of its own; {_WRITE}."
            )
        if "@" in (parsed.host or ""):
            raise Misconfigured(f"DATABASE_URL has more than one @ before its host. {_ESCAPE}.")
        address = cls(written, parsed.set(drivername=_DRIVERS[kind]))
        try:
            if kind == "postgresql":
                address.arguments()
        except (ArgumentError, ValueError):
            raise Misconfigured(f"DATABASE_URL is not a database URL; {_WRITE}.") from None
        return address

    def arguments(self) -> tuple[Sequence[Any], dict[str, Any]]:
        """For the driver's `connect`."""
        given, named = self.url.get_dialect()().create_connect_args(self.url)
        return given, dict(named)

    @cached_property
    def certain(self) -> bool:
        """Whether there is no other way to read where the password ends."""
        if self.url.get_backend_name() == "sqlite":
            return True
        rest = self.written.partition("://")[2]
        if self.url.password is None:
            return rest.count("@") <= (self.url.username is not None)
        password, _, behind = rest.partition(":")[2].partition("@")
        # host:5432/name?password=a@b passes for the user `host` with a long password.
        return "@" not in behind and not ("=" in password and _SECRETS.search(password))

    @property
    def shown(self) -> str:
        """Without its password, and without its parameters, for one of them may be a password."""
        if not self.certain:
            return f"{self.url.drivername}://…"
        return self.url.set(query={}).render_as_string(hide_password=True)

    def cause(self, error: Exception) -> str:
        """The driver's first line, without a full stop; where it may quote a part of the password, what kind it was."""
        original = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(original, OSError):
            return why(original)
        if self.certain and not any(_SECRETS.search(name) for name in self.url.query):
            words = str(original).strip() or type(original).__name__
            return self._without_password(words.splitlines()[0]).rstrip(".")
        if isinstance(error, (OperationalError, InterfaceError)):
            return f"it does not answer, or does not let us in. {_ESCAPE}"
        return f"{type(original).__name__}. {_ESCAPE}"

    def _without_password(self, words: str) -> str:
        return words.replace(self.url.password, "***") if self.url.password else words

    def overruled(self, ours: Mapping[str, object]) -> tuple[str, ...]:
        """What it sets although our processes set it themselves, sorted."""
        said = {*self.url.query, *(name for name, _ in _settings(self.options))} - {"options"}
        return tuple(sorted(said.intersection(ours)))

    @property
    def options(self) -> str:
        """Settings of the session for PostgreSQL: `-c search_path=x -c role=y`."""
        given = self.url.query.get("options", "")
        return given if isinstance(given, str) else " ".join(given)


def _settings(options: str) -> Iterator[tuple[str, str]]:
    """The names and values in libpq's `options`: `-c name=value`, `-cname=value`, `--name=value`."""
    words = iter(re.findall(r"(?:\\.|[^\s\\])+", options))
    for word in words:
        said = next(words, "") if word == "-c" else word.removeprefix("--" if word.startswith("--") else "-c")
        name, _, value = said.partition("=")
        yield name.lower().replace("-", "_"), value
