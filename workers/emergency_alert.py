"""While no row can be written no alert can be opened: then who notices tells it himself, in Slack and by a page."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from access.core import Core
from access.errors import AccessError
from access.grants.unlisted import UNWRITTEN
from access.ids import AlertId, MessageId, ulid
from access.messages.outbox import AlertFacts, Claimed, Delivery
from access.models import Alert, AlertKind, AlertVariant, Message, MessageKind
from access.ports import Deadline
from access.unit_of_work import WEBHOOK
from workers.repeated import Repeated

logger = logging.getLogger(__name__)

_LASTS, _OVER = 1, 2
_EVERY_SECONDS = 5.0
_DEADLINE_SECONDS = 5.0
SENTENCE = "The database cannot be written ({why}). Access neither starts nor ends by itself until it can."


@dataclass
class _Cry:
    """An alert that is in no database, and the messages about it."""

    alert: Alert
    messages: list[Message]

    @property
    def wanted(self) -> int:
        """Which state is to be shown."""
        return _LASTS if self.alert.closed_at is None else _OVER


class EmergencyAlert:
    """Tells from a thread of its own while it is entered, again and again until it is told.

    `tell` sends a message and says what came of it; it neither raises nor asks the database. `pages`: somebody is
    paged too. Each timekeeper tells for itself: with the database, what they share is gone.
    """

    def __init__(self, core: Core, tell: Callable[[Claimed, Deadline], Delivery], *, pages: bool) -> None:
        self._core = core
        self._tell_one = tell
        self._pages = pages
        self._cry: _Cry | None = None
        self._telling = Repeated("emergency_alert", self.tell, every=_EVERY_SECONDS, failed="an alert cannot be told")

    def __enter__(self) -> Self:
        self._telling.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._telling.__exit__()

    def unwritten(self, why: str) -> None:
        """No alert could be written. Said twice, it is one. Returns at once."""
        if self._cry is not None and self._cry.alert.closed_at is None:
            return
        now = self._core.clock.now()
        identifier = AlertId(ulid(now))
        alert = Alert(
            id=identifier, kind=AlertKind.SWEEP, subject=UNWRITTEN, variant=AlertVariant.UNWRITTEN,
            sentence=SENTENCE.format(why=why), opened_at=now,
        )  # fmt: skip
        recipients = {MessageKind.PAGE: WEBHOOK} if self._pages else {}
        channel = self._channel()
        recipients |= {MessageKind.ALERT: channel} if channel else {}
        messages = [
            Message(
                id=MessageId(ulid(now)),
                kind=kind,
                subject=identifier,
                recipient=recipient,
                destination=recipient,
                created_at=now,
            )
            for kind, recipient in recipients.items()
        ]
        self._cry = _Cry(alert, messages)

    def swept(self, _seconds: float) -> None:
        """After a good sweep: it is over. Returns at once."""
        if self._cry is not None and self._cry.alert.closed_at is None:
            self._cry.alert.closed_at = self._core.clock.now()

    def tell(self) -> None:
        """Whatever does not show yet how it stands."""
        cry = self._cry
        if cry is None:
            return
        wanted = cry.wanted
        for message in cry.messages:
            if message.shown_version < wanted:
                self._show(cry.alert, message, wanted)
        if wanted == _OVER and all(message.shown_version == _OVER for message in cry.messages):
            self._cry = None

    def _show(self, alert: Alert, message: Message, wanted: int) -> None:
        facts = AlertFacts(alert=alert, grant=None, now=self._core.clock.now())
        told = self._tell_one(Claimed(message, facts), Deadline.after(_DEADLINE_SECONDS))
        if told.problem:
            logger.error("that the database cannot be written is not told: %s", told.problem)
            return
        message.channel, message.ts, message.shown_version = told.channel, told.ts, wanted

    def _channel(self) -> str | None:
        """By the policy that is known, or none: the database would know, and is gone."""
        try:
            return self._core.policy.last_valid().security.channel
        except AccessError:
            return None
