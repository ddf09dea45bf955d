"""Why an event comes again: each reason that a request URL can give, in Slack's words."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sandbox.person import Workspace
from sandbox.server import running
from tests.sandbox.conftest import Clock
from tests.sandbox.endpoint import Push, Reply, scripted_url
from tests.sandbox.test_http_push import elsewhere
from tests.tls import Authority
from tests.waiting import wait_until


def answering(reply: Reply) -> AbstractContextManager[str]:
    return scripted_url(lambda _: reply)


@contextmanager
def slow(_: Path) -> Iterator[str]:
    late = threading.Event()

    def wait(_: Push) -> Reply:
        late.wait(10)
        return Reply()

    with scripted_url(wait) as address:
        yield address
        late.set()


@contextmanager
def away(_: Path) -> Iterator[str]:
    with answering(Reply()) as address:
        pass
    yield address


@contextmanager
def redirecting(_: Path) -> Iterator[str]:
    """Three times, where two are followed; the last would have taken the event."""
    with (
        answering(Reply()) as address,
        answering(elsewhere(address)) as third,
        answering(elsewhere(third)) as second,
        answering(elsewhere(second)) as first,
    ):
        yield first


@contextmanager
def untrusted(directory: Path) -> Iterator[str]:
    """Its certificate is signed by an authority that nobody knows."""
    with scripted_url(lambda _: Reply(), Authority(directory).server("127.0.0.1")) as address:
        yield address


def broken(_: Path) -> AbstractContextManager[str]:
    return answering(Reply(status=500))


def garbled(_: Path) -> AbstractContextManager[str]:
    """Its answer is no HTTP."""
    return answering(Reply(headers=(("Content-Length", "many"),)))


URLS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "http_timeout": slow,
    "connection_failed": away,
    "too_many_redirects": redirecting,
    "ssl_error": untrusted,
    "http_error": broken,
    "unknown_error": garbled,
}


def in_vain(workspace: Workspace) -> int:
    return sum(each["way"] == "payload" and bool(each["error"]) for each in workspace.journal())


@pytest.mark.parametrize("reason", URLS)
def test_an_event_that_comes_again_says_why(reason: str, clock: Clock, tmp_path: Path) -> None:
    pushes: list[Push] = []

    def mended(push: Push) -> Reply:
        if "challenge" in push.payload:
            return Reply(push.payload["challenge"])
        pushes.append(push)
        return Reply()

    with (
        URLS[reason](tmp_path) as address,
        scripted_url(mended) as other,
        running(request_url=address, clock=clock, ack_seconds=0.5 if reason == "http_timeout" else 10) as pushing,
    ):
        workspace = pushing.workspace()
        workspace.person("U0ANN").open_home()
        wait_until(lambda: in_vain(workspace) == 2, "the event and its first retry to be in vain")
        workspace.use_request_url(other)
        workspace.move_clock(60)
        wait_until(lambda: pushes, "the second retry, to the URL that was mended")
    assert pushes[0].headers["x-slack-retry-num"] == "2"
    assert pushes[0].headers["x-slack-retry-reason"] == reason
