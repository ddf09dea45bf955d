"""An alert that cannot be written is told all the same: in Slack, and by a page."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from access.models import AlertKind
from countersign.wiring import slack_telling
from tests.cast import SECURITY
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from tests.workers.webhook import Webhook, listening
from tests.world import World
from workers.emergency_alert import EmergencyAlert
from workers.paging import Pages


class Slack:
    """Keeps what stands in each channel, and refuses while it is away."""

    def __init__(self) -> None:
        self.away = False
        self.stands: dict[tuple[str, str], str] = {}

    def chat_postMessage(self, *, channel: str, text: str, **_: object) -> dict[str, str]:  # noqa: N802 -- Slack's
        return self._put(channel, f"{len(self.stands)}.0", text)

    def conversations_info(self, **_: object) -> dict[str, dict[str, bool]]:
        return {"channel": {}}

    def chat_update(self, *, channel: str, ts: str, text: str, **_: object) -> dict[str, str]:
        return self._put(channel, ts, text)

    def _put(self, channel: str, ts: str, text: str) -> dict[str, str]:
        if self.away:
            raise OSError("canary-secret-4711")
        self.stands[channel, ts] = text
        return {"channel": channel, "ts": ts}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as webhook:
        yield webhook


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def emergency_alert(world: World, slack: Slack, webhook: Webhook) -> EmergencyAlert:
    world.core.policy.current()
    telling = slack_telling(world.core, slack, Pages(SecretStr(webhook.url)))  # type: ignore[arg-type]
    return EmergencyAlert(world.core, telling.act, pages=True)


def paged(webhook: Webhook) -> list[tuple[str, str]]:
    return [(page["kind"], page["state"]) for page in webhook.pages]


def test_it_is_told_once_while_it_lasts_and_once_when_it_is_over(
    emergency_alert: EmergencyAlert, slack: Slack, webhook: Webhook
) -> None:
    for _ in range(3):
        emergency_alert.unwritten("OperationalError")
        emergency_alert.tell()
    assert list(slack.stands.values()) == ["Alert: The database cannot be written"]
    assert {channel for channel, _ in slack.stands} == {SECURITY}
    assert paged(webhook) == [(AlertKind.SWEEP, "open")]

    for _ in range(3):
        emergency_alert.swept(0.001)
        emergency_alert.tell()
    assert list(slack.stands.values()) == ["Alert closed: The database cannot be written"]
    assert paged(webhook) == [(AlertKind.SWEEP, "open"), (AlertKind.SWEEP, "closed")]


def test_where_slack_is_away_too_the_page_goes_out_and_slack_is_tried_again(
    emergency_alert: EmergencyAlert, slack: Slack, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    slack.away = True
    emergency_alert.unwritten("OperationalError")
    emergency_alert.tell()
    assert paged(webhook) == [(AlertKind.SWEEP, "open")]
    assert "canary" not in caplog.text

    slack.away = False
    emergency_alert.tell()
    assert list(slack.stands.values()) == ["Alert: The database cannot be written"]
    assert len(paged(webhook)) == 1


def test_nothing_is_said_while_all_is_well(emergency_alert: EmergencyAlert, slack: Slack, webhook: Webhook) -> None:
    emergency_alert.swept(0.001)
    emergency_alert.tell()

    assert slack.stands == {}
    assert paged(webhook) == []


def test_a_second_outage_is_another_alert(emergency_alert: EmergencyAlert, slack: Slack) -> None:
    for _ in range(2):
        emergency_alert.unwritten("OperationalError")
        emergency_alert.tell()
        emergency_alert.swept(0.001)
        emergency_alert.tell()

    assert list(slack.stands.values()) == ["Alert closed: The database cannot be written"] * 2


def test_the_timekeeper_cries_out_when_it_cannot_write_that_its_sweep_fails(
    engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.timekeeper._SWEEP_SECONDS", 0.02)
    cries: list[str] = []
    engine.unwritten = cries.append
    with engine.timekeeper():
        wait_until(lambda: rows.sweeps == ["works"], "the first sweep")
        rows.broken = rows.sweep_broken = True
        wait_until(lambda: cries, "the timekeeper to cry out")
        rows.broken = rows.sweep_broken = False

    assert cries[0] == "OperationalError"
