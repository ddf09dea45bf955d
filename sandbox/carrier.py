"""How payloads reach the app: over Socket Mode, or pushed to its request URL, and what the app answers."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["slash_commands", "interactive", "events_api"]

NO_CONNECTION = "dispatch_failed"
NO_ACK = "operation_timeout"


@dataclass(frozen=True)
class Retry:
    """An event that is sent again: the first retry has number 1; `reason` is Slack's word for what went wrong."""

    number: int
    reason: str


class Carrier(Protocol):
    """A way to the app and back."""

    async def send(self, kind: Kind, payload: dict[str, Any], retry: Retry | None = None) -> Any:
        """The body of the app's acknowledgement, None when that was empty.

        `Trouble` when the app cannot be reached, or did not acknowledge in time.
        """
        ...
