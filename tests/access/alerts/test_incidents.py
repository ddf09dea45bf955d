"""What went wrong elsewhere, by its number in docs/promises.md: each is a story that must end well here."""

import threading
from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import AlreadyDecided, AlreadyReviewed
from access.grants.revoke import return_access, revoke
from access.models import AlertKind, EndedBy, Grant, GrantStatus
from access.monitor.sweep import Schedule
from access.queries.mine import mine
from bench.copies import copy_rows
from tests.cast import ANN, BEN, KIM, LEA, SAM
from tests.fakes import FakeProvider
from tests.world import World, deadline

OVERDUE_AT_START = 120


def test_f01_a_target_that_is_down_for_a_day_loses_its_access_within_a_minute_of_its_return(world: World) -> None:
    """Vault gave up after six tries; the credentials lived on."""
    grant = world.open(minutes=30)
    world.server.weather = "down"
    for _ in range(24):
        world.pass_time(hours=1)
    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]

    world.server.weather = "fine"
    world.live_through(seconds=61)

    assert (world.again(grant).status, world.server.holders) == (GrantStatus.ENDED, {})
    assert world.alerts()[0].closed_at is not None


def test_f02_hundreds_overdue_at_the_start_end_while_people_are_answered(world: World) -> None:
    """After a restart Vault revoked thousands at once and answered nobody."""
    grant = world.open(minutes=30)
    with world.core.database.write() as session:
        copies = copy_rows(session.connection(), OVERDUE_AT_START, world.clock.now(), world.clock.now())
    world.server.holders |= dict.fromkeys(copies, ("ann", "read"))
    world.clock.tick(hours=5)

    due = [item.partition(":")[2] for item, _ in Schedule(world.core).sweep()]
    claimed = world.deactivation.claim(due[:50])
    assert len(mine(world.core, person=by_slack(ANN)).grants) == OVERDUE_AT_START + 1, (
        "somebody asks in the middle of it"
    )
    world.deactivation.commit([world.deactivation.act(one, deadline()) for one in claimed])
    world.work()

    assert {one.status for one in world.grants()} == {GrantStatus.ENDED}
    assert world.server.holders == {}
    assert world.server.calls.count(("revoke", grant.id)) == 1


def test_f03_what_is_gone_already_is_a_removal_that_worked(world: World) -> None:
    """For Vault "does not exist" was a failure, for ever."""
    grant = world.open(minutes=30)
    world.server.holders.clear()

    world.pass_time(minutes=30)

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.again(grant).proven_at is not None


def test_f04_a_worker_that_is_asked_to_stop_gives_back_what_it_has_not_begun(world: World) -> None:
    """Vault's shutdown stopped in the middle: not attempting further revocation."""
    first, second = world.open(minutes=30), world.open(by=BEN, minutes=30)
    world.clock.tick(minutes=30)
    stopping = world.deactivation
    claimed = stopping.claim([first.id, second.id])
    stopping.commit([stopping.act(claimed[0], deadline())])
    stopping.release(claimed[1:])

    world.work()

    assert {one.status for one in world.grants()} == {GrantStatus.ENDED}


def test_f05_a_session_does_not_outlive_its_grant(world: World) -> None:
    """Vault, Teleport, TEAM, sso-elevator: the right was gone, the session went on."""
    grant = world.open(minutes=30)
    world.server.sessions[grant.id] = 2

    world.pass_time(minutes=30)

    assert world.server.sessions == {}
    assert world.again(grant).sessions_ended == 2


def test_f06_nothing_ends_before_its_end(world: World) -> None:
    """Vault revoked after an hour what was given for longer."""
    grant = world.open(minutes=30)
    world.live_through(minutes=29, seconds=59)
    assert world.deactivation.claim([grant.id]) == []
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert grant.id in world.server.holders


def test_f07_what_is_half_removed_is_not_over(world: World) -> None:
    """Vault took the rights, the user stayed, and nobody heard of it."""
    grant = world.open(minutes=30)
    world.server.weather = "stubborn"
    world.pass_time(minutes=30)
    world.live_through(minutes=11)

    assert world.again(grant).status == GrantStatus.REVOKING
    assert world.again(grant).removed_at is not None
    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]


