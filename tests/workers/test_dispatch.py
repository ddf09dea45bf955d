"""An item of the agenda is for the handlers of its kind, and no other is asked about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import sqlalchemy as sa
from slack_sdk import WebClient
from sqlalchemy import event
from sqlmodel import select

from access.agenda_items import ITEM_KINDS, id_of, item_of
from access.models import CheckKind, GrantStatus, PeriodicCheck
from access.monitor.offboarding import Members
from access.monitor.routing import Queue
from access.monitor.schedule_checks import schedule_checks
from access.monitor.target_checks import TargetChecks, target_check_item
from access.store import Database
from access.unit_of_work import grant_item
from countersign.wiring import Parts, slack_telling
from tests.workers.planted import SEAL
from tests.world import World, deadline
from workers.dispatch import Dispatcher
from workers.jobs import HAND_OVER, items_of
from workers.member_lookup import MemberLookup
from workers.signing import Order


@pytest.fixture
def dispatchers(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[Queue, Dispatcher]:
    """By queue, as the processes have them; of Slack nothing is wanted here."""
    client = WebClient("xoxb-none")
    monkeypatch.setattr(Parts, "slack", lambda _self: client)
    parts = Parts(cast(Any, None), world.core.database, cast(Any, None), world.core, None)
    targets = cast(Any, world.targets)
    telling = {
        "notice": [slack_telling(world.core, client)], "look": [MemberLookup(Members(world.core), client)],
    }  # fmt: skip
    return {
        "grant": Dispatcher(parts.granting(targets, "grant@here:1")),
        "revoke": Dispatcher(parts.revoking(targets, "revoke@here:1")),
        "tell": Dispatcher(cast(Any, telling)),
    }


@contextmanager
def asked_tables() -> Iterator[set[str]]:
    """Those of items that are read or written meanwhile."""
    found = set[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.replace('"', " ").replace(".", " ").split()
        found.update(kind for kind in ITEM_KINDS if kind in words)

    event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("queue", "kind"),
    [
        ("grant", "grant"), ("grant", "notice"), ("grant", "checkup"), ("grant", "look"), ("revoke", "grant"),
        ("tell", "notice"), ("tell", "look"),
    ],
)  # fmt: skip
def test_an_item_is_asked_of_the_handlers_of_its_kind_alone(
    world: World, dispatchers: dict[Queue, Dispatcher], queue: Queue, kind: str
) -> None:
    with asked_tables() as asked:
        assert dispatchers[queue].claim([item_of(kind, "none")]) == []

    assert asked == {kind}


def test_to_tell_a_target_of_a_later_end_takes_one_transaction_that_writes(
    world: World, dispatchers: dict[Queue, Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = world.open(minutes=30)
    world.approve(world.extend(grant))
    begun, write = list[int](), Database.write

    def counted(database: Database) -> Any:
        begun.append(1)
        return write(database)

    monkeypatch.setattr(Database, "write", counted)
    (claimed,) = dispatchers["grant"].claim([grant_item(grant.id)])

    assert (claimed.id, len(begun)) == (grant_item(grant.id), 1)


def test_what_the_version_before_sends_is_won_by_whom_it_belongs_to(
    world: World, dispatchers: dict[Queue, Dispatcher]
) -> None:
    """Its jobs do not say of which kind their ids are."""
    grant, looks = world.scheduled(), list[PeriodicCheck]()
    schedule_checks(world.core)
    checked = TargetChecks(world.core).ask([grant.resource])[grant.resource]
    with world.core.database.write() as session:
        looks += session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT))
        for look in looks:
            look.due_at = world.clock.now()
    wanted = {grant_item(grant.id), target_check_item(checked), *(f"look:{look.id}" for look in looks)}
    order = Order("0a1b2c", "grant", HAND_OVER, "crm", tuple(map(id_of, wanted)), world.clock.now())

    claimed = dispatchers["grant"].claim(items_of(SEAL.open(SEAL.close(order))))

    assert {one.id for one in claimed} == wanted


def test_a_result_is_written_by_the_handler_that_won_and_a_rest_is_given_back_to_it(
    world: World, dispatchers: dict[Queue, Dispatcher]
) -> None:
    grant, other = world.scheduled(), world.scheduled(entitlement="customers-db/fix-orders")
    checked = TargetChecks(world.core).ask([grant.resource])[grant.resource]
    dispatcher = dispatchers["grant"]
    items = [grant_item(grant.id), grant_item(other.id), target_check_item(checked)]
    won = {one.id: one for one in dispatcher.claim(items)}
    dispatcher.release([won.pop(grant_item(other.id))])

    dispatcher.commit([dispatcher.act(one, deadline()) for one in won.values()])

    assert world.again(grant).status == GrantStatus.ACTIVE
    assert TargetChecks(world.core).answers([checked])
    assert [one.id for one in dispatcher.claim([grant_item(other.id)])] == [grant_item(other.id)]


def test_an_item_of_a_kind_that_this_version_does_not_know_is_won_by_none(
    dispatchers: dict[Queue, Dispatcher],
) -> None:
    assert [one for queue in dispatchers.values() for one in queue.claim(["lease:01a"])] == []
