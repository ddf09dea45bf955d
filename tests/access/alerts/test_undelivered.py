"""A message that does not arrive is told to who asked and to security, goes on being tried, and ends what it began."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from access.actors import system
from access.alerts.undelivered import EVERYWHERE, DeliveryFailure, all_undelivered
from access.messages.facts import CardFacts
from access.messages.outbox import AlertFacts, Claimed, Delivery, Outbox
from access.models import Alert, AlertKind, Message, MessageKind, RequestStatus
from access.monitor.sweep import Schedule
from access.monitor.watchdogs import Seen, Watch
from bot.views.undelivered import unasked
from tests.access.requests.test_batch import FIX, READ
from tests.access.requests.test_batch import ask as batch
from tests.cast import ANN, APPROVALS, BEN, KIM, SECURITY
from tests.world import World

SAM = "U0SAM"
ARCHIVED = DeliveryFailure(APPROVALS, "is_archived", permanent=True)
SECURITY_ARCHIVED = DeliveryFailure(SECURITY, "is_archived", permanent=True)
AWAY = DeliveryFailure(EVERYWHERE, "unavailable")
SLOW = DeliveryFailure(EVERYWHERE, "ratelimited", updates=False)
BECAUSE = "The channel is archived."


@dataclass
class Slack:
    """Takes what it is given, but for what it refuses, by the place that it is for; None: for all."""

    world: World
    refuses: dict[str | None, DeliveryFailure] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    tried: list[Claimed] = field(default_factory=list)

    def tell(self, ids: Sequence[str]) -> None:
        telling = Outbox(self.world.core)
        claimed = telling.claim(ids)
        self.tried += claimed
        answers = [self._answer(one) for one in claimed]
        self.world.said += [one.claimed for one in answers if not one.problem and not one.gone]
        if answers:
            telling.commit(answers)

    def _answer(self, claimed: Claimed) -> Delivery:
        place = claimed.message.channel or claimed.message.recipient.partition(":")[0]
        failure = self.refuses.get(place, self.refuses.get(None))
        if failure is not None:
            return Delivery(claimed, problem=BECAUSE, failure=failure)
        if place in self.left:
            return Delivery(claimed, gone="Slack shows this account as deactivated.")
        return Delivery(claimed, channel=place, ts=f"{len(self.tried)}.0")


@pytest.fixture
def slack(world: World) -> Slack:
    slack = Slack(world)
    world.tell = slack.tell  # type: ignore[method-assign]
    return slack


def alerts(world: World) -> list[tuple[str, bool]]:
    """Their subjects, and whether they are open."""
    return [(one.subject, one.closed_at is None) for one in world.alerts() if one.kind == AlertKind.UNDELIVERED]


def the_alert(world: World) -> Alert:
    (alert,) = [one for one in world.alerts() if one.kind == AlertKind.UNDELIVERED]
    return alert


def said(world: World, kind: MessageKind) -> list[str]:
    return [one.message.recipient for one in world.said if one.message.kind == kind]


def newest(world: World, kind: MessageKind) -> Claimed:
    return [one for one in world.said if one.message.kind == kind][-1]


def card(world: World) -> Message:
    return world.messages(MessageKind.REVIEW)[-1]


def test_who_asked_and_security_are_told_at_once_of_a_card_that_is_refused_for_good(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    request = world.ask()
    world.work()

    assert alerts(world) == [("C0PAYAPPR is_archived", True)]
    assert the_alert(world).sentence == "Messages for C0PAYAPPR do not arrive. The channel is archived."
    assert the_alert(world).delivered_at == world.clock.now()
    assert said(world, MessageKind.ALERT) == [SECURITY]
    assert said(world, MessageKind.UNDELIVERED) == [ANN]
    told = newest(world, MessageKind.UNDELIVERED).facts
    assert isinstance(told, CardFacts)
    assert told.request.id == request.id
    assert told.never_asked is not None
    assert told.never_asked.problem == BECAUSE
    facts = newest(world, MessageKind.ALERT).facts
    assert isinstance(facts, AlertFacts)
    assert facts.undelivered is not None
    assert [one.request.id for one in facts.undelivered.first if one.request] == [request.id]
    assert (card(world).undelivered_since, card(world).undelivered_cause) == (world.clock.now(), ARCHIVED.cause)


def test_what_trying_again_may_mend_is_told_after_two_minutes(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = replace(AWAY, where=APPROVALS)
    world.ask()
    world.live_through(minutes=1, seconds=59)
    assert alerts(world) == []
    assert said(world, MessageKind.UNDELIVERED) == []

    world.live_through(seconds=2)
    assert alerts(world) == [("C0PAYAPPR unavailable", True)]
    assert said(world, MessageKind.UNDELIVERED) == [ANN]


def test_what_arrives_within_two_minutes_is_told_to_no_one(world: World, slack: Slack) -> None:
    slack.refuses[None] = AWAY
    world.ask()
    world.live_through(minutes=1)
    slack.refuses.clear()
    world.pass_time(seconds=50)
    world.pass_time(minutes=5)

    assert alerts(world) == []
    assert said(world, MessageKind.UNDELIVERED) == []
    assert card(world).undelivered_since is None


def test_of_many_messages_with_one_cause_one_alert_tells_and_is_kept_true(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    world.work()
    world.ask(by=BEN)
    world.ask(by=BEN, entitlement="customers-db/fix-orders")
    world.work()
    world.pass_time(seconds=10)

    assert alerts(world) == [(ARCHIVED.cause, True)]
    assert sorted(said(world, MessageKind.UNDELIVERED)) == sorted([ANN, BEN, BEN])
    facts = newest(world, MessageKind.ALERT).facts
    assert isinstance(facts, AlertFacts)
    assert facts.undelivered is not None
    assert facts.undelivered.number == 3
    assert len(world.messages(MessageKind.ALERT)) == 1


def test_when_it_has_arrived_the_alert_closes_and_who_asked_reads_so(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    request = world.ask()
    world.work()
    world.pass_time(minutes=10)
    tried = [one for one in slack.tried if one.message.kind == MessageKind.REVIEW]
    assert len(tried) == 2, "it goes on being tried"

    slack.refuses.clear()
    world.pass_time(minutes=1)
    world.pass_time(seconds=10)

    assert said(world, MessageKind.REVIEW) != []
    assert alerts(world) == [(ARCHIVED.cause, False)]
    facts = newest(world, MessageKind.UNDELIVERED)
    assert isinstance(facts.facts, CardFacts)
    assert facts.facts.never_asked is None
    assert facts.message.ts is not None, "the same message"
    closed = newest(world, MessageKind.ALERT).facts
    assert isinstance(closed, AlertFacts)
    assert closed.alert.closed_at is not None
    assert world.approve(request).status == RequestStatus.APPROVED
    assert len(world.messages(MessageKind.ANSWER)) == 1, "the answer is a message of its own, which rings"


def test_a_request_whose_card_never_arrived_lapses_and_says_that_no_approver_was_asked(
    world: World, slack: Slack
) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    world.work()
    world.pass_time(hours=8)
    world.pass_time(minutes=1)

    (request,) = world.requests()
    assert request.status == RequestStatus.LAPSED
    because = "The approvers were never asked: the card could not be posted. The channel is archived."
    assert request.decided_because == because
    assert because in world.events("request.lapsed")[0].entry
    assert said(world, MessageKind.ANSWER) == [ANN]
    assert world.messages(MessageKind.REVIEW) == [], "it asks no one any more"
    assert alerts(world) == [(ARCHIVED.cause, False)]


def test_a_request_that_no_process_came_to_lapses_and_says_so_too(world: World) -> None:
    world.ask()
    world.clock.tick(hours=8)
    Schedule(world.core).sweep()

    assert world.requests()[0].decided_because.startswith("The approvers were never asked")


def test_a_request_whose_card_arrived_lapses_as_before(world: World, slack: Slack) -> None:
    world.ask()
    world.work()
    world.pass_time(hours=8)

    assert [(one.status, one.decided_because) for one in world.requests()] == [(RequestStatus.LAPSED, "")]


def test_a_card_that_stands_and_is_out_of_date_is_told_to_security_alone(world: World, slack: Slack) -> None:
    request = world.ask()
    world.work()
    slack.refuses[APPROVALS] = ARCHIVED
    world.deny(request)
    world.work()

    assert alerts(world) == [(ARCHIVED.cause, True)]
    assert said(world, MessageKind.UNDELIVERED) == []
    facts = newest(world, MessageKind.ALERT).facts
    assert isinstance(facts, AlertFacts)
    assert facts.undelivered is not None
    assert [one.stands for one in facts.undelivered.first] == [True]


def test_a_late_update_is_no_alert_while_slack_asks_us_to_slow_down(world: World, slack: Slack) -> None:
    request = world.ask()
    world.work()
    slack.refuses[None] = SLOW
    world.deny(request)
    world.work()
    world.pass_time(minutes=1, seconds=50)
    assert alerts(world) == []

    world.pass_time(minutes=1)
    late = [one for each in all_in(world) for one in each.first]
    assert {(one.kind, one.stands) for one in late} >= {("review", True), ("answer", False)}
    with world.core.database.read() as session:
        told = [session.get(Message, one.id) for one in world.messages(MessageKind.REVIEW)]
    assert [one.alert_at for one in told if one] == [None]


def all_in(world: World) -> list:
    with world.core.database.read() as session:
        return all_undelivered(session)


def test_while_securitys_own_channel_is_broken_each_of_them_is_told_alone(world: World, slack: Slack) -> None:
    slack.refuses[SECURITY] = SECURITY_ARCHIVED
    world.open(minutes=30)
    world.server.weather = "down"
    world.pass_time(minutes=40)

    assert alerts(world) == [(SECURITY_ARCHIVED.cause, True)]
    overdue = next(one for one in world.alerts() if one.kind == AlertKind.OVERDUE)
    reached = {one.message.recipient for one in world.said if one.message.subject == overdue.id}
    assert reached >= {SAM}
    of_it = {one.message.recipient for one in world.said if one.message.subject == the_alert(world).id}
    assert of_it == {SAM}
    assert the_alert(world).delivered_at is not None

    slack.refuses.clear()
    world.pass_time(minutes=1)
    world.pass_time(minutes=1)
    assert alerts(world) == [(SECURITY_ARCHIVED.cause, False)]


def test_an_alert_that_reaches_no_one_in_slack_is_paged_whatever_its_kind(world: World, slack: Slack) -> None:
    paging = replace(world.core, pages=True)
    slack.refuses |= {APPROVALS: ARCHIVED}
    world.ask()
    world.work()
    Watch(paging).look(Seen())
    assert the_alert(world).id not in {one.subject for one in world.messages(MessageKind.PAGE)}, "it was read in Slack"

    slack.refuses |= {SECURITY: SECURITY_ARCHIVED, SAM: replace(SECURITY_ARCHIVED, where=SAM)}
    world.clock.tick(minutes=1)
    world.work()
    Watch(paging).look(Seen())
    paged = {one.subject for one in world.messages(MessageKind.PAGE)}
    unheard = {one.id for one in world.alerts() if one.kind == AlertKind.UNDELIVERED and one.delivered_at is None}
    assert paged & unheard == unheard != set()


def test_pages_that_are_not_taken_are_told_in_slack(world: World, slack: Slack) -> None:
    slack.refuses["webhook"] = DeliveryFailure("webhook", "page_refused")
    with replace(world.core, pages=True).work(system("test")) as work:
        work.open_alert(AlertKind.TIMERS, "redis", "Redis cannot be reached.", channel=SECURITY)
    world.work()
    assert alerts(world) == []
    world.pass_time(minutes=2)
    world.pass_time(seconds=1)

    assert alerts(world) == [("webhook page_refused", True)]
    assert the_alert(world).sentence == f"Pages do not arrive. {BECAUSE}"
    assert said(world, MessageKind.ALERT).count(SECURITY) >= 2


def test_where_no_timekeeper_lives_any_process_sees_to_it(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    slack.tell([one.id for one in world.messages(MessageKind.REVIEW)])
    Watch(world.core).look(Seen())

    assert alerts(world) == [(ARCHIVED.cause, True)]


def test_a_card_goes_to_the_channel_that_the_policy_names_instead(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    world.work()
    world.rewrite_policy("approve: {channel: C0PAYAPPR", "approve: {channel: C0OTHER")
    world.pass_time(minutes=1)
    world.pass_time(minutes=1)

    (request,) = world.requests()
    assert (request.status, request.channel, request.version) == (RequestStatus.PENDING, "C0OTHER", 2)
    assert said(world, MessageKind.REVIEW) == ["C0OTHER"]
    assert [one.recipient for one in world.messages(MessageKind.REVIEW)] == ["C0OTHER"]
    assert alerts(world) == [(ARCHIVED.cause, False)]
    assert world.approve(request, by=KIM).status == RequestStatus.APPROVED


def test_a_card_in_a_channel_that_the_policy_no_longer_names_is_given_up(world: World, slack: Slack) -> None:
    request = world.ask()
    world.work()
    slack.refuses[APPROVALS] = ARCHIVED
    world.deny(request)
    world.work()
    world.rewrite_policy("approve: {channel: C0PAYAPPR", "approve: {channel: C0OTHER")
    world.pass_time(minutes=1)
    world.pass_time(minutes=1)

    assert alerts(world) == [(ARCHIVED.cause, False)]
    assert [one.object_id for one in world.events("message.given_up")] == [request.id]
    assert card(world).due_at is None


def test_an_open_alert_goes_to_the_channel_that_security_has_now(world: World, slack: Slack) -> None:
    slack.refuses |= {APPROVALS: ARCHIVED, SECURITY: SECURITY_ARCHIVED}
    world.ask()
    world.work()
    world.rewrite_policy("C0SEC", "C0NEWSEC")
    world.pass_time(minutes=1)
    world.pass_time(minutes=1)

    first = next(one for one in world.alerts() if one.subject == ARCHIVED.cause)
    assert "C0NEWSEC" in {one.message.recipient for one in world.said if one.message.subject == first.id}
    assert alerts(world) == [(ARCHIVED.cause, True), (SECURITY_ARCHIVED.cause, False)]


def test_nothing_is_tried_for_ever_for_a_person_who_has_left(world: World, slack: Slack) -> None:
    slack.left = {ANN}
    request = world.ask()
    world.deny(request)
    world.work()

    (answer,) = world.messages(MessageKind.ANSWER)
    assert (answer.due_at, answer.delivered_at) == (None, None)
    assert [one.object_id for one in world.events("message.given_up")] == [request.id]
    assert [one.subject for one in world.messages(MessageKind.ALERT)] == []


def test_an_alert_that_was_for_one_who_has_left_was_told_to_no_one(world: World, slack: Slack) -> None:
    slack.left = {SECURITY}
    with world.core.work(system("test")) as work:
        work.open_alert(AlertKind.TIMERS, "redis", "Redis cannot be reached.", channel=SECURITY)
    world.work()

    assert world.alerts()[0].delivered_at is None


def test_what_the_version_before_has_delivered_waits_for_nothing(world: World, slack: Slack) -> None:
    """It clears the problem and knows no other column."""
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    world.work()
    with world.core.database.write() as session:
        row = session.get_one(Message, card(world).id)
        row.problem, row.ts, row.channel, row.shown_version, row.due_at = "", "1.0", APPROVALS, row.wanted_version, None
    world.pass_time(seconds=5)

    assert alerts(world) == [(ARCHIVED.cause, False)]


def test_a_reminder_that_waits_for_the_card_is_no_trouble_of_its_own(world: World) -> None:
    world.rewrite_policy("quorum: 1}]}", "quorum: 1}]}\n    escalate: [{after: 15m, to: payments-leads}]")
    world.ask()
    world.clock.tick(minutes=15)
    reminder = world.messages(MessageKind.REMINDER)
    telling = Outbox(world.core)
    telling.commit([
        Delivery(one, problem="The card to remind of is not posted yet.")
        for one in telling.claim([each.id for each in reminder])
    ])  # fmt: skip
    world.clock.tick(minutes=3)
    Schedule(world.core).sweep()

    assert alerts(world) == []


def test_the_pauses_between_tries_stay_what_they_are(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    world.ask()
    for _ in range(10):
        world.work()
        world.clock.tick(minutes=1)

    waiting = card(world)
    assert waiting.due_at is not None
    assert waiting.due_at <= world.clock.now()
    assert waiting.undelivered_since == world.clock.now() - timedelta(minutes=10)


def test_of_several_on_one_card_that_does_not_arrive_one_message_names_all(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    first, second = batch(world, READ, FIX).requests
    world.work()

    told = {one.message.subject: one.facts for one in world.said if one.message.kind == MessageKind.UNDELIVERED}
    (facts,) = told.values()
    assert isinstance(facts, CardFacts)
    assert {facts.request.id, *(one.id for one in facts.beside)} == {first.id, second.id}
    assert second.entitlement in str(unasked(facts).blocks)

    slack.refuses.clear()
    world.pass_time(minutes=2)
    assert [one.kind for one in world.messages(MessageKind.BATCH_REVIEW) if one.ts] == ["batch_review"]


def test_of_several_on_one_card_each_goes_to_the_channel_of_now(world: World, slack: Slack) -> None:
    slack.refuses[APPROVALS] = ARCHIVED
    requests = batch(world, READ, FIX).requests
    world.work()
    world.rewrite_policy(f"channel: {APPROVALS}", "channel: C0OTHER")
    world.pass_time(minutes=2)

    assert {one.message.subject for one in world.said if one.message.destination == "C0OTHER"} == {
        one.id for one in requests
    }
