"""What older versions wrote in the log is read in the words of now, and stays as it was written."""

from typing import Any

import pytest
from sqlmodel import select

from access.actors import system
from access.audit import verify
from access.audit_words import ACTIONS, DETAILS, read_event
from access.models import AuditEvent
from tests.world import World

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize(("written", "now"), ACTIONS.items())
def test_an_event_of_an_older_version_is_read_in_the_words_of_now(world: World, written: str, now: str) -> None:
    with world.core.work(system("tell")) as work:
        work.record(written, "an-id", kind="review", channel="C0LEADS")

    (event,) = world.events(written)
    said = read_event(event.entry)
    assert (said.action, said.actor, said.object_id, said.outcome) == (now, "system:tell", "an-id", "success")
    assert said.details == {"kind": "review", "channel": "C0LEADS"}
    with world.core.database.read() as session:
        assert session.exec(select(AuditEvent.action).where(AuditEvent.action == written)).one() == written
        assert verify(session).flaw is None


@pytest.mark.parametrize(("written", "now"), DETAILS.items())
def test_a_detail_of_an_older_version_is_read_by_its_name_of_now(world: World, written: str, now: str) -> None:
    with world.core.work(system("grant")) as work:
        details: dict[str, Any] = {written: "another"}
        work.record("grant.found-again", "an-id", **details)

    (event,) = world.events("grant.found-again")
    assert read_event(event.entry).details == {now: "another"}


def test_no_word_of_an_older_version_is_written_any_more(world: World) -> None:
    world.open(minutes=30)
    world.work()

    assert not {event.action for event in world.events()} & ACTIONS.keys()
    assert world.events("message.delivered")
