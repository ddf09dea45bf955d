"""Each decision keeps who could answer it and who could not, and comes out the same when it is made again of that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from access.actors import by_slack
from access.decisions import Record, records_of
from access.ids import SlackUser, short
from access.models import ApproverSnapshot, Decision, DecisionKind, Grant, Request
from access.policy.escalation import asked_since
from access.policy.replay import replayed
from access.queries.why import Then, why
from access.requests.cancel import cancel
from access.requests.edit import edit
from access.requests.narrow import TypedTime
from access.store import Database
from tests.access.requests.test_approvers import GUEST, slack_says
from tests.access.requests.test_chains import ONE, ONE_OF_EACH, TWO_LEADS, TWO_STAGES
from tests.access.requests.test_narrow import narrow
from tests.cast import ANN, BEN, KIM, LEA, POLICY, SAM
from tests.world import World

pytestmark = pytest.mark.both_databases
LADDER = f"{ONE}}}\n    escalate: [{{after: 10m, to: security}}]"


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    chain = getattr(request, "param", TWO_STAGES)
    # The step stands beside `approve`, of which the stages are the last word.
    text = POLICY.replace(f"{ONE}}}", chain) if chain == LADDER else POLICY.replace(ONE, chain)
    assert text != POLICY
    return World.make(database, tmp_path, text)


def kept(world: World, request: Request) -> list[Record]:
    with world.core.database.read() as session:
        return records_of(session, session.get_one(Request, request.id))


def said(record: Record) -> dict[str, object]:
    return {name: getattr(record.decision, name) for name in ("outcome", "stage", "missing")}


def again(world: World, request: Request) -> list[tuple[dict[str, object], dict[str, object]]]:
    """Of each decision what it was, and what comes of it when it is made again."""
    since = asked_since(request)
    return [
        (said(one), replayed(one.decision, one.kept, one.votes, since=since)) for one in kept(world, request)
    ]  # fmt: skip


def another_policy(world: World) -> None:
    """Of all who decided only kim is there, and the rule wants something else."""
    world.rewrite_policy("[lea, kim]", "[kim, ben]")
    world.rewrite_policy("  lea: {slack: U0LEA}", "  lea: {slack: U0NEWCOMER}")


def then(world: World, request: Request, by: SlackUser = ANN) -> list[Then]:
    return [*why(world.core, text=short(request.id), by=by_slack(by)).then]


def approved(world: World) -> Request:
    request = world.ask()
    world.approve(request, by=LEA)
    world.approve(request, by=SAM)
    return request


def approved_by_both_leads(world: World) -> Request:
    request = world.ask()
    world.approve(request, by=KIM)
    world.approve(request, by=LEA)
    return request


def approved_by_who_was_added(world: World) -> Request:
    request = world.ask()
    world.clock.tick(minutes=11)
    world.approve(request, by=SAM)
    return request


def narrowed_late(world: World) -> Request:
    request = world.ask(minutes=60)
    world.approve(request, by=LEA)
    narrow(world, request, "20m", by=SAM)
    return request


def changed_and_denied(world: World) -> Request:
    request = world.ask()
    world.approve(request, by=LEA)
    now = world.requests()[-1]
    time = TypedTime(text="5m", zone=ZoneInfo("UTC"))
    edit(world.core, button=world.button(now), by=by_slack(ANN), time=time, reason="Another reason than before")
    world.deny(world.requests()[-1], by=KIM)
    return request


LIVES: list[tuple[str, Callable[[World], Request], list[str]]] = [
    (TWO_STAGES, approved, ["waiting 1", "waiting 2", "approved", "approved"]),
    (ONE_OF_EACH, approved, ["waiting 1", "waiting 1", "approved", "approved"]),
    (TWO_LEADS, approved_by_both_leads, ["waiting 1", "waiting 1", "approved", "approved"]),
    (LADDER, approved_by_who_was_added, ["waiting 1", "approved", "approved"]),
    (TWO_STAGES, narrowed_late, ["waiting 1", "waiting 2", "waiting 2", "approved", "approved"]),
    (TWO_STAGES, changed_and_denied, ["waiting 1", "waiting 2", "waiting 1", "denied"]),
]


@pytest.mark.parametrize(
    ("world", "life", "outcomes"), LIVES, indirect=["world"], ids=[life.__name__ for _, life, _ in LIVES]
)
def test_each_decision_comes_out_the_same_after_the_policy_has_changed(
    world: World, life: Callable[[World], Request], outcomes: list[str]
) -> None:
    request = life(world)
    world.work()
    another_policy(world)

    found = again(world, request)

    assert [f"{one['outcome']} {one['stage'] or ''}".strip() for one, _ in found] == outcomes
    assert all(before == after for before, after in found)


def test_who_could_decide_then_is_told_and_who_could_not_and_why(world: World) -> None:
    slack_says(world, kim=GUEST)
    request = world.ask()
    world.approve(request, by=LEA)
    another_policy(world)

    asked, voted = then(world, request)

    assert (asked.kind, asked.by, asked.stage, asked.groups) == (DecisionKind.ASKED, None, 1, ("payments-leads",))
    assert (asked.people, voted.people, voted.by) == (("lea",), ("lea",), "lea")
    assert asked.others == {"ann": "asks", "kim": "was not shown by Slack as a full member"}
    assert asked.at == request.asked_at


def test_an_approval_that_does_not_carry_the_start_keeps_who_is_missing(world: World) -> None:
    request = approved(world)
    world.rewrite_policy("[lea, kim]", "[kim]")
    world.work()

    start = kept(world, request)[-1]
    assert (start.decision.kind, start.decision.outcome) == (DecisionKind.START, "refused")
    assert start.kept.groups["payments-leads"] == {"kim"}
    world.rewrite_policy("[kim]", "[lea, kim]")
    assert all(before == after for before, after in again(world, request))


def test_who_has_another_account_by_the_start_is_kept_as_the_reason(world: World) -> None:
    request = approved(world)
    world.rewrite_policy("  lea: {slack: U0LEA}", "  lea: {slack: U0NEWCOMER}")
    world.work()

    start = kept(world, request)[-1]
    assert start.decision.excluded == {"ann": "asks", "lea": "now has another Slack account in the access policy"}
    assert all(before == after for before, after in again(world, request))


def test_requests_with_the_same_people_share_what_is_kept_of_them(world: World) -> None:
    for _ in range(5):
        cancel(world.core, request_id=world.ask().id, by=by_slack(ANN))
        world.clock.tick(seconds=1)
    world.ask(by=BEN)
    another_policy(world)
    world.ask(by=ANN)

    with world.core.database.read() as session:
        decisions = session.exec(select(Decision)).all()
        snapshots = session.exec(select(ApproverSnapshot)).all()
    assert (len(decisions), len(snapshots)) == (7, 2)
    assert {decision.excluded.get("ben") for decision in decisions} == {None, "asks"}


def test_what_is_kept_names_people_and_nothing_of_the_target(world: World) -> None:
    approved(world)
    with world.core.database.read() as session:
        (snapshot,) = session.exec(select(ApproverSnapshot)).all()
    assert snapshot.content.keys() == {"chain", "groups", "people", "unable"}


@pytest.mark.parametrize("table", ["decision", "approver_snapshot"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET id = 'another'"])
def test_what_was_kept_is_never_changed_or_removed(world: World, table: str, change: str) -> None:
    approved(world)
    with pytest.raises(DatabaseError, match="append-only"), world.core.database.write() as session:
        session.connection().execute(sa.text(change.format(table)))


def test_what_the_version_before_decided_has_no_such_record_and_is_told_all_the_same(world: World) -> None:
    """Beside this version it goes on writing requests, votes and grants."""
    request = approved(world)
    other = f"{request.id[:-1]}{'x' if request.id[-1] != 'x' else 'y'}"
    with world.core.database.write() as session:
        row = session.get_one(Request, request.id)
        values: dict[str, Any] = {column.name: getattr(row, column.name) for column in sa.inspect(Request).columns}
        session.add(Request(**{**values, "id": other}))
    assert list(why(world.core, text=other, by=by_slack(ANN)).then) == []
    world.work()
    with world.core.database.read() as session:
        assert session.exec(select(Grant)).one().status == "active"
