"""While no row can be written no alert can be opened: then who notices tells it himself, in Slack and by a page."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from access.errors import AccessError
from access.ids import AlertId, NoticeId, ulid
from access.models import Alert, AlertKind, Notice, NoticeKind
from access.operations.core import Core
from access.operations.overdue import UNWRITTEN
from access.operations.telling import AlertFacts, Claimed, Told
from access.operations.work import WEBHOOK
from access.ports import Deadline
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
    notices: list[Notice]

    @property
    def wanted(self) -> int:
        """Which state is to be shown."""
        return _LASTS if self.alert.closed_at is None else _OVER


class Outcry:
    """Tells from a thread of its own while it is entered, again and again until it is told.

    `tell` sends a message and says what came of it; it neither raises nor asks the database. `pages`: somebody is
    paged too. Each timekeeper tells for itself: with the database, what they share is gone.
    """

    def __init__(self, core: Core, tell: Callable[[Claimed, Deadline], Told], *, pages: bool) -> None:
        self._core = core
        self._tell_one = tell
        self._pages = pages
        self._cry: _Cry | None = None
        self._telling = Repeated("outcry", self.tell, every=_EVERY_SECONDS, failed="an alert cannot be told")

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
            id=identifier, kind=AlertKind.SWEEP, subject=UNWRITTEN, sentence=SENTENCE.format(why=why), opened_at=now
        )
        recipients = {NoticeKind.PAGE: WEBHOOK} if self._pages else {}
        channel = self._channel()
        recipients |= {NoticeKind.ALERT: channel} if channel else {}
        notices = [
            Notice(id=NoticeId(ulid(now)), kind=kind, subject=identifier, recipient=recipient, created_at=now)
            for kind, recipient in recipients.items()
        ]
        self._cry = _Cry(alert, notices)

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
        for notice in cry.notices:
            if notice.shown < wanted:
                self._show(cry.alert, notice, wanted)
        if wanted == _OVER and all(notice.shown == _OVER for notice in cry.notices):
            self._cry = None

    def _show(self, alert: Alert, notice: Notice, wanted: int) -> None:
        facts = AlertFacts(alert=alert, grant=None, now=self._core.clock.now())
        told = self._tell_one(Claimed(notice, facts), Deadline.after(_DEADLINE_SECONDS))
        if told.problem:
            logger.error("that the database cannot be written is not told: %s", told.problem)
            return
        notice.channel, notice.ts, notice.shown = told.channel, told.ts, wanted

    def _channel(self) -> str | None:
        """By the policy that is known, or none: the database would know, and is gone."""
        try:
            return self._core.policy.known().security.channel
        except AccessError:
            return None
