"""A target that does not answer: its return is looked for by one grant, and ends the pauses of all that wait for it."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from sqlmodel import col

from access.errors import RateLimited, Transient
from access.grants import outage
from access.grants.claims import CLAIM, LONGEST_PAUSE
from access.grants.end import RevokeHandler
from access.models import Grant, GrantStatus
from access.monitor.sweep import Schedule
from access.ports import AgendaItem, Deadline, GrantSpec, Receipt, Removal
from access.unit_of_work import grant_item
from tests.access.monitor.test_targets import THREE
from tests.cast import ANN, BEN
from tests.fakes import FakeProvider, Server
from tests.world import World, deadline

ROLES = ("customers-db/read", "orders-db/read", "payroll/read")
"""The first two at one target."""


@dataclass
class Order:
    """An agenda that remembers what it is told, one after the other."""

    told: list[AgendaItem] = field(default_factory=list)

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        self.told += [item for item, _ in items]


def overdue(world: World, *, by: tuple[str, ...] = (ANN, BEN), tries: int = 8) -> list[Grant]:
    """Access to three resources at two targets that should be over; both have been down for many tries."""
    world.policy_file.write_text(THREE, encoding="utf-8")
    grants = [world.open(by=person, entitlement=role, minutes=30) for role in ROLES for person in by]
    world.clock.tick(minutes=30)
    world.server.weather = "down"
    for _ in range(tries):
        world.remove(*grants)
        world.clock.tick(seconds=LONGEST_PAUSE.total_seconds())
    world.remove(*grants)
    assert all(one.due_at > world.clock.now() + timedelta(seconds=20) for one in again(world, grants) if one.due_at)
    return again(world, grants)


def again(world: World, grants: Iterable[Grant]) -> list[Grant]:
    return [world.again(one) for one in grants]


def hurry(world: World, grant: Grant) -> None:
    """This one's pause is over."""
    with world.core.database.write() as session:
        session.connection().execute(
            sa.update(Grant).where(col(Grant.id) == grant.id).values(due_at=world.clock.now())
        )  # fmt: skip


def due(world: World, grants: Iterable[Grant]) -> list[str]:
    """Resources of those that are due now, or over."""
    return [one.resource for one in again(world, grants) if one.due_at is None or one.due_at <= world.clock.now()]


def live(world: World, seconds: int) -> list[int]:
    """A sweep and its work each second; how many calls each made."""
    made = list[int]()
    for _ in range(seconds):
        world.clock.tick(seconds=1)
        before = len(world.server.calls)
        routes = Schedule(world.core).route([item for item, _ in Schedule(world.core).sweep()]).now
        world.run(routes)
        made.append(len(world.server.calls) - before)
    return made


@pytest.mark.both_databases
def test_when_a_target_answers_again_all_that_waits_for_it_is_due_at_once(world: World) -> None:
    first, *others = overdue(world)
    world.server.weather = "fine"
    hurry(world, first)

    world.remove(first)

    assert world.again(first).status == GrantStatus.ENDED
    assert due(world, others) == ["customers-db", "orders-db", "orders-db"], "and nothing of another target"
    assert all(world.agenda.due[grant_item(one.id)] == world.clock.now() for one in others[:3])


def test_a_row_of_the_version_before_waits_for_its_resource(world: World) -> None:
    grants = overdue(world)
    with world.core.database.write() as session:
        session.connection().execute(sa.update(Grant).values(target_key=""))
    world.server.weather = "fine"
    hurry(world, grants[0])

    world.remove(world.again(grants[0]))

    assert due(world, grants) == ["customers-db", "customers-db"]


def test_access_that_waits_to_be_opened_or_extended_is_due_too_and_ends_come_first(world: World) -> None:
    world.policy_file.write_text(THREE, encoding="utf-8")
    ending, longer = world.open(minutes=30), world.open(by=BEN, minutes=60)
    world.clock.tick(minutes=30)
    opening = world.scheduled(entitlement="orders-db/read", by=BEN)
    other = world.open(entitlement="orders-db/read", minutes=5)
    world.approve(world.extend(longer, by=BEN))
    world.clock.tick(minutes=5)
    world.server.weather = "down"
    world.activate(opening)
    world.tell_target([longer.id])
    world.remove(ending, other)
    order = Order()
    world.server.weather = "fine"
    hurry(world, other)

    one = RevokeHandler(replace(world.core, agenda=order), world.targets)
    one.commit([one.act(claimed, deadline()) for claimed in one.claim([other.id])])

    kept = [item for item in order.told if item in {grant_item(each.id) for each in (ending, longer, opening)}]
    assert set(kept[:2]) == {grant_item(ending.id), grant_item(longer.id)}, "of access that is open before new access"
    assert kept[2:] == [grant_item(opening.id)]
    world.work()
    assert {each.status for each in again(world, [ending, other])} == {GrantStatus.ENDED}
    assert world.again(opening).status == GrantStatus.ACTIVE
    assert world.again(longer).target_expiry_stale_since is None


