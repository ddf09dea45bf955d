"""What people write in the thread beneath a card is kept with the request; no words in it decide anything (ADR 48)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, func, select

from access.actors import Actor, system
from access.catalog import PersonEntry
from access.core import Core
from access.ids import CommentId, RequestId, SlackChannel, ulid
from access.message_kinds import CARDS
from access.models import Comment, Message, Request
from access.people import People
from access.requests.remind import Place
from access.store import compare_and_set, insert_unless_there, take_turn
from access.unit_of_work import UnitOfWork
from access.words import clean

LONGEST = 2_000
"""Characters of one comment; of a longer message the beginning is kept, and that it is longer."""
EACH_MOST = 30
"""Of one person beneath the cards of one request, so that no one crowds out another."""
EDITS_MOST = 20
"""Of one comment: each is an event of the log for good."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A reply in a thread, as Slack tells of it."""

    place: Place
    thread: str
    """The timestamp of the message that it hangs on."""
    words: str


@dataclass(frozen=True)
class Card:
    """The card that a thread hangs on."""

    request_id: RequestId
    """Of several on one card the first, after which it is named."""
    version: int


def card_of_thread(core: Core, *, channel: str, thread: str) -> Card | None:
    """Of any version, and in any channel of the ladder. None: no card of ours stands there."""
    with core.database.read() as session:
        stands = select(Message).where(col(Message.ts) == thread, col(Message.channel) == channel)
        card = session.exec(stands.where(col(Message.kind).in_(CARDS)).limit(1)).first()
    return Card(RequestId(card.subject), card.version) if card else None


def keep_comment(core: Core, *, by: Actor, card: Card, written: Written) -> bool:
    """False where nothing is kept: of who is not in the policy, without words, or of more than is kept of one person.

    The same message told twice is kept once.
    """
    person = _author(core, by)
    if person is None:
        return False
    with core.work(by) as work:
        return _kept(work, person, card, written) is not None


def change_comment(core: Core, *, by: Actor, card: Card, written: Written, before: str, edited_ts: str) -> bool:
    """The first words stay beside the new ones. What was not heard of before is kept as it read `before`."""
    person = _author(core, by)
    if person is None:
        return False
    with core.work(by) as work:
        comment = _at(work.session, written.place)
        comment = comment or _kept(work, person, card, _as_it_was(written, before))
        return comment is not None and _changed(work, comment, person, written.words, edited_ts)


def delete_comment(core: Core, *, by: Actor, card: Card, written: Written) -> bool:
    """The words stay, and that they were deleted. Slack does not say by whom. `by`: who wrote it."""
    person = _author(core, by)
    if person is not None:
        keep_comment(core, by=by, card=card, written=written)  # it may be heard of for the first time
    with core.work(system("bot")) as work:
        comment = _at(work.session, written.place)
        if comment is None:
            return False
        gone = {"deleted_at": work.now}
        if not compare_and_set(work.session, Comment, comment.id, expected={"deleted_at": None}, values=gone):
            return False
        _record(work, "request.comment-deleted", comment, comment.words)
        return True


def comments_on(session: Session, request: Request) -> list[Comment]:
    """As they were written, the oldest first. What stands beneath a card of several is about each of them."""
    its = col(Comment.request_id) == request.id
    if request.card_id is not None:
        its |= (col(Comment.request_id) == request.card_id) & (col(Comment.version) == 1)
    written = select(Comment).where(its)
    return list(session.exec(written.order_by(col(Comment.at), col(Comment.id))))


def _author(core: Core, by: Actor) -> PersonEntry | None:
    return People(core.policy.last_valid()).with_account(by.slack)


def _at(session: Session, place: Place) -> Comment | None:
    stands = select(Comment).where(col(Comment.channel) == place.channel, col(Comment.ts) == place.ts)
    return session.exec(stands).first()


def _as_it_was(written: Written, before: str) -> Written:
    return Written(place=written.place, thread=written.thread, words=before)


def _kept(work: UnitOfWork, person: PersonEntry, card: Card, written: Written) -> Comment | None:
    words, is_shortened = _bounded(written.words)
    if not words:
        return None
    # One person's, one at a time: two at once would both be the last that is kept.
    take_turn(work.session, f"comments {card.request_id} {person.slack}")
    if _number(work.session, card, person) >= EACH_MOST:
        return None
    comment = Comment(
        id=CommentId(ulid(work.now)), request_id=card.request_id, version=card.version,
        channel=SlackChannel(written.place.channel), ts=written.place.ts, author=person.name, author_slack=person.slack,
        words=words, is_shortened=is_shortened, at=work.now,
    )  # fmt: skip
    if not insert_unless_there(work.session, comment):
        return _at(work.session, written.place)
    _record(work, "request.commented", comment, words)
    return comment


def _number(session: Session, card: Card, person: PersonEntry) -> int:
    theirs = col(Comment.request_id) == card.request_id, col(Comment.author_slack) == person.slack
    return session.exec(select(func.count()).select_from(Comment).where(*theirs)).one()


def _changed(work: UnitOfWork, comment: Comment, person: PersonEntry, said: str, edited_ts: str) -> bool:
    words, is_shortened = _bounded(said)
    is_old = comment.edited_ts is not None and edited_ts <= comment.edited_ts
    if is_old or words == comment.words or comment.edits >= EDITS_MOST or comment.author_slack != person.slack:
        return False
    values: dict[str, Any] = {
        "words": words, "is_shortened": is_shortened, "edits": comment.edits + 1, "edited_ts": edited_ts,
        "edited_at": work.now, "first_words": comment.words if comment.first_words is None else comment.first_words,
    }  # fmt: skip
    expected = {"edits": comment.edits, "deleted_at": None}
    if not compare_and_set(work.session, Comment, comment.id, expected=expected, values=values):
        return False
    _record(work, "request.comment-changed", comment, words)
    return True


def _bounded(said: str) -> tuple[str, bool]:
    words = clean(said).text
    return words[:LONGEST], len(words) > LONGEST


def _record(work: UnitOfWork, action: str, comment: Comment, words: str) -> None:
    """Without the words: who writes to others in a thread may have written a secret, and the log is for good."""
    work.record(
        action, comment.request_id, version=comment.version, comment=comment.id, author=comment.author,
        channel=comment.channel, ts=comment.ts, characters=len(words), sha256=sha256(words.encode()).hexdigest(),
    )  # fmt: skip
