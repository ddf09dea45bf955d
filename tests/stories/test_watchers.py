"""When those who should look are gone, whoever still lives says so; and what programs are told of it."""

import json
import threading
import urllib.request

from access.models import AlertKind
from tests.ports import free_port
from tests.stories.house import SECURITY, House
from tests.waiting import wait_until
from tests.workers.test_ping import Monitor


def test_a_bot_that_is_alone_says_that_nobody_keeps_time_until_somebody_does(house: House) -> None:
    shown = f"127.0.0.1:{free_port()}"
    house.more = {"COUNTERSIGN_LOG_FORMAT": "json", "COUNTERSIGN_METRICS_LISTEN": shown}
    house.start("bot")

    wait_until(lambda: said(house) == ["Alert: No timekeeper is running"], "the bot to say it", within=60)
    posted = 'countersign_slack_calls_total{method="chat.postMessage",outcome="ok"}'
    wait_until(lambda: figure(shown, posted) == 1, "the message to be counted")
    assert {json.loads(line)["process"] for line in house.log("bot").splitlines()} == {"bot"}

    keeping = f"127.0.0.1:{free_port()}"
    with Monitor() as monitor:
        listening = threading.Thread(target=monitor.serve_forever)
        listening.start()
        house.more = {"COUNTERSIGN_METRICS_LISTEN": keeping, "COUNTERSIGN_PING_URL": monitor.url}
        house.start("timekeeper")

        wait_until(
            lambda: said(house) == ["Alert closed: No timekeeper is running"], "the alert to be closed", within=60
        )
        wait_until(lambda: monitor.heard, "the ping of the first good sweep")
        monitor.shutdown()
        listening.join()
    assert figure(keeping, f'countersign_alerts_open{{kind="{AlertKind.TIMEKEEPING}"}}') == 0
    assert figure(keeping, "countersign_rows_readable") == 1
    assert "canary" not in house.log("timekeeper")


def said(house: House) -> list[str]:
    """The fallback texts in the security channel about keeping time."""
    texts = [one.text for one in house.person("U0SAM").messages(SECURITY)]
    return [text for text in texts if "timekeeper" in text]


def figure(address: str, name: str) -> float:
    """Less than nothing when there is none."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return next((float(line.removeprefix(name)) for line in lines if line.startswith(f"{name} ")), -1.0)
