"""A database that was restored from a backup: what it does not know of is closed before anything new is granted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar

import pytest
from pydantic import JsonValue

from access.actors import by_host, by_slack
from access.errors import NotNow
from access.grants.admission import lost_since
from access.grants.revoke import return_access
from access.ids import ulid
from access.log_checkpoint import FOREIGN_MARK, LogCheckpoint, installation
from access.models import Alert, AlertKind, EndedBy, GrantStatus, MessageKind, RequestStatus
from access.monitor.sweep import Schedule
from access.monitor.watchdogs import Seen, Watch
from access.policy_source import PolicySource
from access.ports import Capabilities, Isolation
from access.reconcile.restored import UNCOMPARED, begin, by_hand, end_by_hand, last_known, what_is_left
from access.requests.cancel import cancel
from access.requests.extend import extend
from access.store import Database
from tests.access.grants.test_unexpected import bug
from tests.backups import Restore, backup
from tests.cast import ANN, BEN, LEA
from tests.fakes import FakeProvider, FakeSettings, FakeTargets, Server
from tests.world import World

OPERATOR = by_host("root@db-1")


@dataclass
class Notebook:
    """What is remembered outside the database."""

    marks: list[LogCheckpoint] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def known(self) -> Sequence[LogCheckpoint]:
        return list(self.marks)

    def refused(self) -> Sequence[str]:
        return list(self.foreign)

    def note(self, reached: LogCheckpoint) -> None:
        self.marks = [reached]
        self.foreign = []


@pytest.fixture
def notebook(world: World, database_url: str) -> Notebook:
    """The world's; a database of the test's own goes with it."""
    notebook = Notebook()
    world.core = replace(world.core, marks=notebook)
    return notebook


def backed_up(world: World, database: Database, database_url: str) -> Restore:
    """The operator's copy of now."""
    Schedule(world.core).sweep()
    database.close()
    world.clock.tick(minutes=5)
    return backup(database_url)


def restored(world: World, database: Database, restore: Restore) -> None:
    """What was done since the backup is remembered by no row; then the sweep sees it."""
    Schedule(world.core).sweep()
    database.close()
    restore()
    world.clock.tick(minutes=1)
    Schedule(world.core).sweep()


def told(world: World) -> Alert:
    (alert,) = [one for one in world.alerts() if one.kind == AlertKind.RESTORED]
    return alert


def test_a_database_that_only_grows_is_no_older_one(world: World, notebook: Notebook) -> None:
    for _ in range(3):
        world.open(minutes=5)
        world.pass_time(minutes=6)
    assert world.alerts() == []
    assert notebook.marks[0].seq == world.events()[-1].seq


