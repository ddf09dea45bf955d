"""The doctor lists what does not arrive: where, which, since when, why and the cure."""

from datetime import timedelta
from pathlib import Path

import pytest

from access.alerts.undelivered import EVERYWHERE, DeliveryFailure
from access.messages.outbox import Delivery, Outbox
from access.models import MessageKind
from access.store import Database
from tests.cast import APPROVALS
from tests.countersign.clinic import Clinic, the, unwell
from tests.world import World


@pytest.fixture
def stored(clinic: Clinic, database_url: str) -> Clinic:
    clinic.environment["DATABASE_URL"] = database_url
    return clinic


@pytest.fixture
def asked(database: Database, tmp_path: Path) -> World:
    """A request whose card was not tried yet."""
    directory = tmp_path / "world"
    directory.mkdir()
    world = World.make(database, directory)
    world.clock.time = database.time() - timedelta(minutes=3)
    world.ask()
    return world


def fail(world: World, failure: DeliveryFailure, problem: str) -> None:
    telling = Outbox(world.core)
    claimed = telling.claim([one.id for one in world.messages(MessageKind.REVIEW)])
    telling.commit([Delivery(one, problem=problem, failure=failure) for one in claimed])


def test_each_undelivered_message_is_listed_with_its_cause_and_cure(stored: Clinic, asked: World) -> None:
    fail(asked, DeliveryFailure(APPROVALS, "is_archived", permanent=True), "The channel is archived.")

    findings = stored.look("Messages")
    assert unwell(findings) == [("error", APPROVALS)]
    found = the(findings, APPROVALS)
    assert found.sentence.startswith("1 message waits, the first for 3 min")
    assert "the card for the approvers (request" in found.sentence
    assert "customers-db/read for ann" in found.sentence
    assert found.sentence.endswith("The channel is archived.")
    assert found.cure == "Unarchive the channel, or name another one in the policy."


def test_what_slack_as_a_whole_does_not_take_is_said_of_slack(stored: Clinic, asked: World) -> None:
    fail(asked, DeliveryFailure(EVERYWHERE, "unavailable"), "Slack cannot be reached (TimeoutError).")

    assert unwell(stored.look("Messages")) == [("error", "Slack")]


def test_where_everything_has_arrived_it_is_well(stored: Clinic, asked: World) -> None:
    fail(asked, DeliveryFailure(APPROVALS, "is_archived", permanent=True), "The channel is archived.")
    asked.clock.tick(minutes=1)
    asked.work()

    assert unwell(stored.look("Messages")) == []


def test_without_a_database_it_says_what_is_missing(clinic: Clinic) -> None:
    clinic.environment["DATABASE_URL"] = "sqlite:////nowhere/at/all.db"

    assert unwell(clinic.look("Messages")) == [("error", "undelivered")]