def test_a_target_that_refuses_for_good_has_answered(world: World) -> None:
    grants = overdue(world)
    world.server.weather = "refuses"
    hurry(world, grants[0])

    world.remove(grants[0])

    assert due(world, grants) == ["customers-db", "orders-db", "orders-db"]


@pytest.mark.parametrize("error", [RateLimited(), Transient(retry_after=timedelta(seconds=30))])
def test_a_target_that_says_when_to_come_again_is_given_that_time(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Transient
) -> None:
    first, *others = overdue(world)
    removes = FakeProvider.revoke

    def busy(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if spec.grant_id == others[0].id:
            raise error
        return removes(self, spec, receipt, deadline)

    monkeypatch.setattr(FakeProvider, "revoke", busy)
    hurry(world, others[0])
    world.remove(others[0])
    world.server.weather = "fine"
    hurry(world, first)
    world.remove(first)

    assert due(world, others[:1]) == []
    assert due(world, others[1:3]) == ["orders-db", "orders-db"]


def test_one_grant_of_each_target_is_tried_every_two_seconds_or_so(world: World) -> None:
    grants = overdue(world)
    called = len(world.server.calls)

    made = live(world, 20)

    assert all(sum(made[start : start + 4]) >= 2 for start in range(17)), "of two targets"
    assert len(world.server.calls) - called <= 2 * 20 // 2 + len(grants), "and no more beside the pauses of each"


def test_the_return_of_a_target_is_noticed_and_all_is_gone_while_every_pause_lasts(world: World) -> None:
    grants = overdue(world)
    world.server.weather = "fine"

    live(world, 4)

    assert {one.status for one in again(world, grants)} == {GrantStatus.ENDED}


def test_each_grant_gets_its_turn_to_ask_whether_the_target_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that alone gets no answer must not stand in the way of the others."""
    grants = overdue(world)
    removes, stuck = FakeProvider.revoke, grants[0].id

    def revoke(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if spec.grant_id == stuck:
            raise Transient
        return removes(self, spec, receipt, deadline)

    monkeypatch.setattr(FakeProvider, "revoke", revoke)
    world.server.weather = "fine"

    live(world, 8)

    assert [one.id for one in again(world, grants) if one.status != GrantStatus.ENDED] == [stuck]


def test_a_target_that_answers_one_call_and_fails_the_next_is_not_called_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = overdue(world)
    calls, reached = count(), Server.reached

    def flapping(self: Server, verb: str, grant_id: str) -> None:
        reached(self, verb, grant_id)
        if next(calls) % 2:
            raise Transient
        self.weather = "stubborn"  # it answers, and takes nothing away

    monkeypatch.setattr(Server, "reached", flapping)
    world.server.weather = "fine"
    tried = [one.attempts for one in grants]

    made = live(world, 20)

    assert max(made) <= len(grants), "each once a second at most"
    assert sum(made) <= 20 // 2 * len(grants)
    assert all(one.attempts >= before for one, before in zip(again(world, grants), tried, strict=True)), (
        "no pause shrinks"
    )


def test_a_claim_on_a_start_keeps_its_time_when_its_target_answers_another(world: World) -> None:
    opening, other = world.scheduled(), world.scheduled(by=BEN)
    world.server.weather = "down"
    world.activate(opening, other)
    world.clock.tick(seconds=3)
    (claimed,) = world.activation.claim([opening.id])
    world.server.weather = "fine"

    world.activate(other)
    assert world.again(other).status == GrantStatus.ACTIVE
    assert world.again(opening).due_at == world.clock.now() + CLAIM, "a call of it may be under way"

    as_the_version_before(world, opening)
    outage.note_answers(world.core, [claimed.grant])
    assert world.again(opening).due_at == world.clock.now() + CLAIM


def as_the_version_before(world: World, grant: Grant) -> None:
    """Its claims bear no name."""
    with world.core.database.write() as session:
        session.connection().execute(sa.update(Grant).where(col(Grant.id) == grant.id).values(claimed_by=None))


@pytest.mark.both_databases
def test_of_several_workers_that_notice_at_once_none_waits_and_nothing_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = overdue(world)
    monkeypatch.setattr(outage, "AT_A_TIME", 1)
    outage._waiting.cache_clear()
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: outage.note_answers(world.core, grants), range(3)))
    finally:
        outage._waiting.cache_clear()

    assert len(due(world, grants)) == len(grants)
    assert {one.unanswered_at for one in again(world, grants)} == {None}
