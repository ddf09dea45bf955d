"""What drift tells and does not end, and sessions whose role is gone: a receipt of ours says whose they are."""

import pytest
from sqlmodel import select

from access.actors import system
from access.models import Alert, AlertKind, CheckKind, EndedBy, Grant, GrantStatus, PeriodicCheck
from access.monitor.schedule_checks import schedule_checks
from access.ports import Deadline, Managed
from tests.fakes import FakeProvider
from tests.world import World

OID = 4_294_967_000
"""The numbers of a server go as far as 32 bits do."""
ORPHAN = Managed(name="sessions of 4294967000", grant_id=None, orphan_oid=OID, told={"there": "1 session is open."})


def look(world: World) -> None:
    schedule_checks(world.core)
    with world.core.database.read() as session:
        (one,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    world.clock.time = max(world.clock.now(), one.due_at)
    world.compare([one.id])


def drifts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.DRIFT]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Managed]:
    """What is listed beside what the fake server holds."""
    more = list[Managed]()
    usual = FakeProvider.list_managed

    def with_more(self: FakeProvider, deadline: Deadline) -> list[Managed]:
        return [*usual(self, deadline), *more]

    monkeypatch.setattr(FakeProvider, "list_managed", with_more)
    return more


def numbered(world: World, grant: Grant, oid: int = OID) -> None:
    """Its receipt has the number."""
    with world.core.work(system("test")) as work:
        work.session.get_one(Grant, grant.id).receipt = {"version": 1, "details": {"oid": oid}}


def test_a_session_whose_role_is_gone_is_ended_where_a_receipt_has_its_number(
    world: World, listed: list[Managed]
) -> None:
    old = world.open(minutes=60)
    numbered(world, old)
    world.pass_time(hours=1)
    assert world.again(old).status == GrantStatus.ENDED
    listed.append(ORPHAN)
    look(world)
    assert len(world.grants()) == 1, "one look alone may have met an end on its way"
    look(world)
    again = world.grants()[-1]
    assert (again.supersedes_grant_id, again.status, again.ended_by, again.receipt) == (
        old.id, GrantStatus.REVOKING, EndedBy.DRIFT, {"version": 1, "details": {"oid": OID}},
    )  # fmt: skip
    assert [one.subject for one in drifts(world)] == [again.id]
    listed.clear()
    world.work()
    assert (world.again(again).status, drifts(world)[0].closed_at is not None) == (GrantStatus.ENDED, True)


def test_a_grant_whose_role_was_dropped_under_its_open_session_is_ended(world: World, listed: list[Managed]) -> None:
    grant = world.open(minutes=120)
    numbered(world, grant)
    listed.append(ORPHAN)
    look(world)
    look(world)
    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.DRIFT)
    assert len(world.grants()) == 1


@pytest.mark.parametrize("resource", ["customers-db", "another"])
def test_any_other_session_of_no_role_is_told_and_left_alone(
    world: World, listed: list[Managed], resource: str
) -> None:
    grant = world.open(minutes=60)
    numbered(world, grant, OID if resource == "another" else 7)
    world.pass_time(hours=1)
    with world.core.work(system("test")) as work:
        work.session.get_one(Grant, grant.id).resource = resource  # servers count alike: that one is another's
    listed.append(ORPHAN)
    look(world)
    look(world)
    (alert,) = drifts(world)
    assert (alert.subject, alert.sentence) == (f"customers-db {ORPHAN.name}", "1 session is open.")
    assert len(world.grants()) == 1
    listed.clear()
    look(world)
    assert drifts(world)[0].closed_at is not None


def test_what_is_told_of_a_login_ends_nothing_and_closes_when_it_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"rights by eve": "The role eve gave a right of its own to it."}

    def with_told(self: FakeProvider, _deadline: Deadline) -> list[Managed]:
        return [Managed(name=f"fake-{one}", grant_id=one, told=told) for one in self.server.holders]

    monkeypatch.setattr(FakeProvider, "list_managed", with_told)
    grant = world.open(minutes=120)
    look(world)
    look(world)
    assert [(one.subject, one.sentence) for one in drifts(world)] == [
        (f"customers-db fake-{grant.id}, rights by eve", "The role eve gave a right of its own to it.")
    ]
    assert world.again(grant).status == GrantStatus.ACTIVE
    told.clear()
    look(world)
    assert drifts(world)[0].closed_at is not None
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_what_bears_no_mark_and_is_only_told_is_no_stray(world: World, listed: list[Managed]) -> None:
    listed.append(Managed(name="prepared transactions", grant_id=None, told={"there": "It keeps its locks."}))
    look(world)
    look(world)
    assert [one.sentence for one in drifts(world)] == ["It keeps its locks."]
