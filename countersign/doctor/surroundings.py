"""What the doctor looks at, each thing opened when the first check needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from access.catalog import Policy
from access.errors import Unready
from access.policy.document import Problem
from access.policy.load import check
from access.ports import Finding
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.embedded.valkey import EmbeddedValkey
from countersign.providers import ProviderClasses


@dataclass
class Surroundings:
    """`host` tells this host's time; `patience` is how many seconds workers have to answer."""

    settings: Settings
    host: Callable[[], datetime]
    patience: float
    say: Callable[[str], None]
    """Hears how far the doctor is."""

    @cached_property
    def classes(self) -> ProviderClasses:
        return ProviderClasses()

    @cached_property
    def policy_checked(self) -> tuple[Policy | None, list[Problem]]:
        """Raises OSError or UnicodeDecodeError when the file cannot be read."""
        text = self.settings.policy_file.read_text(encoding="utf-8")
        return check(text, file=str(self.settings.policy_file), providers=self.classes)

    @property
    def policy(self) -> Policy | None:
        """None where it cannot be used; the policy's own findings say why."""
        try:
            return self.policy_checked[0]
        except (OSError, UnicodeDecodeError):
            return None

    @cached_property
    def database(self) -> Database:
        """Raises Unready when its address cannot be read."""
        return Database(self.settings.database_url, pool_size=2)

    @cached_property
    def usable_database(self) -> Database | None:
        """None where it cannot be used; the database's own findings say why."""
        try:
            self.database.check(schema.head())
        except Unready:
            return None
        return self.database

    @property
    def redis_url(self) -> str | None:
        """The one that is set, or the embedded one if `countersign up` has started it here."""
        if self.settings.redis_url:
            return self.settings.redis_url
        embedded = EmbeddedValkey(self.settings.state_directory / "valkey").url
        return embedded if Path(embedded.removeprefix("unix://")).exists() else None

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()


def ok(subject: str, sentence: str) -> Finding:
    return Finding(level="ok", subject=subject, sentence=sentence)


def warning(subject: str, sentence: str, cure: str) -> Finding:
    return Finding(level="warning", subject=subject, sentence=sentence, cure=cure)


def error(subject: str, sentence: str, cure: str) -> Finding:
    return Finding(level="error", subject=subject, sentence=sentence, cure=cure)


def not_looked_at(subject: str, missing: str) -> Finding:
    """`missing`: what must be mended first: `the database`."""
    return error(subject, f"Not looked at: it needs {missing}.", f"Mend {missing}, then ask the doctor again.")
