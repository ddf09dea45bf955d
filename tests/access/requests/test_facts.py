"""What is hashed is what is stored and what a provider is told; what the version before wrote goes on by its own."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from access.canonical import canonical
from access.errors import Conflict, RequestChanged
from access.models import EndedBy, Grant, GrantStatus, Request, RequestStatus
from access.policy.fingerprint import fingerprint
from access.ports import Deadline, GrantSpec, Outcome
from tests.cast import ANN, BEN, KIM, LEA
from tests.fakes import FakeProvider, FakeRole, FakeSettings
from tests.world import World

HOUR = timedelta(hours=1)


class Settings(FakeSettings):
    """With options that go without saying."""

    port: int = 5432
    mode: str = "usual"


class SettingsLater(Settings):
    """As an upgrade brings them."""

    application: str = "countersign"


class RoleLater(FakeRole):
    read_only: bool = False


@pytest.fixture(autouse=True)
def _options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProvider, "Settings", Settings)


@pytest.fixture
def upgrade(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The provider gets an option more in each of its models, and the policy is read anew."""

    def upgrade() -> None:
        monkeypatch.setattr(FakeProvider, "Settings", SettingsLater)
        monkeypatch.setattr(FakeProvider, "Role", RoleLater)
        world.rewrite_policy("version: 1\n", "version: 1\n# read anew\n")

    return upgrade


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[GrantSpec]:
    """What the provider is told of each grant."""
    specs: list[GrantSpec] = []
    grant = FakeProvider.grant

    def listen(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        specs.append(spec)
        return grant(self, spec, deadline)

    monkeypatch.setattr(FakeProvider, "grant", listen)
    return specs


def beat_of_the_version_before(world: World) -> None:
    """It says nothing of facts."""
    beat = sa.text("INSERT INTO heartbeat (name, kind, beat_at) VALUES ('bot of before', 'bot', :now)")
    beat = beat.bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True)))
    with world.core.database.write() as session:
        session.connection().execute(sa.text("DELETE FROM heartbeat"))
        session.connection().execute(beat, {"now": world.clock.now()})


def by_version_1(request: Request) -> str:
    """As the version before hashed it."""
    stages = [{"any_of": sorted(request.chain["any_of"]), "quorum": request.chain["quorum"]}]
    facts: dict[str, object] = {
        "request": request.id, "version": request.version, "requester": request.requester, "subject": request.subject,
        "principal": request.principal, "resource": request.resource, "role": request.role,
        "provider": request.provider, "settings": {"server": "one", "port": 5432, "mode": "usual"},
        "definition": request.definition, "scope": {}, "start": request.starts_at, "duration": request.duration,
        "until": request.until, "reason": request.reason, "ticket": None, "level": request.level,
        "rule": request.rule, "chain": {"channel": request.channel, "stages": stages},
    }  # fmt: skip
    return fingerprint(facts if request.extends is None else facts | {"extends": request.extends})


def change(world: World, table: str, identifier: str, **values: object) -> None:
    """As somebody who can write the database."""
    known = {"request": Request, "grant": Grant}[table]
    rows = sa.table(table, *(sa.column(name) for name in ("id", *values)))
    typed = {name: sa.literal(value, getattr(known, name).type) for name, value in values.items()}
    with world.core.database.write() as session:
        session.connection().execute(sa.update(rows).where(rows.c.id == identifier).values(typed))


def asked(world: World, version: int, **more: Any) -> Request:
    """A request whose facts are of this version."""
    if version == 1:
        beat_of_the_version_before(world)
    request = world.ask(**more)
    assert request.facts_version == version
    return request


def test_what_is_hashed_is_what_is_stored_and_what_the_provider_is_told(world: World, told: list[GrantSpec]) -> None:
    request = world.ask(starts_at=world.clock.now() + HOUR)
    world.approve(request)
    world.pass_time(hours=1)

    facts = request.facts
    assert request.fingerprint == fingerprint(facts)
    assert facts["settings"] == {"server": "one"}, "what goes without saying is not said"
    (spec,) = told
    for name in ("resource", "role", "principal", "settings", "definition", "scope"):
        assert getattr(spec, name) == facts[name]


@pytest.mark.parametrize("fact", [
    "request", "version", "requester", "subject", "principal", "resource", "role", "provider", "settings", "definition",
    "scope", "ticket", "start", "duration_s", "until", "reason", "level", "rule", "channel", "stages", "extends",
])  # fmt: skip
def test_facts_that_were_changed_after_the_approval_give_nothing(world: World, fact: str) -> None:
    request = world.ask()
    grant = world.grant_of(world.approve(request))
    assert fact in request.facts
    assert request.facts.keys() == json.loads(canonical(request.facts)).keys()
    change(world, "request", request.id, facts=request.facts | {fact: "another"})
    world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("column", "value"), [
    ("ticket", "INC-13"), ("reason", "Something else"), ("rule", "other"), ("channel", "C0OTHER"),
    ("chain", {"any_of": ["engineers"], "quorum": 1}), ("chain", {"any_of": [], "quorum": 0}), ("facts_version", 3),
    ("extends", "01kaq9z0000000000000000aa2"),
])  # fmt: skip
def test_a_column_of_the_request_that_was_changed_gives_nothing(
    world: World, version: int, column: str, value: object
) -> None:
    request = asked(world, version)
    grant = world.grant_of(world.approve(request))
    change(world, "request", request.id, **{column: value})
    world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []


