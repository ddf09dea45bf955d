"""Pages by webhook: a real server that is up, down, broken or hangs, and Slack that waits for none of it."""

import logging
import re
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from slack_sdk import WebClient

from access.actors import by_slack, system
from access.grants.removed_by_hand import removed_by_hand
from access.messages.outbox import Claimed, Delivery
from access.models import AlertKind, Grant, Message, MessageKind
from access.monitor.routing import PAGES, SLACK, Route
from access.monitor.sweep import Schedule
from access.ports import Deadline
from access.unit_of_work import PAGED, UNPAGED
from countersign.wiring import slack_telling
from sandbox.server import Running
from tests.bot.staging import acme
from tests.cast import SAM, SECURITY
from tests.waiting import wait_until
from tests.workers.webhook import Weather, Webhook, listening
from tests.world import World
from workers.lanes import Lanes
from workers.paging import Pages
from workers.slack_sender import SlackSender

PAGE = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as webhook:
        yield webhook


@pytest.fixture
def paged(world: World) -> World:
    """A house that pages."""
    world.core = replace(world.core, pages=True)
    return world


def test_the_page_about_pages_names_just_the_kinds_that_are_paged() -> None:
    table, _, others = PAGE.partition("\nThe others, ")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(PAGED)
    assert set(re.findall(r"`(\w+)`", others.partition(", are told in Slack")[0])) == set(UNPAGED)


def overdue(world: World) -> Grant:
    grant = world.open(minutes=30)
    world.server.weather = "down"
    world.clock.tick(minutes=40)
    Schedule(world.core).sweep()
    return grant


def page_of(world: World) -> Message:
    (message,) = world.messages(MessageKind.PAGE)
    return message


def telling_of(world: World, url: str | None, client: WebClient | None = None) -> SlackSender:
    return slack_telling(world.core, client or WebClient("xoxb-none"), Pages(SecretStr(url) if url else None))


def send(world: World, url: str | None, seconds: float = 5) -> list[Delivery]:
    """One round of the lane of pages."""
    telling = telling_of(world, url)
    claimed: list[Claimed] = telling.claim([message.id for message in world.messages(MessageKind.PAGE)])
    told = [telling.act(one, Deadline.after(seconds)) for one in claimed]
    telling.commit(told)
    return told


def routes(world: World) -> list[Route]:
    schedule = Schedule(world.core)
    return schedule.route([item for item, _ in schedule.sweep()]).now


def test_an_alert_is_posted_when_it_opens_and_when_it_closes(paged: World, webhook: Webhook) -> None:
    grant = overdue(paged)
    send(paged, webhook.url)

    (alert,) = paged.alerts()
    opened = {
        "alert": alert.id,
        "kind": "overdue",
        "state": "open",
        "sentence": alert.sentence,
        "subject": grant.id,
        "level": "medium",
        "opened_at": alert.opened_at.isoformat(),
        "closed_at": None,
    }
    assert webhook.pages == [opened]
    assert webhook.asked == ["/duty?key=canary-page"]
    assert alert.delivered_at == paged.clock.now()
    assert page_of(paged).due_at is None

    paged.server.weather = "fine"
    paged.clock.tick(minutes=1)
    paged.run([route for route in routes(paged) if route.queue != "tell"])
    assert page_of(paged).due_at == paged.clock.now()
    send(paged, webhook.url)

    closed_at = paged.alerts()[0].closed_at
    assert closed_at is not None
    assert webhook.pages[1:] == [opened | {"state": "closed", "closed_at": closed_at.isoformat()}]
    assert page_of(paged).due_at is None


def test_nothing_that_people_wrote_is_posted(paged: World, webhook: Webhook) -> None:
    overdue(paged)
    send(paged, webhook.url)

    assert "INC-12" not in str(webhook.pages)
    assert "canary" not in str(webhook.pages)


def test_an_alert_that_closed_before_anybody_was_paged_is_posted_as_closed(paged: World, webhook: Webhook) -> None:
    overdue(paged)
    webhook.weather = "broken"
    send(paged, webhook.url)

    paged.server.weather, webhook.weather = "fine", "up"
    paged.clock.tick(minutes=5)
    paged.run([route for route in routes(paged) if route.queue != "tell"])
    send(paged, webhook.url)

    assert [page["state"] for page in webhook.pages] == ["closed"]


