"""`countersign policy diff`: what one policy changes against another, and whether more can be had by it."""

import json
from pathlib import Path

from access.policy.differences import Difference, differences
from access.words import counted
from countersign.cli.policy_lint import load_file


def run_diff(old: Path, new: Path, *, in_json: bool, accept_widening: bool) -> int:
    """Prints each difference; 1 when one of them is wider and that was not accepted. Raises PolicyError."""
    before, now = load_file(old), load_file(new)
    found = differences(before, now)
    wider = sum(one.is_wider for one in found)
    if in_json:
        lines = [{"sentence": one.sentence, "wider": one.is_wider} for one in found]
        said = {"old": before.sha256, "new": now.sha256, "wider": wider, "differences": lines}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*map(_line, found), _in_all(found, wider)]))
    return 1 if wider and not accept_widening else 0


def _line(one: Difference) -> str:
    return f"{'wider' if one.is_wider else 'narrower':<10}{one.sentence}"


def _in_all(found: tuple[Difference, ...], wider: int) -> str:
    if not found:
        return "Everybody can have the same by the same approvals."
    many = counted(len(found), "difference", "differences")
    return f"{many}: {f'{wider:,} wider' if wider else 'none is wider'}"
