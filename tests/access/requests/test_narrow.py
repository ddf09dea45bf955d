"""An approver approves less time than was asked for, never more; votes for more stand for less."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.errors import AlreadyDecided, InvalidInput, RequestChanged
from access.ids import SlackUser
from access.messages.facts import card_of
from access.models import GrantStatus, MessageKind, Request, RequestStatus, Review, Verdict
from access.policy.refusals import RefusedByPolicy
from access.requests.narrow import TypedTime
from access.requests.review import review
from access.store import Database
from tests.access.requests.test_chains import ONE, ONE_OF_EACH, TWO_LEADS, TWO_STAGES
from tests.cast import KIM, LEA, POLICY, SAM
from tests.world import World

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
"""Where it is 13:00 at the noon of the tests."""


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    assert ONE in POLICY
    return World.make(database, tmp_path, POLICY.replace(ONE, getattr(request, "param", ONE)))


def narrow(world: World, request: Request, less: str, by: SlackUser = LEA, comment: str = "") -> Request:
    return review(
        world.core, button=world.button(request), reviewer=by_slack(by), verdict=Verdict.APPROVE, comment=comment,
        less=TypedTime(text=less, zone=AMSTERDAM),
    )  # fmt: skip


def now(world: World) -> Request:
    (request,) = world.requests()
    return request


def votes(world: World, version: int) -> list[tuple[str, int, list[str], int | None]]:
    with world.core.database.read() as session:
        found = session.exec(select(Review).filter_by(version=version)).all()
    request = now(world)
    assert all(one.fingerprint == request.fingerprint for one in found) or version != request.version
    return sorted((one.reviewer, one.stage, one.groups, one.carried_from) for one in found)


def test_what_is_approved_for_less_opens_for_less(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "30m", comment="Only what you need for INC-12.")

    row = now(world)
    assert (row.status, row.version, row.duration_s) == (RequestStatus.APPROVED, 2, 1800)
    assert (row.narrowed_from, row.narrowed_by, row.narrowed_by_slack) == (1, "lea", LEA)
    assert (row.asked_duration_s, row.asked_until) == (7200, None)
    assert (row.facts["version"], row.facts["duration_s"]) == (2, 1800)
    assert row.fingerprint != request.fingerprint
    assert votes(world, 2) == [("lea", 1, ["payments-leads"], None)]

    world.work()
    grant = world.grant_of(request)
    assert grant.status == GrantStatus.ACTIVE
    assert grant.expires_at == grant.starts_at + timedelta(minutes=30)
    assert [event.action for event in world.events() if event.object_id == request.id][:3] == [
        "request.created", "request.narrowed", "request.approved",
    ]  # fmt: skip
    assert card_of(world.core, request.id).reviews[0].comment == "Only what you need for INC-12."
    assert world.verified().flaw is None


@pytest.mark.parametrize(
    ("less", "sentence"),
    [
        ("60m", "ann asked for 1 h. Write a shorter time, or leave this empty"),
        ("2h", "ann asked for 1 h. Write a shorter time"),
        ("until 15:00", "ann asked for 1 h. Write a shorter time"),
        ("soon", "A duration is written like 90s"),
        ("2s", "too short|at least|shortest"),
    ],
)
def test_a_longer_or_equal_time_is_refused_at_its_field(world: World, less: str, sentence: str) -> None:
    request = world.ask(minutes=60)
    with pytest.raises(InvalidInput, match=sentence) as refused:
        narrow(world, request, less)
    assert list(refused.value.by_field) == ["duration"]
    assert (now(world).version, now(world).status, votes(world, 1)) == (1, RequestStatus.PENDING, [])


def test_an_end_may_take_the_place_of_a_length_where_it_comes_sooner(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "until 14:15")
    assert (now(world).duration_s, now(world).until) == (None, world.clock.now() + timedelta(minutes=75))
    assert world.grant_of(request).until == now(world).until


def test_an_end_is_narrowed_to_an_earlier_one_also_by_a_length(world: World) -> None:
    """Later stages may take long: counted from when it opens, thirty minutes could end later than was asked."""
    end = world.clock.now() + timedelta(minutes=100)
    with pytest.raises(InvalidInput, match="ann asked for no later end than that"):
        narrow(world, world.ask(duration=None, until=end), "until 14:40")
    narrow(world, now(world), "30m")
    assert (now(world).duration_s, now(world).until) == (None, world.clock.now() + timedelta(minutes=30))
    assert (now(world).asked_duration_s, now(world).asked_until) == (None, end)


def test_a_start_stays(world: World) -> None:
    starts = world.clock.now() + timedelta(hours=20)
    request = world.ask(minutes=120, starts_at=starts)
    narrow(world, request, "until 10:00")
    assert (now(world).starts_at, now(world).until) == (starts, starts + timedelta(hours=1))


@pytest.mark.both_databases
def test_an_extension_is_narrowed_to_an_end_after_the_one_there_is(world: World) -> None:
    grant = world.open(minutes=60)
    request = world.extend(grant, minutes=60)
    ends = grant.expires_at
    assert ends is not None
    with pytest.raises(InvalidInput):
        narrow(world, request, "until 13:30")
    narrow(world, request, "15m")
    assert world.again(grant).expires_at == ends + timedelta(minutes=15)


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_later_stages_and_the_grant_see_less_and_the_votes_of_before_stand(world: World) -> None:
    request = world.ask(minutes=120)
    world.approve(request, by=LEA)
    narrow(world, now(world), "30m", by=SAM)

    assert now(world).status == RequestStatus.APPROVED
    assert votes(world, 1) == [("lea", 1, ["payments-leads"], None)]
    assert votes(world, 2) == [("lea", 1, ["payments-leads"], 1), ("sam", 2, ["security"], None)]
    (event,) = world.events("request.vote-carried")
    said = json.loads(event.entry)["details"]
    assert (said["reviewer"], said["carried_from"], said["version"], said["stage"]) == ("lea", 1, 2, 1)
    assert (said["fingerprint"], said["before"]) == (now(world).fingerprint, request.fingerprint)
    world.work()
    grant = world.grant_of(request)
    assert (grant.status, grant.duration_s) == (GrantStatus.ACTIVE, 1800), "held against the votes before it opened"
    assert world.alerts() == []


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_the_first_stage_narrows_and_the_second_is_asked_for_less(world: World) -> None:
    request = world.ask(minutes=120)
    world.work()
    world.said.clear()
    narrow(world, request, "1h")
    world.work()
    cards = [one.message for one in world.said if one.message.kind == MessageKind.REVIEW]
    assert {one.version for one in cards} == {1, 2}
    assert MessageKind.NEXT_STAGE not in {one.message.kind for one in world.said}, "the new card calls them"
    assert card_of(world.core, request.id).approvers == [SAM]

    with pytest.raises(RequestChanged, match="lea has narrowed the time of this request since this was posted"):
        world.approve(request, by=SAM)
    narrow(world, now(world), "20m", by=SAM)
    row = now(world)
    assert (row.version, row.narrowed_from, row.narrowed_by, row.asked_duration_s) == (3, 2, "sam", 7200)
    assert world.grant_of(request).duration_s == 1200


@pytest.mark.parametrize("world", [TWO_LEADS], indirect=True)
def test_who_narrowed_first_has_voted_for_less_as_well(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "1h", by=LEA)
    narrow(world, now(world), "30m", by=KIM)
    assert votes(world, 3) == [("kim", 1, ["payments-leads"], None), ("lea", 1, ["payments-leads"], 2)]
    assert world.grant_of(request).duration_s == 1800


@pytest.mark.parametrize("world", [TWO_LEADS], indirect=True)
def test_who_may_not_decide_any_more_has_no_vote_for_less(world: World) -> None:
    request = world.ask(minutes=120)
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [sam, kim]}")
    narrow(world, now(world), "30m", by=KIM)
    assert now(world).status == RequestStatus.PENDING
    assert votes(world, 2) == [("kim", 1, ["payments-leads"], None)]
    assert card_of(world.core, request.id).approvers == [SAM]


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_where_an_earlier_stage_would_lack_its_approval_it_is_not_narrowed(world: World) -> None:
    request = world.ask(minutes=120)
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")
    with pytest.raises(RefusedByPolicy, match="lea, who approved this, is no longer one of its approvers"):
        narrow(world, now(world), "30m", by=SAM)
    assert (now(world).version, now(world).decision_seq) == (1, 1)


@pytest.mark.parametrize("world", [ONE_OF_EACH], indirect=True)
def test_a_carried_vote_keeps_its_groups(world: World) -> None:
    request = world.ask(minutes=120)
    world.approve(request, by=SAM)
    narrow(world, now(world), "30m", by=LEA)
    assert votes(world, 2) == [("lea", 1, ["payments-leads"], None), ("sam", 1, ["security"], 1)]
    assert world.grant_of(request).duration_s == 1800


@pytest.mark.both_databases
def test_the_slower_of_two_who_narrow_is_told(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "30m", by=LEA)
    with pytest.raises(AlreadyDecided, match=r"before you did: lea \(approved\)"):
        narrow(world, request, "1h", by=KIM)
    assert world.grant_of(request).duration_s == 1800


def test_a_rule_that_changes_voids_the_votes_and_leaves_it_narrow(world: World) -> None:
    world.rewrite_policy(ONE, TWO_STAGES)
    request = world.ask(minutes=120)
    narrow(world, request, "30m")
    world.rewrite_policy("power: look", "power: glance")
    with pytest.raises(RequestChanged, match="The rule has changed"):
        world.approve(now(world), by=SAM)
    row = now(world)
    assert (row.version, row.duration_s, row.asked_duration_s, votes(world, 3)) == (3, 1800, 7200, [])
    with pytest.raises(RequestChanged, match="lea has narrowed"):
        world.approve(request, by=KIM)


def test_what_was_narrowed_stays_when_somebody_makes_it_longer_in_the_database(world: World) -> None:
    request = world.ask(minutes=120)
    narrow(world, request, "30m")
    grant = world.grant_of(request)
    with world.core.database.write() as session:
        row = session.get_one(type(grant), grant.id)
        row.duration_s = 7200
        session.add(row)
    world.work()
    assert world.grant_of(request).status == GrantStatus.ENDED


def test_the_start_of_what_is_asked_does_not_pass_while_it_is_narrowed(world: World) -> None:
    """A start that has passed is now."""
    request = world.ask(minutes=120, starts_at=world.clock.now() + timedelta(minutes=10))
    world.clock.tick(minutes=20)
    narrow(world, request, "until 14:00")
    assert _length(world, request) == timedelta(minutes=40)


def _length(world: World, request: Request) -> timedelta:
    grant = world.grant_of(request)
    assert isinstance(grant.until, datetime)
    return grant.until - grant.starts_at
