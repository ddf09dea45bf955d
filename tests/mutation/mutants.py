"""The mutants of a module: each is one small change of its syntax tree that a test should notice."""

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}  # fmt: skip
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
SIMPLE = (ast.Expr, ast.AugAssign, ast.Assign, ast.AnnAssign, ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    where: str
    """The qualified name of the outermost function that it is in, else what the statement gives a name to."""
    function: bool
    """Whether it is within a function: else it takes effect when the module is imported."""
    lines: range
    """A test that runs one of these reaches it."""
    change: str
    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST | list[ast.stmt]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The tree that it is of, changed."""
        holder = getattr(self.parent, self.field)
        if self.index is None:
            setattr(self.parent, self.field, self.new)
            yield
            setattr(self.parent, self.field, holder)
        else:
            old, holder[self.index] = holder[self.index], self.new
            yield
            holder[self.index] = old


@dataclass(frozen=True)
class _Place:
    where: str = ""
    function: bool = False
    lines: range = range(0)
    outermost: ast.AST | None = None
    """The function, if it is in one."""


def mutants(tree: ast.Module) -> list[Mutant]:
    """All of them, in the order of the file. Of changes that read the same in one function each has its number."""
    counts: Counter[tuple[str, str]] = Counter()
    found = list[Mutant]()
    for mutant in _below(tree, _Place()):
        same = mutant.where, mutant.change
        counts[same] += 1
        found.append(replace(mutant, change=f"{mutant.change} ({counts[same]})") if counts[same] > 1 else mutant)
    return found


def _below(node: ast.AST, place: _Place) -> Iterator[Mutant]:
    for field, value in ast.iter_fields(node):
        if _is_left_out(node, field):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_words(node, child):
                continue
            there = _placed(child, place)
            if node is there.outermost and field == "args":
                there = replace(there, function=False)  # defaults are made when the function is
            for new in [*_changes(child, there), *_shorter(node, child, there)]:
                yield Mutant(
                    where=there.where, function=there.function, lines=there.lines, parent=node, field=field,
                    index=index, change=f"{_said(child)} → {_said(new)}",
                    new=ast.fix_missing_locations(ast.copy_location(new, child)),
                )  # fmt: skip
            yield from _below(child, there)


def _placed(node: ast.AST, place: _Place) -> _Place:
    if not isinstance(node, ast.stmt):
        return place
    body: list[ast.stmt] = getattr(node, "body", [])
    lines = range(node.lineno, max(node.lineno + 1, body[0].lineno) if body else (node.end_lineno or node.lineno) + 1)
    if place.function:
        return replace(place, lines=lines)
    before = f"{place.where}." if place.where else ""
    if isinstance(node, ast.ClassDef):
        return _Place(before + node.name, False, lines)
    if isinstance(node, Function):
        return _Place(before + node.name, True, lines, node)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return _Place(before + ", ".join(map(ast.unparse, targets)), False, lines)


def _is_left_out(node: ast.AST, field: str) -> bool:
    """What only types and tools read, and what is tried in another way."""
    if field in ("annotation", "returns", "decorator_list", "type_params", "bases", "keywords") and not isinstance(
        node, ast.Call
    ):
        return True
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        return field == "func" or (name == "cast" and field == "args" and _is_type_first(node))
    return isinstance(node, ast.keyword) and node.arg == "strict"  # of zip: lists that are as long by how they are made


def _is_type_first(node: ast.Call) -> bool:
    return isinstance(node.args[1], ast.Name | ast.Subscript | ast.Attribute)


def _is_words(parent: ast.AST, node: ast.AST) -> bool:
    """A docstring, or a piece of a sentence."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or (isinstance(parent, ast.JoinedStr) and isinstance(node, ast.Constant))


def _said(node: ast.AST) -> str:
    match node:
        case ast.Pass():
            return "nothing"
        case ast.If(test=test):
            return f"if {_said(test)}"
        case _:
            return " ".join(ast.unparse(node).split())[:110]


def _changes(node: ast.AST, place: _Place) -> Iterator[Any]:  # noqa: PLR0912 -- a table
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            yield from (ast.Compare(left, [other()], right) for other in COMPARED[type(op)])
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for left_out in values:
                rest = [value for value in values if value is not left_out]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if place.function:
            yield left
            if isinstance(op, ast.Add | ast.Sub):
                yield ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right)
            if isinstance(op, ast.BitAnd | ast.BitOr):
                yield ast.BinOp(left, ast.BitOr() if isinstance(op, ast.BitAnd) else ast.BitAnd(), right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if " " not in value:
            yield ast.Constant(value + "_")
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in CALLED:
            yield ast.Call(ast.Name(CALLED[name], ast.Load()), args, keywords)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test=ast.Compare(ops=[_]) | ast.UnaryOp()) | ast.While(test=ast.Constant()):
            pass  # said by the change of the comparison, or of the `not`
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(target=target, iter=source, ifs=ifs, is_async=is_async):
            for one in ifs:
                yield ast.comprehension(target, source, [other for other in ifs if other is not one], is_async)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case _:
            pass


def _shorter(parent: ast.AST, node: ast.AST, place: _Place) -> Iterator[ast.expr]:
    """A set of choices without one of them."""
    if not isinstance(node, ast.Tuple | ast.Set) or isinstance(parent, ast.Subscript):
        return
    if place.function and not isinstance(parent, ast.Compare | ast.IfExp):
        return
    for one in node.elts:
        rest = [other for other in node.elts if other is not one]
        yield ast.Tuple(rest, ast.Load()) if isinstance(node, ast.Tuple) or not rest else ast.Set(rest)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
