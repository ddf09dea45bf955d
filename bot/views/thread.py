"""What people wrote beneath a card: each as its author's words, with what they read before and that they are gone."""

from collections.abc import Iterator

from access.queries.thread import Said, Thread
from access.requests.comment import EACH_MOST, EDITS_MOST, LONGEST
from access.words import counted
from bot.views.blocks import Block, at, context, escaped, quoted, section, shortened


def comments_beneath(thread: Thread, *, most: int, longest: int) -> Iterator[Block]:
    """The newest of them, so many and so long; none where none was written."""
    if not thread.said and not thread.elsewhere:
        return
    yield section("*In the thread of the card*")
    if thread.elsewhere:
        one, many = "comment of the approvers is", "comments of the approvers are"
        yield context(f"{counted(thread.elsewhere, one, many)} in a channel of theirs.")
    if len(thread.said) > most:
        yield context(f"{counted(len(thread.said) - most, 'earlier comment', 'earlier comments')} not shown here.")
    for said in thread.said[-most:]:
        yield from _comment(said, longest)
    for person in thread.full:
        yield context(f"{escaped(person)} wrote {EACH_MOST} comments; later ones are not kept.")


def _comment(said: Said, longest: int) -> Iterator[Block]:
    if said.words:
        yield quoted(f"{said.author} wrote", shortened(said.words, longest))
    if said.first_words is not None:
        yield quoted(f"{said.author} wrote at first", shortened(said.first_words, longest))
    yield context(", ".join(_when(said)))


def _when(said: Said) -> Iterator[str]:
    yield f"Written {at(said.at)}" if said.words else f"{escaped(said.author)} wrote a comment {at(said.at)}"
    if said.is_shortened:
        yield f"longer than the {LONGEST:,} characters that are kept"
    if said.edited_at:
        yield f"changed {at(said.edited_at)}"
    if said.changes_on:
        yield f"{EDITS_MOST} times, and later changes are not kept"
    if said.deleted_at:
        whose = "; the security team can read it" if not said.words else ""
        yield f"deleted {at(said.deleted_at)}{whose}"
