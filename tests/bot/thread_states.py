"""What people wrote beneath a card."""

from typing import Any

from access.ids import Person
from access.queries.thread import Said, Thread
from tests.bot.facts import minutes


def said(author: str, words: str, at: float, **values: Any) -> Said:
    return Said(author=Person(author), words=words, at=minutes(at), **values)


THREAD = Thread(
    said=(
        said("lea", "Which customers, <!channel>? *All* of them?", 1),
        said("ann", "Those of INC-12: 14.", 2, first_words="Those of INC-12.", edited_at=minutes(2.5)),
        said("kim", "", 2, deleted_at=minutes(4)),
    )
)
_LONG = "w" * 2_000
LONGEST_THREAD = Thread(
    said=tuple(
        said("a" * 63, _LONG, 1, first_words=_LONG, is_shortened=True, edited_at=minutes(2), changes_on=True,
             deleted_at=minutes(3))
        for _ in range(40)
    ),
    full=(Person("a" * 63), Person("b" * 63)), elsewhere=1_234,
)  # fmt: skip
