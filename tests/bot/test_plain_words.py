"""What is said in plain text has no markup: a backtick there is read as a backtick."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import bot.app  # noqa: F401  (the refusals of the listeners are known once it is imported)
from access.errors import AccessError, Refusal
from bot.views.blocks import Message
from tests.bot.states import ALL
from tests.bot.test_views import walk

ROOT = Path(__file__).parents[2]


def kinds(of: type[AccessError]) -> Iterator[type[AccessError]]:
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


REFUSALS = {kind.__name__ for kind in kinds(Refusal)}


def test_no_refusal_says_a_backtick() -> None:
    said = {kind.__name__: inspect.cleandoc(kind.__doc__ or "") for kind in kinds(Refusal)}

    assert len(said) > 30
    assert [name for name, sentence in said.items() if "`" in sentence] == []


def test_nothing_that_is_refused_is_said_with_a_backtick() -> None:
    """A refusal is shown letter by letter, since it may quote what was typed."""
    files = [file for part in ("access", "bot") for file in (ROOT / part).rglob("*.py")]
    calls = [(file, call) for file in files for call in refused(ast.parse(file.read_text(encoding="utf-8")))]
    wrong = [
        f"{file.relative_to(ROOT)}:{call.lineno}" for file, call in calls if any("`" in one for one in texts(call))
    ]

    assert len(calls) > 60
    assert wrong == []


def test_no_plain_text_of_ours_has_a_backtick() -> None:
    plain = [
        (name, node["text"])
        for name, view in ALL.items()
        for node in walk(view.blocks if isinstance(view, Message) else view)
        if node.get("type") == "plain_text" and "longest" not in name
    ]

    assert len(plain) > 300
    assert [(name, text) for name, text in plain if "`" in text] == []


def refused(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
            yield node


def texts(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
