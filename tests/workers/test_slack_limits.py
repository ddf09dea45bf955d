"""Workers on a Slack that counts: what they send after a refusal, and how soon all is told by two of them."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from slack_sdk import WebClient

from access.actors import by_slack, system
from access.messages.home import open_home
from access.messages.outbox import Claimed
from access.messages.rate_limits import PERMALINK, POST, Call, Limited
from access.models import Message, MessageKind
from access.ports import AgendaItem, Deadline
from countersign.wiring import slack_telling
from sandbox.facts import limit
from sandbox.server import Running, running
from tests.cast import ANN, APPROVALS, LEA
from tests.workers.rows import Rows
from tests.world import World
from workers.agenda import AGENDA, RedisAgenda
from workers.queue_worker import set_right
from workers.slack_sender import SlackSender


@pytest.fixture
def strict(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Its time is the world's, and that of the workers' memory too: a second that this machine loses is none."""
    monkeypatch.setattr("workers.slack_limits.clock", SimpleNamespace(monotonic=lambda: world.clock.now().timestamp()))
    with running(clock=lambda: world.clock.now().timestamp(), strict_rates=True) as sandbox:
        yield sandbox


def a_worker(world: World, sandbox: Running) -> SlackSender:
    return slack_telling(world.core, WebClient(sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[]))


def cards(world: World, number: int) -> list[Message]:
    request = world.ask()
    with world.core.work(system("test")) as work:
        for version in range(2, number + 1):
            work.tell(MessageKind.REVIEW, request.id, APPROVALS, version=version)
    return world.messages(MessageKind.REVIEW)


def claim(worker: SlackSender, messages: list[Message]) -> list[Claimed]:
    return worker.claim([message.id for message in messages])


def say(worker: SlackSender, claimed: list[Claimed]) -> None:
    results = [worker.act(one, Deadline.after(600)) for one in claimed]
    if results:
        worker.commit(results)


def calls(sandbox: Running, method: str) -> list[dict[str, Any]]:
    return [one for one in sandbox.workspace().journal() if one["way"] == "call" and one["name"] == method]


def test_what_was_claimed_before_a_refusal_is_not_sent_after_it(world: World, strict: Running) -> None:
    worker = a_worker(world, strict)
    first, second = claim(worker, cards(world, 2))
    strict.workspace().faults.limit_calls(only=POST, retry_after=30)

    assert worker.act(first, Deadline.after(600)).limited == Limited(Call(POST, APPROVALS), timedelta(seconds=30))
    left = worker.act(second, Deadline.after(600)).limited
    assert left is not None
    assert left.call == Call(POST, APPROVALS)
    assert len(calls(strict, POST)) == 1


def test_the_call_that_was_refused_is_the_one_that_is_left_alone(world: World, strict: Running) -> None:
    """A Home takes two: the link to a card, and the Home itself."""
    worker = a_worker(world, strict)
    say(worker, claim(worker, cards(world, 1)))
    open_home(world.core, person=by_slack(LEA))
    strict.workspace().faults.limit_calls(only=PERMALINK)
    (home,) = claim(worker, world.messages(MessageKind.HOME))

    assert worker.act(home, Deadline.after(600)).limited == Limited(Call(PERMALINK), timedelta(seconds=1))


def test_two_workers_tell_as_fast_as_slack_takes_it_and_are_refused_nothing(world: World, strict: Running) -> None:
    waiting, workers = cards(world, 14), [a_worker(world, strict), a_worker(world, strict)]
    began = world.clock.now()
    while any(one.shown_version == 0 for one in world.messages(MessageKind.REVIEW)):
        for worker in workers:
            say(worker, claim(worker, waiting))
        world.clock.tick(seconds=0.05)

    floor = (14 - limit("rate.channel_burst")) / limit("rate.channel_second")
    assert [one["error"] for one in calls(strict, POST)] == [""] * 14
    assert world.clock.now() - began <= timedelta(seconds=1.2 * floor)


def test_workers_that_expect_too_much_learn_and_are_refused_once(
    world: World, strict: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says how many messages Slack takes at once."""
    monkeypatch.setattr("sandbox.rates.limit", lambda fact: 2 if fact == "rate.channel_burst" else limit(fact))
    waiting, worker = cards(world, 6), a_worker(world, strict)
    while any(one.shown_version == 0 for one in world.messages(MessageKind.REVIEW)):
        say(worker, claim(worker, waiting))
        world.clock.tick(seconds=0.1)

    assert [one["error"] for one in calls(strict, POST)].count("ratelimited") == 1


def test_a_turn_that_was_promised_is_not_put_off_once_more(rows: Rows, redis: Redis) -> None:
    """The time to which a worker puts something off is the agenda's already: it is no matter of two clocks."""
    agenda = RedisAgenda(redis)
    soon = float(rows._now()) + 30
    rows.add("card", queue="tell", due=soon)
    agenda.add(rows.items("card"))

    ((item, due),) = rows.items("card")
    set_right(agenda, rows, [item], due - timedelta(seconds=30))
    assert item == AgendaItem("notice:card")
    assert redis.zscore(AGENDA, item) == due.timestamp()


def test_what_a_person_waits_for_is_told_at_its_limit_before_what_only_changes(world: World, strict: Running) -> None:
    worker = a_worker(world, strict)
    grant = world.open()
    say(worker, claim(worker, [*world.messages(MessageKind.REVIEW), *world.messages(MessageKind.ANSWER)]))
    with world.core.work(system("test")) as work:
        work.changed(grant.request_id)
    both = [*world.messages(MessageKind.REVIEW), *world.messages(MessageKind.ANSWER)]

    assert [one.message.recipient for one in claim(worker, both)] == [ANN, APPROVALS]
