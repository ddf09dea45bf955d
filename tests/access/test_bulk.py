"""What is done with many rows costs what it does with a few: the same statements, word for word."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import StatementError
from sqlmodel import select

from access import bulk
from access.actors import system
from access.grants.integrity import hold_to_approval
from access.models import Grant, Message, MessageKind
from access.store import Change, Database, compare_and_set_all, insert_all_unless_there
from tests.cast import LEA
from tests.tampering import unguarded
from tests.world import World, one_round

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The text of every statement, in its order."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    event.remove(sa.Engine, "before_cursor_execute", note)


def told(number: int, **more: Any) -> dict[str, Any]:
    row = {"id": f"n{number}", "kind": MessageKind.ALERT, "subject": f'a"{number}', "recipient": "é\n", "due_at": NOON}
    return row | {"created_at": NOON + timedelta(microseconds=number)} | more


def test_two_ends_and_three_are_written_by_the_same_statements(world: World) -> None:
    entitlements = [f"customers-db/{role}" for role in ("read", "fix-orders")]
    grants = [world.open(minutes=30, entitlement=one) for one in entitlements]
    world.pass_time(minutes=31)
    with statements() as for_one:
        one_round(world.deactivation, [grants[0].id])
    with statements() as for_the_other:
        one_round(world.deactivation, [grants[1].id, "no such grant", "nor this"])
    assert {again.status for again in map(world.again, grants)} == {"ended"}
    assert for_the_other == for_one


def test_an_approval_takes_fifteen_statements_in_one_transaction(world: World) -> None:
    request = world.ask()
    world.tell_all()
    with statements() as taken:
        world.approve(request, LEA)
    assert world.again(world.grant_of(request)).status == "scheduled"
    assert len([one for one in taken if not one.startswith("BEGIN")]) <= 15, taken
    assert sum(one.startswith("BEGIN") for one in taken) <= 1


def test_many_rows_are_inserted_with_the_defaults_and_the_values_of_one(database: Database) -> None:
    with database.write() as session:
        assert insert_all_unless_there(session, Message, [told(0)]) == {"n0"}
        again = told(4) | {name: told(0)[name] for name in ("kind", "subject", "recipient")}
        assert insert_all_unless_there(session, Message, [told(1), told(2), again]) == {"n1", "n2"}
    with database.read() as session:
        one, *many = [row.model_dump() for row in session.exec(select(Message).order_by("id"))]
    for number, row in enumerate(many, 1):
        own = {name: told(number)[name] for name in ("id", "subject", "created_at")}
        assert row == one | own


def test_of_held_rows_that_are_changed_together_one_that_lost_is_noticed(database: Database) -> None:
    with database.write() as session:
        insert_all_unless_there(session, Message, [told(number) for number in range(20)])
        seen = [
            Change(f"n{number}", {"fence": 0, "ts": None}, {"fence": number, "due_at": None, "delivered_at": NOON})
            for number in range(20)
        ]
        assert compare_and_set_all(session, Message, seen, held=True)
    with database.read() as session:
        rows = session.exec(select(Message)).all()
        assert {row.id: (row.fence, row.due_at, row.delivered_at) for row in rows} == {
            f"n{number}": (number, None, NOON) for number in range(20)
        }
    with database.write() as session:
        lost = [Change("n1", {"fence": 1}, {"problem": "x"}), Change("n2", {"fence": 1}, {"problem": "x"})]
        assert not compare_and_set_all(session, Message, lost, held=True)


def test_a_time_without_a_zone_reaches_no_row(database: Database) -> None:
    naive = told(1, due_at=NOON.replace(tzinfo=None))
    with pytest.raises((ValueError, StatementError), match="naive time"), database.write() as session:
        insert_all_unless_there(session, Message, [naive, told(2)])


def test_a_list_as_one_parameter_finds_what_it_names(database: Database) -> None:
    with database.write() as session:
        insert_all_unless_there(session, Message, [told(number) for number in range(3)])
    chosen = sa.select(Message.id).where(bulk.one_of(Message.subject, "about", database.dialect))  # type: ignore[call-overload]
    for about, found in (['a"1', 'a"2', "a"], {"n1", "n2"}), ([], set[str]()):
        with database.read() as session:
            assert set(session.connection().execute(chosen, {"about": about}).scalars()) == found


def test_a_copy_that_says_the_same_in_other_letters_was_not_changed(world: World) -> None:
    grant, spaced = world.open(minutes=30), '{ "server" :  "one" }'
    assert grant.settings == json.loads(spaced)
    with unguarded(world.core.database) as connection:
        connection.exec_driver_sql(f"""UPDATE "grant" SET settings = '{spaced}'""")
    with world.core.work(system("revoke")) as work:
        held = work.session.exec(select(Grant)).all()
        assert hold_to_approval(work, held, channel=lambda: None) == set()
    assert world.events("grant.set-right") == []
