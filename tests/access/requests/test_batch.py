"""Several at once, one by one or as a bundle: one request each, by its own rule; all or nothing when it is asked."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from access.actors import by_slack
from access.errors import AlreadyHeld, InvalidInput, TooManyPending
from access.ids import SlackUser
from access.models import GrantStatus, MessageKind, RequestStatus
from access.policy.refusals import PartsRefused, RefusedByPolicy
from access.requests import pending
from access.requests.batch import MOST, Batch, Wanted, previews, submit_all
from access.requests.submit import Preview
from access.store import Database
from tests.cast import ANN, BEN, EVE, KIM, LEA, POLICY, SAM
from tests.world import World

READ, FIX, LOGS, SECRET = "customers-db/read", "customers-db/fix-orders", "logs/read", "logs/all"
RULES = """\
  - id: logs
    for: {groups: [engineers, security], entitlements: [logs/read]}
    on_behalf: {groups: [payments-leads]}
    max: 1h
    approve: {channel: C0LOGS, stages: [{any_of: [security], quorum: 1}, {any_of: [payments-leads], quorum: 1}]}
  - id: logs-all
    for: {groups: [security], entitlements: [logs/all]}
    approve: {channel: C0LOGS, stages: [{any_of: [payments-leads], quorum: 1}]}
bundles:
  - {id: incident, title: What an incident needs, entitlements: [customers-db/read, logs/read]}
  - {id: everything, title: All there is, entitlements: [customers-db/read, logs/read, logs/all]}
security: {group: security, channel: C0SEC}
"""
RESOURCE = """\
  - id: logs
    title: Logs
    level: medium
    owner: security
    provider: fake
    settings: {server: two}
    roles:
      read: {title: Read the logs, power: look}
      all: {title: Read all logs, power: mend}
