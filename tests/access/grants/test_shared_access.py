"""Where grants share what they give: an end removes what nobody else needs, and never what stood there before us."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.clock import HostClock
from access.grants import shared_access
from access.grants.claims import CLAIM, IN_FLIGHT
from access.grants.revoke import return_access
from access.models import EndedBy, Grant, GrantStatus, RoleClaim, SharedRole
from access.store import Database
from tests.cast import ANN, LEA
from tests.shared_target import SHARED_POLICY, SharedWorld
from tests.waiting import wait_until
from tests.world import deadline

READ, FIX = "customers-db/read", "customers-db/fix-orders"
LOOK, MEND = ("look", "ann"), ("mend", "ann")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> SharedWorld:
    return SharedWorld.make(database, tmp_path)


def settle(world: SharedWorld) -> None:
    """Until nobody waits for a turn any more."""
    for _ in range(6):
        world.work()
        world.clock.tick(seconds=1)


def opened(world: SharedWorld, entitlement: str, minutes: float = 60) -> Grant:
    grant = world.scheduled(entitlement=entitlement, minutes=minutes)
    settle(world)
    assert world.again(grant).status == GrantStatus.ACTIVE
    return world.again(grant)


def done(world: SharedWorld, grant: Grant) -> Grant:
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    settle(world)
    return world.again(grant)


def verbs(world: SharedWorld) -> list[str]:
    return [verb for verb, _ in world.targets.server.calls]


def held(world: SharedWorld, grant: Grant) -> dict[str, bool | None]:
    """By role, whether it stood there before."""
    with world.core.database.read() as session:
        both = select(SharedRole.role, RoleClaim.pre_existing).where(
            RoleClaim.share_id == SharedRole.id, RoleClaim.grant_id == grant.id
        )
        return dict(session.exec(both).all())


def turns(world: SharedWorld) -> dict[str, str | None]:
    """Whose turn it is, by role."""
    with world.core.database.read() as session:
        return dict(session.exec(select(SharedRole.role, SharedRole.locked_by)).all())


@pytest.mark.parametrize("first", [READ, FIX])
def test_an_end_removes_only_what_no_other_grant_needs(world: SharedWorld, first: str) -> None:
    grants = {what: opened(world, what) for what in (READ, FIX)}
    assert world.members == {LOOK, MEND}
    (second,) = grants.keys() - {first}

    ended = done(world, grants[first])
    assert world.members == ({LOOK, MEND} if second == FIX else {LOOK})
    assert (ended.status, ended.proven_at is not None) == (GrantStatus.ENDED, True)
    assert "look stays until another access that needs it has ended." in ended.residual

    last = done(world, grants[second])
    assert (last.status, world.members) == (GrantStatus.ENDED, set())
    assert last.residual == ["Open sessions live on."]


@pytest.mark.both_databases
def test_two_that_end_at_once_leave_nothing(world: SharedWorld) -> None:
    for what in (READ, FIX):
        opened(world, what)
    world.clock.tick(hours=1)
    settle(world)
    assert ({one.status for one in world.grants()}, world.members) == ({GrantStatus.ENDED}, set())


@pytest.mark.both_databases
def test_two_that_begin_at_once_know_who_of_them_was_first(world: SharedWorld) -> None:
    grants = [world.scheduled(entitlement=what) for what in (READ, FIX)]
    settle(world)
    assert world.members == {LOOK, MEND}
    assert [held(world, one) for one in grants] == [{"look": False}, {"look": False, "mend": False}]


def test_what_stood_there_before_us_is_never_removed(world: SharedWorld) -> None:
    world.members.add(LOOK)
    grant = opened(world, FIX)
    assert held(world, grant) == {"look": True, "mend": False}
    assert grant.receipt is not None
    assert grant.receipt["pre_existing"] is True

    ended = done(world, grant)
    assert (ended.status, world.members) == (GrantStatus.ENDED, {LOOK})
    assert "look was there before this access, not by Countersign, and stays." in ended.residual


def test_what_stood_there_before_the_first_stood_there_before_the_second(world: SharedWorld) -> None:
    world.members.add(LOOK)
    first, second = opened(world, READ), opened(world, FIX)
    done(world, first)
    done(world, second)
    assert world.members == {LOOK}


def test_what_we_gave_is_not_taken_for_what_stood_there(world: SharedWorld) -> None:
    first, second = opened(world, READ), opened(world, FIX)
    done(world, first)
    assert held(world, second) == {"look": False, "mend": False}
    done(world, second)
    assert world.members == set()


def test_after_the_last_end_somebody_looks_anew(world: SharedWorld) -> None:
    done(world, opened(world, READ))
    world.members.add(LOOK)  # by another's hand
    done(world, opened(world, READ))
    assert world.members == {LOOK}


def test_nothing_is_given_before_it_is_written_down_what_stood_there(world: SharedWorld) -> None:
    grant = world.scheduled()
    world.targets.server.weather = "down"
    settle(world)
    assert (world.again(grant).status, world.again(grant).expires_at) == (GrantStatus.SCHEDULED, None)
    assert (set(verbs(world)), held(world, grant)) == ({"observe"}, {"look": None})

    world.targets.server.weather = "fine"
    world.live_through(seconds=30)
    given = [verb for verb in verbs(world) if verb != "list"]  # which is asked at a time of its own
    assert (given[-2:], world.members) == (["observe", "grant"], {LOOK})


def test_a_target_that_cannot_be_looked_at_in_time_ends_it_late(world: SharedWorld) -> None:
    grant = world.scheduled()
    world.targets.server.weather = "down"
    world.pass_time(minutes=14)
    world.pass_time(minutes=2)
    ended = world.again(grant)
    assert (ended.status, ended.ended_by) == (GrantStatus.ENDED, EndedBy.LATE)
    assert "does not answer" in ended.end_reason


def test_killed_after_giving_it_is_still_known_what_stood_there(world: SharedWorld) -> None:
    grant = world.scheduled()
    world.activate(grant)  # looks
    business = world.activation
    for one in business.claim([grant.id]):
        business.act(one, deadline())  # gives, and dies
    assert world.members == {LOOK}
    world.live_through(minutes=3)
    assert held(world, grant) == {"look": False}
    done(world, world.again(grant))
    assert world.members == set()


def test_killed_before_it_was_written_down_it_is_looked_at_again(world: SharedWorld) -> None:
    grant = world.scheduled()
    business = world.activation
    for one in business.claim([grant.id]):
        business.act(one, deadline())
    assert held(world, grant) == {"look": None}
    world.members.add(LOOK)
    world.live_through(minutes=3)
    assert held(world, grant) == {"look": True}


def test_an_old_look_is_looked_at_again(world: SharedWorld) -> None:
    grant = world.scheduled()
    world.activate(grant)
    world.members.add(LOOK)
    world.clock.tick(seconds=61)
    world.activate(grant)
    assert (world.again(grant).status, held(world, grant)) == (GrantStatus.SCHEDULED, {"look": True})


def test_a_grant_waits_while_another_is_being_taken_away(world: SharedWorld) -> None:
    first = opened(world, READ)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    closing = world.deactivation
    claimed = closing.claim([first.id])
    second = world.scheduled(entitlement=FIX)
    world.activate(second)
    assert (world.again(second).status, world.members) == (GrantStatus.SCHEDULED, {LOOK})
    assert world.again(second).due_at == world.clock.now() + shared_access.PUT_OFF

    closing.commit([closing.act(one, deadline()) for one in claimed])
    settle(world)
    assert (world.again(first).status, world.again(second).status) == (GrantStatus.ENDED, GrantStatus.ACTIVE)
    assert world.members == {LOOK, MEND}


def test_an_end_waits_while_another_grant_is_being_given_and_then_leaves_it(world: SharedWorld) -> None:
    first, second = opened(world, READ), world.scheduled(entitlement=FIX)
    world.activate(second)
    opening = world.activation
    claimed = opening.claim([second.id])
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    world.remove(first)
    assert world.again(first).status == GrantStatus.REVOKING

    opening.commit([opening.act(one, deadline()) for one in claimed])
    settle(world)
    assert (world.again(first).status, world.members) == (GrantStatus.ENDED, {LOOK, MEND})


def test_after_a_lost_answer_others_wait_until_it_cannot_be_carried_out_any_more(world: SharedWorld) -> None:
    first = opened(world, READ)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    world.targets.server.weather = "answer lost"
    world.remove(first)
    world.targets.server.weather = "fine"
    world.clock.tick(seconds=5)
    world.remove(first)  # and this one is answered: the first may still be on its way
    assert world.again(first).status == GrantStatus.ENDED
    second = world.scheduled(entitlement=FIX)
    world.activate(second)
    assert turns(world)["look"] == first.id

    world.clock.tick(seconds=IN_FLIGHT.total_seconds() - 5)
    settle(world)
    assert world.again(second).status == GrantStatus.ACTIVE


def test_a_worker_that_died_holds_nobody_up_for_long(world: SharedWorld) -> None:
    first = opened(world, READ)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    world.deactivation.claim([first.id])
    second = world.scheduled(entitlement=FIX)
    begun = world.clock.now()
    while world.again(second).status != GrantStatus.ACTIVE:
        world.pass_time(seconds=5)
        assert world.clock.now() - begun <= CLAIM + IN_FLIGHT + shared_access.PUT_OFF * 4
    assert world.members == {LOOK, MEND}


def test_a_worker_that_slept_through_its_turn_does_not_call(world: SharedWorld) -> None:
    first = opened(world, READ)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    closing = world.deactivation
    asleep = closing.claim([first.id])
    world.clock.tick(seconds=100)
    settle(world)
    second = opened(world, FIX)
    closing.commit([closing.act(one, deadline()) for one in asleep])
    settle(world)
    assert (world.members, world.again(second).status) == ({LOOK, MEND}, GrantStatus.ACTIVE)


def test_what_was_not_started_is_given_back_with_its_turn(world: SharedWorld) -> None:
    first, second = opened(world, READ), world.scheduled(entitlement=FIX)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    world.deactivation.release(world.deactivation.claim([first.id]))
    world.activation.release(world.activation.claim([second.id]))
    assert set(turns(world).values()) == {None}


def test_a_commit_that_comes_twice_gives_nobody_elses_turn_away(world: SharedWorld) -> None:
    first, second = opened(world, READ), world.scheduled(entitlement=FIX)
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    closing = world.deactivation
    results = [closing.act(one, deadline()) for one in closing.claim([first.id])]
    closing.commit(results)
    world.activation.claim([second.id])
    closing.commit(results)
    assert turns(world) == {"look": second.id, "mend": second.id}


def test_a_grant_that_the_target_refuses_leaves_the_others_theirs(world: SharedWorld) -> None:
    opened(world, READ)
    refused = world.scheduled(entitlement=FIX)
    world.activate(refused)
    world.targets.server.weather = "refuses"
    world.activate(refused)
    assert (world.again(refused).status, world.members) == (GrantStatus.FAILED, {LOOK})


def test_the_grants_of_two_people_share_nothing(world: SharedWorld) -> None:
    ann = opened(world, READ)
    lea = world.ask(by=LEA, entitlement=READ)
    world.approve(lea, by="U0KIM")  # pyright: ignore[reportArgumentType] -- a Slack id
    settle(world)
    done(world, ann)
    assert world.members == {("look", "lea")}


def test_access_found_again_leaves_what_others_need(world: SharedWorld) -> None:
    first = world.scheduled(entitlement=FIX)
    world.activate(first)
    opening = world.activation
    late = [opening.act(one, deadline()) for one in opening.claim([first.id])]
    return_access(world.core, grant_id=first.id, by=by_slack(ANN))
    world.clock.tick(minutes=2)
    settle(world)
    second = opened(world, READ)
    world.members.add(MEND)  # what an old worker did after all
    opening.commit(late)
    settle(world)
    again = world.grants()[-1]
    assert (again.supersedes_grant_id, again.status, world.members) == (first.id, GrantStatus.ENDED, {LOOK})
    assert world.again(second).status == GrantStatus.ACTIVE


ROLES = 8
MANY = SHARED_POLICY.replace(
    'read: {title: "Read customers, without cards", power: look}',
    "\n      ".join(f"r{n}: {{title: Role {n}, power: look+own{n}}}" for n in range(ROLES)),
).replace("customers-db/read,", ", ".join(f"customers-db/r{n}" for n in range(ROLES)) + ",")

PATIENCE = {"within": 120, "every": 0.1}


@pytest.mark.both_databases
def test_eight_at_once_in_any_order(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins and ends when it likes; who is open has what it needs at every moment, and nothing is left."""
    monkeypatch.setattr(shared_access, "PUT_OFF", shared_access.PUT_OFF / 5)
    world = SharedWorld.make(database, tmp_path, MANY)
    world.core = replace(world.core, clock=HostClock())
    grants = [world.scheduled(entitlement=f"customers-db/r{n}") for n in range(ROLES)]
    robbed, errors = list[str](), list[BaseException]()

    def there(number: int) -> bool:
        return {LOOK, (f"own{number}", "ann")} <= world.members

    def live(number: int) -> None:
        grant = grants[number]
        try:
            wait_until(_turned(world.activate, world, grant, GrantStatus.ACTIVE), f"grant {number} is open", **PATIENCE)
            for _ in range(5):
                if not there(number):
                    robbed.append(f"{number} while it was open")
            return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
            wait_until(_turned(world.remove, world, grant, GrantStatus.ENDED), f"grant {number} is over", **PATIENCE)
        except BaseException as error:
            errors.append(error.__cause__ or error)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(ROLES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, robbed) == ([], [])
    assert (world.members, set(turns(world).values())) == (set(), {None})


def _turned(
    round_of: Callable[[Grant], None], world: SharedWorld, grant: Grant, wanted: GrantStatus
) -> Callable[[], bool]:
    def turned() -> bool:
        round_of(grant)
        return world.again(grant).status == wanted

    return turned
