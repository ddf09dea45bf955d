"""What a target has and what the rows say: a difference counts when it is seen twice, is told, and ended by rule."""

from datetime import timedelta

import pytest
from sqlmodel import select

from access import comparisons
from access.actors import system
from access.models import Alert, AlertKind, CheckKind, EndedBy, Grant, GrantStatus, PeriodicCheck
from access.monitor.schedule_checks import schedule_checks
from access.ports import Capabilities, Isolation
from access.reconcile import drift
from access.reconcile.drift import Drift
from tests.fakes import FakeProvider
from tests.world import World, deadline

RESOURCE = "customers-db"
STRANGE = "0" * 26


def the_look(world: World) -> PeriodicCheck:
    with world.core.database.read() as session:
        return session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT, subject=RESOURCE)).one()


def look(world: World) -> None:
    """The next look, when it is due."""
    schedule_checks(world.core)
    world.clock.time = max(world.clock.now(), the_look(world).due_at)
    world.compare([the_look(world).id])


def drifts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.DRIFT]


def ended(world: World) -> Grant:
    """A grant that is over, and whose access somebody puts back by hand."""
    grant = world.open(minutes=60)
    world.pass_time(hours=1)
    world.server.holders[grant.id] = ("ann", "read")
    return grant


def test_access_that_stands_there_after_its_end_is_told_and_removed(world: World) -> None:
    old = ended(world)
    look(world)
    assert drifts(world) == [], "one look alone may have met a grant on its way"
    look(world)

    (alert,) = drifts(world)
    again = world.grants()[-1]
    assert (alert.subject, alert.closed_at) == (again.id, None)
    assert (again.supersedes_grant_id, again.status, again.ended_by) == (old.id, GrantStatus.REVOKING, EndedBy.DRIFT)

    world.work()
    assert (world.again(again).status, world.server.holders) == (GrantStatus.ENDED, {})
    assert drifts(world)[0].closed_at is not None
    assert drifts(world)[0].delivered_at is not None


def test_it_is_found_within_ten_minutes_and_the_minute_of_the_second_look(world: World) -> None:
    ended(world)
    begun = world.clock.now()
    while not drifts(world):
        world.clock.tick(seconds=15)
        world.work()
    assert world.clock.now() - begun <= drift.EVERY + drift.SECOND_LOOK + timedelta(seconds=60)


def test_a_grant_that_is_being_given_or_taken_away_is_no_drift(world: World) -> None:
    grant = world.scheduled()
    business = world.activation
    opening = [business.act(one, deadline()) for one in business.claim([grant.id])]  # on the target, not yet written
    look(world)
    business.commit(opening)
    look(world)
    world.server.weather = "stubborn"
    world.pass_time(hours=1)  # the target says that it took it away, and has it still
    look(world)
    look(world)
    assert world.again(grant).status == GrantStatus.REVOKING
    assert drifts(world) == []
    assert len(world.grants()) == 1


def test_what_ends_between_the_list_and_the_rows_is_no_drift(world: World) -> None:
    grant = world.open()
    schedule_checks(world.core)
    world.clock.tick(hours=1)
    business = Drift(world.core, world.targets)
    listed = [business.act(one, deadline()) for one in business.claim([the_look(world).id])]
    world.remove(grant)
    business.commit(listed)
    assert the_look(world).suspects != []
    look(world)
    assert (the_look(world).suspects, drifts(world), len(world.grants())) == ([], [], 1)


def test_a_grant_whose_access_is_gone_is_told_and_ended_and_never_given_again(world: World) -> None:
    grant = world.open(minutes=120)
    world.server.holders.clear()
    look(world)
    assert world.again(grant).status == GrantStatus.ACTIVE
    look(world)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.DRIFT)
    world.work()
    (alert,) = drifts(world)
    assert (alert.subject, world.again(grant).status) == (grant.id, GrantStatus.ENDED)
    assert alert.closed_at is not None
    assert "was gone" in alert.sentence
    assert (len(world.grants()), world.server.holders) == (1, {})


def test_access_that_came_back_before_the_second_look_is_no_drift(world: World) -> None:
    grant = world.open(minutes=120)
    holders = dict(world.server.holders)
    world.server.holders.clear()
    look(world)
    world.server.holders |= holders
    look(world)
    assert (world.again(grant).status, drifts(world)) == (GrantStatus.ACTIVE, [])


