"""The sweep looks at what is overdue and stuck only: however much waits, each of its questions has an index."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import select

from access.actors import system
from access.core import Core
from access.ids import ulid
from access.models import Alert, AlertKind, AuditEvent, Grant, Message, MessageKind, Request, RequestStatus
from access.monitor import overdue, sweep_plan
from access.monitor.chores import CHORES, Chore
from access.monitor.due import exists
from access.monitor.sweep import Schedule
from access.monitor.sweep_plan import SweepPlan, plan_sweep
from access.store import Database
from tests.tampering import unguarded
from tests.world import World

pytestmark = pytest.mark.both_databases

MANY = 3_000
LARGE = ("grant", "notice", "request", "audit_event")
"""Tables that grow without end."""
Asked = tuple[str, Any]


@pytest.fixture(autouse=True)
def _own_question() -> Iterator[None]:
    """Made of the table of this test."""
    yield
    sweep_plan._question.cache_clear()


@contextmanager
def noted(database: Database) -> Iterator[list[Asked]]:
    """Every statement, with its parameters."""
    found: list[Asked] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    event.remove(sa.Engine, "before_cursor_execute", note)


def wait_idly(world: World, *, counted: bool) -> None:
    """Thousands of grants and messages that are due next week, requests that are decided, and events of long ago.

    `counted`: PostgreSQL's planner knows of them. On SQLite nobody ever counts.
    """
    grant, later = world.open(minutes=30), world.clock.now() + timedelta(days=7)
    world.work()  # else the first round would look at each of the thousands
    request = world.requests()[0]
    _, message = world.ask(entitlement="customers-db/fix-orders"), world.messages("review")[0]
    asked = request.model_dump() | {"status": RequestStatus.LAPSED}
    told = message.model_dump() | {"due_at": later}
    held = grant.model_dump() | {"due_at": later, "alert_at": later}
    happened = world.events()[-1].model_dump()
    rows = {
        Grant: [held | {"id": ulid(later)} for _ in range(MANY)],
        Message: [told | {"id": ulid(later), "recipient": str(number)} for number in range(MANY)],
        Request: [asked | {"id": ulid(later)} for _ in range(MANY)],
    }
    with world.core.database.write() as session:
        for table, values in rows.items():
            session.connection().execute(sa.insert(table), values)
    with unguarded(world.core.database) as connection:
        connection.execute(sa.insert(AuditEvent), [happened | {"seq": -number} for number in range(1, MANY)])
    if not counted or world.core.database.dialect == "sqlite":
        return
    with world.core.database.write() as session:
        session.connection().exec_driver_sql("ANALYZE")


def scans(database: Database, asked: list[Asked]) -> list[str]:
    """What reads a whole large table."""
    tables = "|".join(LARGE)
    explain, whole = {
        "sqlite": (
            "EXPLAIN QUERY PLAN ",
            rf'SCAN "?({tables})\b(?!.*USING (COVERING )?INDEX ix_\w+_(due|alert|lapsing|claimed|unanswered))',
        ),
        "postgresql": ("EXPLAIN ", rf'Seq Scan on "?({tables})\b'),
    }[database.dialect]
    found = list[str]()
    with database.read() as session:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                plan = session.connection().exec_driver_sql(explain + statement, parameters).all()
                words = "\n".join(str(line[-1]) for line in plan)
                found += [f"{statement}\n{words}"] if re.search(whole, words) else []
    return found


@pytest.mark.parametrize(
    ("seen", "counted"),
    [(None, True), (None, False), (SweepPlan(), True)],
    ids=["the question", "before the rows were counted", "all that may follow from it"],
)
def test_however_much_waits_the_sweep_reads_no_whole_table(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, seen: SweepPlan | None, counted: bool
) -> None:
    """On a database of its own: one that other tests had would still know what was counted for them."""
    wait_idly(world, counted=counted)
    schedule = Schedule(world.core)
    world.work()
    schedule.sweep()
    world.clock.tick(seconds=1)
    if seen is not None:
        monkeypatch.setattr("access.monitor.sweep.plan_sweep", lambda _core: seen)

    with noted(world.core.database) as asked:
        assert schedule.sweep() == []

    assert len(asked) > (8 if seen else 0)
    assert scans(world.core.database, asked) == []


def test_a_second_in_which_nothing_happens_costs_one_statement(world: World) -> None:
    world.open(minutes=30)
    world.work()
    schedule = Schedule(world.core)
    schedule.sweep()
    world.clock.tick(seconds=1)

    with noted(world.core.database) as asked:
        assert schedule.sweep() == []

    assert len([statement for statement, _ in asked if statement.startswith("SELECT")]) == 1


def test_a_chore_is_done_when_the_one_statement_finds_something_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one is an entry in the table: no column, no flag and no branch beside it."""
    done = list[Core]()
    denied = select(Request.id).where(Request.status == RequestStatus.DENIED)
    monkeypatch.setattr(sweep_plan, "CHORES", (*CHORES, Chore("denied", lambda: exists(denied), done.append)))
    sweep_plan._question.cache_clear()
    request, schedule = world.ask(), Schedule(world.core)
    world.work()
    schedule.sweep()
    with noted(world.core.database) as asked:
        assert schedule.sweep() == []
    assert (len([statement for statement, _ in asked if statement.startswith("SELECT")]), done) == (1, [])

    world.deny(request)
    schedule.sweep()

    assert done == [world.core]


@pytest.mark.parametrize("kind", [AlertKind.POLICY, AlertKind.RESTORED, AlertKind.CANARY, AlertKind.UNANSWERABLE])
def test_what_opened_an_alert_is_looked_at_while_it_is_open_and_nothing_else(world: World, kind: AlertKind) -> None:
    world.work()
    Schedule(world.core).sweep()
    with world.core.work(system("test")) as work:
        work.open_alert(kind, "x", "It fails.", channel=None)

    plan = plan_sweep(world.core)

    assert [one.name for one in plan.chores] == [kind.value]


def test_without_a_policy_every_chore_looks_for_itself(world: World) -> None:
    world.policy_file.write_text("people: [", encoding="utf-8")

    assert plan_sweep(world.core) == SweepPlan()


def late(world: World, number: int) -> None:
    """So many grants that should have ended, and may still be there."""
    grant = world.open(minutes=30)
    others = [grant.model_dump() | {"id": ulid(world.clock.now())} for _ in range(number - 1)]
    with world.core.database.write() as session:
        session.connection().execute(sa.insert(Grant), others)
    world.clock.tick(minutes=50)


def test_however_many_are_late_one_sweep_opens_all_their_alerts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "AT_A_TIME", 2)
    late(world, 5)

    with noted(world.core.database) as asked:
        Schedule(world.core).sweep()

    assert {(one.kind, one.subject) for one in world.alerts()} == {
        (AlertKind.OVERDUE, grant.id) for grant in world.grants()
    }
    assert len(world.events("alert.opened")) == 5
    assert {one.subject for one in world.messages(MessageKind.ALERT)} == {one.id for one in world.alerts()}
    pages = [statement for statement, _ in asked if statement.startswith(f"INSERT INTO {Alert.__tablename__} ")]
    assert len(pages) == 3


def test_a_sign_of_life_does_not_wait_for_all_alerts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "AT_A_TIME", 2)
    monkeypatch.setattr(overdue, "LONGEST_SECONDS", 0.0)
    late(world, 5)

    alerted = list[int]()
    for _ in range(3):
        Schedule(world.core).sweep()
        alerted.append(len(world.alerts()))

    assert alerted == [2, 4, 5]
