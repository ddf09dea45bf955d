"""The words between us and a program: every kind of answer, every error, and the published schema."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from access.errors import Ambiguous, ProviderError, Transient
from access.ports import Receipt
from tests.workers.command.programs import Shelf, make_spec, soon
from workers.providers.command import Command
from workers.providers.command.errors import EXIT_CODES, KINDS
from workers.providers.exchange.schema import json_schema

PUBLISHED = Path(__file__).parents[3] / "docs/providers/command.schema.json"


def _says(shelf: Shelf, answer: object, **more: Any) -> Command:
    (shelf.folder / "answer").write_text(json.dumps(answer))
    return shelf.provider(f"cat > {shelf.folder}/asked; cat {shelf.folder}/answer", **more)


@pytest.mark.parametrize("kind", KINDS)
def test_each_word_for_an_error_is_its_class(shelf: Shelf, kind: str) -> None:
    provider = _says(shelf, {"error": {"kind": kind, "sentence": "It is closed on Sundays.", "retry_after": 30}})

    with pytest.raises(ProviderError) as raised:
        provider.grant(make_spec(), soon())

    assert type(raised.value) is KINDS[kind]
    assert raised.value.sentence == "It is closed on Sundays."
    if isinstance(raised.value, Transient):
        assert raised.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize("code", [*EXIT_CODES, 1, 2, 126, 127])
def test_each_exit_code_is_its_class_and_an_unknown_one_leaves_it_open(shelf: Shelf, code: int) -> None:
    provider = shelf.provider(f"exit {code}")

    with pytest.raises(ProviderError) as granting:
        provider.grant(make_spec(), soon())
    with pytest.raises(ProviderError) as looking:
        provider.observe(make_spec(), None, soon())

    expected = EXIT_CODES[code][0] if code in EXIT_CODES else None
    assert type(granting.value) is (expected or Ambiguous)
    assert type(looking.value) is (expected or Transient)


def test_what_the_program_keeps_of_a_grant_is_given_back_to_it(shelf: Shelf) -> None:
    spec = make_spec()
    ends = datetime(2026, 11, 30, 15, tzinfo=UTC)
    answer = {"state": "active", "expires_at": ends.isoformat(), "details": {"serial": 7}}
    outcome = _says(shelf, answer, can=["expire"]).grant(spec, soon())
    assert outcome.receipt.native_expiry == ends
    stored = Receipt.model_validate_json(outcome.receipt.model_dump_json())

    _says(shelf, {"state": "absent"}).revoke(spec, stored, soon())

    assert json.loads(shelf.text("asked"))["details"] == {"serial": 7}


def test_what_takes_long_is_pending_and_says_when_to_look_again(shelf: Shelf) -> None:
    provider = _says(shelf, {"state": "pending", "look_again": 45})

    assert provider.grant(make_spec(), soon()).look_again == timedelta(seconds=45)
    assert provider.revoke(make_spec(), None, soon()).look_again == timedelta(seconds=45)


def test_what_is_revealed_is_a_secret_in_every_repr(shelf: Shelf) -> None:
    provider = _says(shelf, {"fields": [{"label": "Password", "value": "fresh-canary-1"}]}, can=["reveal"])

    secret = provider.reveal(make_spec(), None, soon())

    assert secret.fields[0][1].get_secret_value() == "fresh-canary-1"
    assert "fresh-canary-1" not in repr(secret)


def test_standing_access_is_said_in_the_words_of_the_role_alone(shelf: Shelf) -> None:
    provider = _says(shelf, {"present": True, "standing": ["restart", "something else"]})

    seen = provider.observe(make_spec(), None, soon())

    assert seen.standing == {"restart"}


def test_the_published_schema_is_the_one_that_is_read() -> None:
    written = json.dumps(json_schema(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PUBLISHED.write_text(written)

    assert PUBLISHED.read_text() == written
