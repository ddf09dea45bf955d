"""Who asks while a channel takes no message is told so at once, and reads of no approvers who were not asked."""

from dataclasses import replace

import pytest

from access.actors import by_slack, system
from access.alerts.undelivered import NeverAsked
from access.messages.facts import CardFacts, card_of
from access.models import MessageKind
from access.queries.mine import mine
from access.requests.extend import may_extend
from access.requests.submit import preview
from tests.access.alerts.test_undelivered import ARCHIVED, AWAY, BECAUSE, SECURITY_ARCHIVED, Slack, alerts, newest
from tests.cast import ANN, APPROVALS, BEN, SECURITY
from tests.world import World

SAM = "U0SAM"


@pytest.fixture
def slack(world: World) -> Slack:
    slack = Slack(world)
    world.tell = slack.tell  # type: ignore[method-assign]
    return slack


@pytest.fixture
def archived(world: World, slack: Slack) -> Slack:
    """Security has been told that the approvers' channel is archived, because of a request of Ben's."""
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask(by=BEN)
    world.work()
    return slack


def test_who_asks_then_hears_why_the_approvers_are_not_asked_and_that_security_was_told(
    world: World, archived: Slack
) -> None:
    request = world.ask()

    told = card_of(world.core, request.id).never_asked
    assert told is not None
    assert (told.problem, told.place, told.told) == (BECAUSE, APPROVALS, True)


def test_so_does_who_asks_for_more_time(world: World, slack: Slack) -> None:
    grant = world.open()
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask(by=BEN)
    world.work()

    told = card_of(world.core, world.extend(grant).id).never_asked
    assert told is not None
    assert told.problem == BECAUSE


def test_so_does_who_asks_while_slack_takes_no_message_at_all(world: World, slack: Slack) -> None:
    slack.refuses[None] = AWAY
    world.ask(by=BEN)
    world.live_through(minutes=3)

    told = card_of(world.core, world.ask().id).never_asked
    assert told is not None
    assert (told.place, told.told) == (AWAY.where, False), "the alert reaches no one either"


def test_before_anything_is_asked_the_form_says_so(world: World, slack: Slack) -> None:
    grant = world.open()
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask(by=BEN)
    world.work()

    seen = preview(world.core, requester=by_slack(ANN), entitlement="customers-db/fix-orders")
    assert seen.unreachable is not None
    assert seen.unreachable.problem == BECAUSE
    assert may_extend(world.core, grant_id=grant.id, by=by_slack(ANN)).terms.unreachable is not None


def test_what_one_waits_for_says_so_instead_of_naming_approvers(world: World, archived: Slack) -> None:
    (waiting,) = mine(world.core, person=by_slack(BEN)).requests

    shown = mine(world.core, person=by_slack(BEN))
    assert [one.problem for one in shown.not_asked.values()] == [BECAUSE]
    assert list(shown.not_asked) == [waiting.id]


def test_a_home_that_named_the_approvers_is_drawn_anew_when_they_cannot_be_asked(world: World, slack: Slack) -> None:
    with world.core.work(system("person:ann")) as work:
        work.tell(MessageKind.HOME, ANN, ANN)
    slack.refuses[APPROVALS] = replace(ARCHIVED, permanent=False)
    world.ask()
    world.work()
    (before,) = world.messages(MessageKind.HOME)
    world.live_through(minutes=3)

    (home,) = world.messages(MessageKind.HOME)
    assert alerts(world) == [(ARCHIVED.cause, True)]
    assert home.shown_version > before.shown_version


@pytest.mark.parametrize("code", ["undrawable", "msg_too_long", "no_word_for_it"])
def test_one_message_that_slack_does_not_take_says_nothing_of_the_next(world: World, slack: Slack, code: str) -> None:
    slack.refuses[APPROVALS] = replace(ARCHIVED, code=code)
    mine_fails = world.ask(by=BEN)
    world.work()

    known = card_of(world.core, mine_fails.id).never_asked
    assert known is not None
    assert (known.place, known.told) == ("", True)
    assert card_of(world.core, world.ask().id).never_asked is None


def test_when_the_channel_takes_messages_again_the_approvers_are_asked(world: World, archived: Slack) -> None:
    request = world.ask()
    assert card_of(world.core, request.id).never_asked is not None
    archived.refuses.clear()
    world.pass_time(minutes=1)
    world.pass_time(minutes=1)

    assert card_of(world.core, request.id).never_asked is None
    assert card_of(world.core, world.ask(entitlement="customers-db/fix-orders").id).never_asked is None


def test_that_security_was_told_is_said_only_once_it_was(world: World, slack: Slack) -> None:
    slack.refuses |= {APPROVALS: ARCHIVED, SECURITY: SECURITY_ARCHIVED, SAM: replace(SECURITY_ARCHIVED, where=SAM)}
    world.ask()
    world.work()
    assert not the_reason(newest(world, MessageKind.UNDELIVERED).facts).told

    del slack.refuses[SAM]
    world.pass_time(minutes=1)
    assert the_reason(card_of(world.core, world.requests()[0].id)).told


def the_reason(facts: object) -> NeverAsked:
    assert isinstance(facts, CardFacts)
    assert facts.never_asked is not None
    return facts.never_asked