def test_access_that_only_the_list_leaves_out_is_no_drift(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = world.open(minutes=120)
    monkeypatch.setattr(FakeProvider, "list_managed", lambda *_: [])
    look(world)
    look(world)
    assert (world.again(grant).status, drifts(world)) == (GrantStatus.ACTIVE, [])


def test_what_bears_our_mark_without_a_grant_is_told_and_left_alone(world: World) -> None:
    world.server.holders[STRANGE] = ("eve", "read")
    look(world)
    look(world)
    look(world)
    (alert,) = drifts(world)
    assert alert.subject == f"{RESOURCE} fake-{STRANGE}"
    assert (list(world.server.holders), world.grants(), alert.closed_at) == ([STRANGE], [], None)

    world.server.holders.clear()
    look(world)
    assert drifts(world)[0].closed_at is not None


def test_the_access_of_another_resource_is_told_and_not_ended_from_here(world: World) -> None:
    grant = ended(world)
    with world.core.work(system("test")) as work:
        row = work.session.get_one(Grant, grant.id)
        row.resource = "another"
    look(world)
    look(world)
    assert [one.subject for one in drifts(world)] == [f"{RESOURCE} fake-{grant.id}"]
    assert len(world.grants()) == 1


def test_a_target_that_does_not_answer_says_nothing_and_is_asked_again_in_a_minute(world: World) -> None:
    world.open(minutes=120)
    world.server.holders.clear()
    look(world)
    seen = the_look(world).suspects
    world.server.weather = "down"
    look(world)
    now = the_look(world)
    assert (now.suspects, now.due_at - world.clock.now()) == (seen, drift.SECOND_LOOK)
    assert "does not answer" in now.problem
    assert drifts(world) == []
    world.server.weather = "fine"
    look(world)
    assert (len(drifts(world)), the_look(world).problem) == (1, "")


def test_a_provider_that_breaks_tells_nothing_of_what_it_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("password canary")

    monkeypatch.setattr(FakeProvider, "list_managed", broken)
    look(world)
    assert the_look(world).problem == "The provider cannot list what is ours (RuntimeError)."


def test_a_provider_that_cannot_list_is_not_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProvider, "capabilities", Capabilities(isolation=Isolation.PER_GRANT))
    schedule_checks(world.core)
    with world.core.database.read() as session:
        assert session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all() == []


def test_a_resource_that_left_the_policy_is_looked_at_while_something_is_open(world: World) -> None:
    grant = world.open(minutes=120)
    world.rewrite_policy("customers-db", "clients-db")
    world.server.holders.clear()
    look(world)
    look(world)
    assert world.again(grant).ended_by == EndedBy.DRIFT


def test_two_workers_do_not_look_at_the_same_time_and_the_slower_answer_is_dropped(world: World) -> None:
    world.open(minutes=120)
    schedule_checks(world.core)
    world.clock.tick(minutes=10)
    business = Drift(world.core, world.targets)
    first = business.claim([the_look(world).id])
    assert business.claim([the_look(world).id]) == []
    world.clock.tick(minutes=2)
    second = business.claim([the_look(world).id])
    world.server.holders.clear()
    business.commit([business.act(first[0], deadline())])
    assert the_look(world).suspects == []
    business.commit([business.act(second[0], deadline())])
    assert len(the_look(world).suspects) == 1


def test_somebody_who_asks_is_answered_now_but_the_minute_between_two_looks_stays(world: World) -> None:
    world.open(minutes=120)
    world.server.holders.clear()
    comparisons.ask(world.core, [RESOURCE])
    assert the_look(world).due_at <= world.clock.now()
    look(world)
    second = the_look(world).due_at
    comparisons.ask(world.core, [RESOURCE])
    assert the_look(world).due_at == second == world.clock.now() + drift.SECOND_LOOK


def test_access_of_a_grant_that_failed_is_removed_too(world: World) -> None:
    grant = ended(world)
    with world.core.work(system("test")) as work:
        work.session.get_one(Grant, grant.id).status = GrantStatus.FAILED
    look(world)
    look(world)
    assert world.grants()[-1].supersedes_grant_id == grant.id
