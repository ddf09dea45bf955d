"""The requester changes what is asked: a new version, decided anew, that lapses when the first one would have."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from access.actors import by_slack
from access.errors import AlreadyDecided, Conflict, InvalidInput, NotYours, RequestChanged, RequestLapsed
from access.ids import SlackUser
from access.messages.facts import card_of
from access.models import GrantStatus, MessageKind, Request, RequestStatus
from access.requests.cancel import cancel
from access.requests.edit import edit, may_edit
from access.requests.narrow import TypedTime
from access.store import Database
from tests.access.requests.test_chains import ONE, TWO_STAGES
from tests.access.requests.test_narrow import narrow, votes
from tests.cast import ANN, BEN, KIM, LEA, POLICY, SAM
from tests.world import World

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ANOTHER_REASON = "INC-13 the refunds of another shop"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, POLICY.replace(ONE, TWO_STAGES))


def change(
    world: World, request: Request, time: str = "30m", reason: str = ANOTHER_REASON, by: SlackUser = ANN
) -> Request:  # fmt: skip
    typed = TypedTime(text=time, zone=AMSTERDAM)
    return edit(world.core, button=world.button(request), by=by_slack(by), time=typed, reason=reason)


def shown(world: World, request: Request) -> str:
    return may_edit(world.core, request_id=request.id, by=by_slack(ANN), zone=AMSTERDAM).time


def now(world: World) -> Request:
    return world.requests()[-1]


def test_what_was_voted_is_void_and_the_time_until_it_lapses_stays(world: World) -> None:
    request = world.ask(minutes=60)
    world.approve(request, by=LEA)
    world.work()
    world.said.clear()
    world.clock.tick(minutes=20)

    change(world, request, "2h")

    row = now(world)
    assert (row.version, row.status, row.duration_s, row.reason) == (2, RequestStatus.PENDING, 7200, ANOTHER_REASON)
    assert (row.lapses_at, row.asked_at) == (request.lapses_at, request.asked_at)
    assert votes(world, 2) == []
    assert card_of(world.core, request.id).approvers == [KIM, LEA]
    world.work()
    cards = {one.message.version for one in world.said if one.message.kind == MessageKind.REVIEW}
    assert cards == {1, 2}
    (event,) = world.events("request.edited")
    said = json.loads(event.entry)["details"]
    assert (said["duration_s"], said["reason"], said["before"]) == (7200, ANOTHER_REASON, request.fingerprint)
    assert said["trace"]

    with pytest.raises(RequestChanged, match="ann has changed this request since this was posted"):
        world.approve(request, by=SAM)
    world.approve(row, by=KIM)
    world.approve(now(world), by=SAM)
    assert world.grant_of(request).duration_s == 7200
    assert world.verified().flaw is None


@pytest.mark.parametrize(
    ("time", "reason", "field", "sentence"),
    [
        ("3h", ANOTHER_REASON, "duration", "The longest access to customers-db/read is 2 h"),
        ("soon", ANOTHER_REASON, "duration", "A duration is written like"),
        ("30m", "short", "reason", "Say more"),
        ("1h", "INC-12 stuck refunds", "reason", "Change the time or the reason; both are as they were."),
    ],
)
def test_it_is_checked_as_a_new_request_is(world: World, time: str, reason: str, field: str, sentence: str) -> None:
    request = world.ask(minutes=60)
    world.approve(request, by=LEA)
    with pytest.raises(InvalidInput, match=sentence) as refused:
        change(world, request, time, reason)
    assert field in refused.value.by_field
    assert (now(world).version, len(votes(world, 1))) == (1, 1)
    assert [attempt for attempt, _ in world.refusals()] == ["request.edit"]


def test_who_may_not_ask_any_more_changes_nothing(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    with pytest.raises(InvalidInput, match="There is no customers-db/read that you may ask for"):
        may_edit(world.core, request_id=request.id, by=by_slack(ANN), zone=AMSTERDAM)
    with pytest.raises(Exception, match="that you may ask for"):
        change(world, request)
    assert now(world).version == 1


def test_only_who_asked_changes_it(world: World) -> None:
    request = world.ask()
    for by in (BEN, LEA):
        with pytest.raises(NotYours, match="Only the person who asked can change a request"):
            change(world, request, by=by)


def test_what_is_decided_is_not_changed(world: World) -> None:
    request = world.ask()
    world.deny(request)
    with pytest.raises(AlreadyDecided, match="This request is already denied, so it can't be changed"):
        change(world, request)
    late = world.ask()
    world.clock.tick(hours=9)
    with pytest.raises(RequestLapsed):
        change(world, late)


def test_what_an_approver_narrowed_meanwhile_is_seen_before_it_is_changed(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "30m", by=LEA)
    with pytest.raises(Conflict, match="lea has narrowed the time of this request while you were writing"):
        change(world, request, "2h")
    assert shown(world, request) == "30m"
    change(world, now(world), "1h")
    row = now(world)
    assert (row.version, row.narrowed_from, row.narrowed_by, row.asked_duration_s) == (3, None, None, None)


def test_an_end_far_ahead_that_is_left_as_it_stands_stays(world: World) -> None:
    """Its words, until 18:00, would be read as those of today."""
    starts = world.clock.now() + timedelta(days=2)
    request = world.ask(duration=None, until=starts + timedelta(minutes=100, seconds=7), starts_at=starts)
    change(world, request, shown(world, request))
    assert (now(world).until, now(world).starts_at, now(world).reason) == (request.until, starts, ANOTHER_REASON)


@pytest.mark.both_databases
def test_an_extension_is_changed_to_another_end(world: World) -> None:
    world.rewrite_policy(TWO_STAGES, ONE)
    grant = world.open(minutes=30)
    request = world.extend(grant, minutes=30)
    change(world, request, "15m")
    assert grant.expires_at is not None
    assert now(world).until == grant.expires_at + timedelta(minutes=15)
    world.approve(now(world))
    assert world.again(grant).expires_at == grant.expires_at + timedelta(minutes=15)


def test_who_approved_what_was_asked_before_and_leaves_ends_nothing(world: World) -> None:
    """Lea's approval went with the version that Ann has changed."""
    request = world.ask(starts_at=world.clock.now() + timedelta(hours=1))
    world.approve(request, by=LEA)
    change(world, request)
    world.approve(now(world), by=KIM)
    world.approve(now(world), by=SAM)
    world.gone[LEA] = "Slack shows this account as deactivated."
    for _ in range(3):
        world.pass_time(minutes=5)
    assert world.grant_of(request).status == GrantStatus.SCHEDULED


@pytest.mark.both_databases
def test_of_changes_votes_and_taking_back_at_once_each_is_done_or_told(world: World) -> None:
    request = world.ask(minutes=60)
    acts = [
        lambda: change(world, request, "30m"), lambda: change(world, request, "20m"),
        lambda: world.approve(request, by=LEA), lambda: world.approve(request, by=KIM),
        lambda: narrow(world, request, "10m", by=LEA), lambda: world.deny(request, by=KIM),
        lambda: cancel(world.core, request_id=request.id, by=by_slack(ANN)),
    ] * 3  # fmt: skip
    start, odd = threading.Barrier(len(acts)), list[str]()

    def act(one) -> None:
        start.wait()
        try:
            one()
        except Conflict:
            pass
        except Exception as error:
            odd.append(repr(error))

    threads = [threading.Thread(target=act, args=(one,)) for one in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one for one in odd if "NotYourTurn" not in one} == set()
    row = now(world)
    made = [one for one in world.events() if one.action in ("request.edited", "request.narrowed")]
    assert row.version == 1 + len(made)
    decided = [one for one in world.events() if one.action in ("request.denied", "request.cancelled")]
    assert len(decided) == (row.status != RequestStatus.PENDING)
    assert world.verified().flaw is None
