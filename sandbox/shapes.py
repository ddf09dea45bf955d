"""The few kinds of shape that Block Kit is made of; each finds what is wrong with a value."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where, as a JSON pointer."""

    message: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer or '/'}]"


class Spec(Protocol):
    """What a value must look like."""

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        """What is wrong with a value that stands at this pointer."""
        ...


@dataclass(frozen=True)
class Words:
    """A string of `least` to `most` characters."""

    most: int
    least: int = 1

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem("must provide a string", at)
        elif len(value) < self.least:
            yield Problem(f"must be more than {self.least - 1} characters", at)
        elif len(value) > self.most:
            yield Problem(f"must be less than {self.most + 1} characters", at)


@dataclass(frozen=True)
class Matching:
    """A string that is what `what` says, by a regular expression over all of it."""

    pattern: str
    what: str

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII):
            yield Problem(f"must provide {self.what}", at)


@dataclass(frozen=True)
class Number:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem("must provide a whole number", at)
        elif not self.least <= value <= self.most:
            yield Problem(f"must be from {self.least} to {self.most}", at)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield Problem("must provide a boolean", at)


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if value not in self.words:
            yield Problem(f"must be one of {', '.join(self.words)}", at)


@dataclass(frozen=True)
class Many:
    """A list of `least` to `most` values of one shape."""

    of: Spec
    most: int
    least: int = 1

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem("must provide an array", at)
            return
        if len(value) < self.least:
            yield Problem(f"no fewer than {self.least} items required", at)
        if len(value) > self.most:
            yield Problem(f"no more than {self.most} items allowed", at)
        for index, each in enumerate(value):
            yield from self.of.problems(each, f"{at}/{index}")


@dataclass(frozen=True)
class Shape:
    """An object with the keys it must have, those it may have, and no other."""

    required: Mapping[str, Spec]
    optional: Mapping[str, Spec] = field(default_factory=dict)

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must provide an object", at)
            return
        for key in self.required:
            if key not in value:
                yield Problem(f"missing required field: {key}", at)
        known = {**self.required, **self.optional}
        for key, each in value.items():
            if key not in known:
                yield Problem(f"invalid additional property: {key}", at)
            else:
                yield from known[key].problems(each, f"{at}/{key}")


@dataclass(frozen=True)
class Typed:
    """An object whose `type` says which shape it has; a type that is not listed is refused."""

    shapes: Mapping[str, Shape]

    def problems(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must provide an object", at)
            return
        kind = value.get("type")
        if not isinstance(kind, str):
            yield Problem("missing required field: type", at)
        elif kind not in self.shapes:
            yield Problem(f"unsupported type: {kind}", f"{at}/type")
        else:
            rest = {key: each for key, each in value.items() if key != "type"}
            yield from self.shapes[kind].problems(rest, at)
