"""One person asks for another: each place that takes a row's requester and its subject for one person is looked at."""

import json
import threading
from pathlib import Path

import pytest

from access.actors import by_slack
from access.errors import (
    AlreadyHeld,
    AlreadyOpen,
    InvalidInput,
    NotFound,
    NotYours,
    PolicyRefuses,
    SelfReview,
    TooManyPending,
)
from access.grants.revoke import return_access
from access.ids import SlackUser, short
from access.messages.facts import CardFacts
from access.models import EndedBy, GrantStatus, MessageKind, Request, RequestStatus
from access.queries.find import request_to_cancel
from access.queries.mine import mine
from access.queries.why import why
from access.requests import pending
from access.requests.cancel import cancel
from access.requests.submit import asks_for_others, preview, requestable
from access.store import Database
from tests.cast import ANN, BEN, EVE, KIM, LEA, POLICY, SAM, STRANGER
from tests.world import World

RULE = "customers-db/fix-orders]}\n"
FOR_OTHERS = POLICY.replace(RULE, f"{RULE}    on_behalf: {{groups: [team-leads]}}\n").replace(
    "  security: {people: [sam]}\n", "  security: {people: [sam]}\n  team-leads: {people: [lea, eve]}\n"
)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    assert FOR_OTHERS.count("team-leads") == 2
    return World.make(database, tmp_path, FOR_OTHERS)


def ask(world: World, *, by: SlackUser = LEA, subject: SlackUser = BEN, **more) -> Request:
    return world.ask(by=by, subject=subject, **more)


def told(world: World, kind: MessageKind, to: SlackUser) -> list[CardFacts]:
    facts = [one.facts for one in world.said if (one.message.kind, one.message.destination) == (kind, to)]
    return [one for one in facts if isinstance(one, CardFacts)]


def test_the_row_the_facts_and_the_grant_have_who_asked_and_who_receives(world: World) -> None:
    request = ask(world)

    assert (request.requester, request.requester_slack) == ("lea", LEA)
    assert (request.subject, request.subject_slack, request.principal) == ("ben", BEN, "ben")
    (event,) = world.events("request.created")
    details = json.loads(event.entry)["details"]
    assert (details["requester"], details["subject"]) == ("lea", "ben")
    world.approve(request, by=KIM)
    world.work()
    grant = world.grant_of(request)
    assert (grant.status, grant.subject_slack, grant.principal) == (GrantStatus.ACTIVE, BEN, "ben")
    assert world.verified().flaw is None


def test_who_asks_for_another_need_receive_nothing_from_the_rule(world: World) -> None:
    """Eve leads a team, and is no engineer herself."""
    assert ask(world, by=EVE).subject == "ben"
    with pytest.raises(PolicyRefuses, match="There is no customers-db/read that you may ask for"):
        world.ask(by=EVE)


@pytest.mark.parametrize(("by", "subject"), [(ANN, BEN), (LEA, SAM), (LEA, KIM), (KIM, ANN)])
def test_without_a_rule_that_lets_one_ask_for_another_it_is_refused(
    world: World, by: SlackUser, subject: SlackUser
) -> None:
    with pytest.raises(PolicyRefuses, match="that you may ask for on behalf of"):
        ask(world, by=by, subject=subject)
    assert world.requests() == []
    assert world.refusals() == [("request.submit", "RefusedByPolicy")]


@pytest.mark.parametrize("account", [STRANGER, SlackUser(""), SlackUser("USLACKBOT")])
def test_a_stranger_receives_nothing(world: World, account: SlackUser) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(world, subject=account)
    assert refused.value.by_field == {
        "subject": "The access policy does not know that person. The security team can add them to it."
    }
    assert world.requests() == []


def test_who_names_oneself_asks_for_oneself(world: World) -> None:
    request = ask(world, by=ANN, subject=ANN)
    assert (request.requester, request.subject) == ("ann", "ann")
    world.work()
    assert MessageKind.ASKED_FOR not in {kind for kind, _ in world.told()}


def test_neither_who_asks_nor_who_receives_decides(world: World) -> None:
    """Lea approves for others; she asked. For Lea asks Eve, and Lea receives."""
    request = ask(world)
    for_lea = ask(world, by=EVE, subject=LEA)
    for one in (request, for_lea):
        with pytest.raises(SelfReview):
            world.approve(one, by=LEA)
        with pytest.raises(SelfReview):
            world.deny(one, by=LEA)
    world.approve(request, by=KIM)
    world.approve(for_lea, by=KIM)
    assert {one.status for one in world.requests()} == {RequestStatus.APPROVED}


def test_what_no_other_person_could_approve_is_refused_at_once(world: World) -> None:
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea]}")
    with pytest.raises(PolicyRefuses, match="No other person can approve customers-db/read for ben"):
        ask(world)
    with pytest.raises(InvalidInput, match="No other person can approve customers-db/read for ben"):
        preview(world.core, requester=by_slack(LEA), entitlement="customers-db/read", subject=BEN)