@pytest.mark.parametrize("version", [1, 2])
def test_scope_is_bound_like_all_that_is_asked(world: World, version: int) -> None:
    request = asked(world, version)
    grant = world.grant_of(world.approve(request))
    for table, identifier in (("request", request.id), ("grant", grant.id)):
        change(world, table, identifier, scope={"tables": "all"})
    world.activate(grant)

    assert (world.again(grant).ended_by, world.server.calls) == (EndedBy.REFUSED, [])


def test_facts_without_a_version_of_their_own_are_not_read_as_older_ones(world: World) -> None:
    """Who says that a row is of version 1 has it hashed by that formula, over the same columns."""
    request = world.ask()
    grant = world.grant_of(world.approve(request))
    change(world, "request", request.id, facts_version=1)
    world.activate(grant)

    assert (world.again(grant).ended_by, world.server.calls) == (EndedBy.REFUSED, [])


@pytest.mark.parametrize("version", [1, 2])
def test_an_option_that_an_upgrade_adds_voids_no_card(world: World, version: int, upgrade: Callable[[], None]) -> None:
    request = asked(world, version)
    upgrade()

    assert world.approve(request).version == 1
    world.work()
    assert world.grant_of(request).status == GrantStatus.ACTIVE


@pytest.mark.parametrize("version", [1, 2])
def test_an_option_that_an_upgrade_adds_ends_nothing_that_is_approved_for_later(
    world: World, version: int, upgrade: Callable[[], None]
) -> None:
    request = asked(world, version, starts_at=world.clock.now() + HOUR)
    world.approve(request)
    upgrade()
    world.pass_time(hours=1)

    assert world.grant_of(request).status == GrantStatus.ACTIVE


@pytest.mark.parametrize("version", [1, 2])
def test_what_was_opened_before_an_upgrade_is_extended_after_it(
    world: World, version: int, upgrade: Callable[[], None]
) -> None:
    grant = world.grant_of(world.approve(asked(world, version)))
    world.activate(grant)
    upgrade()
    world.clock.tick(minutes=2)
    more = world.extend(world.again(grant), minutes=30)
    assert more.facts_version == 2
    world.approve(more)

    assert world.again(grant).extensions == 1
    world.pass_time(minutes=88)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.alerts() == []


def test_a_later_policy_with_another_target_extends_nothing_of_the_version_before(world: World) -> None:
    grant = world.grant_of(world.approve(asked(world, 1)))
    world.activate(grant)
    world.rewrite_policy("settings: {server: one}", "settings: {server: one, port: 5433}")

    with pytest.raises(Conflict, match="The role was changed"):
        world.extend(world.again(grant), minutes=30)


def test_a_request_of_the_version_before_is_approved_by_its_button_opened_and_ended(world: World) -> None:
    request = asked(world, 1)
    assert request.fingerprint == by_version_1(request)
    assert (request.facts, request.settings) == ({}, {"server": "one", "port": 5432, "mode": "usual"})
    world.clock.tick(minutes=5)

    world.approve(request)
    world.work()
    grant = world.grant_of(request)
    assert grant.status == GrantStatus.ACTIVE
    world.pass_time(hours=1)
    assert world.again(grant).ended_by == EndedBy.EXPIRED
    (now,) = world.requests()
    assert (now.fingerprint, now.facts_version) == (request.fingerprint, 1), "never rewritten"
    assert world.alerts() == []


def test_a_changed_rule_makes_a_new_version_of_what_the_version_before_wrote(world: World) -> None:
    request = asked(world, 1)
    world.clock.tick(minutes=5)
    world.rewrite_policy("power: look", "power: mend")
    with pytest.raises(RequestChanged):
        world.approve(request)

    (now,) = world.requests()
    assert (now.version, now.facts_version, now.fingerprint) == (2, 2, fingerprint(now.facts))
    world.approve(now, by=KIM)
    world.work()
    assert world.grant_of(now).status == GrantStatus.ACTIVE


def test_while_a_process_of_the_version_before_is_at_work_it_can_read_what_is_written(world: World) -> None:
    beat_of_the_version_before(world)
    world.clock.tick(seconds=59)
    first = world.ask()
    world.clock.tick(seconds=2)
    second = world.ask(by=BEN)

    assert (first.facts_version, first.fingerprint) == (1, by_version_1(first))
    assert (second.facts_version, second.fingerprint) == (2, fingerprint(second.facts))


def test_a_version_that_a_process_of_before_made_of_a_newer_request_is_not_taken_for_it(world: World) -> None:
    """It leaves the facts alone, which it does not know."""
    request = world.ask()
    values: Mapping[str, object] = {"version": 2, "settings": {"server": "one", "port": 5432, "mode": "usual"}}
    change(world, "request", request.id, **values)
    (older,) = world.requests()
    change(world, "request", request.id, fingerprint=by_version_1(older))
    (older,) = world.requests()

    with pytest.raises(RequestChanged):
        world.approve(older)
    (now,) = world.requests()
    assert (now.version, now.status) == (3, RequestStatus.PENDING)
    assert world.approve(now, by=LEA).requester_slack == ANN
