"""One vote as it is written down: beside what it was counted with, and only if nothing came between."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from access.actors import by_slack, system
from access.catalog import PersonEntry
from access.errors import AlreadyReviewed
from access.ids import Person
from access.models import Request, RequestStatus, Review, Verdict
from access.people import People
from access.policy.chain import Approved, Denied, Waiting
from access.requests.claim import claim
from access.requests.vote import Ballot, cast_vote, refuse_vote
from access.store import Database
from access.unit_of_work import LostRace, UnitOfWork
from tests.access.requests.test_chains import ONE, TWO_STAGES
from tests.cast import KIM, LEA, POLICY, SAM
from tests.world import World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, POLICY.replace(ONE, TWO_STAGES))


def people(world: World) -> People:
    return People(world.core.policy.last_valid())


def person(world: World, name: str) -> PersonEntry:
    return people(world).policy.people[Person(name)]


def ballot(world: World, name: str, verdict: Verdict = Verdict.APPROVE) -> Ballot:
    return Ballot(by=person(world, name), verdict=verdict, comment="")


def work(world: World) -> AbstractContextManager[UnitOfWork]:
    return world.core.work(system("test"))


def test_a_vote_says_what_the_chain_waits_for_with_it_and_the_last_one_that_it_is_approved(world: World) -> None:
    request = world.ask()
    with work(world) as first:
        row = first.session.get_one(Request, request.id)
        now = cast_vote(first, people(world), row, ballot(world, "lea"))
        assert isinstance(now, Waiting)
        assert (now.stage, now.missing) == (2, 1)
        assert (row.status, row.decision_seq) == (RequestStatus.PENDING, 1)
    with work(world) as second:
        row = second.session.get_one(Request, request.id)
        assert cast_vote(second, people(world), row, ballot(world, "sam")) == Approved()
        assert (row.status, row.decision_seq) == (RequestStatus.APPROVED, 2)
    (event,) = world.events("request.approved")
    details = json.loads(event.entry)["details"]
    assert (details["reviewer"], details["verdict"], details["stage"]) == ("sam", "approve", 2)
    assert (details["rule"], details["groups"], details["comment"]) == (request.rule, ["security"], "")


def test_a_no_is_answered_as_a_no_and_ends_it(world: World) -> None:
    request = world.ask()
    with work(world) as one:
        row = one.session.get_one(Request, request.id)
        assert isinstance(cast_vote(one, people(world), row, ballot(world, "lea", Verdict.DENY)), Denied)
        assert row.status == RequestStatus.DENIED


def test_the_event_of_a_vote_that_decides_nothing_says_what_is_missing(world: World) -> None:
    request = world.approve(world.ask(), by=LEA)
    (event,) = world.events("request.reviewed")
    assert json.loads(event.entry)["details"] == {
        "reviewer": "lea", "verdict": "approve", "comment": "", "rule": request.rule, "stage": 1,
        "groups": ["payments-leads"], "waits_for_stage": 2, "missing": 1,
        "version": 1, "fingerprint": request.fingerprint,
    }  # fmt: skip


def test_a_vote_ends_the_claim_of_its_own_voter_and_of_no_other(world: World) -> None:
    mine, other = world.ask(), world.ask(entitlement="customers-db/fix-orders")
    for request, looks in ((mine, LEA), (other, KIM)):
        claim(world.core, button=world.button(request), by=by_slack(looks))
        world.approve(request, by=LEA)
    claimed = {request.id: request.claimed_by for request in world.requests()}
    assert claimed == {mine.id: None, other.id: "kim"}


@pytest.mark.parametrize("change", [{"status": "denied"}, {"version": 2}])
def test_a_vote_is_not_counted_where_the_request_was_decided_or_changed_since_it_was_read(
    world: World, change: dict[str, object]
) -> None:
    request = world.ask()
    with work(world) as late:
        row = late.session.get_one(Request, request.id)
        late.session.connection().execute(sa.update(Request).values(change))
        with pytest.raises(LostRace):
            cast_vote(late, people(world), row, ballot(world, "lea"))
    with world.core.database.read() as session:
        assert session.connection().execute(sa.select(sa.func.count()).select_from(Review)).scalar() == 0


def test_a_vote_that_another_overtook_is_counted_with_it(world: World) -> None:
    request = world.ask()
    with work(world) as late:
        row = late.session.get_one(Request, request.id)
        late.session.connection().execute(sa.update(Request).values(decision_seq=1))
        assert row.decision_seq == 0, "as it was read before"
        assert isinstance(cast_vote(late, people(world), row, ballot(world, "lea")), Waiting)
        assert row.decision_seq == 2


def test_who_has_approved_can_still_deny_and_another_can_approve(world: World) -> None:
    request = world.approve(world.ask(), by=LEA)
    with work(world) as one:
        row = one.session.get_one(Request, request.id)
        with pytest.raises(AlreadyReviewed, match="You have already approved this request"):
            refuse_vote(one.session, people(world), row, person(world, "lea"), Verdict.APPROVE, now=one.now)
        for name, verdict in (("lea", Verdict.DENY), ("sam", Verdict.APPROVE)):
            _, waits = refuse_vote(one.session, people(world), row, person(world, name), verdict, now=one.now)
            assert waits.stage == 2


def test_what_is_decided_by_the_votes_that_were_read_is_a_lost_race(world: World) -> None:
    request = world.approve(world.approve(world.ask(), by=LEA), by=SAM)
    with work(world) as one:
        row = one.session.get_one(Request, request.id)
        with pytest.raises(LostRace):
            refuse_vote(one.session, people(world), row, person(world, "kim"), Verdict.DENY, now=one.now)


@pytest.mark.parametrize(
    ("verdict", "said", "at_once"),
    [
        (Verdict.APPROVE, {"opens": True}, False),
        (Verdict.APPROVE, {"opens": False}, True),
        (Verdict.APPROVE, {}, True),
        (Verdict.DENY, {"opens": True}, True),
    ],
)
def test_the_card_waits_for_the_next_state_only_where_an_approval_opens_the_access_at_once(
    world: World, verdict: Verdict, said: dict[str, bool], at_once: bool
) -> None:
    request = world.approve(world.ask(), by=LEA)
    with work(world) as last:
        cast_vote(last, people(world), last.session.get_one(Request, request.id), ballot(world, "sam", verdict), **said)
        assert (request.id in last.subjects, request.id in last.settling) == (at_once, not at_once)


def test_a_vote_that_decides_nothing_is_shown_at_once(world: World) -> None:
    request = world.ask()
    with work(world) as first:
        row = first.session.get_one(Request, request.id)
        cast_vote(first, people(world), row, ballot(world, "lea"), opens=True)
        assert request.id in first.subjects