rules:
"""
SEVERAL = POLICY.replace("rules:\n", RESOURCE, 1).replace("security: {group: security, channel: C0SEC}\n", RULES)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, SEVERAL)


def ask(world: World, *chosen: str, by: SlackUser = ANN, told: tuple[str, ...] = (), **more) -> Batch:
    same = {"duration": timedelta(hours=1), "until": None, "reason": "INC-12 stuck refunds", "source": "form"}
    return submit_all(world.core, requester=by_slack(by), chosen=chosen, told=told, wanted=Wanted(**same | more))


def test_each_is_a_request_of_its_own_by_its_own_rule_and_all_share_a_batch(world: World) -> None:
    batch = ask(world, READ, LOGS, READ)

    assert [(one.entitlement, one.rule, one.channel) for one in batch.requests] == [
        (READ, "customers", "C0PAYAPPR"), (LOGS, "logs", "C0LOGS"),
    ]  # fmt: skip
    assert {one.batch_id for one in world.requests()} == {batch.requests[0].id}
    assert len({one.fingerprint for one in batch.requests}) == 2
    told = [json.loads(event.entry)["details"]["batch"] for event in world.events("request.created")]
    assert set(told) == {batch.requests[0].id}
    world.work()
    assert {("review", "C0PAYAPPR"), ("review", "C0LOGS")} <= {*world.told()}


def test_one_alone_is_its_own_batch(world: World) -> None:
    (request,) = ask(world, READ).requests
    assert request.batch_id == request.id


def test_each_is_decided_alone_and_opens_alone(world: World) -> None:
    read, logs = ask(world, "bundle:incident").requests

    world.approve(read, by=KIM)
    world.deny(logs, by=SAM)
    world.work()

    assert {one.entitlement: one.status for one in world.requests()} == {
        READ: RequestStatus.APPROVED, LOGS: RequestStatus.DENIED,
    }  # fmt: skip
    (grant,) = world.grants()
    assert (grant.entitlement, grant.status) == (READ, GrantStatus.ACTIVE)
    answers = [one.message.subject for one in world.said if one.message.kind == MessageKind.ANSWER]
    assert {*answers} == {read.id, logs.id}
    assert world.verified().flaw is None


def test_a_refused_part_is_named_and_nothing_is_asked(world: World) -> None:
    with pytest.raises(PartsRefused) as refused:
        ask(world, "bundle:everything")

    assert refused.value.refused == {SECRET: "There is no logs/all that you may ask for. Did you mean logs/read?"}
    assert refused.value.possible == (READ, LOGS)
    assert world.requests() == []
    assert world.refusals() == [("request.submit", "PartsRefused")]
    (event,) = world.events("attempt.refused")
    assert any("logs-all" in step for step in json.loads(event.entry)["details"]["trace"])


def test_what_one_was_told_of_is_left_out_and_said_so(world: World) -> None:
    batch = ask(world, "bundle:everything", told=(SECRET,))

    assert [one.entitlement for one in batch.requests] == [READ, LOGS]
    assert [*batch.left_out] == [SECRET]


def test_what_is_refused_since_one_was_told_stops_everything_again(world: World) -> None:
    world.rewrite_policy(
        "groups: [engineers, security], entitlements: [logs", "groups: [security], entitlements: [logs"
    )
    with pytest.raises(PartsRefused) as refused:
        ask(world, "bundle:everything", told=(SECRET,))
    assert {*refused.value.refused} == {SECRET, LOGS}
    assert world.requests() == []


def test_what_has_become_possible_since_one_was_told_is_asked_too(world: World) -> None:
    with pytest.raises(PartsRefused) as refused:
        ask(world, READ, LOGS, duration=timedelta(hours=2))
    assert refused.value.refused == {LOGS: "The longest access to logs/read is 1 h; you asked for 2 h."}

    assert len(ask(world, READ, LOGS, told=(LOGS,)).requests) == 2


def test_what_all_parts_have_against_it_is_said_once_under_its_field(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(world, READ, LOGS, reason="why", duration=timedelta(hours=9), told=(READ, LOGS))

    assert refused.value.by_field["reason"] == "Say more: the reason needs at least 10 characters here, this has 3."
    assert refused.value.by_field["duration"].splitlines() == [
        "The longest access to customers-db/read is 2 h; you asked for 9 h.",
        "The longest access to logs/read is 1 h; you asked for 9 h.",
    ]
    assert world.requests() == []


def test_what_is_open_already_is_a_refused_part_and_alone_it_can_be_extended(world: World) -> None:
    world.open()
    with pytest.raises(PartsRefused, match="customers-db/read: Your access to customers-db/read is open"):
        ask(world, "bundle:incident")
    (left,) = ask(world, "bundle:incident", told=(READ,)).requests
    assert left.entitlement == LOGS
    with pytest.raises(AlreadyHeld):
        ask(world, READ)


def test_of_what_can_be_asked_in_no_part_everything_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(world, SECRET, FIX, by=EVE, told=(SECRET, FIX))
    assert not isinstance(refused.value, PartsRefused)
    assert len(refused.value.sentence.splitlines()) == 2


def test_a_bundle_is_there_for_who_may_ask_for_a_part_of_it(world: World) -> None:
    policy = world.core.policy.current()
    names = {who: [one.id for one in policy.bundles_by(policy.people[who].name)] for who in policy.people}
    both = ["incident", "everything"]
    assert names == {"ann": both, "ben": both, "lea": both, "kim": both, "sam": both, "eve": []}
    for bundle in ("bundle:incident", "bundle:nothing"):
        with pytest.raises(InvalidInput, match="There is no such bundle that you may ask for"):
            ask(world, bundle, by=EVE)


def test_more_than_ten_are_refused_before_anything_is_looked_at(world: World) -> None:
    with pytest.raises(InvalidInput, match="Ask for at most 10 at once; this is 11"):
        ask(world, *(f"customers-db/role{number}" for number in range(MOST + 1)))


def test_limits_count_each_part_and_none_is_asked_beyond_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 2)
    ask(world, FIX)
    with pytest.raises(TooManyPending):
        ask(world, "bundle:incident")
    assert len(world.requests()) == 1
    monkeypatch.setattr(pending, "MOST", 3)
    assert len(ask(world, "bundle:incident").requests) == 2


def test_several_are_asked_for_another_too_each_by_its_own_rule(world: World) -> None:
    with pytest.raises(PartsRefused) as refused:
        ask(world, "bundle:incident", by=LEA, subject=BEN)
    assert refused.value.refused == {READ: "There is no customers-db/read that you may ask for on behalf of ben."}

    (logs,) = ask(world, "bundle:incident", by=LEA, subject=BEN, told=(READ,)).requests
    assert (logs.requester, logs.subject) == ("lea", "ben")


def test_what_each_part_means_is_shown_before_it_is_asked(world: World) -> None:
    shown = previews(world.core, requester=by_slack(ANN), chosen=["bundle:everything"], subject=None)

    read, logs, secret = shown.values()
    assert isinstance(read, Preview)
    assert isinstance(logs, Preview)
    assert (read.channel, read.asked.approvers, logs.channel, logs.asked.approvers) == (
        "C0PAYAPPR", (KIM, LEA), "C0LOGS", (SAM,),
    )  # fmt: skip
    assert isinstance(secret, str)
    assert secret.startswith("There is no logs/all that you may ask for.")


def test_one_that_is_refused_is_refused_as_alone(world: World) -> None:
    with pytest.raises(RefusedByPolicy, match="There is no logs/all"):
        ask(world, SECRET)
