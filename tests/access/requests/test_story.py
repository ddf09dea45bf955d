"""The life of a request and its grant, by the rows."""

from datetime import timedelta

import pytest

from access.models import EndedBy, GrantStatus, MessageKind, RequestStatus
from tests.cast import ANN, APPROVALS
from tests.world import World


def test_asked_approved_opened_expired_and_proven(world: World) -> None:
    request = world.ask(minutes=30)
    world.work()
    assert (MessageKind.REVIEW, APPROVALS) in world.told()

    world.approve(request)
    world.work()
    grant = world.grants()[0]
    assert grant.status == GrantStatus.ACTIVE
    assert grant.expires_at == world.clock.now() + timedelta(minutes=30)
    assert world.server.holders == {grant.id: ("ann", "read")}
    assert grant.plan["revoke"] == [f"REMOVE {grant.id}"]

    world.clock.tick(minutes=29, seconds=59)
    world.work()
    assert world.grants()[0].status == GrantStatus.ACTIVE, "never before its end"

    world.clock.tick(seconds=1)
    world.server.sessions[grant.id] = 2
    world.work()
    over = world.grants()[0]
    assert (over.status, over.ended_by, over.sessions_ended) == (GrantStatus.ENDED, EndedBy.EXPIRED, 2)
    assert over.proven_at == over.ended_at == world.clock.now()
    assert world.server.holders == {}
    assert (MessageKind.ENDED, ANN) in world.told()
    assert world.requests()[0].status == RequestStatus.APPROVED
    assert world.verified().flaw is None


def test_every_change_has_its_event_in_order(world: World) -> None:
    world.open(minutes=5)
    world.clock.tick(minutes=5)
    world.work()

    actions = [event.action for event in world.events()]
    assert [action for action in actions if action not in ("message.delivered", "policy.loaded")] == [
        "request.created", "request.approved", "grant.scheduled", "grant.activating", "grant.active",
        "grant.revoking", "grant.ended",
    ]  # fmt: skip
    assert actions.count("policy.loaded") == 1


@pytest.mark.parametrize("minutes", [1, 120])
def test_a_second_worker_finds_nothing_to_do(world: World, minutes: int) -> None:
    world.open(minutes=minutes)
    world.clock.tick(minutes=minutes)

    world.work()
    world.work()

    assert [verb for verb, _ in world.server.calls] == ["grant", "revoke"]