def test_who_receives_is_told_when_it_is_asked_and_when_it_opens_and_who_asked_sees_the_answers(world: World) -> None:
    request = ask(world)
    world.work()
    (asked,) = told(world, MessageKind.ASKED_FOR, BEN)
    assert asked.request.id == request.id
    assert told(world, MessageKind.ANSWER, BEN) == []
    world.said.clear()

    world.approve(request, by=KIM)
    world.work()

    (to_the_holder,) = told(world, MessageKind.ANSWER, BEN)[-1:]
    assert to_the_holder.grant is not None
    assert (to_the_holder.grant.status, to_the_holder.is_the_holders) == (GrantStatus.ACTIVE, True)
    to_who_asked = told(world, MessageKind.ANSWER, LEA)[-1]
    assert to_who_asked.grant is not None
    assert (to_who_asked.grant.status, to_who_asked.is_the_holders) == (GrantStatus.ACTIVE, False)
    assert told(world, MessageKind.ASKED_FOR, BEN)[-1].request.status == RequestStatus.APPROVED


def test_a_no_reaches_both(world: World) -> None:
    request = ask(world)
    world.work()
    world.said.clear()

    world.deny(request, by=KIM)
    world.work()

    assert [one.request.status for one in told(world, MessageKind.ANSWER, LEA)] == [RequestStatus.DENIED]
    assert [one.request.status for one in told(world, MessageKind.ASKED_FOR, BEN)] == [RequestStatus.DENIED]


def test_who_would_receive_it_is_called_too_when_no_one_can_approve_it_any_more(world: World) -> None:
    ask(world)
    world.work()
    world.said.clear()

    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea]}")
    world.work()

    why = "It needs 1 approval of payments-leads, and too few people are left who can give one."
    assert {one.unanswerable for one in told(world, MessageKind.ASKED_FOR, BEN)} == {why}
    called = [one for one in world.messages(MessageKind.ASKED_FOR) if one.recipient != BEN]
    assert [(one.destination, one.delivered_at is not None) for one in called] == [(BEN, True)]
    assert {one.unanswerable for one in told(world, MessageKind.ANSWER, LEA)} == {why}


def test_the_holder_gives_it_back_and_extends_it_and_who_asked_does_not(world: World) -> None:
    grant = world.approve(ask(world), by=KIM)
    world.work()
    grant = world.grant_of(grant)
    for who in (LEA, EVE):
        with pytest.raises(NotYours):
            return_access(world.core, grant_id=grant.id, by=by_slack(who))
        with pytest.raises(NotYours):
            world.extend(grant, by=who)

    more = world.extend(grant, by=BEN, minutes=10)
    assert (more.requester, more.subject) == ("ben", "ben")
    world.approve(more, by=LEA)  # who asked for the access itself may decide on what Ben asks
    world.work()
    return_access(world.core, grant_id=grant.id, by=by_slack(BEN))
    world.work()
    ended = world.again(grant)
    assert (ended.status, ended.ended_by, ended.ended_by_person) == (GrantStatus.ENDED, EndedBy.RETURNED, "ben")
    assert (MessageKind.ENDED, BEN) in world.told()
    assert (MessageKind.ENDED, LEA) not in world.told()


def test_who_asked_takes_it_back_and_who_receives_cannot(world: World) -> None:
    request = ask(world)
    with pytest.raises(NotYours, match="Only the person who asked can take a request back"):
        cancel(world.core, request_id=request.id, by=by_slack(BEN))
    with pytest.raises(NotFound):
        request_to_cancel(world.core, text=short(request.id), by=by_slack(BEN))

    found = request_to_cancel(world.core, text=short(request.id), by=by_slack(LEA))
    cancel(world.core, request_id=found.id, by=by_slack(LEA))

    assert world.requests()[0].status == RequestStatus.CANCELLED
    with pytest.raises(NotFound, match=rf"Request {short(request.id)} .* was taken back"):
        request_to_cancel(world.core, text=short(request.id), by=by_slack(LEA))


def test_what_is_asked_for_a_person_stands_in_that_persons_list_and_in_that_of_who_asked(world: World) -> None:
    request = ask(world)
    of_lea, of_ben = (mine(world.core, person=by_slack(who)) for who in (LEA, BEN))

    assert ([one.id for one in of_lea.requests], of_lea.by_others) == ([request.id], [])
    assert ([one.id for one in of_ben.by_others], of_ben.requests) == ([request.id], [])
    assert mine(world.core, person=by_slack(ANN)).by_others == []
    world.approve(request, by=KIM)
    world.work()
    assert [len(mine(world.core, person=by_slack(who)).grants) for who in (LEA, BEN)] == [0, 1]


