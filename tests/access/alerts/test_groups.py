"""Hundreds of alerts at once: five messages, and one more that tells of all of them as long as any is open."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from access.actors import by_slack, system
from access.alerts import groups
from access.alerts.grouping import TOLD_ALONE
from access.alerts.groups import AlertGroup, resource_of_group
from access.grants.revoke import return_access
from access.ids import ulid
from access.messages.outbox import AlertFacts, Claimed, Delivery, Outbox
from access.models import Alert, AlertKind, Grant, Message, MessageKind, Request
from access.monitor.overdue import alert_overdue
from access.monitor.sweep import Schedule
from access.monitor.watchdogs import Watch
from access.unit_of_work import RETOLD_AFTER
from tests.cast import ANN, KIM, LEA, SECURITY
from tests.world import World

ALL = (SECURITY, LEA, KIM)


@dataclass
class Crowd:
    """As many grants as a test wants, all like one that was open and was given back."""

    world: World
    like: Grant

    def opened(self, number: int, **values: Any) -> list[Grant]:
        """So many that are open; they should have ended ten minutes ago."""
        held = self.like.model_dump() | {"alert_at": None} | values
        rows: list[dict[str, Any]] = [held | {"id": ulid(self.world.clock.now())} for _ in range(number)]
        with self.world.core.database.write() as session:
            if "resource" in values:
                self._ask_elsewhere(session, rows, values["resource"])
            session.connection().execute(sa.insert(Grant), rows)
        self.world.server.holders |= {one["id"]: (one["principal"], one["role"]) for one in rows}
        return [Grant(**one) for one in rows]

    def _ask_elsewhere(self, session: Session, rows: list[dict[str, Any]], resource: str) -> None:
        """A grant says what its request says."""
        asked = session.get_one(Request, self.like.request_id).model_dump()
        other = ulid(self.world.clock.now())
        session.connection().execute(sa.insert(Request), [asked | {"id": other, "resource": resource}])
        for row in rows:
            row["request_id"] = other

    def late(self, number: int, **values: Any) -> list[Grant]:
        """So many more of which it has just been noticed that they are late."""
        self.world.server.weather = "down"
        grants = self.opened(number, alert_at=self.world.clock.now(), **values)
        alert_overdue(self.world.core)
        return grants

    def told(self, number: int, **values: Any) -> list[Grant]:
        """The same, and all that there is to say was said."""
        grants = self.late(number, **values)
        self.world.work()
        return grants

    def removed(self, grants: Sequence[Grant]) -> None:
        self.world.server.weather = "fine"
        self.world.clock.tick(minutes=1)
        self.world.remove(*grants)


@pytest.fixture
def crowd(world: World) -> Crowd:
    like = world.open(minutes=30)
    return_access(world.core, grant_id=like.id, by=by_slack(ANN))
    world.work()
    world.pass_time(minutes=40)
    world.said.clear()
    return Crowd(world, like)


def single(world: World) -> list[Alert]:
    return [alert for alert in world.alerts() if resource_of_group(alert) is None]


def the_group(world: World, resource: str = "customers-db", kind: AlertKind = AlertKind.OVERDUE) -> Alert:
    """The newest."""
    return [one for one in world.alerts() if one.kind == kind and resource_of_group(one) == resource][-1]


def messages_about(world: World, alert: Alert, kind: MessageKind = MessageKind.ALERT) -> list[Message]:
    return [one for one in world.messages(kind) if one.subject == alert.id]


def messages(world: World) -> Counter[str]:
    """How many there are, by recipient."""
    return Counter(one.recipient for one in world.messages(MessageKind.ALERT))


def claim(world: World, alert: Alert) -> list[Claimed]:
    return Outbox(world.core).claim([one.id for one in messages_about(world, alert)])


def posted(world: World, claimed: Iterable[Claimed]) -> None:
    Outbox(world.core).commit([Delivery(one, channel=one.message.recipient, ts="1.0") for one in claimed])


def retold(world: World, alert: Alert) -> AlertGroup:
    """What it says when it is told anew."""
    world.clock.tick(seconds=RETOLD_AFTER.total_seconds())
    claimed = claim(world, alert)
    posted(world, claimed)
    return shown(claimed)


def shown(claimed: Sequence[Claimed]) -> AlertGroup:
    """What the last of these says."""
    facts = claimed[-1].facts
    assert isinstance(facts, AlertFacts)
    assert facts.group is not None
    return facts.group


def tell_all(world: World) -> None:
    posted(world, Outbox(world.core).claim([one.id for one in world.messages(MessageKind.ALERT)]))


def said_of(world: World, alert: Alert) -> list[Claimed]:
    return [one for one in world.said if one.message.subject == alert.id]


def test_of_two_hundred_late_grants_five_have_messages_and_one_more_tells_of_all(crowd: Crowd, world: World) -> None:
    crowd.told(200)

    assert [(one.kind, one.closed_at) for one in single(world)] == [(AlertKind.OVERDUE, None)] * 200
    assert messages(world) == dict.fromkeys(ALL, TOLD_ALONE + 1)
    assert Counter(recipient for kind, recipient in world.told() if kind == MessageKind.ALERT) == messages(world)
    assert [one for one in world.alerts() if one.delivered_at is None] == []
    said = shown(said_of(world, the_group(world)))
    assert (said.number, said.resource) == (200, "customers-db")
    assert said.oldest == min(one.opened_at for one in single(world))
    assert said.first == [one.sentence for one in single(world)[: groups.SHOWN]]
    assert len(world.events("alert.opened")) == 201


def test_it_counts_down_and_closes_when_none_is_left(crowd: Crowd, world: World) -> None:
    grants = crowd.told(200)
    alert = the_group(world)
    crowd.removed(grants[:120])
    assert retold(world, alert).number == 80

    crowd.removed(grants[120:])
    over = the_group(world)
    assert (over.id, over.closed_at) == (alert.id, world.clock.now())
    assert retold(world, alert).number == 0
    assert [one for one in world.alerts() if one.closed_at is None] == []
    assert len(world.events("alert.closed")) == 201
    assert world.verified().flaw is None


def test_what_changes_within_five_seconds_is_told_at_once(crowd: Crowd, world: World) -> None:
    grants = crowd.told(20)
    alert = the_group(world)
    crowd.removed(grants[:1])
    changed = world.clock.now()
    for grant in grants[1:10]:
        world.clock.tick(milliseconds=100)
        world.remove(grant)

    assert claim(world, alert) == []
    assert {one.due_at for one in messages_about(world, alert)} == {changed + RETOLD_AFTER}
    assert retold(world, alert).number == 10
    assert {one.due_at for one in messages_about(world, alert)} == {None}


def test_resources_do_not_mix(crowd: Crowd, world: World) -> None:
    here, elsewhere = crowd.told(8), crowd.told(7, resource="orders-db")
    assert shown(said_of(world, the_group(world))).number == 8
    assert shown(said_of(world, the_group(world, "orders-db"))).number == 7

    crowd.removed(elsewhere)
    assert the_group(world, "orders-db").closed_at is not None
    assert the_group(world).closed_at is None
    assert retold(world, the_group(world, "orders-db")).number == 0
    assert claim(world, the_group(world)) == []

    crowd.removed(here)
    assert the_group(world).closed_at is not None


def test_kinds_do_not_mix(crowd: Crowd, world: World) -> None:
    crowd.late(5)
    world.server.weather = "refuses"
    world.remove(*crowd.opened(7))

    assert [one.kind for one in world.alerts() if resource_of_group(one)] == [AlertKind.UNREMOVABLE]
    assert shown(claim(world, the_group(world, kind=AlertKind.UNREMOVABLE))).number == 7
    assert messages(world) == dict.fromkeys(ALL, 2 * TOLD_ALONE + 1)


def test_five_are_no_storm(crowd: Crowd, world: World) -> None:
    crowd.told(TOLD_ALONE)

    assert single(world) == world.alerts()
    assert messages(world) == dict.fromkeys(ALL, TOLD_ALONE)


def test_what_opens_later_is_told_by_telling_anew(crowd: Crowd, world: World) -> None:
    crowd.told(10)
    more = {grant.id for grant in crowd.late(3)}
    assert {one.subject for one in single(world) if one.delivered_at is None} == more
    assert messages(world) == dict.fromkeys(ALL, TOLD_ALONE + 1)

    assert retold(world, the_group(world)).number == 13
    assert {one.delivered_at for one in single(world) if one.subject in more} == {world.clock.now()}


def test_what_opens_while_it_is_told_is_not_taken_for_told(crowd: Crowd, world: World) -> None:
    crowd.late(10)
    claimed = claim(world, the_group(world))
    (more,) = crowd.late(1)
    posted(world, claimed)

    (undelivered,) = [one for one in single(world) if one.delivered_at is None]
    assert undelivered.subject == more.id
    assert {one.due_at for one in messages_about(world, the_group(world))} == {world.clock.now() + RETOLD_AFTER}
    assert list(retold(world, the_group(world)).undelivered) == [undelivered.id]
    assert [one for one in single(world) if one.delivered_at is None] == []


def test_what_closes_before_it_was_told_is_told_as_closed(crowd: Crowd, world: World) -> None:
    crowd.told(10)
    crowd.removed(crowd.late(3))
    undelivered = {one.id for one in single(world) if one.delivered_at is None}
    said = retold(world, the_group(world))

    assert (said.number, said.closed, set(said.undelivered)) == (10, 3, undelivered)
    assert [one for one in single(world) if one.delivered_at is None] == []


def test_a_storm_that_is_over_before_it_was_told_is_told_as_closed(crowd: Crowd, world: World) -> None:
    crowd.removed(crowd.late(20))
    world.work()

    said = shown(said_of(world, the_group(world)))
    assert (said.number, said.closed) == (0, 20)
    assert [one for one in world.alerts() if one.delivered_at is None or one.closed_at is None] == []


def test_who_dies_after_posting_has_told_nobody_and_another_tells_of_all(crowd: Crowd, world: World) -> None:
    crowd.late(10)
    claim(world, the_group(world))
    assert {one.delivered_at for one in world.alerts()} == {None}

    world.clock.tick(seconds=30)
    posted(world, claim(world, the_group(world)))
    assert {one.delivered_at for one in world.alerts()} == {world.clock.now()}


def test_a_message_that_is_refused_has_told_nobody(crowd: Crowd, world: World) -> None:
    crowd.late(10)
    claimed = claim(world, the_group(world))
    Outbox(world.core).commit([Delivery(one, problem="Slack refuses the message (not_in_channel).") for one in claimed])

    assert {one.delivered_at for one in world.alerts()} == {None}


def test_when_few_are_left_one_more_has_a_message_of_its_own(crowd: Crowd, world: World) -> None:
    grants = crowd.told(10)
    crowd.removed(grants[1:])
    crowd.late(2)

    assert messages(world) == dict.fromkeys(ALL, TOLD_ALONE + 1 + 2)
    assert retold(world, the_group(world)).number == 3


def test_a_storm_after_a_storm_has_a_message_of_its_own(crowd: Crowd, world: World) -> None:
    crowd.removed(crowd.told(7))
    crowd.told(7)

    assert len([one for one in world.alerts() if resource_of_group(one)]) == 2
    assert the_group(world).closed_at is None
    assert shown(said_of(world, the_group(world))).number == 7


def test_things_at_a_target_that_no_grant_explains_are_counted_too(crowd: Crowd, world: World) -> None:
    with world.core.work(system("drift")) as work:
        for number in range(8):
            resource = "customers-db" if number else "customers-db-2"
            work.open_alert(
                AlertKind.DRIFT, f"{resource} cs_{number}", "It is there.", channel=SECURITY, resource=resource
            )

    assert shown(claim(world, the_group(world, kind=AlertKind.DRIFT))).number == 7
    with world.core.work(system("drift")) as work:
        for number in range(1, 8):
            work.close_alerts(f"customers-db cs_{number}", AlertKind.DRIFT)
    assert the_group(world, kind=AlertKind.DRIFT).closed_at is not None


@pytest.mark.parametrize("pages", [True, False], ids=["a process that pages", "one that cannot"])
def test_one_page_is_sent_for_all(crowd: Crowd, world: World, pages: bool) -> None:
    world.core = replace(world.core, pages=pages)
    Schedule(world.core).beat("timekeeper-1", "timekeeper")
    crowd.late(10)
    world.core = replace(world.core, pages=True)
    Watch(world.core).look(None)

    paged = {one.subject for one in world.messages(MessageKind.PAGE)}
    assert paged == {one.subject for one in world.messages(MessageKind.ALERT)}
    assert len(paged) == TOLD_ALONE + 1


def test_a_storm_whose_last_was_closed_by_a_version_before_it_closes(crowd: Crowd, world: World) -> None:
    crowd.told(10)
    with world.core.database.write() as session:
        its = sa.column("id").in_([one.id for one in single(world)])
        session.connection().execute(sa.update(Alert).where(its).values(closed_at=world.clock.now()))

    Watch(world.core).look(None)

    assert the_group(world).closed_at == world.clock.now()
    assert retold(world, the_group(world)).number == 0


def test_who_opens_closes_and_tells_at_once_leaves_none_that_no_message_tells_of(crowd: Crowd, world: World) -> None:
    late = crowd.told(20)
    for _ in range(5):
        more = crowd.opened(10, alert_at=world.clock.now())
        world.server.weather = "fine"
        world.clock.tick(minutes=1)
        with ThreadPoolExecutor(6) as threads:
            doing = [threads.submit(world.remove, *part) for part in (late[::2], late[1::2])]
            doing += [threads.submit(alert_overdue, world.core) for _ in range(2)]
            doing += [threads.submit(tell_all, world) for _ in range(2)]
            for one in doing:
                one.result()
        alone = {one.subject for one in world.messages(MessageKind.ALERT)}
        told_of_by_group = [one for one in single(world) if one.closed_at is None and one.id not in alone]
        assert not told_of_by_group or the_group(world).closed_at is None
        late = more
    crowd.removed(late)

    assert [one for one in world.alerts() if one.closed_at is None] == []
    assert world.verified().flaw is None
