"""`python -m tests.mutation`: how many mutants the tests notice, module by module, and which they do not."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutation.areas import AREAS, ROOT, Area
from tests.mutation.runner import Mutation, Result
from tests.mutation.table import LEAST, equivalent, mistaken, score, table
from tests.quick import is_quick

KEPT = ROOT / "build" / "mutation"
PAGE = ROOT / "docs" / "mutation.md"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("area", nargs="*", help=f"of {', '.join(AREAS)}; without one all of them")
    parser.add_argument("--only", default="", help="of the modules only those whose name has this")
    parser.add_argument("--tests", nargs="+", help="these instead of all of the area: for a look at new ones")
    parser.add_argument("--resume", action="store_true", help="what was noticed in a run before need not be again")
    parser.add_argument("--seed", default=os.environ.get("SOAK_SEED", "1"))
    parser.add_argument("--budget", default="60", help="seconds of tests for one mutant")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.relative_to(ROOT)}")
    chosen = parser.parse_args(arguments)
    areas = [AREAS[name] for name in chosen.area or AREAS]
    if len(areas) > 1:
        for area in areas:  # pytest and what it rewrites are for one run in a process
            options = ["--seed", chosen.seed, "--budget", chosen.budget, *(["--resume"] if chosen.resume else [])]
            subprocess.run([sys.executable, "-m", "tests.mutation", area.name, *options], cwd=ROOT, check=False)
    else:
        _measure(areas[0], chosen)
    results = [result for area in areas for result in _read(area) if chosen.only in result.file]
    shown = table(results)
    print(shown)
    if chosen.write:
        before, _, _ = PAGE.read_text(encoding="utf-8").partition("\n| ")
        PAGE.write_text(f"{before}\n{shown}", encoding="utf-8")
    return 0 if all(score(_read(area)) >= LEAST for area in areas) and not mistaken(results) else 1


def _measure(area: Area, chosen: argparse.Namespace) -> None:
    known = {one.key: one for one in _read(area)}
    done: dict[str, Result] = {}
    _store(area).parent.mkdir(parents=True, exist_ok=True)
    with _store(area).open("a", encoding="utf-8") as kept:

        def keep(result: Result) -> None:
            done[result.key] = result
            print(json.dumps(vars(result)), file=kept, flush=True)

        mutation = Mutation(
            files=[ROOT / file for file in area.files if chosen.only in file], root=ROOT, chosen=is_quick, known=known,
            believed=lambda before: chosen.resume and before.killed_by is not None, keep=keep, seed=int(chosen.seed),
            budget=float(chosen.budget),
        )  # fmt: skip
        code = pytest.main(
            [
                "-q", "-s", "-p", "no:randomly", "-p", "no:cacheprovider", "--timeout=0", "--both-databases",
                "--hypothesis-profile=mutation", f"--hypothesis-seed={chosen.seed}", *(chosen.tests or area.tests),
            ],
            plugins=[mutation],
        )  # fmt: skip
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(f"The tests of {area.name} could not be run.")
    if not chosen.only:  # what is no mutant of these files any more is forgotten
        _store(area).write_text("".join(f"{json.dumps(vars(one))}\n" for one in done.values()), encoding="utf-8")
    for result in sorted(done.values(), key=lambda one: (one.file, one.line)):
        if result.killed_by is None and result.key not in equivalent():
            print(f"survived: {result}")
    for sentence in mistaken(done.values()):
        print(sentence)


def _store(area: Area) -> Path:
    return KEPT / f"{area.name}.jsonl"


def _read(area: Area) -> list[Result]:
    """The last word on each mutant."""
    if not _store(area).exists():
        return []
    found = (Result(**json.loads(line)) for line in _store(area).read_text(encoding="utf-8").splitlines())
    return list({one.key: one for one in found}.values())


if __name__ == "__main__":
    sys.exit(main())
