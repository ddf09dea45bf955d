"""The story that a visitor plays: its steps, and which are done, by the bot's own rows and by the door."""

from typing import Any

from sqlmodel import col, select

from access.models import Grant, GrantStatus, Request, RequestStatus
from access.policy.canary import NOBODY
from access.store import Database
from countersign.demo.prober import Prober

STEPS = (
    "As Ann, type: /access customers-db/read 1m INC-12 stuck refunds",
    "Switch to Lea, open payments-approvals, press Approve.",
    "Switch back to Ann, open Countersign, press “Show me how to connect”.",
    "Watch the door below: allowed, and refused again when the minute is over.",
)
AFTERWARDS = (
    "That is all of it. Another target, without a database: as Ann, type /access support-console/answer 1m INC-13 "
    "while Ben is away, and look below. Then let it go wrong: press Inspector, then “Make it go wrong”."
)
PROVIDER = "postgres"
"""Of what the story is: the window logs in to a database."""


class Steps:
    """Ticks itself: a step is done when what it leads to is there."""

    def __init__(self, database: Database, prober: Prober) -> None:
        self._database = database
        self._prober = prober

    def json(self) -> dict[str, Any]:
        """The steps; and whose access is open while its password was not looked at yet."""
        looks = self._prober.since(-1)
        with self._database.read() as session:
            statuses = set(
                session.exec(
                    select(Request.status).where(Request.subject != NOBODY, Request.provider == PROVIDER)
                ).all()
            )
            open_now = session.exec(
                select(Grant)
                .where(Grant.status == GrantStatus.ACTIVE, Grant.subject != NOBODY, Grant.provider == PROVIDER)
                .order_by(col(Grant.id))
            ).all()
        done = (
            bool(statuses & {RequestStatus.PENDING, RequestStatus.APPROVED}),
            RequestStatus.APPROVED in statuses,
            any(look.door == "allowed" for look in looks),
            any(look.session == "ended" for look in looks),
        )
        shown = looks[-1].login if looks else ""
        waiting = [grant.subject for grant in open_now if shown != f"cs_{grant.id}"]
        return {
            "steps": [{"words": words, "done": ticked} for words, ticked in zip(STEPS, done, strict=True)],
            "afterwards": AFTERWARDS,
            "waiting": waiting[-1].capitalize() if waiting else "",
        }
