"""What Slack refuses is left alone by everybody, what it takes is shared, and who needs it most is first."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from access.actors import by_slack, system
from access.grants.revoke import return_access, reveal
from access.ids import CheckId
from access.messages.home import open_home
from access.messages.outbox import Claimed, Delivery, Outbox, claim_messages
from access.messages.rate_limits import (
    LONGEST,
    PACES,
    PASSING,
    POST,
    PROBE,
    PUBLISH,
    UPDATE,
    USERS_INFO,
    Call,
    Limited,
    is_left_alone,
    note_refused,
    rank,
    wait_of,
)
from access.models import AlertKind, CheckKind, Message, MessageKind, PeriodicCheck, RateLimit
from access.monitor.offboarding import Members, Membership
from access.monitor.sweep import Schedule
from access.periodic_checks import check_item
from access.unit_of_work import message_item
from sandbox.facts import limit
from tests.cast import ANN, APPROVALS, LEA
from tests.world import World

WAIT = timedelta(seconds=30)
IN_APPROVALS = Call(POST, APPROVALS)
SLOW_DOWN = "Slack asks us to slow down."


def cards(world: World, number: int) -> list[Message]:
    """So many that nobody has posted yet, in one channel."""
    request = world.ask()
    with world.core.work(system("test")) as work:
        for version in range(2, number + 1):
            work.tell(MessageKind.REVIEW, request.id, APPROVALS, version=version)
    return world.messages(MessageKind.REVIEW)


def an_alert(world: World, *, channel: str = APPROVALS) -> Message:
    with world.core.work(system("test")) as work:
        work.open_alert(AlertKind.QUEUE, "grant", "A job has been waiting.", channel=channel)
    return world.messages(MessageKind.ALERT)[-1]


def claim(world: World, *messages: Message) -> list[Claimed]:
    return Outbox(world.core).claim([message.id for message in messages])


def refused(world: World, claimed: list[Claimed], wait: timedelta = WAIT, call: Call = IN_APPROVALS) -> None:
    Outbox(world.core).commit([Delivery(one, problem=SLOW_DOWN, limited=Limited(call, wait)) for one in claimed])


def told(world: World, claimed: list[Claimed]) -> None:
    Outbox(world.core).commit([Delivery(one, channel=one.message.recipient, ts=f"{one.id}.0") for one in claimed])


def due(world: World, message: Message) -> datetime:
    (moment,) = (one.due_at for one in world.messages(message.kind) if one.id == message.id)
    assert moment is not None
    return moment


# What was refused


def test_what_slack_refused_is_left_alone_by_every_worker(world: World) -> None:
    first, *others = cards(world, 3)
    refused(world, claim(world, first))

    assert claim(world, *others) == []
    assert all(due(world, one) >= world.clock.now() + WAIT for one in others), "it is not claimed again and again"
    world.clock.tick(seconds=29)
    assert claim(world, first, *others) == []


def test_another_channel_goes_on(world: World) -> None:
    refused(world, claim(world, *cards(world, 1)))

    assert len(claim(world, an_alert(world, channel="C0SEC"))) == 1


@pytest.mark.parametrize("wait", [timedelta(days=1), timedelta(minutes=3)])
def test_nothing_is_left_alone_for_more_than_two_minutes(world: World, wait: timedelta) -> None:
    (card,) = cards(world, 1)
    refused(world, claim(world, card), wait)
    world.clock.tick(seconds=LONGEST.total_seconds())

    assert len(claim(world, card)) == 1


def test_after_the_wait_one_message_tries_for_all(world: World) -> None:
    waiting = cards(world, 4)
    refused(world, claim(world, waiting[0]))
    world.clock.tick(minutes=2)

    (probe,) = claim(world, *waiting)
    world.clock.tick(seconds=5)
    assert claim(world, *waiting) == [], "nobody knows yet whether Slack takes any"

    told(world, [probe])
    world.clock.tick(seconds=1)
    assert len(claim(world, *waiting)) >= 1


def test_a_refused_try_is_followed_by_another_only_after_its_own_wait(world: World) -> None:
    waiting = cards(world, 3)
    refused(world, claim(world, waiting[0]))
    world.clock.tick(minutes=1)
    refused(world, claim(world, *waiting), timedelta(seconds=20))
    world.clock.tick(seconds=19)

    assert claim(world, *waiting) == []


def test_a_try_that_nobody_heard_of_again_is_followed_by_another(world: World) -> None:
    waiting = cards(world, 3)
    refused(world, claim(world, waiting[0]))
    world.clock.tick(minutes=1)
    assert len(claim(world, *waiting)) == 1
    world.clock.tick(seconds=PROBE.total_seconds())

    assert len(claim(world, *waiting)) == 1


def test_an_answer_from_before_a_refusal_does_not_end_it(world: World) -> None:
    first, second, third = cards(world, 3)
    under_way = claim(world, first, second)
    refused(world, under_way[:1])
    told(world, under_way[1:])

    assert claim(world, third) == []


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in another worker's hands"])
def test_an_alert_tries_first(world: World, *, together: bool) -> None:
    first, second = cards(world, 2)
    refused(world, claim(world, first))
    alert = an_alert(world)
    assert claim(world, alert, second) == []
    assert due(world, alert) == world.clock.now() + WAIT
    world.clock.tick(seconds=30)

    if not together:
        assert claim(world, first, second) == []
    assert [one.id for one in claim(world, alert, first, second)] == [alert.id]


def test_a_modal_that_somebody_looks_at_is_not_held_back(world: World) -> None:
    grant = world.open()
    reveal(world.core, grant_id=grant.id, by=by_slack(ANN), view="V0OPEN")
    note_refused(world.core, Limited(Call("views.update"), WAIT))

    (wanted,) = world.messages(MessageKind.REVEAL)
    assert [one.message.recipient for one in claim_messages(world.core, [wanted.id], [MessageKind.REVEAL])] == [
        "V0OPEN"
    ]


def test_a_clock_that_was_wrong_silences_nothing(world: World) -> None:
    waiting = cards(world, 2)
    with world.core.database.write() as session:
        later = world.clock.now() + timedelta(hours=1)
        session.add(
            RateLimit(id=IN_APPROVALS.id, method=POST, channel=APPROVALS, until=later, queued_until=later, refused=True)
        )

    assert not is_left_alone(world.core, IN_APPROVALS)
    assert len(claim(world, *waiting)) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": "7"}, 7),
        ({}, 1),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "999999999999999999999"}, 120),
    ],
)
def test_whatever_slack_writes_there_is_a_wait_within_reason(headers: dict[str, str], seconds: int) -> None:
    assert wait_of(headers) == timedelta(seconds=seconds)


def test_nobody_is_asked_after_while_slack_does_not_say_who_is_a_member(world: World) -> None:
    world.open()
    with world.core.database.write() as session:
        for name in ("1", "2"):
            session.add(
                PeriodicCheck(id=CheckId(name), kind=CheckKind.MEMBER, subject=f"U{name}", due_at=world.clock.now())
            )
    members = Members(world.core)
    limited = Limited(Call(USERS_INFO), WAIT)
    members.commit([Membership(one, problem=SLOW_DOWN, limited=limited) for one in members.claim(["1"])])

    assert members.claim(["2"]) == []
    world.clock.tick(seconds=30)
    assert len(members.claim(["1", "2"])) == 1, "one tries for all"
    assert {check_item("1"), check_item("2")} <= world.agenda.due.keys()


# What it takes


def test_as_many_go_at_once_as_slack_takes_and_then_one_in_its_time(world: World) -> None:
    waiting = cards(world, 9)
    pace = PACES[POST]

    assert len(claim(world, *waiting)) == pace.burst - 1, "a little is kept for calls that take long to arrive"
    gone = Counter[float]()
    start = world.clock.now()
    for _ in range(100):
        world.clock.tick(seconds=0.1)
        gone[(world.clock.now() - start).total_seconds()] += len(claim(world, *waiting))
    moments = sorted(gone.elements())
    assert [round(moment, 1) for moment in moments[:5]] == [0.3, 1.3, 2.3, 3.3, 4.3]


@pytest.mark.both_databases
def test_two_workers_share_what_slack_takes(world: World) -> None:
    waiting = cards(world, 9)
    both = claim(world, *waiting[::2]), claim(world, *waiting[1::2])

    assert sum(map(len, both)) == PACES[POST].burst - 1


def test_each_that_waits_has_a_turn_of_its_own(world: World) -> None:
    waiting = cards(world, 12)
    gone = claim(world, *waiting[:8]) + claim(world, *waiting[8:])

    left = sorted(due(world, one) for one in waiting if one.id not in {other.id for other in gone})
    assert {later - sooner for sooner, later in pairwise(left)} == {PACES[POST].interval}


@pytest.mark.both_databases
def test_who_needs_it_most_goes_first(world: World) -> None:
    *waiting, _ = cards(world, 5)
    alert = an_alert(world)
    told(world, claim(world, *waiting[:3]))

    assert [one.message.kind for one in claim(world, *waiting[3:], alert)] == [MessageKind.ALERT]


def scarce(world: World, method: str, made: int) -> None:
    """So many of these calls were made a moment ago, of those that may come at once."""
    pace, now = PACES[method], world.clock.now()
    with world.core.database.write() as session:
        session.merge(
            RateLimit(
                id=method, method=method, until=now - pace.credit + made * pace.interval,
                queued_until=now, refused=False,
            )
        )  # fmt: skip


@pytest.mark.parametrize(("made", "shown"), [(10, 2), (40, 0)])
def test_while_updates_are_scarce_a_state_that_passes_leaves_them_to_those_that_last(
    world: World, made: int, shown: int
) -> None:
    grant = world.open(minutes=30)
    places = [message for kind in ("review", "answer") for message in world.messages(kind)]
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.clock.tick(seconds=2)
    scarce(world, UPDATE, made)

    assert len(claim(world, *places)) == shown, "it is being ended"
    if not shown:
        assert {due(world, one) - world.clock.now() for one in places} == {PASSING}
        world.remove(world.again(grant))
        assert [one.message.kind for one in claim(world, *places)] == ["answer", "review"], "it has ended"


def test_what_passes_and_is_new_is_posted_however_scarce_updates_are(world: World) -> None:
    world.scheduled()
    world.clock.tick(seconds=2)
    scarce(world, UPDATE, 49)

    assert len(claim(world, *world.messages("answer"))) == 1


@pytest.mark.both_databases
def test_the_lane_takes_up_first_who_needs_it_most(world: World) -> None:
    open_home(world.core, person=by_slack(LEA))
    (card,) = cards(world, 1)
    alert, (home,) = an_alert(world), world.messages(MessageKind.HOME)

    first, second, third = (message_item(one.id) for one in (alert, card, home))
    ranks = Schedule(world.core).ranks([third, second, first])
    assert ranks[first] < ranks[second] < ranks[third]


def test_no_more_is_expected_than_slack_is_known_to_take() -> None:
    a_minute = timedelta(minutes=1)
    assert PACES[POST].burst <= limit("rate.channel_burst")
    assert PACES[POST].interval >= timedelta(seconds=1) / limit("rate.channel_second")
    for method, tier in ((UPDATE, 3), (PUBLISH, 4)):
        assert PACES[method].burst <= limit(f"rate.tier_{tier}")
        assert PACES[method].interval >= a_minute / limit(f"rate.tier_{tier}")


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_of_message_has_its_place_in_the_queue(kind: MessageKind) -> None:
    assert 0 <= rank(kind, stands=False) <= rank(MessageKind.HOME, stands=True)