def test_a_door_that_the_old_database_does_not_know_is_closed_before_anything_is_granted(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    restore = backed_up(world, database, database_url)
    unknown = world.open(minutes=60)
    restored(world, database, restore)
    assert unknown.id in world.server.holders
    assert told(world).closed_at is None
    with pytest.raises(NotNow, match="restored from a backup"):
        world.ask(by=BEN)

    world.work()

    assert world.server.holders == {}
    (grant,) = world.grants()
    assert (grant.id, grant.status, grant.ended_by) == (unknown.id, GrantStatus.ENDED, EndedBy.DRIFT)
    assert (grant.proven_at is not None, grant.plan["revoke"]) == (True, [f"REMOVE {unknown.id}"])
    assert grant.plan["where"] == "server one"
    assert world.requests()[0].status == RequestStatus.CANCELLED
    assert {alert.closed_at is None for alert in world.alerts()} == {False}
    assert told(world).delivered_at is not None
    assert world.verified().flaw is None
    world.open(by=BEN)
    assert len(world.server.holders) == 1
    world.pass_time(hours=24)
    assert [one.message.subject for one in world.said if one.message.kind == MessageKind.DIGEST] != []


@pytest.mark.usefixtures("notebook")
def test_a_provider_whose_plan_fails_does_not_hold_up_that_end_and_is_found_in_the_log(
    world: World,
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    restore = backed_up(world, database, database_url)
    unknown = world.open(minutes=60)
    restored(world, database, restore)
    monkeypatch.setattr(FakeProvider, "plan", bug)

    world.work()

    (grant,) = world.grants()
    assert (grant.id, grant.status, grant.plan) == (unknown.id, GrantStatus.ENDED, {})
    assert f"for {unknown.id} with RuntimeError at test_unexpected.py:" in caplog.text
    assert "canary" not in caplog.text


def test_what_has_ended_since_the_backup_is_ended_and_not_given_again(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    returned, kept = world.open(minutes=120), world.open(by=BEN, minutes=120)
    restore = backed_up(world, database, database_url)
    return_access(world.core, grant_id=returned.id, by=by_slack(ANN))
    world.work()
    restored(world, database, restore)
    assert world.again(returned).status == GrantStatus.ACTIVE

    world.work()

    assert (world.again(returned).status, world.again(returned).ended_by) == (GrantStatus.ENDED, EndedBy.DRIFT)
    assert (world.again(kept).status, list(world.server.holders)) == (GrantStatus.ACTIVE, [kept.id])
    assert told(world).closed_at is not None


@pytest.mark.both_databases
def test_what_was_about_to_begin_is_not_begun_a_second_time(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    approved = world.scheduled(minutes=120)
    restore = backed_up(world, database, database_url)
    world.work()
    assert approved.id in world.server.holders
    restored(world, database, restore)

    world.work()

    assert (world.again(approved).status, world.server.holders) == (GrantStatus.ENDED, {})
    assert [call for call in world.server.calls if call[0] == "grant"] == [("grant", approved.id)]
    assert told(world).closed_at is not None


def test_a_worker_grants_nothing_while_the_gate_is_closed(world: World) -> None:
    grant = world.scheduled(minutes=30)
    begin(world.core, world.clock.now(), "Somebody says so.", actor=OPERATOR)
    world.activate(grant)
    assert (world.server.calls, world.again(grant).status) == ([], GrantStatus.SCHEDULED)
    end_by_hand(world.core, actor=OPERATOR)

    world.clock.tick(seconds=10)
    world.activate(grant)

    assert (world.again(grant).status, list(world.server.holders)) == (GrantStatus.ACTIVE, [grant.id])


def test_what_has_expired_since_the_backup_is_over_before_the_gate_opens(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    grant = world.open(minutes=7)
    restore = backed_up(world, database, database_url)
    world.clock.tick(minutes=2)
    world.deny(world.ask(by=BEN))
    restored(world, database, restore)
    world.server.weather = "stubborn"
    world.work()
    world.clock.tick(minutes=2)
    world.work()
    assert (world.again(grant).status, told(world).closed_at) == (GrantStatus.REVOKING, None)

    world.server.weather = "fine"
    world.pass_time(minutes=2)

    assert world.again(grant).status == GrantStatus.ENDED
    assert told(world).closed_at is not None


def test_while_a_target_does_not_answer_the_gate_stays_closed(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    pending = world.ask(by=BEN)
    restore = backed_up(world, database, database_url)
    world.open(minutes=60)
    world.server.weather = "down"
    restored(world, database, restore)
    world.work()
    world.pass_time(minutes=5)
    with pytest.raises(NotNow):
        world.approve(pending, LEA)
    assert world.refusals()[-1] == ("request.approve", "NotNow")
    with world.core.database.read() as session:
        left = what_is_left(world.core, session, told(world))
    assert left == ["customers-db has not been compared yet: The fake server does not answer."]

    world.deny(pending)
    world.server.weather = "fine"
    world.pass_time(minutes=2)

    assert told(world).closed_at is not None
    assert world.server.holders == {}


def test_a_backup_of_a_comparison_that_was_under_way_is_compared_anew(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    first = backed_up(world, database, database_url)
    world.ask(by=ANN)
    restored(world, database, first)
    world.work(rounds=1)  # all is compared, and nobody has seen that yet
    assert told(world).closed_at is None

    database.close()
    second = backup(database_url)
    world.pass_time(minutes=5)
    forgotten = world.open(by=BEN, minutes=60)
    restored(world, database, second)
    with pytest.raises(NotNow, match="restored from a backup"):
        world.ask(by=BEN)
    world.work()

    assert world.server.holders == {}
    assert [one.status for one in world.grants() if one.id == forgotten.id] == [GrantStatus.ENDED]
    assert told(world).closed_at is not None


def test_an_empty_database_has_forgotten_all_whatever_is_written_before_anybody_notices(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    database.close()
    empty = backup(database_url)
    forgotten = world.open(minutes=60)
    Schedule(world.core).sweep()
    database.close()
    empty()
    world.clock.tick(minutes=5)
    world.ask(by=BEN)
    world.work()

    assert world.server.holders == {}
    assert [(one.id, one.status) for one in world.grants()] == [(forgotten.id, GrantStatus.ENDED)]
    assert "What was done until now is not known." in told(world).sentence


def test_a_restored_database_is_noticed_before_anything_is_written(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    database.close()
    empty = backup(database_url)
    Schedule(world.core).sweep()
    restored(world, database, empty)

    assert [event.action for event in world.events()][:2] == ["database.restored", "alert.opened"]


def test_ending_needs_no_open_gate(world: World, notebook: Notebook, database: Database, database_url: str) -> None:
    grant, pending = world.open(minutes=120), world.ask(by=BEN)
    restore = backed_up(world, database, database_url)
    world.deny(pending)
    restored(world, database, restore)

    with pytest.raises(NotNow):
        extend(
            world.core,
            grant_id=grant.id,
            by=by_slack(ANN),
            duration=timedelta(minutes=5),
            until=None,
            reason="INC-12 more",
        )
    cancel(world.core, request_id=pending.id, by=by_slack(BEN))
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.RETURNED)


def test_access_of_a_colleagues_installation_is_told_and_left_alone(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    theirs = ulid(world.clock.now() - timedelta(days=1))
    restore = backed_up(world, database, database_url)
    world.deny(world.ask())
    world.server.holders |= {theirs: ("eve", "read"), "not-an-id": ("eve", "read")}
    restored(world, database, restore)

    world.live_through(minutes=5)

    assert set(world.server.holders) == {theirs, "not-an-id"}
    assert told(world).closed_at is not None
    drifts = [alert.subject for alert in world.alerts() if alert.kind == AlertKind.DRIFT]
    assert sorted(drifts) == sorted([f"customers-db fake-{theirs}", "customers-db fake-not-an-id"])


def test_a_log_that_went_on_differently_is_noticed_too(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    restore = backed_up(world, database, database_url)
    lost = world.open(minutes=60)
    Schedule(world.core).sweep()
    known = list(notebook.marks)
    database.close()
    restore()
    world.clock.tick(minutes=1)
    notebook.marks = []
    while len(world.events()) <= known[0].seq:
        world.deny(world.ask(by=BEN))
    assert lost.id in world.server.holders
    notebook.marks = known

    world.work()

    assert told(world).closed_at is not None
    assert lost.id not in world.server.holders


def test_somebody_says_that_it_was_restored_where_nothing_remembers_it(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    taken_at = last_known(world.core)
    restore = backed_up(world, database, database_url)
    lost = world.open(minutes=60)
    notebook.marks = []
    database.close()
    restore()
    world.work()
    assert (world.alerts(), list(world.server.holders)) == ([], [lost.id])

    begin(world.core, taken_at, "Somebody says so.", actor=OPERATOR)
    world.pass_time(minutes=2)

    assert world.server.holders == {}
    assert told(world).closed_at is not None


def test_of_two_restores_before_all_is_compared_what_either_lost_counts(world: World) -> None:
    world.work()
    now = world.clock.now()
    for minutes in (5, 30, 10):
        begin(world.core, now - timedelta(minutes=minutes), "An operator says so.", actor=OPERATOR)

    assert told(world).since == now - timedelta(minutes=30)
    with world.core.database.read() as session:
        assert lost_since(session) == told(world).since


def test_an_operator_may_open_the_gate_and_that_is_written_down(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    restore = backed_up(world, database, database_url)
    world.open(minutes=60)
    world.server.weather = "down"
    restored(world, database, restore)

    end_by_hand(world.core, actor=OPERATOR)

    world.ask(by=BEN)
    assert [event.actor for event in world.events("database.compared")] == [str(OPERATOR)]


def test_it_is_paged(world: World, notebook: Notebook, database: Database, database_url: str) -> None:
    world.core = replace(world.core, pages=True)
    restore = backed_up(world, database, database_url)
    world.open(minutes=60)
    restored(world, database, restore)
    assert [message.subject for message in world.messages(MessageKind.PAGE)] == [told(world).id]


class BlindProvider(FakeProvider):
    """Its target cannot say what is ours."""

    name: ClassVar[str] = "blind"
    capabilities: ClassVar[Capabilities] = Capabilities(isolation=Isolation.PER_GRANT, end_means="It is gone.")


@dataclass
class TwoServers(FakeTargets):
    wiki: Server = field(default_factory=Server)

    def of(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> FakeProvider:
        server = self.wiki if resource == "wiki" else self.server
        return FakeProvider(FakeSettings(server="one"), server)


WIKI = """\
  - id: wiki
    title: Wiki
    level: medium
    owner: payments-leads
    provider: blind
    settings: {server: two}
    roles:
      read: {title: Read pages, power: look}
rules:
"""


@pytest.fixture
def with_a_wiki(world: World, notebook: Notebook) -> World:
    """A resource of which nobody can list what is ours."""
    world.targets, providers = TwoServers(), {"fake": FakeProvider, "blind": BlindProvider}
    world.core = replace(world.core, policy=PolicySource(world.policy_file, providers), providers=providers)
    world.rewrite_policy("rules:\n", WIKI)
    world.rewrite_policy("customers-db/fix-orders]}\n    max", "customers-db/fix-orders, wiki/read]}\n    max")
    return world


def test_what_cannot_be_compared_is_named_until_somebody_has_compared_it_by_hand(
    with_a_wiki: World, database: Database, database_url: str
) -> None:
    world = with_a_wiki
    restore = backed_up(world, database, database_url)
    forgotten = world.open(entitlement="wiki/read", minutes=60)
    restored(world, database, restore)
    assert told(world).sentence.endswith(" To compare by hand, because their providers cannot list our access: wiki.")

    world.work()

    assert told(world).closed_at is not None
    assert isinstance(world.targets, TwoServers)
    assert list(world.targets.wiki.holders) == [forgotten.id], "nobody can know of it"
    (alert,) = [one for one in world.alerts() if one.closed_at is None]
    assert (alert.kind, alert.subject) == (AlertKind.DRIFT, f"wiki {UNCOMPARED}")
    assert alert.delivered_at is not None
    assert details(world, "database.compared") == [{"by_hand": False, "not_compared": ["wiki"], "took": "0 s"}]
    world.live_through(minutes=30)
    with world.core.database.read() as session:
        assert by_hand(session) == ["wiki"]

    end_by_hand(world.core, actor=OPERATOR)

    assert [one for one in world.alerts() if one.closed_at is None] == []
    assert details(world, "database.compared")[1:] == [{"by_hand": True, "not_compared": ["wiki"]}]


def details(world: World, action: str) -> list[dict[str, object]]:
    return [json.loads(event.entry)["details"] for event in world.events(action)]


def test_an_old_mark_that_is_put_back_after_the_comparison_does_not_close_the_gate_again(
    world: World, notebook: Notebook, database: Database, database_url: str
) -> None:
    restore = backed_up(world, database, database_url)
    world.open(minutes=60)
    Schedule(world.core).sweep()
    kept = list(notebook.marks)
    restored(world, database, restore)
    world.work()
    assert told(world).closed_at is not None

    notebook.marks = kept
    Schedule(world.core).sweep()

    assert [one.closed_at is None for one in world.alerts() if one.kind == AlertKind.RESTORED] == [False]
    world.open(by=BEN)


@pytest.mark.both_databases
def test_a_mark_that_somebody_else_wrote_is_told_for_a_while_and_stops_nothing(
    world: World, notebook: Notebook
) -> None:
    world.work()
    notebook.foreign = ["it is not signed by our key"]

    Schedule(world.core).sweep()

    (alert,) = world.alerts()
    assert (alert.kind, alert.subject, alert.closed_at) == (AlertKind.JOBS, FOREIGN_MARK, None)
    assert notebook.foreign == []
    world.open()

    def stands() -> bool:
        Watch(world.core).look(Seen())
        return any(one.kind == AlertKind.JOBS and one.closed_at is None for one in world.alerts())

    assert stands()
    world.clock.tick(minutes=6)
    assert not stands()


def test_the_first_event_tells_one_installation_from_another_also_after_a_restore(
    world: World, database: Database, database_url: str
) -> None:
    assert len(installation(database)) in (0, 64)
    restore = backed_up(world, database, database_url)
    before = installation(database)
    world.open(minutes=5)
    database.close()
    restore()

    assert (len(before), installation(database)) == (64, before)
