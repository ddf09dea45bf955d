"""Taking it back: who may, once, at every point of a grant's life."""

from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import (
    AlreadyDecided,
    AlreadyEnded,
    InvalidInput,
    NotFound,
    NotSecurity,
    NotUsableYet,
    NotYours,
    Refusal,
    UnknownPerson,
)
from access.grants.claims import spec_of
from access.grants.revoke import may_revoke, return_access, reveal, revoke
from access.ids import GrantId, RequestId, SlackUser
from access.models import EndedBy, Grant, GrantStatus, MessageKind, RequestStatus
from access.requests.cancel import cancel
from tests.cast import ANN, BEN, EVE, LEA, SAM, STRANGER
from tests.world import World, deadline

NOBODY = GrantId("0" * 26)


def at_stage(world: World, stage: str) -> Grant:
    """A grant that has come so far."""
    if stage == GrantStatus.ACTIVE:
        return world.open(minutes=30)
    grant = world.scheduled(minutes=30)
    if stage == GrantStatus.ACTIVATING:
        world.server.weather = "down"
        world.activate(grant)
        world.server.weather = "fine"
    return world.again(grant)


def test_the_requester_takes_a_pending_request_back(world: World) -> None:
    request = world.ask()

    assert cancel(world.core, request_id=request.id, by=by_slack(ANN)).status == RequestStatus.CANCELLED
    assert len(world.events("request.cancelled")) == 1
    assert world.ask().id != request.id, "it can be asked again"


@pytest.mark.parametrize("who", [LEA, BEN, EVE, SAM, STRANGER])
def test_nobody_else_takes_a_request_back(world: World, who: SlackUser) -> None:
    request = world.ask()

    with pytest.raises((NotYours, UnknownPerson)):
        cancel(world.core, request_id=request.id, by=by_slack(who))

    assert world.requests()[0].status == RequestStatus.PENDING
    assert [attempt for attempt, _ in world.refusals()] == ["request.cancel"]


def test_what_was_decided_is_not_taken_back(world: World) -> None:
    request = world.approve(world.ask())

    with pytest.raises(AlreadyDecided, match="This request is already approved; there is nothing to take back"):
        cancel(world.core, request_id=request.id, by=by_slack(ANN))

    assert len(world.grants()) == 1


def test_a_request_is_taken_back_once(world: World) -> None:
    request = world.ask()
    cancel(world.core, request_id=request.id, by=by_slack(ANN))

    with pytest.raises(AlreadyDecided, match="already cancelled"):
        cancel(world.core, request_id=request.id, by=by_slack(ANN))


@pytest.mark.parametrize("stage", [GrantStatus.ACTIVATING, GrantStatus.ACTIVE])
def test_the_holder_is_done_early(world: World, stage: GrantStatus) -> None:
    grant = at_stage(world, stage)

    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    leaving = world.again(grant)
    assert (leaving.status, leaving.ended_by, leaving.ended_by_person) == ("revoking", EndedBy.RETURNED, "ann")
    assert leaving.alert_at == world.clock.now() + timedelta(minutes=10)

    world.pass_time(minutes=2)
    over = world.again(grant)
    assert over.status == GrantStatus.ENDED
    assert over.proven_at is not None
    assert world.server.holders == {}
    assert (MessageKind.ENDED, ANN) in world.told()


@pytest.mark.parametrize("by", ["holder", "security"])
def test_what_was_never_given_ends_without_the_target(world: World, by: str) -> None:
    grant = at_stage(world, GrantStatus.SCHEDULED)

    if by == "holder":
        return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    else:
        revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason="Not now.")
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.calls == []
    assert (MessageKind.ENDED, ANN) in world.told()


@pytest.mark.parametrize("who", [BEN, LEA, EVE, SAM, STRANGER])
def test_nobody_else_is_done_with_it(world: World, who: SlackUser) -> None:
    grant = world.open()

    with pytest.raises((NotYours, UnknownPerson)):
        return_access(world.core, grant_id=grant.id, by=by_slack(who))

    assert world.again(grant).status == GrantStatus.ACTIVE
    assert [attempt for attempt, _ in world.refusals()] == ["grant.return"]


@pytest.mark.parametrize("stage", [GrantStatus.ACTIVATING, GrantStatus.ACTIVE])
def test_security_revokes_and_the_reason_is_kept(world: World, stage: GrantStatus) -> None:
    grant = at_stage(world, stage)

    assert may_revoke(world.core, grant_id=grant.id, by=by_slack(SAM)).id == grant.id
    revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason=" *Leaked* laptop\u202e ")
    world.pass_time(minutes=2)

    over = world.again(grant)
    assert (over.status, over.ended_by, over.ended_by_person) == ("ended", EndedBy.REVOKED, "sam")
    assert over.end_reason == "*Leaked* laptop"
    assert [event.actor for event in world.events("grant.revoking")] == [f"slack:{SAM}"]


