"""A reply beneath a card is kept with its request; what else is said in a channel is not even looked at."""

from typing import Any

import pytest
from aiohttp import ClientConnectionError
from sqlmodel import col, select

from access.errors import Unavailable
from access.models import Comment, Message, MessageKind, Request, RequestStatus
from access.requests.comment import comments_on
from bot import ids, threads
from sandbox.server import Running
from tests.bot.desk import Body, Desk
from tests.bot.slack import FakeSlack
from tests.bot.staging import Way, acme, deliver, modal, serving, the_card
from tests.cast import ANN, APPROVALS, KIM, LEA, STRANGER
from tests.waiting import wait_until
from tests.world import World

THREAD = "17.01"


@pytest.fixture
def asked(world: World) -> Request:
    request = world.ask()
    world.work()
    with world.core.database.write() as session:
        for message in session.exec(select(Message).where(Message.kind == MessageKind.REVIEW)):
            message.channel, message.ts = APPROVALS, THREAD
    return request


def reply_body(desk: Desk, by: str, text: str = "Which refunds?", **event: Any) -> Body:
    stands = {"channel": APPROVALS, "channel_type": "group", "ts": "30.01", "thread_ts": THREAD}
    return desk.message_body(by, text, **(stands | event))


def changed_body(desk: Desk, by: str, text: str, before: str, **message: Any) -> Body:
    was = {"type": "message", "user": by, "text": before, "ts": "30.01", "thread_ts": THREAD}
    now = was | {"text": text, "edited": {"user": by, "ts": "40.01"}} | message
    body = desk.message_body(by, text)
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "channel": APPROVALS, "ts": "40.02"}
    return body | {"event": event | {"channel_type": "group", "message": now, "previous_message": was}}


def deleted_body(desk: Desk, by: str, text: str = "Which refunds?") -> Body:
    was = {"type": "message", "user": by, "text": text, "ts": "30.01", "thread_ts": THREAD}
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": APPROVALS, "ts": "50.01"}
    event |= {"channel_type": "group", "deleted_ts": "30.01", "previous_message": was}
    return desk.message_body(by, text) | {"event": event}


def kept(world: World) -> list[Comment]:
    with world.core.database.read() as session:
        return list(session.exec(select(Comment).order_by(col(Comment.id))))


def test_a_reply_is_kept_by_who_wrote_it_and_changes_no_decision(desk: Desk, world: World, asked: Request) -> None:
    assert desk.send(reply_body(desk, KIM, "approve &lt;!channel&gt; <@U0LEA> <https://a.example|*bold*>")) is None

    (comment,) = kept(world)
    assert (comment.author, comment.words) == ("kim", "approve <!channel> @lea https://a.example")
    assert world.requests()[0].status == RequestStatus.PENDING
    assert desk.slack.said == []
    assert desk.slack.called("chat.postMessage") == []


def test_edits_and_deletions_are_followed(desk: Desk, world: World, asked: Request) -> None:
    desk.send(reply_body(desk, KIM))
    desk.send(changed_body(desk, KIM, "Which refunds, and why?", "Which refunds?"))
    desk.send(deleted_body(desk, KIM, "Which refunds, and why?"))

    (comment,) = kept(world)
    assert (comment.first_words, comment.words) == ("Which refunds?", "Which refunds, and why?")
    assert comment.deleted_at is not None


def test_a_preview_of_a_link_is_no_edit(desk: Desk, world: World, asked: Request) -> None:
    """Slack tells of a changed message when it adds one."""
    desk.send(reply_body(desk, KIM))
    desk.send(changed_body(desk, KIM, "Which refunds?", "Which refunds?", edited=None, attachments=[{}]))

    assert kept(world)[0].edits == 0


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B0BOT", "user": "U0BOT"},
        {"bot_id": "B0OTHER"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"subtype": "tombstone"},
        {"thread_ts": None},
        {"thread_ts": "30.01"},
        {"channel_type": "mpim"},
    ],
)
def test_what_is_no_persons_reply_is_not_even_looked_up(
    desk: Desk, world: World, asked: Request, event: dict[str, Any]
) -> None:
    assert desk.send(reply_body(desk, KIM, **event)) is None

    assert kept(world) == []
    assert world.events("attempt.refused") == []
    assert desk.slack.called("users.info") == []