def test_what_changes_in_slack_alone_pages_nobody(paged: World, webhook: Webhook) -> None:
    grant = overdue(paged)
    send(paged, webhook.url)

    removed_by_hand(paged.core, grant_id=grant.id, by=by_slack(SAM))
    assert page_of(paged).due_at is not None
    send(paged, webhook.url)

    assert len(webhook.asked) == 1
    assert page_of(paged).due_at is None


@pytest.mark.parametrize(
    ("weather", "problem"),
    [
        ("broken", "The address for pages answered with 500."),
        ("moved", "The address for pages answered with 302."),
        ("hanging", "The address for pages does not answer in time."),
        ("dripping", "The address for pages does not answer in time."),
    ],
)
def test_what_is_no_2xx_told_nobody_and_is_tried_again(
    paged: World, webhook: Webhook, weather: Weather, problem: str
) -> None:
    overdue(paged)
    webhook.weather = weather
    for _ in range(10):
        send(paged, webhook.url, 0.3 if weather in ("hanging", "dripping") else 5.0)
        paged.clock.tick(minutes=1)

    message = page_of(paged)
    wait_until(lambda: len(webhook.asked) == 10, "the last one to arrive")
    assert message.problem == problem
    assert message.due_at is not None
    assert message.due_at - paged.clock.now() <= timedelta(0), "a pause is a minute at most"
    assert paged.alerts()[0].delivered_at is None
    assert "canary" not in message.problem

    webhook.weather = "up"
    send(paged, webhook.url)
    assert [page["state"] for page in webhook.pages] == ["open"]
    assert (page_of(paged).problem, page_of(paged).due_at) == ("", None)


def test_nobody_at_the_address_is_a_problem_that_names_no_address(paged: World) -> None:
    overdue(paged)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        (told,) = send(paged, f"http://127.0.0.1:{nobody.getsockname()[1]}/")

    assert told.problem == "The address for pages cannot be reached (ConnectError)."
    assert not told.healthy


def test_no_log_has_the_address_however_much_is_logged(
    paged: World, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    overdue(paged)
    with caplog.at_level(logging.DEBUG):
        send(paged, webhook.url)

    assert webhook.pages
    assert "canary-page" not in caplog.text
    assert "duty" not in caplog.text


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:{port}/canary-page", "http://[canary-page", "http://127.0.0.1:{port}\x00/canary-page"]
)
def test_an_address_that_cannot_be_used_is_a_problem_that_does_not_name_it(
    paged: World, webhook: Webhook, url: str
) -> None:
    overdue(paged)
    (told,) = send(paged, url.format(port=webhook.port))

    assert told.problem.startswith("The address for pages cannot be reached (")
    assert "canary" not in told.problem
    assert not told.healthy


def test_a_page_goes_by_no_proxy_that_would_read_what_is_wrong_here(
    paged: World, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    overdue(paged)
    send(paged, webhook.url)

    assert webhook.pages


def test_a_process_without_the_address_says_so(paged: World) -> None:
    overdue(paged)

    (told,) = send(paged, None)

    assert told.problem == "COUNTERSIGN_PAGE_URL is not set in this process."


def test_a_removal_that_is_refused_and_a_redis_that_is_gone_are_paged_too(paged: World, webhook: Webhook) -> None:
    paged.open(minutes=30)
    paged.server.weather = "refuses"
    paged.clock.tick(minutes=30)
    paged.run([route for route in routes(paged) if route.queue == "revoke"])
    Schedule(paged.core).timers.lost()
    send(paged, webhook.url)

    said = {page["kind"]: (page["level"], page["subject"]) for page in webhook.pages}
    assert said == {"unremovable": ("medium", paged.grants()[0].id), "timers": (None, "redis")}


def test_what_can_wait_until_somebody_looks_pages_nobody(paged: World) -> None:
    paged.policy_file.write_text("version: [", encoding="utf-8")
    paged.work()

    assert [alert.kind for alert in paged.alerts()] == [AlertKind.POLICY]
    assert paged.messages(MessageKind.PAGE) == []


def test_where_no_address_is_set_nothing_waits_to_be_paged(world: World) -> None:
    overdue(world)

    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]
    assert world.messages(MessageKind.PAGE) == []


