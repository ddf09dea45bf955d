"""What is said in plain text has no markup: a backtick there is read as a backtick."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import bot.app  # noqa: F401  (the refusals of the listeners are known once it is imported)
from access.errors import AccessError, ProviderError, Refusal
from bot.views.blocks import Rendered
from tests.bot.states import ALL
from tests.bot.test_views import walk
from workers.providers.postgres.errors import _UNPROVEN as UNPROVEN
from workers.providers.postgres.tls import refusal

ROOT = Path(__file__).parents[2]


def kinds(of: type[AccessError]) -> Iterator[type[AccessError]]:
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


REFUSALS = {kind.__name__ for kind in kinds(Refusal)}
ANSWERS = {kind.__name__ for kind in kinds(ProviderError)}


def test_no_refusal_says_a_backtick() -> None:
    said = {
        kind.__name__: inspect.cleandoc(kind.__doc__ or "") for top in (Refusal, ProviderError) for kind in kinds(top)
    }

    assert len(said) > 30
    assert [name for name, sentence in said.items() if "`" in sentence] == []


def test_nothing_that_is_refused_is_said_with_a_backtick() -> None:
    """A refusal is shown letter by letter, since it may quote what was typed."""
    files = [file for part in ("access", "bot") for file in (ROOT / part).rglob("*.py")]
    calls = [(file, call) for file in files for call in made(ast.parse(file.read_text(encoding="utf-8")), REFUSALS)]
    wrong = [
        f"{file.relative_to(ROOT)}:{call.lineno}" for file, call in calls if any("`" in one for one in texts(call))
    ]

    assert len(calls) > 60
    assert wrong == []


def test_what_a_target_answers_is_said_without_a_backtick() -> None:
    """It stands letter by letter in the answer to who asked, and on alerts."""
    files = [*(ROOT / "workers").rglob("*.py")]
    calls = [(file, call) for file in files for call in made(ast.parse(file.read_text(encoding="utf-8")), ANSWERS)]
    words = [one for file, call in calls for one in texts(call)] + [said for _, said in UNPROVEN]
    refusals = [
        refusal({"sslmode": "disable", "host": "db.example", "gssencmode": mode}, None) for mode in ("", "prefer")
    ]

    assert len(calls) > 20
    assert all(refusals)
    assert [one for one in [*words, *map(str, refusals)] if "`" in one] == []


def test_what_a_target_answers_promises_no_other_try() -> None:
    """It stands too where none follows: beside what never opened, in the window of who connects, and in the doctor."""
    said = {kind.__name__: inspect.cleandoc(kind.__doc__ or "") for kind in kinds(ProviderError)}
    files = [file for part in ("access", "workers") for file in (ROOT / part).rglob("*.py")]
    calls = [(file, call) for file in files for call in made(ast.parse(file.read_text(encoding="utf-8")), ANSWERS)]
    promised = re.compile(r"tried again|will be (tried|looked)")

    assert len(said) > 10
    assert len(calls) > 20
    assert [name for name, sentence in said.items() if promised.search(sentence)] == []
    assert [f"{file.name}: {one}" for file, call in calls for one in texts(call) if promised.search(one)] == []


def test_no_plain_text_of_ours_has_a_backtick() -> None:
    plain = [
        (name, node["text"])
        for name, view in ALL.items()
        for node in walk(view.blocks if isinstance(view, Rendered) else view)
        if node.get("type") == "plain_text" and "longest" not in name
    ]

    assert len(plain) > 300
    assert [(name, text) for name, text in plain if "`" in text] == []


def test_no_sentence_says_nobody_somebody_or_whoever() -> None:
    """It names the person, the role or the process that is meant."""
    vague = re.compile(r"\b(nobody|somebody|whoever|anybody)\b", re.IGNORECASE)
    files = [file for part in ("access", "bot", "workers") for file in (ROOT / part).rglob("*.py")]
    said = [(file, one) for file in files for one in said_in(ast.parse(file.read_text(encoding="utf-8")))]
    sentences = {kind.__name__: inspect.cleandoc(kind.__doc__ or "") for kind in kinds(AccessError)}

    assert len(said) > 1_000
    assert [name for name, sentence in sentences.items() if vague.search(sentence)] == []
    assert [f"{file.relative_to(ROOT)}: {one}" for file, one in said if vague.search(one)] == []


def said_in(tree: ast.AST) -> Iterator[str]:
    """Texts of more than a word, without what only explains the code."""
    explains = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in explains)
    yield from (node.value for node in texts if isinstance(node.value, str) and " " in node.value.strip())


def made(tree: ast.AST, kinds: set[str]) -> Iterator[ast.Call]:
    """Where an error of these kinds is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            yield node


def texts(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
