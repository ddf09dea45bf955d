"""What a dead worker had in hand goes on at once; who is only slow, or seems dead by a wrong clock, loses nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import select

from access.grants.claims import CLAIM, IN_FLIGHT
from access.grants.end import RevokeHandler
from access.grants.start import GrantHandler
from access.grants.target_expiry import Extension
from access.models import Grant, GrantStatus, SharedRole
from access.monitor.silent_workers import free_ends
from access.monitor.sweep import Schedule
from access.ports import AgendaItem
from access.signs_of_life import MISSED_SECONDS, SignsOfLife
from access.store import Database
from access.unit_of_work import grant_item
from tests.cast import BEN
from tests.shared_target import SharedWorld
from tests.world import World, deadline, one_round

NAME = "revoke@here:17"


@dataclass
class Watched:
    """A timekeeper that sweeps each second by its own steady clock, and the workers it knows of."""

    world: World
    seconds: float = 0.0
    told: list[AgendaItem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.core = replace(self.world.core, signs=SignsOfLife(lambda: self.seconds), agenda=self)
        self.schedule = Schedule(self.core)

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        self.told += [item for item, _ in items]

    def beat(self, name: str = NAME, kind: str = "worker revoke") -> None:
        self.schedule.beat(name, kind)

    def watch(self, seconds: float, *, beating: str = "") -> None:
        """Also the clock of all goes on."""
        for number in range(int(seconds)):
            if beating and number % 5 == 0:
                self.beat(beating)
            self.seconds += 1
            self.world.clock.tick(seconds=1)
            self.schedule.sweep()

    def revoking(self, name: str = NAME) -> RevokeHandler:
        return RevokeHandler(self.world.core, self.world.targets, worker=name)


@pytest.fixture
def watched(world: World) -> Watched:
    watched = Watched(world)
    watched.beat()
    return watched


def claimed(watched: Watched, *, status: GrantStatus = GrantStatus.ACTIVE) -> Grant:
    """An end that the worker has in hand."""
    world = watched.world
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    if status == GrantStatus.REVOKING:
        world.server.weather = "down"
        world.remove(grant)
        world.server.weather = "fine"
        world.clock.tick(seconds=3)
    assert watched.revoking().claim([grant.id])
    return world.again(grant)


@pytest.mark.parametrize("status", [GrantStatus.ACTIVE, GrantStatus.REVOKING])
@pytest.mark.both_databases
def test_an_end_that_a_dead_worker_had_claimed_is_free_when_its_heartbeat_is_missed(
    watched: Watched, status: GrantStatus
) -> None:
    world, grant = watched.world, claimed(watched, status=status)
    watched.watch(MISSED_SECONDS)
    assert watched.revoking("other@here:18").claim([grant.id]) == [], "it may live"

    watched.watch(2)

    assert grant_item(grant.id) in watched.told
    assert grant.due_at is not None
    assert world.clock.now() < grant.due_at, "its claim would last on"
    one_round(watched.revoking("other@here:18"), [grant.id])
    assert world.again(grant).status == GrantStatus.ENDED


def test_a_worker_that_gives_signs_of_life_keeps_its_claims(watched: Watched) -> None:
    grant = claimed(watched)

    watched.watch(40, beating=NAME)

    assert watched.world.again(grant).due_at == grant.due_at
    assert watched.world.again(grant).claimed_by == NAME


def test_a_worker_whose_sign_of_life_was_never_written_is_given_the_same_time(watched: Watched) -> None:
    world = watched.world
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    assert watched.revoking("nameless@here:99").claim([grant.id])

    watched.watch(MISSED_SECONDS)
    assert world.again(grant).claimed_by == "nameless@here:99"
    watched.watch(2)
    assert world.again(grant).claimed_by is None


@pytest.mark.parametrize("jump", [{"hours": 1}, {"hours": -1}])
def test_a_clock_that_jumps_makes_no_worker_dead_and_keeps_no_dead_one_alive(
    watched: Watched, jump: dict[str, float]
) -> None:
    world, grant = watched.world, claimed(watched)
    watched.watch(6, beating=NAME)
    world.clock.tick(**jump)
    for _ in range(5):
        watched.schedule.sweep()
    assert world.again(grant).claimed_by == NAME
    watched.beat()
    world.clock.tick(**{unit: -amount for unit, amount in jump.items()})

    watched.watch(MISSED_SECONDS + 2)
    assert world.again(grant).claimed_by is None


def test_a_machine_that_stood_still_makes_no_worker_dead(watched: Watched) -> None:
    world, grant = watched.world, claimed(watched)
    watched.watch(4)

    watched.seconds += 3600
    watched.schedule.sweep()
    watched.watch(3)

    assert world.again(grant).claimed_by == NAME


def test_the_answer_of_a_worker_that_was_only_slow_counts_no_more_and_the_end_is_one(watched: Watched) -> None:
    world = watched.world
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    slow, other = watched.revoking(), watched.revoking("other@here:18")
    (first,) = slow.claim([grant.id])
    watched.watch(MISSED_SECONDS + 2)
    (second,) = other.claim([grant.id])

    slow.commit([slow.act(first, deadline())])
    assert world.again(grant).status == GrantStatus.REVOKING
    other.commit([other.act(second, deadline())])

    assert world.again(grant).status == GrantStatus.ENDED
    assert len(world.events("grant.ended")) == 1


def test_claims_on_starts_and_on_later_ends_keep_their_time(watched: Watched) -> None:
    world = watched.world
    opening, longer = world.scheduled(), world.open(by=BEN, minutes=60)
    world.approve(world.extend(longer, by=BEN))
    assert GrantHandler(world.core, world.targets, worker=NAME).claim([opening.id])
    assert Extension(world.core, world.targets, worker=NAME).claim([longer.id])
    until = world.clock.now() + CLAIM

    watched.watch(MISSED_SECONDS + 10)

    assert [world.again(one).due_at for one in (opening, longer)] == [until, until]
    assert {grant_item(one.id) for one in (opening, longer)}.isdisjoint(watched.told)


def test_the_lock_on_a_shared_role_keeps_its_time_for_all_but_its_own_grant(database: Database, tmp_path: Path) -> None:
    world = SharedWorld.make(database, tmp_path)
    grant = world.scheduled(minutes=30)
    world.work()
    world.clock.tick(minutes=30)
    watched = Watched(world)
    watched.beat()
    assert watched.revoking().claim([grant.id])
    until = world.clock.now() + CLAIM + IN_FLIGHT

    watched.watch(MISSED_SECONDS + 2)
    one_round(watched.revoking("other@here:18"), [grant.id])

    assert world.again(grant).status == GrantStatus.ENDED
    with database.read() as session:
        assert [role.locked_until for role in session.exec(select(SharedRole))] == [until], "of others"


def test_what_a_dead_worker_was_sent_and_had_not_claimed_is_sent_again_once(watched: Watched) -> None:
    world = watched.world
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)

    watched.watch(MISSED_SECONDS + 20)

    assert watched.told.count(grant_item(grant.id)) == 1


def test_a_process_that_begins_frees_what_one_of_its_name_had_claimed(watched: Watched) -> None:
    """In a container each process may have the id of the one before."""
    grant = claimed(watched)

    free_ends(watched.core, {NAME})

    assert watched.told == [grant_item(grant.id)]
    assert watched.revoking().claim([grant.id])


def test_nobody_has_in_hand_what_is_written_down(watched: Watched) -> None:
    world = watched.world
    gone, failed = world.open(minutes=30), world.open(by=BEN, minutes=30)
    world.clock.tick(minutes=30)
    one_round(watched.revoking(), [gone.id])
    world.server.weather = "down"
    one_round(watched.revoking(), [failed.id])

    assert [world.again(one).claimed_by for one in (gone, failed)] == [None, None]
