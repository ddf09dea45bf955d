"""The parts of one sandbox, held together for whoever answers a call."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.delivery import Delivery
from sandbox.events import Events
from sandbox.faults import Faults
from sandbox.homes import Homes
from sandbox.journal import Journal
from sandbox.modals import Modals
from sandbox.rates import Rates
from sandbox.response_urls import ResponseUrls
from sandbox.sockets import Sockets
from sandbox.state import Team


@dataclass
class Parts:
    """Everything one running sandbox consists of; it listens at `base_url` and shows `window_url` beside itself."""

    team: Team
    modals: Modals
    response_urls: ResponseUrls
    sockets: Sockets
    delivery: Delivery
    events: Events
    homes: Homes
    faults: Faults
    journal: Journal
    rates: Rates
    bot_token: str
    app_token: str
    window_url: str = ""
    base_url: str = ""
    offered: dict[tuple[str, str, str, str], dict[str, Any]] = field(default_factory=dict)
    """Options an external select has offered so far, by (person, message or view, block, action), then by value."""

    def violation(self, where: str, error: str, messages: list[str]) -> None:
        """Keeps what the app did wrong, so that a test suite can insist on none."""
        self.team.violation(where, error, messages)
        self.journal.add("violation", where, messages, error=error)
