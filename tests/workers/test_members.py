"""A worker asks Slack about people: what counts as having left, and what says nothing."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from slack_sdk import WebClient
from sqlmodel import select

from access.approvers import approver_look
from access.ids import CheckId
from access.messages.rate_limits import USERS_INFO, Call, Limited
from access.models import CheckKind, EndedBy, GrantStatus, PeriodicCheck, RequestStatus
from access.monitor.approver_checks import EVERY as APPROVERS_EVERY
from access.monitor.offboarding import EVERY, Members, Membership
from access.monitor.routing import MEMBERS
from access.monitor.schedule_checks import schedule_checks
from access.monitor.sweep import Schedule
from access.periodic_checks import Claimed, check_item
from bot.directory import _BARRED
from countersign.wiring import slack_telling
from sandbox.person import Workspace
from sandbox.server import Running
from tests.bot.staging import acme
from tests.cast import ANN, APPROVALS, KIM, LEA
from tests.fakes import NOON
from tests.waiting import wait_until
from tests.world import World, deadline
from workers.dispatch import Dispatcher
from workers.lanes import Lanes
from workers.member_lookup import MemberLookup
from workers.pacing import pace


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.fixture
def workspace(sandbox: Running) -> Iterator[Workspace]:
    workspace = sandbox.workspace()
    yield workspace
    for person in (ANN, KIM):
        workspace.reactivate(person)
        workspace.make_member(person)


@pytest.fixture
def asking(world: World, sandbox: Running) -> MemberLookup:
    client = WebClient(sandbox.bot_token, base_url=sandbox.api_url, timeout=5, retry_handlers=[])
    return MemberLookup(Members(world.core), client)


def ask(asking: MemberLookup, user: str = ANN) -> Membership:
    look = PeriodicCheck(id=CheckId("1"), kind=CheckKind.MEMBER, subject=user, due_at=NOON)
    return asking.act(Claimed(look), deadline())


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        (lambda _workspace: None, ""),
        (lambda workspace: workspace.deactivate(ANN), "Slack shows this account as deactivated."),
        (lambda workspace: workspace.make_guest(ANN), "Slack shows this account as a guest."),
    ],
    ids=["a member", "deactivated", "a guest"],
)
def test_a_definite_answer_counts(
    asking: MemberLookup, workspace: Workspace, change: Callable[[Workspace], None], gone: str
) -> None:
    change(workspace)
    answer = ask(asking)
    assert (answer.gone, answer.problem) == (gone, "")


def fails(error: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.faults.fail_calls(error, only="users.info")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (fails("internal_error"), "Slack does not say (internal_error)."),
        (fails("user_not_visible"), "Slack does not say (user_not_visible)."),
        (fails("account_inactive"), "Slack does not say (account_inactive)."),
        (fails("invalid_auth"), "Slack does not say (invalid_auth)."),
        (lambda workspace: workspace.faults.limit_calls(only="users.info"), "Slack asks us to slow down."),
    ],
)
def test_anything_else_says_nothing(
    asking: MemberLookup, workspace: Workspace, fault: Callable[[Workspace], None], said: str
) -> None:
    workspace.deactivate(ANN)
    fault(workspace)
    answer = ask(asking)
    assert (answer.gone, answer.problem) == ("", said)


def test_who_asks_too_often_is_told_when_to_come_back(asking: MemberLookup, workspace: Workspace) -> None:
    workspace.faults.limit_calls(only="users.info", retry_after=7)
    assert ask(asking).limited == Limited(Call(USERS_INFO), timedelta(seconds=7))


def test_whom_slack_does_not_know_has_left(asking: MemberLookup) -> None:
    assert ask(asking, "U0NOBODY").gone == "Slack does not know this account any more."


def test_with_the_token_of_another_workspace_nobody_has_left(world: World, asking: MemberLookup) -> None:
    world.rewrite_policy("T0ACME", "T0OTHER")
    answer = ask(asking, "U0NOBODY")
    assert (answer.gone, answer.problem) == ("", "Slack does not say (user_not_found).")


def test_a_slack_that_cannot_be_reached_says_nothing_and_rests_the_lane(world: World) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = WebClient(
            "xoxb-canary", base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}/api/", retry_handlers=[]
        )
        answer = ask(MemberLookup(Members(world.core), client))
    assert (answer.gone, answer.healthy) == ("", False)
    assert "cannot be reached" in answer.problem


def test_an_answer_that_is_about_somebody_else_says_nothing(
    asking: MemberLookup, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.deactivate(ANN)
    answer = asking.client.users_info(user=ANN)
    monkeypatch.setattr(WebClient, "users_info", lambda *_, **__: answer)
    assert ask(asking, "U0BEN").problem == "The answer cannot be read (ValueError)."


@pytest.mark.parametrize("flag", ["deleted", "is_restricted", "is_ultra_restricted", "is_stranger", "is_bot"])
def test_who_is_refused_at_a_click_is_no_approver(
    asking: MemberLookup, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    profile = {"id": KIM, "team_id": "T0ACME", flag: True}
    monkeypatch.setattr(WebClient, "users_info", lambda *_, **__: {"user": profile})

    assert flag in _BARRED
    assert ask(asking, approver_look(KIM)).gone.startswith("Slack shows this account as")


def test_what_the_bot_bars_from_clicking_is_all_of_that(asking: MemberLookup, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(_BARRED) == 5, "add the new one to the test above"
    monkeypatch.setattr(WebClient, "users_info", lambda *_, **__: {"user": {"id": KIM, "team_id": "T0OTHER"}})

    assert ask(asking, approver_look(KIM)).gone == "Slack shows this account in another workspace."
    assert ask(asking, KIM).gone == "", "what such a person holds is not taken away"


def test_an_approver_who_became_a_guest_is_named_on_the_card_no_more(
    world: World, sandbox: Running, asking: MemberLookup, workspace: Workspace
) -> None:
    speaking = speaking_of(world, asking)
    world.ask()
    tell_all(world, speaking)
    (card,) = workspace.person(LEA).messages(APPROVALS)[-1:]
    assert f"Can decide: <@{KIM}>, <@{LEA}>" in card.words

    workspace.make_guest(KIM)
    schedule_checks(world.core)
    world.clock.tick(seconds=APPROVERS_EVERY.total_seconds())
    tell_all(world, speaking)

    (card,) = workspace.person(LEA).messages(APPROVALS)[-1:]
    assert f"Can decide: <@{LEA}>." in card.words


def test_people_are_asked_after_in_a_lane_of_their_own_and_slowly() -> None:
    assert pace(16, MEMBERS).per_second == 1
    assert (pace(5, "slack").per_second, pace(5, "slack").threads) == (None, 5)


def test_a_person_who_leaves_loses_all_and_the_messages_say_why(
    world: World, sandbox: Running, asking: MemberLookup, workspace: Workspace
) -> None:
    speaking = speaking_of(world, asking)
    grant, pending = world.scheduled(), world.ask(entitlement="customers-db/fix-orders")
    tell_all(world, speaking)
    assert world.again(grant).status == GrantStatus.ACTIVE
    workspace.deactivate(ANN)

    schedule_checks(world.core)
    world.clock.tick(minutes=1)
    schedule_checks(world.core)
    world.clock.tick(seconds=EVERY.total_seconds())
    tell_all(world, speaking)

    over = world.again(grant)
    assert (over.status, over.ended_by, world.server.holders) == (GrantStatus.ENDED, EndedBy.LEFT, {})
    assert [one.status for one in world.requests() if one.id == pending.id] == [RequestStatus.CANCELLED]
    cards = [one.words for one in workspace.person("U0LEA").messages(APPROVALS)][-2:]
    assert sum("its holder has left" in words for words in cards) == 1
    assert sum("It was cancelled" in words for words in cards) == 1
    assert all("Slack shows this account as deactivated." in words for words in cards)
    workspace.reactivate(ANN)
    assert "its holder has left" in workspace.person(ANN).direct_messages()[-1].words
    assert [one.problem for kind in ("answer", "review", "ended") for one in world.messages(kind) if one.problem] == []


def speaking_of(world: World, asking: MemberLookup) -> Dispatcher:
    return Dispatcher({"notice": [slack_telling(world.core, asking.client)], "look": [asking]})


def tell_all(world: World, speaking: Dispatcher) -> None:
    """All that is due, by the business that the queue `tell` really has."""
    schedule = Schedule(world.core)
    for _ in range(6):
        routes = schedule.route([item for item, _ in schedule.sweep()]).now
        world.run([route for route in routes if route.queue != "tell"])
        claimed = speaking.claim([route.item for route in routes if route.queue == "tell"])
        speaking.commit([speaking.act(one, deadline()) for one in claimed])


def test_through_a_lane_a_look_is_answered_and_comes_again(world: World, asking: MemberLookup) -> None:
    world.open()
    schedule_checks(world.core)
    world.clock.tick(minutes=5)
    with world.core.database.read() as session:
        (look,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.MEMBER, subject=ANN))
    lanes = Lanes(speaking_of(world, asking), on_leak=lambda: None, limits=partial(pace, 16))
    lanes.put(MEMBERS, [check_item(look.id)])

    def again() -> PeriodicCheck | None:
        with world.core.database.read() as session:
            row = session.get_one(PeriodicCheck, look.id)
            return row if row.looked_at else None

    row = wait_until(again, "the look to be answered")
    lanes.stop()
    assert row is not None
    assert row.due_at == world.clock.now() + EVERY
