"""Reads the policy's YAML into plain values and remembers on which line each stands; refuses what could surprise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml.events import AliasEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent
from yaml.reader import ReaderError

Path = tuple[str | int, ...]
"""Where a value stands: `("rules", 0, "approve", "channel")`."""

_WHOLE_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_DEEPEST = 20


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to mend in the policy file. With an error the file cannot be used; a warning is advice."""

    line: int | None
    sentence: str
    severity: Literal["error", "warning"] = "error"

    def at(self, file: str) -> str:
        """`access.yml:12: …`"""
        return f"{self.where(file)}: {'' if self.severity == 'error' else 'warning: '}{self.sentence}"

    def where(self, file: str) -> str:
        """`access.yml:12`"""
        return f"{file}:{self.line}" if self.line else file


@dataclass
class Document:
    """The file as plain values: text, whole numbers, true, false, nothing, lists, mappings; and where each stands."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    problems: list[Problem] = field(default_factory=list[Problem])

    def line(self, path: Path) -> int | None:
        """The line of what stands at this path, or else of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


class _Unreadable(Exception):
    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(line=line, sentence=sentence)


def read(text: str) -> Document:
    """Never raises: what is wrong is in `problems`. `data` is None when nothing could be read."""
    if yaml.__with_libyaml__:
        # Many times as fast: a policy of 5,000 entitlements must not keep those waiting who click as it changes.
        document = _read(text, yaml.CSafeLoader)
        if document.data is not None:
            return document
    return _read(text, yaml.SafeLoader)  # its words for what is wrong are the better ones


def _read(text: str, loader: Any) -> Document:
    document = Document()
    try:
        document.data = _Builder(text, document, loader).build()
    except _Unreadable as error:
        document.problems.append(error.problem)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = ", ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(
            Problem(line=mark.line + 1 if mark else None, sentence=f"this is not YAML: {sentence}")
        )
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.problems.append(Problem(line=line, sentence="a character here is not allowed in YAML; delete it"))
    return document


class _Builder:
    """Makes values of the parser's events itself: PyYAML's own constructor reads YAML 1.1.

    That one takes `on`, `no`, `22:22`, `1_000` and `2026-01-01` for something else than what is written, and keeps the
    last of two equal keys.
    """

    def __init__(self, text: str, document: Document, loader: Any) -> None:
        self._events: Iterator[Event] = yaml.parse(text, Loader=loader)
        self._document = document

    def build(self) -> Any:
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        data = self._value(next(self._events), ())
        next(self._events)
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise _Unreadable(_line(more), "a second document starts here (`---`); the policy is one")
        return data

    def _value(self, event: Event, path: Path) -> Any:
        _refuse_indirection(event)
        if len(path) > _DEEPEST:
            raise _Unreadable(_line(event), "this is nested too deeply")
        self._document.lines.setdefault(path, _line(event))
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, ScalarEvent), "the parser gives a value where a value begins"
        return _scalar(event)

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, line = self._key(event), _line(event)
            if key in found:
                first = self._document.lines[(*path, key)]
                self._problem(line, f"`{key}` is here twice, the first time on line {first}; keep one")
            self._document.lines[(*path, key)] = line
            found[key] = self._value(next(self._events), (*path, key))
        return found

    def _sequence(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _key(self, event: Event) -> str:
        _refuse_indirection(event)
        if not isinstance(event, ScalarEvent):
            raise _Unreadable(_line(event), "a key must be text")
        if event.value == "<<":
            raise _Unreadable(_line(event), "merge keys (`<<`) are not used here; write the words out")
        value = _scalar(event)
        if not isinstance(value, str):
            self._problem(_line(event), f"the key `{event.value}` is not text; put it in quotes")
        return str(event.value)

    def _problem(self, line: int, sentence: str) -> None:
        self._document.problems.append(Problem(line=line, sentence=sentence))


def _scalar(event: ScalarEvent) -> str | int | bool | None:
    text = str(event.value)
    if not event.implicit[0]:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def _refuse_indirection(event: Event) -> None:
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _Unreadable(_line(event), "anchors and aliases (`&`, `*`) are not used here; write the value out")
    if getattr(event, "tag", None) is not None:
        raise _Unreadable(_line(event), "tags (`!`) are not used here; write the plain value")


def _line(event: Event) -> int:
    assert event.start_mark, "events of a parsed text know where they stand"
    return event.start_mark.line + 1
