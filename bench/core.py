"""The real core in this process, as a bot has it, and the requests that a measurement works through."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from access.ids import SlackUser
from access.models import Request
from access.operations import submit
from access.operations.core import Core
from access.operations.schedule import Schedule
from access.operations.telling import Telling, Told
from access.policy.fingerprint import button_value
from access.settings import Settings
from bench.policy import CHANNEL, Crowd
from countersign.wiring import parts


@contextmanager
def core_on(environment: dict[str, str]) -> Generator[Core]:
    """The core of one process with these settings."""
    with parts(Settings.read(environment)) as made:
        yield made.core


def ask(core: Core, crowd: Crowd, count: int, *, duration: timedelta = timedelta(hours=1)) -> list[Request]:
    """Pending requests, each for another pair of a person and a role, whose cards stand in the channel."""
    requests = [
        submit(
            core, requester=SlackUser(person), entitlement=entitlement, duration=duration, until=None,
            reason="INC-12 stuck refunds", source="line",
        )
        for person, entitlement in crowd.pairs()[:count]
    ]  # fmt: skip
    _post_cards(core)
    return requests


def button(request: Request) -> str:
    return button_value(request.id, request.version, request.fingerprint)


def place_of(request: Request) -> str:
    """The `ts` of the request's card."""
    return f"{request.id}.1"


def _post_cards(core: Core) -> None:
    """What the queue `tell` does, with a Slack that takes everything."""
    due = [item.partition(":")[2] for item, _ in Schedule(core).sweep() if item.startswith("notice:")]
    telling = Telling(core)
    telling.commit([Told(claimed, channel=CHANNEL, ts=f"{claimed.notice.subject}.1") for claimed in telling.claim(due)])
