"""What is written in the thread beneath a card is kept with the request: bounded, once, and as its author's."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from access.actors import by_slack
from access.ids import SlackUser
from access.models import Comment, Message, MessageKind, Request, RequestStatus
from access.requests.comment import (
    EACH_MOST,
    EDITS_MOST,
    LONGEST,
    Written,
    card_of_thread,
    change_comment,
    comments_on,
    delete_comment,
    keep_comment,
)
from access.requests.remind import Place
from tests.access.requests.test_edit import change
from tests.cast import ANN, APPROVALS, EVE, KIM, LEA, SAM, SECURITY, STRANGER
from tests.world import World

pytestmark = pytest.mark.both_databases


@pytest.fixture
def asked(world: World) -> Request:
    request = world.ask()
    post(world)
    return request


def post(world: World) -> None:
    """Each message stands in Slack at a time of its own."""
    world.work()
    with world.core.database.write() as session:
        for number, message in enumerate(session.exec(select(Message).order_by(col(Message.id)))):
            message.channel, message.ts = message.destination, f"17.{number:02}"


def card(world: World, kind: MessageKind = MessageKind.REVIEW, version: int = 1) -> Message:
    return next(one for one in world.messages(kind) if one.version == version)


def written(thread: str, words: str = "Which refunds?", ts: str = "30.01", channel: str = APPROVALS) -> Written:
    return Written(place=Place(channel=channel, ts=ts), thread=thread, words=words)


def write(world: World, words: str = "Which refunds?", *, by: SlackUser = KIM, ts: str = "30.01", **at: str) -> bool:
    said = written(at.get("thread") or str(card(world).ts), words, ts, at.get("channel", APPROVALS))
    found = card_of_thread(world.core, channel=said.place.channel, thread=said.thread)
    return found is not None and keep_comment(world.core, by=by_slack(by), card=found, written=said)


def edit(world: World, words: str, at: str, *, before: str = "Which refunds?", by: SlackUser = KIM) -> bool:
    said = written(str(card(world).ts), words)
    found = card_of_thread(world.core, channel=APPROVALS, thread=said.thread)
    assert found
    return change_comment(world.core, by=by_slack(by), card=found, written=said, before=before, edited_ts=at)


def delete(world: World, words: str = "Which refunds?", by: SlackUser = KIM) -> bool:
    said = written(str(card(world).ts), words)
    found = card_of_thread(world.core, channel=APPROVALS, thread=said.thread)
    assert found
    return delete_comment(world.core, by=by_slack(by), card=found, written=said)


def kept(world: World, request: Request) -> list[Comment]:
    with world.core.database.read() as session:
        return comments_on(session, request)


def logged(world: World) -> list[str]:
    return [one.action for one in world.events() if "comment" in one.action]


def test_what_people_of_the_policy_write_beneath_a_card_is_kept_as_theirs(world: World, asked: Request) -> None:
    assert write(world, "Which refunds?\r\n\u202ethe old ones\u200b") is True
    world.clock.tick(seconds=9)
    assert write(world, "Those of INC-12.", by=ANN, ts="31.01") is True

    assert [(one.author, one.author_slack, one.words, one.version) for one in kept(world, asked)] == [
        ("kim", KIM, "Which refunds?\nthe old ones", 1), ("ann", ANN, "Those of INC-12.", 1),
    ]  # fmt: skip
    assert world.verified().flaw is None


def test_the_log_says_who_wrote_and_the_hash_but_not_the_words(world: World, asked: Request) -> None:
    write(world, "the password is hunter2")
    edit(world, "never mind hunter2", "40.1", before="the password is hunter2")
    delete(world, "never mind hunter2")

    events = [one for one in world.events() if "comment" in one.action]
    assert [one.action for one in events] == [
        "request.commented", "request.comment-changed", "request.comment-deleted",
    ]  # fmt: skip
    assert [one.actor for one in events] == [f"slack:{KIM}", f"slack:{KIM}", "system:bot"]
    assert all(one.object_id == asked.id and "hunter2" not in one.entry for one in events)
    said = [json.loads(one.entry)["details"]["sha256"] for one in events]
    assert said[:2] == [
        sha256(words.encode()).hexdigest() for words in ("the password is hunter2", "never mind hunter2")
    ]


@pytest.mark.parametrize("who", [STRANGER, SlackUser("U0BOT")])
def test_of_a_stranger_nothing_is_kept_and_nothing_is_logged(world: World, asked: Request, who: SlackUser) -> None:
    before = len(world.events())

    assert write(world, by=who) is False

    assert kept(world, asked) == []
    assert len(world.events()) == before, "a flood of strangers would fill the log"


def test_what_stands_in_another_thread_or_channel_is_not_kept(world: World, asked: Request) -> None:
    thread = str(card(world).ts)
    assert write(world, thread="17.99") is False
    assert write(world, thread=thread, channel="C0GENERAL") is False
    world.approve(asked)
    post(world)
    answer = card(world, MessageKind.ANSWER)
    assert write(world, thread=str(answer.ts), channel=str(answer.channel)) is False

    assert kept(world, asked) == []


def test_it_decides_nothing(world: World, asked: Request) -> None:
    for number, (who, words) in enumerate([(LEA, "approve"), (KIM, "Approved!"), (SAM, "deny"), (ANN, "yes")]):
        write(world, words, by=who, ts=f"3{number}.01")

    (request,) = world.requests()
    assert (request.status, request.decision_seq, len(kept(world, asked))) == (RequestStatus.PENDING, 0, 4)


def test_a_thread_beneath_a_card_that_was_posted_anew_or_elsewhere_counts_too(world: World, asked: Request) -> None:
    old = str(card(world).ts)
    change(world, asked, time="30m")
    post(world)
    write(world, "On the old card.", thread=old)
    write(world, "On the new card.", thread=str(card(world, version=2).ts), ts="31.01")

    assert [(one.words, one.version) for one in kept(world, asked)] == [
        ("On the old card.", 1), ("On the new card.", 2),
    ]  # fmt: skip


def test_a_comment_after_the_decision_is_kept_too(world: World, asked: Request) -> None:
    world.approve(asked)

    assert write(world, "Thank you.", by=ANN) is True


def test_told_twice_it_is_kept_once(world: World, asked: Request) -> None:
    write(world)
    write(world)

    assert len(kept(world, asked)) == 1
    assert logged(world) == ["request.commented"]


def test_an_edit_keeps_the_first_words_and_the_new_ones(world: World, asked: Request) -> None:
    write(world)
    edit(world, "Which refunds, and why?", "40.1")
    edit(world, "Never mind.", "41.1", before="Which refunds, and why?")

    (comment,) = kept(world, asked)
    assert (comment.first_words, comment.words, comment.edits) == ("Which refunds?", "Never mind.", 2)
    assert comment.edited_at is not None


def test_an_older_edit_that_comes_late_changes_nothing_nor_does_one_without_new_words(
    world: World, asked: Request
) -> None:
    write(world)
    assert edit(world, "The newest.", "41.1") is True

    assert edit(world, "Older.", "40.1") is False
    assert edit(world, "The newest.", "42.1") is False

    (comment,) = kept(world, asked)
    assert (comment.words, comment.edits) == ("The newest.", 1)


def test_an_edit_of_what_was_never_heard_keeps_both(world: World, asked: Request) -> None:
    edit(world, "Yes.", "40.1", before="No.")
    write(world, "No.")  # the first telling of it comes late

    (comment,) = kept(world, asked)
    assert (comment.first_words, comment.words) == ("No.", "Yes.")


def test_nobody_changes_what_another_wrote(world: World, asked: Request) -> None:
    write(world)

    assert edit(world, "Approved.", "40.1", by=LEA) is False
    assert kept(world, asked)[0].words == "Which refunds?"


def test_what_was_deleted_stays_as_deleted_and_is_changed_no_more(world: World, asked: Request) -> None:
    write(world)
    assert delete(world) is True
    assert delete(world) is False
    assert edit(world, "Nothing.", "40.1") is False

    (comment,) = kept(world, asked)
    assert (comment.words, comment.deleted_at is not None) == ("Which refunds?", True)
    assert logged(world) == ["request.commented", "request.comment-deleted"]


def test_who_left_the_policy_still_has_deleted_it(world: World, asked: Request) -> None:
    write(world, by=EVE)
    world.rewrite_policy("  eve: {slack: U0EVE}\n", "")

    assert delete(world, by=EVE) is True


def test_a_long_one_is_kept_in_part_and_says_so(world: World, asked: Request) -> None:
    write(world, "w" * (LONGEST + 1))
    write(world, "w" * LONGEST, ts="31.01")

    assert [(len(one.words), one.is_shortened) for one in kept(world, asked)] == [(LONGEST, True), (LONGEST, False)]


@pytest.mark.parametrize("words", ["", "\u200b", " \n "])
def test_what_has_no_words_is_not_kept(world: World, asked: Request, words: str) -> None:
    assert write(world, words) is False
    assert kept(world, asked) == []


def test_one_person_never_crowds_out_another(world: World, asked: Request) -> None:
    assert [write(world, f"{number}", by=ANN, ts=f"{number}.01") for number in range(EACH_MOST + 2)] == [
        *[True] * EACH_MOST, False, False,
    ]  # fmt: skip
    assert write(world, "Which refunds?", by=KIM, ts="99.01") is True


def test_one_comment_that_is_changed_all_day_does_not_fill_the_log(world: World, asked: Request) -> None:
    write(world)
    changes = [edit(world, f"{number}", f"{40 + number}.1") for number in range(EDITS_MOST + 2)]

    assert changes == [*[True] * EDITS_MOST, False, False]
    assert len(logged(world)) == 1 + EDITS_MOST


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_thread_is_found_by_an_index(world: World) -> None:
    """Each reply in a channel of the policy asks for it, and there are as many messages as there were requests."""
    with world.core.database.read() as session:
        asked = sa.text("EXPLAIN QUERY PLAN SELECT id FROM notice WHERE ts = :ts AND channel = :channel")
        plan = str(session.connection().execute(asked, {"ts": "1.0", "channel": SECURITY}).all())
    assert "ix_notice_ts" in plan


def test_they_come_in_the_order_in_which_they_were_heard(world: World, asked: Request) -> None:
    for number in (2, 1, 3):
        world.clock.time += timedelta(seconds=1)
        write(world, f"{number}", ts=f"3{number}.01")

    assert [one.words for one in kept(world, asked)] == ["2", "1", "3"]
