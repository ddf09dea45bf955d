"""Every policy that came into force is kept with its text; the channel of the last is known while none can be used."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlmodel import select

from access.core import Core
from access.models import PolicyVersion
from access.monitor.policy_in_force import note_policy
from access.policy_source import PolicySource
from tests.cast import SECURITY
from tests.fakes import FakeProvider
from tests.world import World


def kept(world: World) -> list[PolicyVersion]:
    with world.core.database.read() as session:
        return list(session.exec(select(PolicyVersion).order_by(sa.column("id"))))


def test_each_policy_that_comes_into_force_is_kept_with_its_text(world: World) -> None:
    first = world.policy_file.read_text(encoding="utf-8")
    note_policy(world.core)
    world.clock.tick(minutes=1)
    world.rewrite_policy("max: 2h", "max: 1h")
    second = world.policy_file.read_text(encoding="utf-8")
    note_policy(world.core)
    note_policy(world.core)
    world.policy_file.write_text(first, encoding="utf-8")
    note_policy(world.core)

    assert [(one.id, one.text) for one in kept(world)] == [(1, first), (2, second), (3, first)]
    assert [one.sha256 for one in kept(world)] == [event.object_id for event in world.events("policy.loaded")]
    assert {one.security_channel for one in kept(world)} == {SECURITY}
    assert kept(world)[1].loaded_at == world.clock.now()


def differences_of(world: World) -> list[object]:
    return [json.loads(event.entry)["details"].get("differences") for event in world.events("policy.loaded")]


def test_a_policy_that_comes_into_force_is_an_event_with_what_it_changes_in_words(world: World) -> None:
    note_policy(world.core)
    world.rewrite_policy("max: 2h", "max: 1h")
    note_policy(world.core)
    world.rewrite_policy("max: 1h", "max: 1h # as before")
    note_policy(world.core)
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ann, ben, eve]}")
    note_policy(world.core)

    what = "customers-db/fix-orders and customers-db/read"
    assert differences_of(world) == [
        None,
        [{"sentence": f"{what} can be had for up to 1 h instead of 2 h, by rule `customers`", "wider": False}],
        [],
        [{"sentence": f"eve can ask for {what} now", "wider": True},
         {"sentence": f"lea can no longer ask for {what}", "wider": False}],
    ]  # fmt: skip


def test_what_this_version_cannot_read_of_before_is_said_and_stops_nothing(world: World) -> None:
    note_policy(world.core)
    with world.core.database.write() as session:
        session.connection().execute(sa.update(PolicyVersion).values(text="version: 0", sha256="0" * 64))
    note_policy(world.core)
    details = json.loads(world.events("policy.loaded")[-1].entry)["details"]
    assert details["not_compared"] == "This version cannot read the policy that was in force before."
    assert len(kept(world)) == 2


def test_while_no_policy_can_be_used_alerts_go_where_the_last_one_sent_them(world: World) -> None:
    note_policy(world.core)
    world.clock.tick(minutes=1)
    world.rewrite_policy(SECURITY, "C0SEC2")
    note_policy(world.core)
    world.policy_file.write_text("version: [", encoding="utf-8")

    fresh = new_process(world)

    assert fresh.security_channel() == "C0SEC2"
    with world.core.database.write() as session:
        session.connection().execute(sa.delete(PolicyVersion))
    assert fresh.security_channel() is None


@pytest.mark.both_databases
def test_of_two_timekeepers_that_note_a_policy_at_once_one_brings_it_into_force(world: World) -> None:
    both = threading.Barrier(2)

    def note(core: Core) -> None:
        both.wait(30)
        note_policy(core)

    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(note, new_process(world)) for _ in range(2)]:
            one.result()

    assert [one.id for one in kept(world)] == [1]
    assert len(world.events("policy.loaded")) == 1


def test_a_text_that_the_version_before_did_not_keep_is_added_and_is_no_new_policy(world: World) -> None:
    note_policy(world.core)
    with world.core.database.write() as session:
        session.connection().execute(sa.update(PolicyVersion).values(text=None))

    world.work()

    assert [(one.id, one.text) for one in kept(world)] == [(1, world.policy_file.read_text(encoding="utf-8"))]
    assert len(world.events("policy.loaded")) == 1


def new_process(world: World) -> Core:
    return replace(world.core, policy=PolicySource(world.policy_file, {"fake": FakeProvider}))
