"""The real core in this process, as a bot has it, and the requests that a measurement works through."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from access.actors import by_slack
from access.core import Core
from access.ids import SlackUser
from access.messages.outbox import Delivery, Outbox
from access.models import Request, Verdict
from access.monitor.sweep import Schedule
from access.policy.fingerprint import button_value
from access.requests.remind import Place
from access.requests.review import review
from access.requests.submit import submit
from access.settings import Settings
from bench.policy import APPROVER, CHANNEL, Crowd
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
            core, requester=by_slack(SlackUser(person)), entitlement=entitlement, duration=duration, until=None,
            reason="INC-12 stuck refunds", source="line",
        )
        for person, entitlement in crowd.pairs()[:count]
    ]  # fmt: skip
    _post_cards(core)
    return requests


def approve(core: Core, request: Request) -> None:
    """Lea presses the button on the card."""
    button = button_value(request.id, request.version, request.fingerprint)
    place = Place(CHANNEL, _ts(request.id))
    review(core, button=button, reviewer=by_slack(SlackUser(APPROVER)), verdict=Verdict.APPROVE, card=place)


def _post_cards(core: Core) -> None:
    """What the queue `tell` does, with a Slack that takes everything."""
    due = [item.partition(":")[2] for item, _ in Schedule(core).sweep() if item.startswith("notice:")]
    telling = Outbox(core)
    telling.commit([Delivery(one, channel=CHANNEL, ts=_ts(one.message.subject)) for one in telling.claim(due)])


def _ts(request_id: str) -> str:
    """Where the card of a request stands."""
    return f"{request_id}.1"
