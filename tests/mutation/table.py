"""How many mutants were noticed, as the documentation shows it."""

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

from tests.mutation.areas import AREAS
from tests.mutation.runner import Result

EQUIVALENT = Path(__file__).parent / "equivalent.txt"
LEAST = 95
"""Of 100 mutants that a test could notice, so many have to be, in each area."""


@cache
def equivalent() -> dict[str, str]:
    """Which mutants no test can notice, and why."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" | ", 1) for line in lines if line and not line.startswith("#"))


def mistaken(results: Iterable[Result]) -> list[str]:
    """What is called equivalent and is not, or is no mutant of a file that was tried."""
    found = {result.key: result for result in results}
    files = {result.file for result in found.values()}
    sentences = list[str]()
    for key in equivalent():
        if key in found and found[key].killed_by is not None:
            sentences.append(f"{key} is called equivalent, and is noticed by {found[key].killed_by}")
        elif key not in found and key.partition(" | ")[0] in files:
            sentences.append(f"{key} is called equivalent, and there is no such mutant any more")
    return sentences


def score(results: Iterable[Result]) -> float:
    """Of those that a test could notice, the percentage that one does."""
    counted = [one for one in results if one.key not in equivalent()]
    return 100 * sum(one.killed_by is not None for one in counted) / max(len(counted), 1)


def table(results: Collection[Result]) -> str:
    lines = ["| area | module | mutants | noticed | equivalent | noticed of 100 |", "|---|---|---:|---:|---:|---:|"]
    for area in AREAS.values():
        theirs = [one for one in results if one.file in area.files]
        lines += [
            _line(area.name, f"`{file}`", alone)
            for file in area.files
            if (alone := [one for one in theirs if one.file == file])
        ]
        if theirs:
            lines.append(_line(f"**{area.name}**", "", theirs))
    return "\n".join(lines) + "\n"


def _line(area: str, module: str, results: Collection[Result]) -> str:
    noticed = sum(one.killed_by is not None for one in results)
    same = sum(one.key in equivalent() for one in results)
    return f"| {area} | {module} | {len(results)} | {noticed} | {same} | {score(results):.1f} |"
