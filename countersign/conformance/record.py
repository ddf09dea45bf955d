"""Which promise was kept by which provider, on what: written by a run of the tests, and read by everybody else."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from access.ports import Capabilities

FILE = Path(__file__).parent / "record.json"
"""Never written by hand: `make test ARGS=--write-promises`."""
PASSED = "passed"
Kind = Literal["real", "emulator", "fake", "not said"]


class TestedOn(BaseModel):
    """What stood behind the provider while it was tested."""

    __test__ = False  # no class of tests, whatever its name
    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str = ""
    """With its version: `PostgreSQL 18`."""
    kind: Kind = "not said"
    """The system itself; another's imitation of it; or one of our own."""
    way: str = ""
    """In which of the ways that the provider knows; empty where there is one."""


class Result(BaseModel):
    """How it stands with one promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["passed", "turned round", "does not apply"]
    """`turned round`: what the target cannot do, the provider was seen to say."""
    why: str = ""
    """Where it is not simply passed."""


class Suite(BaseModel):
    """One provider on one target, in one way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: str
    """The class that was run: `tests/contracts/test_postgres.py::TestPostgres`."""
    provider: str
    implementation: str
    """The class that was tested: another one of the same name has none of this."""
    tested_on: TestedOn
    abilities: dict[str, Any]
    promises: dict[str, Result]

    def numbers(self, *states: str) -> list[str]:
        """The promises that stand so."""
        return [number for number, result in sorted(self.promises.items()) if result.state in states]


_ALL = TypeAdapter(list[Suite])


def read(file: Path = FILE) -> list[Suite]:
    """In the order of providers, the tests of each as they are called."""
    if not file.exists():
        return []
    return _sorted(_ALL.validate_json(file.read_text(encoding="utf-8")))


def write(suites: Iterable[Suite], file: Path = FILE) -> None:
    said = [suite.model_dump(mode="json", exclude_defaults=True) for suite in _sorted(suites)]
    file.write_text(json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def of_class(suites: Iterable[Suite], provider: type[object]) -> list[Suite]:
    """What was shown of this very class, and not of another of its name."""
    return [suite for suite in suites if suite.implementation == name_of(provider)]


def name_of(provider: type[object]) -> str:
    return f"{provider.__module__}:{provider.__qualname__}"


def abilities(able: Capabilities) -> dict[str, Any]:
    """For a table and for programs."""
    return {
        "isolation": str(able.isolation),
        "native_expiry_seconds": able.native_expiry.total_seconds() if able.native_expiry else None,
        "extend": able.extend,
        "ends_sessions": able.ends_sessions,
        "reveals": able.reveals,
        "list_managed": able.list_managed,
        "list_holders": able.list_holders,
        "tells_rights": able.tells_rights,
        "settle_seconds": able.settle.total_seconds(),
    }


def differences(seen: Iterable[Suite], known: Iterable[Suite]) -> list[str]:
    """Sentences: where a run showed something else than what is written down.

    On which version it was is not compared: another machine has another. Nor is what was not run.
    """
    written = {suite.tests: suite for suite in known}
    return [line for suite in seen for line in _differs(suite, written.get(suite.tests))]


def _differs(seen: Suite, known: Suite | None) -> Iterable[str]:
    if known is None:
        yield f"{seen.tests} is not in the record."
        return
    for word in ("provider", "implementation", "abilities"):
        if getattr(seen, word) != getattr(known, word):
            yield f"{seen.tests}: the record has another word for {word}."
    for number, result in sorted(seen.promises.items()):
        if known.promises.get(number) != result:
            yield f"{seen.tests}: {number} is now {result.state}, and the record says otherwise."


def merged(seen: Iterable[Suite], known: Iterable[Suite]) -> list[Suite]:
    """What was run replaces what was written; the rest stays."""
    there = {suite.tests: suite for suite in known}
    for suite in seen:
        before: Mapping[str, Result] = there[suite.tests].promises if suite.tests in there else {}
        there[suite.tests] = suite.model_copy(update={"promises": {**before, **suite.promises}})
    return list(there.values())


def _sorted(suites: Iterable[Suite]) -> list[Suite]:
    return sorted(suites, key=lambda suite: (suite.provider, suite.tests))
