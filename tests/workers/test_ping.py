"""The outgoing sign of life: after a good sweep, once a minute, and never a reason to wait."""

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from access.errors import Unavailable
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from workers.ping import Ping


class Monitor(HTTPServer):
    """Somebody outside who waits for pings."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.heard: list[str] = []
        self.status = 200
        self.drips = False
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/canary-4711"


class Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Monitor)
        self.server.heard.append(self.path)
        if self.server.drips:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            with suppress(OSError):  # who asked has gone
                while not self.server.over.wait(0.05):
                    self.wfile.write(b"X-Later: x\r\n")
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with Monitor() as monitor:
        thread = threading.Thread(target=monitor.serve_forever)
        thread.start()
        yield monitor
        monitor.over.set()
        monitor.shutdown()
        thread.join()


def test_good_sweeps_are_told_outside(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ping.EVERY_SECONDS", 0.0)
    came: list[str] = []
    with Ping(monitor.url, lambda: came.append("came"), lambda: 0) as ping:
        for told in (1, 2):
            ping.swept(0.001)
            wait_until(lambda told=told: len(came) == told, "the answer")

    assert monitor.heard == ["/canary-4711"] * 2


def test_it_is_told_once_a_minute_at_most(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("workers.ping.clock.monotonic", lambda: now[0])
    ping = Ping(monitor.url, lambda: None, lambda: 0)  # not entered: what is wanted stays wanted
    wanted: list[bool] = []
    for seconds in (0, 59, 1):
        now[0] += seconds
        ping.swept(0.001)
        wanted.append(ping._wanted.is_set())
        ping._wanted.clear()

    assert wanted == [True, False, True]


def test_a_ping_that_is_refused_did_not_come_and_its_address_stays_secret(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.status = 500
    with Ping(monitor.url, lambda: pytest.fail("it was refused"), lambda: 0) as ping:
        ping.swept(0.001)
        wait_until(lambda: "was not heard" in caplog.text, "the warning")

    assert "(status 500)" in caplog.text
    assert "canary" not in caplog.text


def test_a_ping_is_not_sent_on_to_another_address(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    monitor.status = 302
    with Ping(monitor.url, lambda: pytest.fail("it was sent on"), lambda: 0) as ping:
        ping.swept(0.001)
        wait_until(lambda: "was not heard (status 302)" in caplog.text, "the warning")

    assert monitor.heard == ["/canary-4711"]


def test_an_answer_that_never_comes_to_its_end_is_none(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workers.ping._PATIENCE_SECONDS", 0.3)
    monitor.drips = True
    with caplog.at_level(logging.DEBUG), Ping(monitor.url, lambda: pytest.fail("it came"), lambda: 0) as ping:
        ping.swept(0.001)
        wait_until(lambda: "was not heard (TimeoutError)" in caplog.text, "the warning")

    assert "canary" not in caplog.text


def test_it_stays_away_while_nobody_was_told_of_an_alert(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workers.ping.EVERY_SECONDS", 0.0)
    undelivered, asked = [2], list[int]()

    def long_unsent() -> int:
        asked.append(undelivered[0])
        return undelivered[0]

    with Ping(monitor.url, lambda: None, long_unsent) as ping:
        for number in (1, 2):
            ping.swept(0.001)
            wait_until(lambda number=number: len(asked) == number, "the question")
        undelivered[0] = 0
        ping.swept(0.001)
        wait_until(lambda: monitor.heard, "the ping")

    assert (asked, monitor.heard) == ([2, 2, 0], ["/canary-4711"])
    assert caplog.text.count("2 alerts could not be told yet") == 1


def test_it_stays_away_while_nobody_can_say_whether_all_are_told(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    def long_unsent() -> int:
        raise Unavailable

    with Ping(monitor.url, lambda: pytest.fail("nobody knew"), long_unsent) as ping:
        ping.swept(0.001)
        wait_until(lambda: "was not heard" in caplog.text, "the warning")

    assert monitor.heard == []


def test_a_sweep_that_fails_is_never_told(engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.timekeeper._SWEEP_SECONDS", 0.02)
    good: list[float] = []
    engine.swept = good.append
    rows.sweep_broken = True
    with engine.timekeeper():
        wait_until(lambda: rows.sweeps, "five sweeps to fail")
        assert good == []
        rows.sweep_broken = False
        wait_until(lambda: good, "a good sweep")
