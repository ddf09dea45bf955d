"""What the window behind "Details" shows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from access.ids import Person, RequestId
from access.models import RequestStatus
from access.queries.details import Details, Earlier
from access.queries.why import Why
from bot.views.blocks import Rendered
from bot.views.details import details_view
from tests.bot.chain_states import LEA_APPROVED, LEADS_DONE, SECURITY_NOW, TWO, waiting
from tests.bot.facts import RIGHTS, a_grant, approved, facts, minutes
from tests.bot.thread_states import LONGEST_THREAD, THREAD
from tests.bot.why_states import LEAS, LONGEST_WHY, TWO_STAGES, now_of, why_of


def earlier(number: int, person: str = "ann", **values: Any) -> Earlier:
    known: dict[str, Any] = {
        "id": RequestId(f"01kaq9z0000000000000ear{number:03}"), "subject": Person(person), "role": "fix-orders",
        "status": RequestStatus.APPROVED, "asked_at": minutes(-1440 * number), "is_extension": False,
        "decided_by": (Person("lea"), Person("sam")),
    }  # fmt: skip
    return Earlier(**(known | values))


def of(why: Why, **values: Any) -> Details:
    known: dict[str, Any] = {"why": why, "own": (), "others": (), "own_expiry": timedelta(seconds=1)}
    return Details(**(known | values))


_WAITING = replace(why_of(TWO, LEA_APPROVED, now=now_of(LEAS, stages=TWO_STAGES)), thread=THREAD)
_OWN = (earlier(1), earlier(2, role="read", status=RequestStatus.DENIED, decided_by=(Person("kim"),)))
_DECIDED = approved(a_grant())
STATES: dict[str, Rendered | dict[str, Any]] = {
    "details": details_view(
        of(_WAITING, own=_OWN, others=(earlier(3, "ben"),)),
        waiting(LEADS_DONE, SECURITY_NOW, reviews=[LEA_APPROVED], rights=RIGHTS),
    ),
    "details-decided": details_view(
        of(why_of(_DECIDED.request, *_DECIDED.reviews), own_expiry=None), replace(_DECIDED, description="")
    ),
    "details-longest": details_view(
        of(
            replace(LONGEST_WHY, thread=LONGEST_THREAD),
            own=tuple(earlier(number, "p" * 63, role="r" * 63) for number in range(10)),
            others=tuple(earlier(number, "o" * 63, role="r" * 63) for number in range(10)),
        ),
        facts(LONGEST_WHY.request, description="d" * 300),
    ),
}
