"""The fast reader and the one with the better words for mistakes read the same."""

from pathlib import Path

import pytest
import yaml

from access.policy.document import Document, _read, read
from tests.access.policy.example import POLICY
from tests.access.policy.mistakes import BROKEN

EXAMPLE = (Path(__file__).parents[3] / "access.example.yml").read_text(encoding="utf-8")
ODD = "a: 'it''s'\nb: \"\\u00e9 \\x41\"\nc: |\n  two\n  lines\nd: [x:y, {e: }, 'on', 2026-01-01]\nf: plain # not\n"


@pytest.mark.parametrize("text", [POLICY, EXAMPLE, ODD, POLICY.replace("\n", "\r\n"), f"\ufeff{POLICY}"])
def test_both_readers_read_the_same(text: str) -> None:
    fast, slow = _read(text, yaml.CSafeLoader), _read(text, yaml.SafeLoader)

    assert fast == slow
    assert fast.problems == []


@pytest.mark.parametrize(("text", "line", "sentence"), [one for one in BROKEN if one[1] is not None])
def test_the_fast_reader_takes_nothing_that_the_other_refuses(text: str, line: int, sentence: str) -> None:
    slow = _read(text, yaml.SafeLoader)

    assert _read(text, yaml.CSafeLoader).data == slow.data
    assert read(text) == slow


def test_without_the_fast_reader_it_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected: Document = read(POLICY)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    monkeypatch.delattr(yaml, "CSafeLoader")

    assert read(POLICY) == expected
