"""Why a request was decided as it was: for who has to do with it, and for no other."""

from pathlib import Path

import pytest

from access.actors import by_slack
from access.errors import InvalidInput, NotFound
from access.ids import Person, SlackUser, short
from access.queries.why import Why, why
from access.requests.cancel import cancel
from access.store import Database
from tests.access.requests.test_approvers import GUEST, slack_says
from tests.access.requests.test_chains import ONE, TWO_STAGES
from tests.cast import ANN, BEN, EVE, KIM, LEA, POLICY, SAM
from tests.world import World

ANOTHER_RULE = """\
  - id: guests
    for: {groups: [guests], entitlements: [customers-db/read]}
    approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}
"""


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    policy = POLICY.replace(ONE, TWO_STAGES).replace("people: [sam]}\n", "people: [sam]}\n  guests: {people: [eve]}\n")
    return World.make(database, tmp_path, policy.replace("security: {group", f"{ANOTHER_RULE}security: {{group"))


def told(world: World, text: str, by: SlackUser = ANN) -> Why:
    return why(world.core, text=text, by=by_slack(by))


def test_the_trace_of_the_asking_and_each_vote_are_shown(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.approve(request, by=SAM)

    shown = told(world, short(request.id))

    (version,) = shown.versions
    assert version.number == 1
    assert [step.split()[:2] for step in version.trace] == [
        ["✓", "person"], ["✓", "entitlement"], ["✓", "rule"], ["✓", "time"], ["✓", "reason"], ["✓", "approvers"],
        ["✓", "approvers"],
    ]  # fmt: skip
    assert [(vote.reviewer, vote.stage, vote.groups) for vote in shown.votes] == [
        ("lea", 1, ["payments-leads"]), ("sam", 2, ["security"]),
    ]  # fmt: skip
    assert shown.now is None


def test_a_grants_id_leads_to_its_request_and_so_does_a_whole_id(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.approve(request, by=SAM)
    grant = world.grant_of(request)

    found = {
        told(world, text).request.id for text in (short(grant.id), grant.id, request.id, short(request.id).upper())
    }

    assert found == {request.id}


def test_who_waits_is_told_who_is_asked_now_and_why_each_other_person_is_not(world: World) -> None:
    slack_says(world, kim=GUEST)
    request = world.ask()

    now = told(world, short(request.id)).now

    assert now is not None
    first, second = now.stages
    assert (first.number, first.people, second.number, second.people, now.of) == (1, ("lea",), 2, ("sam",), 2)
    assert first.others == {
        "ann": "asks", "ben": "is not in payments-leads", "eve": "is not in payments-leads",
        "kim": "is not shown by Slack as a full member of this workspace", "sam": "is not in payments-leads",
    }  # fmt: skip
    world.approve(request, by=LEA)
    after = told(world, short(request.id)).now
    assert after is not None
    (stage,) = after.stages
    assert (stage.number, stage.people) == (2, ("sam",))
    assert stage.others[Person("lea")] == "has approved already, and counts once"


def test_what_the_policy_of_now_has_against_it_is_said_as_such(world: World) -> None:
    request = world.ask(minutes=120)
    world.rewrite_policy("max: 2h", "max: 1h")

    now = told(world, short(request.id)).now

    assert now is not None
    assert now.objection == "The policy has changed: at most 1 h is allowed now."
    world.rewrite_policy("max: 1h", "max: 4h")
    world.rewrite_policy("- id: customers\n", "- id: customers-2\n")
    now = told(world, short(request.id)).now
    assert now is not None
    assert (now.objection, now.changed) == (None, True)


def test_a_changed_rule_shows_as_another_version(world: World) -> None:
    request = world.ask()
    world.rewrite_policy("- id: customers\n", "- id: customers-2\n")
    with pytest.raises(Exception, match="new card"):
        world.approve(request, by=LEA)

    assert [version.number for version in told(world, short(request.id)).versions] == [1, 2]


@pytest.mark.parametrize("who", [ANN, LEA, KIM, SAM])
def test_who_asked_who_can_decide_and_security_may_see_it(world: World, who: SlackUser) -> None:
    request = world.ask()
    assert told(world, short(request.id), who).request.id == request.id


@pytest.mark.parametrize("who", [BEN, EVE])
def test_for_others_it_is_not_there_and_that_is_recorded(world: World, who: SlackUser) -> None:
    """The same sentence as for what does not exist."""
    request = world.ask()
    said = []
    for text in (short(request.id), request.id, "zzzzzz"):
        with pytest.raises(NotFound) as refused:
            told(world, text, who)
        said.append(refused.value.sentence.replace(text, "x"))

    assert len(set(said)) == 1
    assert world.refusals() == [("request.why", "NotFound")] * 3


def test_who_voted_may_see_it_after_leaving_the_group(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    assert told(world, short(request.id), LEA).request.id == request.id


def test_rules_of_others_are_in_the_trace_for_security_alone(world: World) -> None:
    request = world.ask()

    def steps(who: SlackUser) -> str:
        return "\n".join(step for version in told(world, short(request.id), who).versions for step in version.trace)

    assert "rule guests: does not match because ann is in none of guests" in steps(SAM)
    assert "guests" not in steps(ANN)
    assert "guests" not in steps(LEA)


@pytest.mark.both_databases
def test_without_an_id_it_is_the_only_one_there_is(world: World) -> None:
    with pytest.raises(NotFound, match="None of your requests waits and you hold no access"):
        told(world, "")
    request = world.ask()
    assert told(world, "").request.id == request.id
    world.ask(entitlement="customers-db/fix-orders")
    with pytest.raises(InvalidInput, match="Say which one: /access why"):
        told(world, "")


def test_what_is_taken_back_can_be_looked_at_still(world: World) -> None:
    request = world.ask()
    cancel(world.core, request_id=request.id, by=by_slack(ANN))

    shown = told(world, short(request.id))

    assert (shown.request.status, shown.now) == ("cancelled", None)