@pytest.mark.parametrize("who", [ANN, BEN, LEA, EVE, STRANGER])
def test_only_security_revokes(world: World, who: SlackUser) -> None:
    grant = world.open()

    for ask in (may_revoke, lambda core, **given: revoke(core, reason="Because.", **given)):
        with pytest.raises((NotSecurity, UnknownPerson)):
            ask(world.core, grant_id=grant.id, by=by_slack(who))

    assert world.again(grant).status == GrantStatus.ACTIVE
    assert [attempt for attempt, _ in world.refusals()] == ["grant.revoke", "grant.revoke"]


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("", "Say why you revoke it: the holder will read it, and the log keeps it."),
        ("\u200b ", "Say why you revoke it: the holder will read it, and the log keeps it."),
        ("x" * 3000, "Shorten the reason: it may have 500 characters, this has 3,000."),
    ],
)
def test_a_revoke_needs_a_reason_that_fits(world: World, reason: str, sentence: str) -> None:
    grant = world.open()

    with pytest.raises(InvalidInput) as refused:
        revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason=reason)

    assert (refused.value.field, refused.value.sentence) == ("reason", sentence)
    assert world.again(grant).status == GrantStatus.ACTIVE


@pytest.mark.parametrize("stage", list(GrantStatus)[:3])
def test_it_ends_once(world: World, stage: GrantStatus) -> None:
    grant = at_stage(world, stage)
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))

    with pytest.raises(AlreadyEnded):
        return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    with pytest.raises(AlreadyEnded):
        revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason="Too late.")
    with pytest.raises(AlreadyEnded):
        may_revoke(world.core, grant_id=grant.id, by=by_slack(SAM))

    assert world.again(grant).ended_by == EndedBy.RETURNED
    assert len(world.events("grant.revoking") + world.events("grant.ended")) == 1


def test_what_does_not_exist_cannot_be_ended(world: World) -> None:
    with pytest.raises(NotFound):
        return_access(world.core, grant_id=NOBODY, by=by_slack(ANN))
    with pytest.raises(NotFound):
        revoke(world.core, grant_id=NOBODY, by=by_slack(SAM), reason="Because.")
    with pytest.raises(NotFound):
        cancel(world.core, request_id=RequestId(NOBODY), by=by_slack(ANN))

    assert len(world.refusals()) == 3


def test_done_during_the_grant_call_takes_it_away_again(world: World) -> None:
    """The call was under way; its answer comes to a row that has moved on."""
    grant = world.scheduled()
    claimed = world.activation.claim([grant.id])
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    result = world.activation.act(claimed[0], deadline())
    assert world.server.holders

    world.activation.commit([result])
    assert world.again(grant).status == GrantStatus.REVOKING
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_a_removal_that_looked_before_the_grant_landed_proves_nothing(world: World) -> None:
    grant = world.scheduled()
    opening = world.activation.claim([grant.id])
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    closing = world.deactivation.claim([grant.id])
    looked = world.deactivation.act(closing[0], deadline())
    landed = world.activation.act(opening[0], deadline())
    world.clock.tick(seconds=95)  # past the second look

    world.activation.commit([landed])
    world.deactivation.commit([looked])

    assert world.again(grant).status == GrantStatus.REVOKING
    world.work()
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_it_is_not_over_while_an_unanswered_call_may_still_land(world: World) -> None:
    grant = world.scheduled()
    claimed = world.activation.claim([grant.id])
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()
    assert world.again(grant).status == GrantStatus.REVOKING, "nothing is there, but it may still come"

    claimed[0].provider.grant(spec_of(world.again(grant)), deadline())  # it lands, and its worker dies
    world.pass_time(seconds=100)

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_only_the_holder_of_open_access_is_shown_how_to_connect(world: World) -> None:
    grant = world.open(minutes=30)

    reveal(world.core, grant_id=grant.id, by=by_slack(ANN), view="V1")
    assert [message.recipient for message in world.messages("reveal")] == ["V1"]
    assert len(world.events("grant.reveal-asked")) == 1

    for who in (BEN, LEA, SAM, STRANGER):
        with pytest.raises(Refusal):
            reveal(world.core, grant_id=grant.id, by=by_slack(who), view="V2")
    assert len(world.messages("reveal")) == 1
    assert len(world.refusals()) == 4


@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVATING])
def test_there_is_nothing_to_connect_to_before_it_is_open(world: World, stage: GrantStatus) -> None:
    with pytest.raises(NotUsableYet):
        reveal(world.core, grant_id=at_stage(world, stage).id, by=by_slack(ANN), view="V1")


def test_there_is_nothing_to_connect_to_after_its_end(world: World) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    with pytest.raises(NotUsableYet):
        reveal(world.core, grant_id=grant.id, by=by_slack(ANN), view="V1")  # its removal has not begun

    world.work()
    with pytest.raises(NotUsableYet):
        reveal(world.core, grant_id=grant.id, by=by_slack(ANN), view="V1")
