"""The canary: harmless access that nobody approves and nobody uses, opened and closed the whole way again and again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlmodel import select

from access.approvers import is_at_approver
from access.messages.digest.content import CanaryRuns
from access.messages.digest.make import make_now, preview
from access.models import Alert, AlertKind, CheckKind, EndedBy, Grant, GrantStatus, PeriodicCheck, RequestStatus
from access.monitor.canary import run_canaries, standing
from access.monitor.schedule_checks import schedule_checks
from access.policy.canary import LASTS, LATE, Went
from tests.world import World

SONG = "canary: {entitlements: [customers-db/canary], every: 5m, names: {fake: nobody}}\n"


def keep(world: World) -> World:
    """The policy has a canary now."""
    world.rewrite_policy("    roles:\n", "    roles:\n      canary: {title: Nothing at all, power: none}\n")
    world.rewrite_policy("digest:", f"{SONG}digest:")
    return world


def canaries(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.CANARY]


def run(world: World) -> Grant:
    """The newest run, lived through to its end."""
    world.work()
    world.live_through(seconds=LASTS.total_seconds())
    return world.grants()[-1]


def said(world: World) -> CanaryRuns:
    """What a digest would say now."""
    runs = preview(world.core)[1].canary
    assert runs is not None
    return runs


def test_it_opens_and_closes_the_whole_way_without_anybody(world: World) -> None:
    keep(world).work()
    (opened,) = world.grants()
    assert (opened.status, list(world.server.holders.values())) == (GrantStatus.ACTIVE, [("nobody", "canary")])

    grant = run(world)
    assert (grant.status, grant.ended_by) == (GrantStatus.ENDED, EndedBy.EXPIRED)
    assert (grant.proven_at is not None, world.server.holders) == (True, {})
    assert world.events("review.approved") == []


def test_it_is_run_again_at_its_time_and_not_sooner(world: World) -> None:
    run(keep(world))
    world.live_through(seconds=280)
    assert len(world.grants()) == 1
    world.live_through(seconds=20)
    assert len(world.grants()) == 2


def test_of_many_timekeepers_one_begins_a_run(world: World) -> None:
    keep(world)
    with ThreadPoolExecutor(8) as keepers:
        list(keepers.map(lambda _: run_canaries(world.core), range(32)))
    assert len(world.grants()) == 1


def test_nobody_is_told_asked_after_or_sent_away(world: World) -> None:
    grant = run(keep(world))
    schedule_checks(world.core)
    with world.core.database.read() as session:
        looks = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.MEMBER)).all()
    assert [one.subject for one in looks if not is_at_approver(one)] == []
    assert (world.again(grant).ended_by, world.said) == (EndedBy.EXPIRED, [])
    assert world.requests()[0].status == RequestStatus.APPROVED


def test_one_that_does_not_open_is_told_and_the_next_good_one_closes_it(world: World) -> None:
    world.server.weather = "down"
    keep(world).work()
    world.live_through(seconds=LATE.total_seconds())
    assert canaries(world) == []
    world.live_through(seconds=5)

    (alert,) = canaries(world)
    assert alert.subject == "customers-db/canary"
    assert "has not opened" in alert.sentence
    assert "does not answer" in alert.sentence

    world.server.weather = "fine"
    world.live_through(minutes=20)
    (alert,) = canaries(world)
    assert alert.closed_at is not None
    assert alert.delivered_at is not None


def test_one_that_is_refused_by_the_target_is_told(world: World) -> None:
    world.server.weather = "refuses"
    run(keep(world))
    assert [one.sentence for one in canaries(world)] == [
        "Access to customers-db/canary was tried and did not open: The fake server refuses the bot."
    ]


def test_one_that_does_not_close_is_told_and_no_other_is_begun(world: World) -> None:
    keep(world).work()
    world.server.weather = "stubborn"
    world.live_through(minutes=20)
    assert len(world.grants()) == 1
    assert "is not proven gone" in canaries(world)[0].sentence

    world.server.weather = "fine"
    world.live_through(minutes=9)
    assert [one.closed_at is not None for one in canaries(world)] == [True]
    assert world.grants()[0].id not in world.server.holders


def test_a_role_that_was_changed_under_way_is_not_opened(world: World) -> None:
    run_canaries(keep(world).core)
    world.rewrite_policy("power: none", "power: all")
    world.activate(*world.grants())
    (grant,) = world.grants()
    assert (grant.status, grant.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []


def test_a_policy_without_it_ends_it_and_closes_its_alert(world: World) -> None:
    world.server.weather = "refuses"
    run(keep(world))
    assert len(canaries(world)) == 1
    world.rewrite_policy(SONG, "")
    world.live_through(minutes=10)
    assert [one.closed_at is not None for one in canaries(world)] == [True]
    assert len(world.grants()) == 1


def test_how_it_went_is_known_in_numbers(world: World) -> None:
    with world.core.database.read() as session:
        assert standing(world.core, session) is None
    run(keep(world))
    with world.core.database.read() as session:
        well = standing(world.core, session)
    assert well is not None
    assert (well.well, well.failing, well.late) == (1, 0, timedelta())


def test_the_digest_does_not_take_it_for_a_persons(world: World) -> None:
    keep(world).work()
    assert preview(world.core)[1].still_open.total == 0
    run(world)
    content = preview(world.core)[1]
    assert (content.opened.total, content.ended.total) == (0, 0)


def test_the_digest_counts_its_runs_and_says_how_the_latest_went(world: World) -> None:
    run(keep(world))
    for begun in (2, 3):
        world.live_through(minutes=5, seconds=-LASTS.total_seconds())
        runs = said(world)
        assert (runs.begun, runs.failed, runs.late) == (begun, 0, 0)
        assert (runs.latest_at, runs.latest) == (world.clock.now(), Went.RUNNING)
        run(world)
        assert (said(world).begun, said(world).latest) == (begun, Went.WELL)


def test_the_digest_counts_a_run_that_did_not_open_and_one_that_was_late(world: World) -> None:
    world.server.weather = "refuses"
    run(keep(world))
    world.server.weather = "fine"
    world.live_through(minutes=5, seconds=-LASTS.total_seconds())
    world.server.weather = "stubborn"
    world.live_through(minutes=3)
    assert (said(world).failed, said(world).late, said(world).latest) == (1, 1, Went.LATE)

    world.server.weather = "fine"
    world.live_through(minutes=1)
    runs = said(world)
    assert (runs.begun, runs.failed, runs.late, runs.latest) == (2, 1, 1, Went.LATE)
    assert world.grants()[-1].status == GrantStatus.ENDED


def test_the_digest_counts_the_runs_of_its_own_span(world: World) -> None:
    run(keep(world))
    make_now(world.core)
    assert said(world) == CanaryRuns(configured=True)
    world.live_through(minutes=5)
    assert said(world).begun == 1


def test_a_run_that_is_found_again_after_its_end_is_counted_once(world: World) -> None:
    grant = run(keep(world))
    world.server.holders[grant.id] = ("nobody", "canary")
    world.live_through(minutes=15)
    found = [one.request_id for one in world.grants() if one.supersedes_grant_id == grant.id]
    assert found == [grant.request_id]
    assert said(world).begun == len({one.request_id for one in world.grants()})


def test_the_digest_says_that_no_canary_is_configured(world: World) -> None:
    assert said(world) == CanaryRuns(configured=False)
