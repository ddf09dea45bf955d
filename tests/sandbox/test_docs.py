"""The page about the sandbox lists what the sandbox goes by, no more and no less."""

from pathlib import Path

from sandbox.api import METHODS
from sandbox.block_kit import ELEMENTS
from sandbox.facts import FACTS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_every_limit_is_listed_with_its_source() -> None:
    for fact in FACTS:
        assumed = " (assumed)" if fact.assumed else ""
        assert f"| {fact.what} | {fact.value:,} | {fact.source}{assumed} |" in PAGE


def test_every_method_and_element_is_listed() -> None:
    words = PAGE.replace(",", " ").replace(".\n", " ").replace(". ", " ").split()
    assert set(METHODS) <= set(words)
    assert set(ELEMENTS) <= set(words)
