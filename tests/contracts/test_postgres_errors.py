"""PostgreSQL's codes and words, and what they become where the table of the contract does not look: in a write."""

import pytest

from access.errors import (
    Ambiguous,
    BadCredential,
    NotPermitted,
    Permanent,
    ProviderError,
    TargetConflict,
    TargetNotFound,
    Transient,
)
from workers.providers.postgres.errors import connect_failure, failure


@pytest.mark.parametrize("code", [None, "08006", "08003", "57P01", "57P02", "57P03", "57P05"])
def test_who_hangs_up_in_the_middle_of_a_change_leaves_us_in_doubt(code: str | None) -> None:
    assert type(failure(code, changes=True)) is Ambiguous
    assert type(failure(code, changes=False)) is Transient


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("57014", Transient),
        ("53300", Transient),
        ("55P03", Transient),
        ("40P01", TargetConflict),
        ("42710", TargetConflict),
        ("42501", NotPermitted),
        ("57P04", TargetNotFound),
        ("P0001", Permanent),
    ],
)
def test_a_change_the_server_refused_was_not_done(code: str, expected: type[ProviderError]) -> None:
    error = failure(code, changes=True)
    assert type(error) is expected
    assert error.code == code
    assert code in error.sentence


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('FATAL:  password authentication failed for user "bot"', BadCredential),
        ("FATAL:  SASL authentication failed", BadCredential),
        ('FATAL:  role "bot" does not exist', BadCredential),
        ('FATAL:  role "bot" is not permitted to log in', BadCredential),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "bot", database "shop", no encryption', BadCredential),
        ('FATAL:  permission denied for database "shop"', NotPermitted),
        ('FATAL:  database "shop" does not exist', TargetNotFound),
        ("FATAL:  the database system is starting up", Transient),
        ('FATAL:  too many connections for role "bot"', Transient),
        ("FATAL:  sorry, too many clients already", Transient),
        ('connection to server at "role-database.does not exist", port 5432 failed: Connection refused', Transient),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »bot« fehlgeschlagen", Transient),
    ],
)
def test_a_refused_connection_is_told_by_the_servers_words(words: str, expected: type[ProviderError]) -> None:
    error = connect_failure(words)
    assert type(error) is expected
    assert "bot" not in error.sentence.replace("The bot", "").replace("the bot", "")
