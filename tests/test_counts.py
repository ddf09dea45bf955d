"""Singular and plural: no sentence that people read says "1 grants", and none says "0 grants and 1 messages"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import access
from access.words import counted

ROOT = Path(access.__file__).parent.parent
PACKAGES = ("access", "bot", "workers", "countersign")
_PLURAL = r"(?:(?:more|other|open|earlier) )?(?:[a-z]+s|people|are|were|have)\b"
_AFTER_A_FIELD = re.compile(rf" ({_PLURAL})")
_AFTER_A_NUMBER = re.compile(rf"%d ({_PLURAL})")
NO_COUNTS = {
    "access", "agrees", "allows", "answers", "as", "asks", "bears", "belongs", "can", "carries", "clock", "comes",
    "contains", "differs", "does", "ends", "fits", "gives", "has", "holds", "is", "its", "lacks", "lapses", "leads",
    "calls", "gets", "lets", "lies",
    "makes", "needs", "shows", "stands", "starts", "stays", "stores", "takes", "this", "towards", "uses",
    "demands", "lists", "names", "opens", "outlives", "waits", "wants", "was",
}  # fmt: skip
"""Words that end like a plural and follow a name."""
NEVER_ONE = {
    ("access/queries/find.py", "are"): "one is the one that is meant",
    ("countersign/minding.py", "are"): "as many as `up` has processes",
    ("access/grants/role_rights.py", "more kinds"): "kept with what was accepted: another word were another kind",
    ("access/monitor/sweep.py", "times"): "said of every fifth failure",
    ("countersign/up.py", "ports"): "as many as `up` has processes, all by the same code",
    ("bot/views/extension.py", "characters"): "a span or the most",
    ("bot/views/form.py", "characters"): "a span or the most",
    ("bot/views/change.py", "characters"): "a span or the most",
}
"""Why a plural stands there that no number can make wrong."""
Found = tuple[str, str, int]
"""A file, the plural in it, and its line."""


def plurals(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each plural that stands right behind a number, where no condition and no constant says that it is not one."""
    for node in _outside_conditions(tree):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                if isinstance(before, ast.FormattedValue) and not _is_constant(before.value):
                    yield from _found(_AFTER_A_FIELD.match(str(getattr(after, "value", ""))), node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _found(_AFTER_A_NUMBER.search(node.value), node)


def _found(match: re.Match[str] | None, node: ast.expr) -> Iterator[tuple[str, int]]:
    if match and match[1] not in NO_COUNTS:
        yield match[1], node.lineno


def _outside_conditions(tree: ast.AST) -> Iterator[ast.AST]:
    """What is said of one, or else of many, is right."""
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.IfExp) and "== 1" in ast.unparse(child.test)):
            yield child
            yield from _outside_conditions(child)


def _is_constant(value: ast.expr) -> bool:
    return ast.unparse(value).lstrip("_").isupper()


def wrong() -> list[Found]:
    return [
        (str(path.relative_to(ROOT)), plural, line)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for plural, line in plurals(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_no_sentence_has_a_plural_that_a_number_can_make_wrong() -> None:
    found = wrong()

    assert [one for one in found if one[:2] not in NEVER_ONE] == []
    assert NEVER_ONE.keys() - {one[:2] for one in found} == set()


@pytest.mark.parametrize(
    "wrong",
    ['f"{n} grants are overdue"', 'f"0 of {n:,} more"  f"{m} people"', '"%d timers were put in"', 'f"{n} are closed"'],
)
def test_a_plural_behind_a_number_is_seen(wrong: str) -> None:
    assert len(list(plurals(ast.parse(wrong)))) == 1


@pytest.mark.parametrize(
    "right",
    ['f"{name} has it"', 'f"{_MOST} roles"', '"1 role is" if n == 1 else f"{n} roles are"', "counted(n, 'a', 'as')"],
)
def test_a_name_a_constant_and_a_condition_are_not(right: str) -> None:
    assert list(plurals(ast.parse(right))) == []


def test_a_count_is_said_as_people_say_it() -> None:
    said = [counted(number, "grant is", "grants are") for number in (0, 1, 2, 1_200)]

    assert said == ["0 grants are", "1 grant is", "2 grants are", "1,200 grants are"]
