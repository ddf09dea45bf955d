"""The page about the sandbox says what the sandbox goes by, no more and no less."""

from pathlib import Path

from sandbox.behaviours import BEHAVIOURS
from sandbox.facts import FACTS
from sandbox.knowledge import written

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_the_generated_part_is_fresh() -> None:
    assert written(PAGE) == PAGE, "run: python -m sandbox.knowledge docs/sandbox.md"


def test_every_fact_has_a_source() -> None:
    assert all(fact.source for fact in FACTS)
    assert all(each.source != "—" for each in BEHAVIOURS if each.confidence in ("documented", "reported"))


def test_no_fact_and_no_behaviour_is_told_twice() -> None:
    assert len({fact.id for fact in FACTS}) == len(FACTS)
    assert len({each.what for each in BEHAVIOURS}) == len(BEHAVIOURS)