def test_f08_the_end_of_one_leaves_the_other(world: World) -> None:
    """TEAM's first expiry took away what a second grant still needed."""
    first = world.open(minutes=30)
    second = world.open(entitlement="customers-db/fix-orders", minutes=60)

    world.pass_time(minutes=30)

    assert world.again(first).status == GrantStatus.ENDED
    assert world.again(second).status == GrantStatus.ACTIVE
    assert list(world.server.holders) == [second.id]


def test_f09_a_revoke_by_hand_that_fails_says_so_and_goes_on(world: World) -> None:
    """TEAM showed an error without a reason, and the access stayed."""
    grant = world.open(minutes=60)
    world.server.weather = "refuses"
    revoke(world.core, grant_id=grant.id, by=by_slack(SAM), reason="The laptop was stolen.")
    world.work()

    alert = world.alerts()[0]
    assert alert.kind == AlertKind.UNREMOVABLE
    assert "The fake server refuses the bot." in alert.sentence
    assert world.again(grant).status == GrantStatus.REVOKING

    world.server.weather = "fine"
    world.live_through(seconds=61)
    assert world.again(grant).status == GrantStatus.ENDED


def test_f10_two_approvers_at_once_make_one_grant(world: World) -> None:
    """sso-elevator made two timers for one access."""
    request = world.ask()
    start, ends = threading.Barrier(2), list[str]()

    def approve(by) -> None:
        start.wait()
        try:
            world.approve(request, by=by)
            ends.append("approved")
        except (AlreadyDecided, AlreadyReviewed) as refused:
            ends.append(type(refused).__name__)

    threads = [threading.Thread(target=approve, args=(by,)) for by in (LEA, KIM)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["AlreadyDecided", "approved"]
    assert len(world.grants()) == 1


def test_f11_what_another_puts_back_after_its_end_is_found_told_and_taken_away_each_time(world: World) -> None:
    """discord/access and Teleport: a directory's synchronisation gave back what had ended, and nobody looked."""
    grant = world.open(minutes=30)
    world.pass_time(minutes=30)

    for times in (1, 2):
        world.server.holders[grant.id] = ("ann", "read")
        world.live_through(minutes=12)

        assert world.server.holders == {}
        assert [one.status for one in world.grants()] == [GrantStatus.ENDED] * (1 + times)
        assert world.grants()[-1].ended_by == EndedBy.DRIFT
        alerts = world.alerts()
        assert [one.kind for one in alerts] == [AlertKind.DRIFT] * times
        assert all(one.delivered_at and one.closed_at for one in alerts)


def test_f12_there_is_one_end_and_everybody_is_told_that_one(world: World) -> None:
    """Teleport had two fields for the end, and they disagreed."""
    told = list[object]()
    grants = FakeProvider.grant

    def grant(self, spec, deadline):
        told.append(spec.expires_at)
        return grants(self, spec, deadline)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeProvider, "grant", grant)
        opened = world.open(minutes=30)

    assert told == [opened.expires_at]
    due = dict(Schedule(world.core).timers.all())
    assert due[next(item for item in due if item.endswith(opened.id))] == opened.expires_at
    assert opened.end_due_at == opened.expires_at


def test_f13_two_who_keep_time_take_it_away_once(world: World) -> None:
    """RQ's schedulers ran a job twice, or ten minutes late when one of them died."""
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    one, other = world.deactivation, world.deactivation

    claims = [one.claim([grant.id]), other.claim([grant.id])]
    for business, claimed in zip((one, other), claims, strict=True):
        business.commit([business.act(each, deadline()) for each in claimed])

    assert [len(claimed) for claimed in claims] == [1, 0]
    assert world.server.calls.count(("revoke", grant.id)) == 1


def test_f14_who_may_not_any_more_when_it_starts_gets_nothing(world: World) -> None:
    """jit-groups asked the policy at the approval only."""
    grant = world.scheduled()
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")

    world.work()

    ended = world.again(grant)
    assert (ended.status, ended.ended_by, world.server.calls) == (GrantStatus.ENDED, EndedBy.REFUSED, [])


def test_a_return_of_what_is_being_opened_leaves_nothing_behind(world: World) -> None:
    """A grant that loses the race to its end is taken away as soon as it lands."""
    grant: Grant = world.scheduled()
    business = world.activation
    claimed = business.claim([grant.id])
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()
    business.commit([business.act(one, deadline()) for one in claimed])
    world.live_through(minutes=2)

    assert world.server.holders == {}
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.clock.now() - world.again(grant).created_at < timedelta(minutes=5)
