"""`countersign policy test` and `coverage`: the cases beside a policy, and what of it they touch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from access.catalog import Policy
from access.errors import PolicyError
from access.faults import why
from access.policy.cases import Case, read_cases, try_cases
from access.policy.coverage import Coverage, coverage
from access.policy.properties import Property, try_property
from access.words import counted
from countersign.cli.policy_lint import load_file


@dataclass(frozen=True, kw_only=True)
class Tried:
    file: Path
    policy: Policy
    cases: tuple[Case, ...]
    properties: tuple[Property, ...]

    @property
    def failed(self) -> int:
        return sum(bool(one.failures) for one in (*self.cases, *self.properties))


def run_test(file: Path, policy_file: Path, *, in_json: bool) -> int:
    """Prints each case and property; 0 when all hold, 1 when one does not. Raises PolicyError."""
    tried = _try(file, policy_file)
    print(json.dumps(_facts(tried), indent=2, ensure_ascii=False) if in_json else "\n".join(_lines(tried)))
    return 1 if tried.failed else 0


def run_coverage(file: Path, policy_file: Path, *, in_json: bool) -> int:
    """Prints what no case touches; 0 when that is nothing. Raises PolicyError."""
    tried = _try(file, policy_file)
    found = coverage(tried.policy, tried.cases)
    if in_json:
        print(json.dumps({"percent": found.percent, "untouched": found.untouched}, indent=2))
    else:
        print("\n".join(_coverage_lines(found, tried)))
    return 1 if found.untouched else 0


def _try(file: Path, policy_file: Path) -> Tried:
    policy = load_file(policy_file)
    shape, document = read_cases(_read(file), str(file))
    properties = tuple(
        try_property(policy, one, document.line(("properties", index))) for index, one in enumerate(shape.properties)
    )
    return Tried(file=file, policy=policy, cases=tuple(try_cases(policy, shape, document)), properties=properties)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PolicyError(
            "there is no such file. Write the first cases into it; docs/policy.md has an example.", file=str(file)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"the file cannot be read: {why(error)}.", file=str(file)) from None


def _lines(tried: Tried) -> list[str]:
    lines: list[str] = []
    for one in (*tried.cases, *tried.properties):
        lines.append(f"{'FAILED' if one.failures else 'ok':<7}{one.name}")
        where = f"{tried.file}:{one.line}"
        lines += [f"       {where}: {failure}" for failure in one.failures]
    cases = counted(len(tried.cases), "case", "cases")
    properties = counted(len(tried.properties), "property", "properties")
    return [*lines, f"{cases} and {properties}: {f'{tried.failed} failed' if tried.failed else 'all hold'}"]


def _facts(tried: Tried) -> dict[str, Any]:
    return {
        "policy": tried.policy.file,
        "sha256": tried.policy.sha256,
        "failed": tried.failed,
        "cases": [_fact(one) for one in tried.cases],
        "properties": [_fact(one) for one in tried.properties],
    }


def _fact(one: Case | Property) -> dict[str, Any]:
    return {"name": one.name, "line": one.line, "holds": not one.failures, "failures": one.failures}


def _coverage_lines(found: Coverage, tried: Tried) -> list[str]:
    lines = [f"no case touches {part}" for part in found.untouched]
    cases = counted(len(tried.cases), "case", "cases")
    return [*lines, f"{cases} of {tried.file} touch {found.percent} % of {tried.policy.file}"]
