"""Turns what pydantic finds into sentences for who writes the policy. Values are not quoted: some are secrets."""

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from access.nearest import nearest
from access.policy.document import Path
from access.policy.shape import LATER
from access.ports import SecretReference

Finding = tuple[Path, str]
"""Where something is wrong, and the sentence."""

_SENTENCES = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list, like [one, two]",
    "tuple_type": "must be a list, like [one, two]",
    "dict_type": "must hold words with values, like {word: value}",
    "too_short": "must not be empty",
    "model_type": "must hold words with values, like {word: value}",
}


def unknown_name(kind: str, name: str, choices: Iterable[str], otherwise: str) -> str:
    """`unknown group `enginers`; did you mean `engineers`?`, or else what to do."""
    suggestion = nearest(name, choices)
    return f"unknown {kind} `{name}`; " + (f"did you mean `{suggestion}`?" if suggestion else otherwise)


def findings(
    error: ValidationError, model: type[BaseModel], base: Path = (), beside: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Each of pydantic's errors as a finding. `base` is where its data stands, `beside` the words next to it."""
    return (finding(detail, model, base, beside) for detail in details(error))


def details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False)


def finding(detail: ErrorDetails, model: type[BaseModel], base: Path = (), beside: tuple[str, ...] = ()) -> Finding:
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    above, place = _place((*base, *path[:-1])), _place((*base, *path))
    if is_unknown_word(detail):
        known = [*beside, *_words(model, ())] if len(path) == 1 else _words(model, path[:-1])
        return (*base, *path), _unknown_word(str(path[-1]), known, above)
    if detail["type"] == "missing":
        return (*base, *path), f"{above} needs `{path[-1]}`"
    return (*base, *path), _wrong_value(detail, place)


def is_unknown_word(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _wrong_value(detail: ErrorDetails, place: str) -> str:
    context = detail.get("ctx", {})
    if detail["input"] is None:
        return f"{place} needs a value"
    if context.get("class_name") == SecretReference.__name__:
        return f"{place} is a secret: say where it is, as {{env: NAME}} or {{file: /path}}, never the secret itself"
    if detail["type"] == "literal_error":
        return f"{place} must be {context['expected']}"
    if detail["type"] == "value_error":
        return f"{place}: {context['error']}"
    if detail["type"] in _SENTENCES:
        return f"{place} {_SENTENCES[detail['type']]}"
    return f"{place}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _unknown_word(word: str, known: list[str], place: str) -> str:
    if word in LATER:
        return f"`{word}` is a word of the policy language that this version cannot enforce yet; remove it"
    words = ", ".join(f"`{one}`" for one in known) or "nothing"
    return unknown_name("word", word, known, f"{place} may have {words}")


def _place(path: Path) -> str:
    """What a person would call it: the nearest word above."""
    if not path:
        return "the file"
    last = path[-1]
    return f"`{last}`" if isinstance(last, str) else f"an entry of {_place(path[:-1])}"


def _words(model: type[BaseModel], path: Path) -> list[str]:
    """The words that may stand at this path of the model."""
    shape = _shape_at(model, path)
    return [field.alias or name for name, field in shape.model_fields.items()] if shape else []


def _shape_at(annotation: Any, path: Path) -> type[BaseModel] | None:
    shape = _model(annotation)
    if not path:
        return shape
    if shape is not None:
        fields = {field.alias or name: field.annotation for name, field in shape.model_fields.items()}
        return _shape_at(fields.get(str(path[0])), path[1:])
    inside = get_args(annotation)
    return _shape_at(inside[-1], path[1:]) if inside else None


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model itself, or the one of `Model | None`."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)
