"""What people wrote beneath the cards of a request, for who may see it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from access.ids import Person, SlackChannel, SlackUser
from access.models import Comment, Request
from access.requests.comment import EACH_MOST, EDITS_MOST, comments_on


@dataclass(frozen=True, kw_only=True)
class Said:
    """One comment."""

    author: Person
    at: datetime
    words: str
    """As they read now; empty where they were deleted and are not for this reader."""
    first_words: str | None = None
    """As they read before they were changed."""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    is_shortened: bool = False
    """It was longer than what is kept."""
    changes_on: bool = False
    """It was changed as often as is followed."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """The comments of a request, the oldest first."""

    said: tuple[Said, ...] = ()
    full: tuple[Person, ...] = ()
    """Of these no more is kept."""
    elsewhere: int = 0
    """So many were written where this reader is not known to read."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who looks. What approvers write to each other in a channel of their own is not for who asked."""

    account: SlackUser
    decides: bool
    """Reads what was written in any channel."""
    is_security: bool
    """Reads what was deleted too."""
    channel: SlackChannel | None = None
    """Where the reader pressed a button, and so can read."""


def thread_of(session: Session, request: Request, reader: Reader) -> Thread:
    """Who does not decide reads what stands in a channel where they pressed or wrote themselves."""
    every = comments_on(session, request)
    known = {one.channel for one in every if one.author_slack == reader.account} | {reader.channel}
    comments = [one for one in every if reader.decides or one.channel in known]
    number = Counter(one.author_slack for one in every)
    full = {one.author: None for one in comments if number[one.author_slack] >= EACH_MOST}
    said = tuple(_said(one, whole=reader.is_security) for one in comments)
    return Thread(said=said, full=tuple(full), elsewhere=len(every) - len(comments))


def _said(comment: Comment, *, whole: bool) -> Said:
    hidden = comment.deleted_at is not None and not whole
    return Said(
        author=comment.author, at=comment.at, words="" if hidden else comment.words,
        first_words=None if hidden else comment.first_words, edited_at=comment.edited_at,
        deleted_at=comment.deleted_at, is_shortened=comment.is_shortened, changes_on=comment.edits >= EDITS_MOST,
    )  # fmt: skip
