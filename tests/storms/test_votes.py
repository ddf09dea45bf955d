"""Votes that are cast at once are counted together: none decides without the others, and none counts twice."""

import threading
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from access.actors import system
from access.catalog import PersonEntry
from access.core import load_request
from access.errors import AlreadyReviewed, Conflict, RequestChanged
from access.ids import Person, SlackUser
from access.models import Request, RequestStatus, Review, Verdict
from access.people import People
from access.policy.chain import Approved, Denied, Waiting
from access.requests.vote import Ballot, cast_vote
from access.unit_of_work import LostRace
from tests.world import World

pytestmark = pytest.mark.both_databases
VOTERS = 64


def wanting(world: World, quorum: int) -> Request:
    """A request whose chain wants so many."""
    people = "".join(f"  lead{number}: {{slack: U0LEAD{number}}}\n" for number in range(VOTERS + 1))
    named = ", ".join(f"lead{number}" for number in range(VOTERS + 1))
    world.rewrite_policy("people:\n", f"people:\n{people}")
    world.rewrite_policy("payments-leads: {people: [", f"payments-leads: {{people: [{named}, ")
    world.rewrite_policy("quorum: 1}]}", f"quorum: {quorum}}}]}}")
    return world.ask()


def voter(number: int) -> PersonEntry:
    return PersonEntry(name=Person(f"lead{number}"), slack=SlackUser(f"U0LEAD{number}"), names={})


def vote(world: World, request: Request, by: PersonEntry, verdict: Verdict = Verdict.APPROVE) -> str:
    people = People(world.core.policy.current())
    with world.core.work(system("test")) as work:
        now = load_request(work.session, request.id)
        if now.status != RequestStatus.PENDING:  # as every click is asked first
            raise LostRace
        return type(cast_vote(work, people, now, Ballot(by=by, verdict=verdict, comment=""))).__name__


def all_at_once(world: World, ballots: list[tuple[Any, ...]]) -> Counter[str]:
    start, said = threading.Barrier(len(ballots)), list[str]()

    def cast(ballot: tuple[Any, ...]) -> None:
        start.wait()
        try:
            said.append(vote(world, *ballot))
        except Conflict as refused:
            said.append(type(refused).__name__)

    threads = [threading.Thread(target=cast, args=(ballot,)) for ballot in ballots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(said)


def votes(world: World) -> list[Review]:
    with world.core.database.read() as session:
        return list(session.scalars(sa.select(Review)))


@pytest.mark.parametrize("quorum", [2, VOTERS])
def test_of_many_votes_at_once_as_many_count_as_the_chain_wants(world: World, quorum: int) -> None:
    request = wanting(world, quorum)
    said = all_at_once(world, [(request, voter(number)) for number in range(VOTERS)])

    expected = {Waiting.__name__: quorum - 1, Approved.__name__: 1, LostRace.__name__: VOTERS - quorum}
    assert said == Counter(expected)
    (now,) = world.requests()
    assert (now.status, now.decision_seq, len(votes(world))) == (RequestStatus.APPROVED, quorum, quorum)
    assert len(world.events("request.reviewed")) == quorum - 1
    assert len(world.events("request.approved")) == 1
    assert world.verified().flaw is None


def test_one_person_in_a_storm_counts_once(world: World) -> None:
    request = wanting(world, 2)
    said = all_at_once(world, [(request, voter(1))] * VOTERS)

    assert said == Counter({Waiting.__name__: 1, AlreadyReviewed.__name__: VOTERS - 1})
    (now,) = world.requests()
    assert (now.status, now.decision_seq, len(votes(world))) == (RequestStatus.PENDING, 1, 1)


def test_one_no_among_many_votes_at_once_ends_it_unless_all_are_there_before(world: World) -> None:
    request = wanting(world, VOTERS)
    ballots = [(request, voter(number)) for number in range(VOTERS - 1)]
    said = all_at_once(world, [*ballots, (request, voter(VOTERS), Verdict.DENY)])

    assert said[Denied.__name__] == 1
    assert said[Approved.__name__] == 0
    (now,) = world.requests()
    assert (now.status, now.decision_seq) == (RequestStatus.DENIED, len(votes(world)))


def test_a_click_on_a_chain_that_somebody_changed_counts_nothing_and_shows_the_one_of_the_policy(world: World) -> None:
    request = world.ask()
    chain = sa.literal({"any_of": ["payments-leads"], "quorum": 2}, sa.JSON())
    rows = sa.table("request", sa.column("id"), sa.column("chain"))
    with world.core.database.write() as session:
        session.connection().execute(sa.update(rows).where(rows.c.id == request.id).values(chain=chain))
    with pytest.raises(RequestChanged):
        world.approve(request)
    (now,) = world.requests()
    assert (now.version, now.chain["quorum"], votes(world)) == (2, 1, [])
    assert world.approve(now).status == RequestStatus.APPROVED