def test_both_may_see_why(world: World) -> None:
    request = ask(world)
    shown = {why(world.core, text=short(request.id), by=by_slack(who)).request.id for who in (LEA, BEN)}
    assert shown == {request.id}
    now = why(world.core, text=short(request.id), by=by_slack(BEN)).now
    assert now is not None
    assert {str(name): because for name, because in now.stages[0].others.items()} == {
        "ann": "is not in payments-leads", "ben": "receives", "eve": "is not in payments-leads", "lea": "asks",
        "sam": "is not in payments-leads",
    }  # fmt: skip


def test_what_is_open_or_asked_for_already_is_said_of_who_receives(world: World) -> None:
    request = ask(world)
    for who in (LEA, EVE):
        with pytest.raises(AlreadyOpen, match="customers-db/read for ben is already asked for"):
            ask(world, by=who)
    with pytest.raises(AlreadyOpen, match="You have already asked for customers-db/read"):
        world.ask(by=BEN)
    world.approve(request, by=KIM)
    with pytest.raises(AlreadyOpen, match="ben's access to customers-db/read is approved and about to open"):
        ask(world)
    world.work()
    with pytest.raises(AlreadyOpen, match="is open already; ben can extend it") as refused:
        ask(world)
    assert not isinstance(refused.value, AlreadyHeld)  # its form to extend would be refused
    with pytest.raises(AlreadyHeld):
        world.ask(by=BEN)


def test_caps_count_for_both(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 1)
    ask(world)
    with pytest.raises(TooManyPending, match="requests of ben wait"):
        ask(world, by=EVE, entitlement="customers-db/fix-orders")
    with pytest.raises(TooManyPending, match="of your requests wait"):
        ask(world, subject=ANN)
    with pytest.raises(TooManyPending, match="of your requests wait"):
        world.ask(by=BEN, entitlement="customers-db/fix-orders")
    assert len(world.requests()) == 1


@pytest.mark.both_databases
def test_two_who_ask_for_each_other_at_once_do_not_wait_for_each_other(world: World) -> None:
    world.rewrite_policy("team-leads: {people: [lea, eve]}", "team-leads: {people: [ann, ben]}")
    start, failed = threading.Barrier(2), []

    def asking(by: SlackUser, subject: SlackUser) -> None:
        start.wait()
        try:
            ask(world, by=by, subject=subject)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=asking, args=pair) for pair in ((ANN, BEN), (BEN, ANN))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {(one.requester, one.subject) for one in world.requests()} == {("ann", "ben"), ("ben", "ann")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("team-leads: {people: [lea, eve]}", "team-leads: {people: [eve]}"),
        ("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ann, lea]}"),
        ("    on_behalf: {groups: [team-leads]}\n", ""),
        ("lea: {slack: U0LEA}", "lea: {slack: U0LEA2}"),
        ("ben: {slack: U0BEN}", "ben: {slack: U0BEN2}"),
    ],
)
def test_nothing_opens_once_one_of_them_may_no_longer_ask_or_receive(world: World, old: str, new: str) -> None:
    world.approve(ask(world), by=KIM)
    world.rewrite_policy(old, new)

    world.work()

    (grant,) = world.grants()
    assert (grant.status, grant.activated_at) == (GrantStatus.ENDED, None)
    assert grant.ended_by in (EndedBy.REFUSED, EndedBy.LEFT)


def test_open_access_stays_when_who_asked_leaves_and_ends_when_who_receives_leaves(world: World) -> None:
    grant = world.approve(ask(world, minutes=120), by=KIM)
    world.work()
    world.rewrite_policy("  lea: {slack: U0LEA}\n", "")
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ann, ben]}")
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")
    world.rewrite_policy("team-leads: {people: [lea, eve]}", "team-leads: {people: [eve]}")
    world.live_through(minutes=10)
    assert world.grant_of(grant).status == GrantStatus.ACTIVE

    world.gone[BEN] = "Slack shows this account as deactivated."
    world.live_through(minutes=20)
    assert (world.grant_of(grant).status, world.grant_of(grant).ended_by) == (GrantStatus.ENDED, EndedBy.LEFT)


def test_the_form_and_the_line_offer_what_may_be_asked_for_whomever(world: World) -> None:
    assert {one.entitlement for one in requestable(world.core, requester=by_slack(EVE))} == {
        "customers-db/read", "customers-db/fix-orders",
    }  # fmt: skip
    assert [asks_for_others(world.core, requester=by_slack(who)) for who in (EVE, LEA, ANN)] == [True, True, False]
    shown = preview(world.core, requester=by_slack(LEA), entitlement="customers-db/read", subject=BEN)
    assert shown.asked.approvers == (KIM,)
    with pytest.raises(InvalidInput, match="that you may ask for on behalf of ben"):
        preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read", subject=BEN)
