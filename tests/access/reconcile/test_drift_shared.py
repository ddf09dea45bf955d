"""Drift where grants share what they give: each that needs what is gone says so, and what others gave is no drift."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.grants.revoke import return_access
from access.models import Alert, AlertKind, CheckKind, EndedBy, GrantStatus, PeriodicCheck
from access.monitor.schedule_checks import schedule_checks
from access.ports import Deadline, GrantSpec, Holder, Managed, Rights
from access.reconcile import drift
from access.store import Database
from tests.cast import ANN
from tests.fakes import FakeProvider
from tests.shared_target import SharedProvider, SharedWorld
from tests.world import World

READ, FIX = "customers-db/read", "customers-db/fix-orders"
LOOK, MEND = ("look", "ann"), ("mend", "ann")


@pytest.fixture
def shared(database: Database, tmp_path: Path) -> SharedWorld:
    return SharedWorld.make(database, tmp_path)


def look(world: World) -> None:
    """The next look, when it is due."""
    schedule_checks(world.core)
    with world.core.database.read() as session:
        (one,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    world.clock.time = max(world.clock.now(), one.due_at)
    world.compare([one.id])


def drifts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.DRIFT]


def settle(world: World) -> None:
    for _ in range(6):
        world.work()
        world.clock.tick(seconds=1)


def test_each_grant_that_needs_what_is_gone_says_so(shared: SharedWorld) -> None:
    grants = [shared.scheduled(entitlement=what, minutes=120) for what in (READ, FIX)]
    settle(shared)
    shared.members.remove(LOOK)
    look(shared)
    assert drifts(shared) == []
    look(shared)
    assert {one.subject for one in drifts(shared)} == {one.id for one in grants}
    assert {shared.again(one).ended_by for one in grants} == {EndedBy.DRIFT}
    settle(shared)
    assert ({one.status for one in shared.grants()}, shared.members) == ({GrantStatus.ENDED}, set())


def test_a_membership_of_another_is_no_drift_and_is_left_alone(shared: SharedWorld) -> None:
    theirs = {("look", "eve"), ("mend", "ann")}
    shared.members.update(theirs)
    grant = shared.scheduled(minutes=60)
    settle(shared)
    look(shared)
    look(shared)
    return_access(shared.core, grant_id=grant.id, by=by_slack(ANN))
    settle(shared)
    look(shared)
    look(shared)
    assert (drifts(shared), shared.members) == ([], theirs)


def test_what_the_bot_gave_and_nobody_needs_is_removed(shared: SharedWorld) -> None:
    shared.targets.server.given = set()
    grant = shared.scheduled(entitlement=FIX, minutes=60)
    settle(shared)
    return_access(shared.core, grant_id=grant.id, by=by_slack(ANN))
    settle(shared)
    assert shared.members == set()
    shared.targets.server.add({MEND})  # what an old call did after all
    look(shared)
    assert drifts(shared) == []
    look(shared)
    again = shared.grants()[-1]
    assert (again.supersedes_grant_id, again.ended_by, [one.subject for one in drifts(shared)]) == (
        grant.id, EndedBy.DRIFT, [again.id],
    )  # fmt: skip
    settle(shared)
    assert (shared.members, shared.again(again).status, drifts(shared)[0].closed_at is not None) == (
        set(), GrantStatus.ENDED, True,
    )  # fmt: skip


def test_what_the_bot_gave_and_another_grant_needs_is_no_drift(shared: SharedWorld) -> None:
    shared.targets.server.given = set()
    grants = [shared.scheduled(entitlement=what, minutes=60) for what in (READ, FIX)]
    settle(shared)
    return_access(shared.core, grant_id=grants[0].id, by=by_slack(ANN))
    settle(shared)
    look(shared)
    look(shared)
    assert (drifts(shared), shared.members) == ([], {LOOK, MEND})


def test_what_the_bot_gave_and_no_row_explains_is_told_and_left_alone(shared: SharedWorld) -> None:
    shared.targets.server.given = set()
    shared.targets.server.add({("look", "eve")})
    look(shared)
    look(shared)
    assert [one.subject for one in drifts(shared)] == ["customers-db look of eve"]
    assert shared.members == {("look", "eve")}
    shared.targets.server.remove({("look", "eve")})
    look(shared)
    assert drifts(shared)[0].closed_at is not None


def test_a_bot_that_gave_itself_something_is_told(shared: SharedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    itself = [Holder(principal="countersign", role="look", ours=True, service_account=True, place="one")]
    monkeypatch.setattr(SharedProvider, "list_holders", lambda *_: itself)
    look(shared)
    look(shared)
    (alert,) = drifts(shared)
    assert alert.subject == "customers-db look of the bot itself"
    assert "has given itself look" in alert.sentence
    itself.clear()
    look(shared)
    assert drifts(shared)[0].closed_at is not None


def test_what_was_added_to_a_membership_of_ours_is_told(shared: SharedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = shared.scheduled(minutes=120)
    settle(shared)
    found = [Holder(principal="ann", role="look", ours=True, place="one", extra_privileges="ADMIN on look")]
    monkeypatch.setattr(SharedProvider, "list_holders", lambda *_: found)
    look(shared)
    look(shared)
    (alert,) = drifts(shared)
    assert "ann has ADMIN on look" in alert.sentence
    assert shared.again(grant).status == GrantStatus.ACTIVE


def test_rights_beyond_the_receipt_end_a_grant_that_is_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(self: FakeProvider, deadline: Deadline) -> list[Managed]:
        return [Managed(name=f"fake-{one}", grant_id=one, roles=frozenset(roles)) for one in self.server.holders]

    def rights(self: FakeProvider, spec: GrantSpec) -> Rights:
        return Rights(place="", roles=frozenset({"look"}))

    roles = ["look"]
    monkeypatch.setattr(FakeProvider, "list_managed", listed)
    monkeypatch.setattr(FakeProvider, "rights", rights, raising=False)
    grant = world.open(minutes=120)
    look(world)
    look(world)
    assert drifts(world) == []
    roles.append("rule")
    look(world)
    assert world.again(grant).status == GrantStatus.ACTIVE
    look(world)
    assert (world.again(grant).ended_by, [one.subject for one in drifts(world)]) == (EndedBy.DRIFT, [grant.id])
    assert "rule" in world.again(grant).end_reason
    world.work()
    assert world.again(grant).status == GrantStatus.ENDED


def test_it_is_found_in_ten_minutes_and_the_minute_of_the_second_look(shared: SharedWorld) -> None:
    shared.scheduled(minutes=60)
    settle(shared)
    shared.members.clear()
    begun = shared.clock.now()
    while not drifts(shared):
        shared.clock.tick(seconds=15)
        shared.work()
    assert shared.clock.now() - begun <= drift.EVERY + drift.SECOND_LOOK + timedelta(seconds=60)
