"""Which changes are made of a module, and which are not."""

import ast

import pytest

from tests.mutation.mutants import mutants

CHANGES = [
    ("return a < b", ["return a < b → return None", "a < b → a <= b", "a < b → a >= b"]),
    ("return a in b", ["return a in b → return None", "a in b → a not in b"]),
    ("return a is None", ["return a is None → return None", "a is None → a is not None"]),
    ("return a and b", ["return a and b → return None", "a and b → a or b", "a and b → b", "a and b → a"]),
    ("return not a", ["return not a → return None", "not a → a"]),
    ("return a - b", ["return a - b → return None", "a - b → a", "a - b → a + b"]),
    ("return a & b", ["return a & b → return None", "a & b → a", "a & b → a | b"]),
    ("return 3", ["return 3 → return None", "3 → 4"]),
    ("return True", ["return True → return None", "True → False"]),
    ("return 'word'", ["return 'word' → return None", "'word' → 'word_'"]),
    ("return 'a sentence'", ["return 'a sentence' → return None"]),
    ("return f'{a} is wrong'", ["return f'{a} is wrong' → return None"]),
    ("return min(a)", ["return min(a) → return None", "min(a) → max(a)"]),
    ("return a if b else c", ["return a if b else c → return None", "a if b else c → c if b else a"]),
    ("if a:\n    b()", ["if a → if not a", "b() → nothing"]),
    ("for a in b:\n    continue", ["continue → nothing"]),
    ("raise ValueError", ["raise ValueError → nothing"]),
    ("a += b", ["a += b → nothing"]),
    ("a = [b for b in c if b]", ["for b in c if b → for b in c"]),
    ("return a in (b, c)", ["return a in (b, c) → return None", "a in (b, c) → a not in (b, c)", "(b, c) → (c,)",
                            "(b, c) → (b,)"]),
    ("return None", []),
    ("a = cast('int | None', b)", []),
    ("a: int | None = b", []),
    ("a = zip(b, c, strict=True)", []),
]  # fmt: skip


@pytest.mark.parametrize(("line", "changes"), CHANGES, ids=[line for line, _ in CHANGES])
def test_each_kind_of_code_is_changed_in_its_ways(line: str, changes: list[str]) -> None:
    source = "def f(a, b, c):\n    " + line.replace("\n", "\n    ")
    assert [mutant.change for mutant in mutants(ast.parse(source))] == changes


def test_a_change_is_taken_back_after_its_try() -> None:
    tree = ast.parse("def f(a, b):\n    if a < b and not a:\n        raise ValueError\n    return [a, 1]")
    before = ast.dump(tree)
    changed = list[str]()
    for mutant in mutants(tree):
        with mutant.applied():
            compile(tree, "f.py", "exec")
            changed.append(ast.dump(tree))
    assert before not in changed
    assert len(changed) == len(set(changed)) == 10
    assert ast.dump(tree) == before


def test_what_takes_effect_at_the_import_is_named_by_what_it_makes() -> None:
    source = "STATES = frozenset({A, B})\nclass C:\n    limit: int = 3\ndef f(a=1):\n    def g():\n        return 2\n"
    found = [(one.where, one.function, one.change) for one in mutants(ast.parse(source))]
    assert found == [
        ("STATES", False, "{A, B} → {B}"), ("STATES", False, "{A, B} → {A}"), ("C.limit", False, "3 → 4"),
        ("f", False, "1 → 2"), ("f", True, "return 2 → return None"), ("f", True, "2 → 3"),
    ]  # fmt: skip


def test_changes_that_read_the_same_have_numbers() -> None:
    source = "def f(a):\n    a(1)\n    a(1)\n"
    assert [one.change for one in mutants(ast.parse(source))] == [
        "a(1) → nothing", "1 → 2", "a(1) → nothing (2)", "1 → 2 (2)",
    ]  # fmt: skip
