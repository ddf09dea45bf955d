"""Short words for what a provider can do and what was seen of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.conformance.record import Suite


def yes(fact: object) -> str:
    return "yes" if fact else "no"


def expiry(able: Mapping[str, Any]) -> str:
    grain = able["native_expiry_seconds"]
    if grain is None:
        return "none"
    return "to the second" if grain == 1 else f"to {grain:g} s"


def moved_by(able: Mapping[str, Any]) -> str:
    return ", can be moved" if able["extend"] else ""


def tested_on(suite: Suite) -> str:
    on = suite.tested_on
    return f"{on.what or 'not said'} ({on.kind}){f', {on.way}' if on.way else ''}"


def promises_kept(suite: Suite) -> str:
    """How many, and of all others why not: none of them is broken, for that fails the run that writes this."""
    kept = f"{len(suite.numbers('passed'))} of {len(suite.promises)}"
    others = (("cannot, and says so", "turned round"), ("does not apply", "does not apply"))
    return kept + "".join(_others(words, suite.numbers(state)) for words, state in others)


def _others(words: str, numbers: Sequence[str]) -> str:
    return f"; {words}: {', '.join(numbers)}" if numbers else ""
