"""What the doctor found, as people read it and as programs do."""

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from access.ports import Finding
from access.words import counted

_EXIT = {"ok": 0, "warning": 1, "error": 2}
_LEVEL = 7
_NARROWEST = 40
"""Characters left for sentences, however narrow the window."""


@dataclass(frozen=True)
class Family:
    """The findings about one thing: `Slack`, `database`."""

    name: str
    findings: list[Finding]


def exit_code(families: Sequence[Family]) -> int:
    """0: all is well; 1: warnings; 2: errors."""
    return max((_EXIT[finding.level] for family in families for finding in family.findings), default=0)


def as_json(families: Sequence[Family]) -> str:
    """A list of `{family, level, subject, sentence, cure}`."""
    found = [{"family": family.name} | asdict(finding) for family in families for finding in family.findings]
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_text(families: Sequence[Family]) -> str:
    """Aligned and grouped; the level is a word, never a colour alone."""
    subjects = max((len(one.subject) for family in families for one in family.findings), default=0)
    margin = 2 + _LEVEL + 2 + subjects + 2
    width = max(shutil.get_terminal_size((120, 24)).columns, margin + _NARROWEST)
    lines = list[str]()
    for family in families:
        lines += [family.name, *(line for one in family.findings for line in _lines(one, margin, width)), ""]
    return "\n".join([*lines, _sum(families)])


def _lines(finding: Finding, margin: int, width: int) -> Iterator[str]:
    head = f"  {finding.level:<{_LEVEL}}  {_shown(finding.subject)}".ljust(margin)
    yield from textwrap.wrap(_shown(finding.sentence), width, initial_indent=head, subsequent_indent=" " * margin)
    if finding.cure:
        arrow = " " * margin + "→ "
        yield from textwrap.wrap(_shown(finding.cure), width, initial_indent=arrow, subsequent_indent=" " * len(arrow))


def _shown(text: str) -> str:
    """Names come from targets and files, and a terminal obeys what it is sent."""
    return "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))


def _sum(families: Sequence[Family]) -> str:
    levels = [finding.level for family in families for finding in family.findings]
    errors, warnings = levels.count("error"), levels.count("warning")
    if not errors and not warnings:
        return f"All is well: {counted(len(levels), 'check', 'checks')}."
    words = [_counted(errors, "error"), _counted(warnings, "warning"), f"{levels.count('ok')} ok"]
    return ", ".join(word for word in words if word) + "."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
