"""The tables of providers and promises for the documentation, made from what is declared and what was seen."""

import re
from collections.abc import Iterator, Sequence

from countersign.conformance.promises import PROMISES
from countersign.conformance.record import Suite
from countersign.conformance.words import expiry, moved_by, promises_kept, tested_on, yes

_HEAD = ["provider", "tested on", "isolation", "own end", "ends sessions", "secret", "lists", "promises kept"]
_MARKS = {"passed": "✓", "turned round": "says so", "does not apply": "–"}


def overview(suites: Sequence[Suite]) -> str:
    """A row for each provider on each target."""
    return _table(_HEAD, [_row(suite) for suite in suites])


def _row(suite: Suite) -> list[str]:
    able = suite.abilities
    lists = [word for word, can in (("ours", able["list_managed"]), ("holders", able["list_holders"])) if can]
    return [
        f"`{suite.provider}`{f', {suite.tested_on.way}' if suite.tested_on.way else ''}",
        f"{suite.tested_on.what or 'not said'} ({suite.tested_on.kind})",
        str(able["isolation"]),
        f"{expiry(able)}{moved_by(able)}",
        yes(able["ends_sessions"]),
        "made when read" if able["reveals"] else "none",
        " and ".join(lists) or "nothing",
        promises_kept(suite),
    ]


def matrix(suites: Sequence[Suite]) -> str:
    """A row for each promise, a column for each provider on each target; below it the reasons."""
    head = ["promise", *(f"{suite.provider} {number}" for number, suite in enumerate(suites, 1))]
    rows = [[f"{number} {words}", *(_mark(suite, number) for suite in suites)] for number, words in PROMISES.items()]
    return "\n".join([_table(head, rows), "", *_columns(suites), "", *_reasons(suites)])


def _mark(suite: Suite, number: str) -> str:
    result = suite.promises.get(number)
    return _MARKS[result.state] if result else "not run"


def _columns(suites: Sequence[Suite]) -> Iterator[str]:
    for number, suite in enumerate(suites, 1):
        yield f"- **{suite.provider} {number}**: {tested_on(suite)}; `{suite.tests.partition('::')[0]}`"


def _reasons(suites: Sequence[Suite]) -> Iterator[str]:
    """Each reason once, with the columns that it is for."""
    found = dict[tuple[str, str], list[str]]()
    for number, suite in enumerate(suites, 1):
        for promise, result in suite.promises.items():
            if result.why:
                found.setdefault((promise, result.why), []).append(f"{suite.provider} {number}")
    for (promise, why), columns in sorted(found.items()):
        yield f"- {promise}, {', '.join(columns)}: {why}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def replaced(page: str, name: str, table: str) -> str:
    """The page with this table between its two marks. Raises ValueError where they are not there."""
    begin, end = f"<!-- {name}: made by `python -m docs.providers_table` -->", f"<!-- {name}: end -->"
    new, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{table}\n{end}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"the page lacks the marks of the table {name}, or has them twice")
    return new