def group(world: World, number: int) -> None:
    """So many alerts about strangers at one target."""
    opened = len(world.alerts())
    with world.core.work(system("drift")) as work:
        for one in range(opened, opened + number):
            work.open_alert(
                AlertKind.DRIFT, f"customers-db cs_{one}", "It is there.", channel=SECURITY, resource="customers-db"
            )


def test_a_page_for_many_is_sent_again_while_nobody_was_told_of_one(paged: World, webhook: Webhook) -> None:
    group(paged, 8)
    send(paged, webhook.url)
    (page,) = [page for page in webhook.pages if page["subject"] == "customers-db/*"]
    assert (page["state"], page["sentence"]) == ("open", "8 alerts of this kind are open about customers-db.")
    first = paged.clock.now()
    assert {alert.delivered_at for alert in paged.alerts()} == {first}

    webhook.pages.clear()
    group(paged, 4)
    paged.clock.tick(seconds=5)
    send(paged, webhook.url)
    assert [page["sentence"] for page in webhook.pages] == ["12 alerts of this kind are open about customers-db."]
    assert {alert.delivered_at for alert in paged.alerts()} == {first, paged.clock.now()}

    webhook.pages.clear()
    with paged.core.work(system("drift")) as work:
        work.close_alerts("customers-db cs_7", AlertKind.DRIFT)
    paged.clock.tick(seconds=5)
    send(paged, webhook.url)
    assert webhook.pages == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_slack_has_one_message_for_many_and_it_is_kept_true(paged: World) -> None:
    group(paged, 8)
    with acme() as sandbox:
        telling = telling_of(paged, None, client_of(sandbox))

        def tell() -> list[str]:
            for _ in range(4):  # a channel takes one message a second, after a few at once
                undelivered = [one.id for one in paged.messages(MessageKind.ALERT) if one.recipient == SECURITY]
                claimed = telling.claim(undelivered)
                telling.commit([telling.act(one, Deadline.after(5)) for one in claimed])
                paged.clock.tick(seconds=1)
            return [message.text for message in sandbox.workspace().person(SAM).messages(SECURITY)]

        assert Counter(tell()) == {
            "Alert: A target is not as we left it": 5,
            "Alert: A target is not as we left it, 8 alerts on customers-db": 1,
        }
        assert [alert for alert in paged.alerts() if alert.delivered_at is None] == []

        with paged.core.work(system("drift")) as work:
            for number in range(8):
                work.close_alerts(f"customers-db cs_{number}", AlertKind.DRIFT)
        paged.clock.tick(seconds=5)
        assert Counter(tell()) == {
            "Alert closed: A target is not as we left it": 5,
            "Alert closed: A target is not as we left it, all on customers-db": 1,
        }


def test_pages_have_a_lane_of_their_own(paged: World) -> None:
    overdue(paged)

    targets = {route.target for route in routes(paged) if route.id == page_of(paged).id}
    assert targets == {PAGES}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_address_that_hangs_delays_no_message_in_slack(paged: World, webhook: Webhook) -> None:
    """Real lanes, a real webhook, and the sandbox for Slack."""
    webhook.weather = "hanging"
    overdue(paged)
    with acme() as sandbox:
        lanes = Lanes(telling_of(paged, webhook.url, client_of(sandbox)), on_leak=lambda: None, not_won=lambda _: None)
        try:
            for route in routes(paged):
                if route.target == PAGES:
                    lanes.put(PAGES, [route.id])
            wait_until(lambda: webhook.asked, "the webhook to be asked")
            lanes.put(SLACK, [message.id for message in paged.messages(MessageKind.ALERT)])
            sam = sandbox.workspace().person(SAM)
            wait_until(lambda: sam.messages(SECURITY), "the alert in Slack")
            assert webhook.pages == []
            wait_until(lambda: paged.alerts()[0].delivered_at is not None, "somebody to be told")
        finally:
            lanes.stop(0.1)


def client_of(sandbox: Running) -> WebClient:
    return WebClient(sandbox.bot_token, base_url=sandbox.api_url)