def test_what_is_said_in_other_threads_costs_slack_nothing_and_is_kept_nowhere(
    desk: Desk, world: World, asked: Request
) -> None:
    desk.send(reply_body(desk, KIM, "a very private word", thread_ts="12.01"))

    assert kept(world) == []
    assert desk.slack.called("users.info") == []
    assert [one for one in world.events() if "private" in one.entry] == []


@pytest.mark.parametrize(
    "who", [{"user": STRANGER}, {"profile": {"is_restricted": True}}, {"profile": {"team_id": "T0OTHER"}}]
)
def test_of_who_is_no_full_member_in_the_policy_nothing_is_kept_and_nothing_is_answered(
    desk: Desk, world: World, slack: FakeSlack, asked: Request, who: dict[str, Any]
) -> None:
    slack.join(KIM, **who.get("profile", {}))

    assert desk.send(reply_body(desk, who.get("user", KIM))) is None

    assert kept(world) == []
    assert world.events("attempt.refused") == []
    assert slack.called("chat.postMessage") == slack.said == []


def test_of_another_workspace_nothing_is_kept(desk: Desk, world: World, asked: Request) -> None:
    desk.send(reply_body(desk, KIM) | {"team_id": "T0OTHER"})

    assert kept(world) == []


@pytest.mark.parametrize("failure", ["internal_error", ClientConnectionError()])
def test_while_slack_does_not_say_who_wrote_it_is_asked_to_send_it_again(
    desk: Desk, world: World, slack: FakeSlack, asked: Request, failure: Any
) -> None:
    slack.failing["users.info"] = failure
    assert desk.send(reply_body(desk, KIM)) == threads.AGAIN

    del slack.failing["users.info"]
    desk.send(reply_body(desk, KIM))
    assert len(kept(world)) == 1


def test_while_the_database_is_away_it_is_asked_to_send_it_again_without_the_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(threads, "card_of_thread", away)

    assert desk.send(reply_body(desk, KIM, "hunter2")) == threads.AGAIN
    assert "not kept yet" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.fixture(params=["Socket Mode", "HTTP mode"])
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


def test_it_is_so_where_slack_sends_its_events(way: Way, world: World) -> None:
    with acme() as sandbox, serving(way, world, sandbox):
        request = world.ask()
        deliver(world, sandbox)
        _written_changed_and_deleted(world, sandbox, request)


def _written_changed_and_deleted(world: World, sandbox: Running, request: Request) -> None:
    lea, ann = sandbox.workspace().person(LEA), sandbox.workspace().person(ANN)
    card = the_card(lea)

    def found() -> list[Comment]:
        with world.core.database.read() as session:
            return comments_on(session, request)

    ts = lea.say(APPROVALS, "Which refunds? & why", thread=card.ts)
    wait_until(lambda: len(found()) == 1, "lea's comment")
    lea.edit(APPROVALS, ts, "Which ones?")
    wait_until(lambda: found()[0].edits == 1, "the edit")
    ann.say(APPROVALS, "not in the thread")
    ann.say(APPROVALS, "Those of INC-12.", thread=card.ts)
    wait_until(lambda: len(found()) == 2, "ann's answer")
    lea.delete(APPROVALS, ts)
    wait_until(lambda: found()[0].deleted_at, "the deletion")
    lea.click(card, ids.DETAILS)
    assert "ann wrote\nThose of INC-12." in modal(lea).words
    assert "Which ones?" not in modal(lea).words

    assert [(one.author, one.first_words, one.words) for one in found()] == [
        ("lea", "Which refunds? & why", "Which ones?"), ("ann", None, "Those of INC-12."),
    ]  # fmt: skip
    assert sandbox.workspace().violations() == []
