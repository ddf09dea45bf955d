"""Who asks while the approvers' channel takes no messages reads that, and not that approvers are asked."""

import pytest

from access.alerts.undelivered import NeverAsked
from access.models import Grant
from bot import ids
from bot.views.undelivered import not_asked_yet, why_not_asked
from tests.access.alerts.test_undelivered import ARCHIVED, BECAUSE, Slack
from tests.bot.desk import Desk
from tests.bot.facts import facts
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, APPROVALS, BEN
from tests.world import World

LINE = "customers-db/fix-orders 30m INC-12 two refunds are left"


@pytest.fixture
def grant(world: World) -> Grant:
    """Ann's; since then the approvers' channel was archived, and security was told."""
    grant = world.open(minutes=60)
    slack = Slack(world, refuses={APPROVALS: ARCHIVED})
    world.tell = slack.tell  # type: ignore[method-assign]
    world.ask(by=BEN)
    world.work()
    return grant


def is_told_so(said: str) -> bool:
    assert "One decides" not in said
    assert "I'll message you when" not in said
    assert BECAUSE in said
    assert "The security team has been told" in said
    return f"<#{APPROVALS}> takes no messages at present" in said


@pytest.mark.usefixtures("grant")
def test_by_the_form(desk: Desk, slack: FakeSlack) -> None:
    desk.command(ANN)
    desk.choose(ANN, slack.view, "customers-db/fix-orders")
    assert is_told_so(words(slack.view))

    typed = {"entitlement": "customers-db/fix-orders", "duration": "30m", "reason": "INC-12 two refunds are left"}
    answer = desk.submit(ANN, slack.view, **typed)

    assert answer["view"]["title"]["text"] == "Not asked yet"
    assert is_told_so(words(answer["view"]))


@pytest.mark.usefixtures("grant")
def test_by_the_line_and_in_the_list_of_what_one_waits_for(desk: Desk, slack: FakeSlack) -> None:
    desk.command(ANN, LINE)
    assert is_told_so(words(slack.said[-1]["blocks"]))

    desk.command(ANN, "mine")
    assert is_told_so(words(slack.said[-1]["blocks"]))


def test_by_extending(desk: Desk, slack: FakeSlack, grant: Grant) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)
    assert is_told_so(words(slack.view))

    answer = desk.submit(ANN, slack.view, duration="30m", reason="INC-12 two refunds are left")

    assert answer["view"]["title"]["text"] == "Not asked yet"
    assert is_told_so(words(answer["view"]))


def test_of_a_channel_that_refuses_one_message_nothing_is_said() -> None:
    refused = NeverAsked(problem="It is longer than <Slack> takes.")
    said = words({"blocks": not_asked_yet(facts(never_asked=refused))})

    assert f"The card of your request cannot be posted in <#{APPROVALS}>" in said
    assert "The security team is being told" in said
    assert "longer than &lt;Slack&gt; takes" in why_not_asked(refused, facts().request.channel)
