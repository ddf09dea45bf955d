"""What is approved is what is given: a row that was changed in the database afterwards opens and reveals nothing."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from access.actors import system
from access.errors import BadConfig, Conflict, NotUsableYet
from access.grants.integrity import usable
from access.grants.start import CHANGED as NOT_GIVEN
from access.grants.start import remove_found_again
from access.models import AlertKind, EndedBy, Grant, GrantStatus, Request, RequestStatus, Review
from access.monitor.schedule_checks import schedule_checks
from tests.cast import BEN
from tests.world import World

HOUR = timedelta(hours=1)
TAMPERED: dict[str, Any] = {
    "principal": "superuser",
    "definition": {"power": "rule"},
    "settings": {"server": "two"},
    "scope": {"tables": "all"},
    "role": "fix-orders",
    "resource": "payroll",
    "provider": "other",
    "requester": "ben",
    "subject": "ben",
    "subject_slack": "U0BEN",
    "level": "low",
    "duration_s": 7200,
    "alert_after_s": 86_400,
}
TIMES = ("until", "starts_at", "start_by", "expires_at")


def change(world: World, grant: Grant, table: type[SQLModel] = Grant, **values: Any) -> None:
    """As somebody who can write the database."""
    rows = sa.table(str(table.__tablename__), *(sa.column(name) for name in ("id", *values)))
    identifier = grant.id if table is Grant else grant.request_id
    typed = {name: sa.literal(value, getattr(table, name).type) for name, value in values.items()}
    with world.core.database.write() as session:
        session.connection().execute(sa.update(rows).where(rows.c.id == identifier).values(typed))


def opened(alerts: list[Any], grant: Grant) -> bool:
    return (AlertKind.DRIFT, f"{grant.id} :changed", None) in [(one.kind, one.subject, one.closed_at) for one in alerts]


@pytest.mark.parametrize("column", [*TAMPERED, *TIMES])
@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVATING])
def test_a_grant_that_was_changed_after_the_approval_is_not_given(world: World, column: str, stage: str) -> None:
    grant = world.scheduled(starts_at=world.clock.now() + timedelta(minutes=5))
    world.clock.tick(minutes=5)
    if stage == GrantStatus.ACTIVATING:
        world.server.weather = "down"
        world.activate(grant)
        world.server.weather = "fine"
        world.clock.tick(seconds=59)
    grant = world.again(grant)
    times: dict[str, datetime] = {
        "until": world.clock.now() + timedelta(minutes=40), "starts_at": grant.starts_at - timedelta(minutes=4),
        "start_by": grant.start_by + HOUR, "expires_at": (grant.expires_at or world.clock.now()) + HOUR,
    }  # fmt: skip
    changed: dict[str, Any] = {column: times.get(column) or TAMPERED[column]}
    change(world, grant, **changed)
    world.clock.tick(seconds=2)
    world.activate(grant)

    over = world.again(grant)
    assert over.ended_by == EndedBy.REFUSED
    assert over.status == (GrantStatus.ENDED if stage == GrantStatus.SCHEDULED else GrantStatus.REVOKING)
    assert over.end_reason == NOT_GIVEN
    assert "grant" not in [verb for verb, _ in world.server.calls[1 if stage == GrantStatus.ACTIVATING else 0 :]]
    assert opened(world.alerts(), grant)


def test_it_is_said_also_where_the_changed_row_leads_to_no_target(world: World) -> None:
    grant = world.scheduled()
    change(world, grant, provider="nowhere")
    world.targets.broken = BadConfig("There is no such provider.")
    world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert [one.kind for one in world.alerts()] == [AlertKind.DRIFT]


@pytest.mark.parametrize("column", ["principal", "definition", "settings", "role", "duration_s"])
def test_a_request_that_was_changed_together_with_its_grant_is_not_given(world: World, column: str) -> None:
    grant = world.scheduled()
    change(world, grant, **{column: TAMPERED[column]})
    change(world, grant, Request, **{column: TAMPERED[column]})
    world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []
    assert opened(world.alerts(), grant)


def test_a_vote_on_something_else_gives_nothing(world: World) -> None:
    grant = world.scheduled()
    with world.core.database.write() as session:
        session.connection().execute(sa.update(Review).values(fingerprint="0" * 64))
    world.activate(grant)

    assert (world.again(grant).ended_by, world.server.calls) == (EndedBy.REFUSED, [])


@pytest.mark.parametrize("column", ["principal", "definition", "settings", "role", "subject_slack"])
def test_open_access_that_was_changed_reveals_nothing_and_is_set_right(world: World, column: str) -> None:
    grant = world.open()
    change(world, grant, **{column: TAMPERED[column]})

    with pytest.raises(NotUsableYet, match="was changed after the approval"):
        usable(world.core, grant.id)

    assert getattr(world.again(grant), column) == getattr(grant, column)
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert opened(world.alerts(), grant)
    assert usable(world.core, grant.id).id == grant.id, "what is right again can be used"


@pytest.mark.parametrize("column", ["principal", "definition", "settings", "role", "resource", "scope"])
@pytest.mark.parametrize("stage", [GrantStatus.ACTIVE, GrantStatus.REVOKING])
def test_access_ends_as_it_was_opened_whatever_the_row_says_by_now(world: World, column: str, stage: str) -> None:
    grant = world.open(minutes=10)
    if stage == GrantStatus.REVOKING:
        world.server.weather = "down"
        world.pass_time(minutes=10)
        world.server.weather = "fine"
    change(world, grant, **{column: TAMPERED[column]})
    world.pass_time(minutes=10)
    world.pass_time(minutes=2)

    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.EXPIRED)
    assert getattr(over, column) == getattr(grant, column)
    assert opened(world.alerts(), grant)
    assert world.verified().flaw is None


def test_access_ends_also_where_the_request_was_changed_too(world: World) -> None:
    grant = world.open(minutes=10)
    change(world, grant, role="fix-orders")
    change(world, grant, Request, role="other")
    world.pass_time(minutes=10)
    world.pass_time(minutes=2)

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}
    assert opened(world.alerts(), grant)


@pytest.mark.parametrize("hidden", [True, False])
def test_an_end_that_nobody_decided_is_taken_back_within_half_a_minute(world: World, hidden: bool) -> None:
    grant = world.open(minutes=10)
    later: dict[str, Any] = {"expires_at": world.clock.now() + HOUR} | (
        {"due_at": world.clock.now() + HOUR} if hidden else {}
    )
    change(world, grant, **later)
    world.clock.tick(seconds=31)
    schedule_checks(world.core)

    now = world.again(grant)
    assert (now.expires_at, now.due_at, now.end_due_at) == (grant.expires_at, grant.expires_at, grant.expires_at)
    assert opened(world.alerts(), grant)
    world.pass_time(minutes=10)
    assert world.again(grant).status == GrantStatus.ENDED


def test_an_end_that_was_pushed_just_before_it_came_is_found_as_it_comes(world: World) -> None:
    grant = world.open(minutes=10)
    world.clock.tick(minutes=9, seconds=59)
    change(world, grant, expires_at=world.clock.now() + HOUR)
    world.clock.tick(seconds=1)
    world.tell_target([grant.id])
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.EXPIRED)
    assert world.server.holders == {}


def test_access_that_is_to_be_looked_at_after_its_end_only_is_found(world: World) -> None:
    grant = world.open(minutes=10)
    change(world, grant, due_at=world.clock.now() + HOUR)
    world.pass_time(seconds=31)
    world.pass_time(minutes=10)
    world.pass_time(minutes=2)

    assert world.again(grant).status == GrantStatus.ENDED
    assert opened(world.alerts(), grant)


def test_no_target_hears_of_an_end_that_nobody_decided(world: World) -> None:
    grant = world.open(minutes=10)
    change(
        world,
        grant,
        expires_at=world.clock.now() + HOUR,
        target_expiry_stale_since=world.clock.now(),
        due_at=world.clock.now(),
    )
    world.tell_target([grant.id])

    assert [verb for verb, _ in world.server.calls if verb == "extend"] == []
    assert world.again(grant).expires_at == grant.expires_at
    assert opened(world.alerts(), grant)


def test_an_end_that_was_pushed_reveals_nothing(world: World) -> None:
    grant = world.open(minutes=10)
    world.clock.tick(minutes=11)
    change(world, grant, expires_at=world.clock.now() + HOUR)

    with pytest.raises(NotUsableYet):
        usable(world.core, grant.id)
    world.work()
    assert world.again(grant).status == GrantStatus.ENDED


def test_an_end_that_was_pushed_is_not_extended(world: World) -> None:
    grant = world.open(minutes=10)
    request = world.extend(grant, minutes=60)
    change(world, grant, expires_at=world.clock.now() + timedelta(minutes=20))

    with pytest.raises(Conflict, match="The end of this access was changed in the database"):
        world.approve(request)

    assert world.again(grant).extensions == 0


def test_an_extension_that_nobody_approved_moves_no_end(world: World) -> None:
    grant = world.open(minutes=10)
    world.extend(grant, minutes=30)
    later = world.clock.now() + timedelta(minutes=40)
    with world.core.database.write() as session:
        extensions = sa.update(Request).where(sa.column("extends") == grant.id)
        session.connection().execute(extensions.values(status=RequestStatus.APPROVED))
    change(world, grant, expires_at=later, end_due_at=later, due_at=later)
    world.clock.tick(seconds=31)
    schedule_checks(world.core)

    assert world.again(grant).expires_at == grant.expires_at


def test_an_approved_extension_is_an_end_that_was_decided(world: World) -> None:
    grant = world.open(minutes=10)
    world.approve(world.extend(grant, minutes=30))
    world.work()
    world.clock.tick(seconds=31)
    schedule_checks(world.core)

    assert grant.expires_at is not None
    assert world.again(grant).expires_at == grant.expires_at + timedelta(minutes=30)
    assert world.alerts() == []
    world.pass_time(minutes=40)
    assert world.again(grant).status == GrantStatus.ENDED


def test_an_end_that_came_nearer_stays_so(world: World) -> None:
    """Who moves it so takes nothing that is not theirs, and it is no reason to keep a door open."""
    grant = world.open(minutes=10)
    sooner = world.clock.now() + timedelta(minutes=2)
    change(world, grant, expires_at=sooner, due_at=sooner)
    world.live_through(minutes=3)

    assert world.again(grant).status == GrantStatus.ENDED


def test_access_that_is_found_again_and_canaries_say_what_was_approved(world: World) -> None:
    grant = world.open(minutes=10)
    world.live_through(minutes=12)
    with world.core.work(system("test")) as work:
        again = remove_found_again(work, world.again(grant))
    world.live_through(minutes=1)

    assert world.again(again).status == GrantStatus.ENDED
    assert world.alerts() == []


def test_the_alert_stays_until_a_day_has_passed_and_the_access_is_over(world: World) -> None:
    grant = world.scheduled()
    change(world, grant, principal="superuser")
    world.activate(grant)
    world.clock.tick(hours=23)
    schedule_checks(world.core)
    assert opened(world.alerts(), grant)

    world.clock.tick(hours=2)
    schedule_checks(world.core)
    assert [one.closed_at is None for one in world.alerts()] == [False]


def test_what_was_set_right_is_an_event_that_names_the_columns(world: World) -> None:
    grant = world.open(minutes=10)
    change(world, grant, principal="superuser", role="fix-orders")
    with pytest.raises(NotUsableYet):
        usable(world.core, grant.id)

    (event,) = world.events("grant.set-right")
    assert json.loads(event.entry)["details"]["columns"] == ["role", "principal"]


def end_both(world: World, bad: Grant, good: Grant) -> None:
    """Each queue takes both at once; nobody is told, for this is about targets."""
    world.activate(bad, good)
    schedule_checks(world.core)
    world.clock.tick(minutes=10)
    for _ in range(2):  # what was set right is taken the next time
        world.remove(bad, good)
        world.clock.tick(seconds=1)

    assert (world.again(good).activated_at is not None, world.again(good).status) == (True, GrantStatus.ENDED)
    assert world.again(bad).status == GrantStatus.ENDED
    assert world.server.holders == {}


@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVE])
def test_a_chain_of_which_nothing_makes_sense_holds_up_no_other(world: World, stage: str) -> None:
    bad = world.scheduled(minutes=10) if stage == GrantStatus.SCHEDULED else world.open(minutes=10)
    good = world.scheduled(by=BEN, minutes=10)
    change(world, bad, role="other")
    change(world, bad, Request, chain=[])
    end_both(world, bad, good)

    assert opened(world.alerts(), bad)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("column", ["until", "definition", "duration_s"])
@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVE])
def test_what_cannot_be_read_holds_up_no_other(world: World, column: str, stage: str) -> None:
    """SQLite takes anything in any column."""
    bad = world.scheduled(minutes=10) if stage == GrantStatus.SCHEDULED else world.open(minutes=10)
    good = world.scheduled(by=BEN, minutes=10)
    with world.core.database.write() as session:
        broken = sa.text(f"UPDATE request SET {column} = 'x' WHERE id = :id")
        session.connection().execute(broken, {"id": bad.request_id})
    end_both(world, bad, good)

    assert opened(world.alerts(), bad)
