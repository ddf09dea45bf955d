"""People are compared by name and account, in one place: whoever compares a name alone takes a newcomer for another."""

import ast
from collections.abc import Iterable, Iterator

from tests.test_architecture import modules, name, tree

NAMES = {"requester", "subject", "reviewer"}
OTHER_ROWS = {"Alert", "Message", "PeriodicCheck"}
"""Rows whose `subject` is no person."""
ALLOWED = {
    ("access/policy/decide.py", "_unknown_people"): "the same policy gave both names a moment ago",
    ("access/policy/simulate.py", "_why_not"): "names of one policy; who has the same account is barred by it",
    ("access/policy/decide.py", "_for_another"): "the same policy gave both names a moment ago",
    ("access/messages/facts.py", "_card_facts"): "by name and account",
    ("access/grants/start.py", "_active"): "whether somebody asked for another, of one row",
    ("access/queries/mine.py", "mine_of"): "by name and account",
    ("access/queries/details.py", "_own"): "by name and account",
    ("access/requests/already.py", "is_for_another"): "the same policy gave both names a moment ago",
    ("access/queries/find.py", "_own_request"): "by name and account",
    ("access/queries/find.py", "_of_holder"): "for security alone, which sees whose it is before anything ends",
    ("access/requests/pending.py", "_waiting"): "by name or account",
    ("access/monitor/offboarding.py", "_end_of"): "by pairs of name and account",
    ("bot/views/narrowed.py", "told"): "of one version, whose votes each have a name of their own",
    ("access/messages/digest/rows.py", "open_grants"): "leaves out what is nobody's",
    ("access/reconcile/drift.py", "_forgotten"): "a resource, of a look",
    ("bot/views/alert.py", "_which"): "whether it is the canary's",
    ("bot/views/who.py", "_row"): "whether it is the canary's",
    ("bot/views/answer.py", "_title"): "whether somebody asked for another, of one row",
    ("bot/views/digest_lines.py", "_what"): "whether somebody asked for another, of one row",
}
"""By file and function, why a name alone does there."""


def comparisons(function: ast.AST) -> Iterator[str]:
    """What compares one of these columns, in Python or in a statement."""
    for node in ast.walk(function):
        if isinstance(node, ast.Compare):
            yield from _named([node.left, *node.comparators])
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "filter_by" and not OTHER_ROWS & {ast.unparse(one) for one in ast.walk(node)}:
            yield from (word.arg for word in node.keywords if word.arg in NAMES)
        if node.func.attr in ("in_", "not_in"):
            yield from _named([node.func.value])


def _named(parts: Iterable[ast.AST]) -> Iterator[str]:
    for node in (node for part in parts for node in ast.walk(part)):
        if not isinstance(node, ast.Attribute) or node.attr not in NAMES:
            continue
        if ast.unparse(node.value) not in OTHER_ROWS | {one.lower() for one in OTHER_ROWS}:
            yield node.attr


def found() -> dict[tuple[str, str], list[str]]:
    every = {
        (name(path), node.name): list(comparisons(node))
        for path in modules("access", "bot", "workers")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {place: names for place, names in every.items() if names}


def test_nobody_is_compared_by_name_alone() -> None:
    assert found().keys() - ALLOWED.keys() == set()


def test_every_exception_is_still_one() -> None:
    assert ALLOWED.keys() <= found().keys()
