"""Providers that tell the bot's secret to more than the verified target: each breaks C39 in its own way."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from access.errors import BadConfig
from access.ports import Deadline, GrantSpec, Observation, Outcome, Receipt, Removal, Secret
from workers.providers.postgres import Postgres, connecting, session

_PROOFS = ("sslmode", "sslrootcert")


@contextmanager
def _demanding_nothing() -> Iterator[None]:
    """As if the `dsn` said nothing, and whatever it says were enough."""
    real = connecting.keywords

    def keywords(dsn: str) -> connecting.Keywords:
        return {word: value for word, value in real(dsn).items() if word not in _PROOFS}

    with (
        patch.object(session, "refusal", lambda *_: None),
        patch.object(session, "demanded", lambda *_: {}),
        patch.object(connecting, "keywords", keywords),
    ):
        yield


class TellsWhoeverAsks(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with _demanding_nothing():
            return super().grant(spec, deadline)


class TakesAnyProof(Postgres):
    """It demands what the `dsn` says, and lets the server ask as it likes."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(session, "demanded", lambda *_: {}):
            return super().grant(spec, deadline)


class RevealsToWhoeverAnswers(Postgres):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with _demanding_nothing():
            return super().reveal(spec, receipt, deadline)


class LooksAtWhoeverAnswers(Postgres):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        with _demanding_nothing():
            return super().observe(spec, receipt, deadline)


class EndsAtWhoeverAnswers(Postgres):
    """An end that goes on may still leave out no proof that the settings demand."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with _demanding_nothing():
            return super().revoke(spec, receipt, deadline)


class RefusesWithoutACure(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except BadConfig:
            raise BadConfig("The database server can't be trusted.") from None


SECRECY_MUTANTS: list[tuple[str, type[Postgres]]] = [
    ("C39", TellsWhoeverAsks),
    ("C39", TakesAnyProof),
    ("C39", RevealsToWhoeverAnswers),
    ("C39", LooksAtWhoeverAnswers),
    ("C39", EndsAtWhoeverAnswers),
    ("C39", RefusesWithoutACure),
]
