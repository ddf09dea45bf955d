"""Standing access in Slack, in every state that it can be in."""

from typing import Any

from access.ids import StandingId
from access.models import AlertKind, StandingAccess
from access.reconcile.standing_accept import Accepted, Standing
from bot.views.alert import standing_card
from bot.views.blocks import Rendered
from bot.views.standing import accepted
from tests.bot.facts import an_alert, minutes
from tests.cast import SAM


def a_row(number: int = 1, **values: Any) -> StandingAccess:
    known = {
        "id": StandingId(f"01kaq9z000000000000standi{number:02}"[-26:]), "slot": "", "place_id": "f" * 32,
        "provider": "postgres", "resource": "customers-db", "member_id": "16390", "principal": "reports",
        "role": "support_read", "via": "", "grantor": "dana", "options": ["inherit", "set"], "can_log_in": True,
        "found_at": minutes(133), "seen_at": minutes(133),
    }  # fmt: skip
    return StandingAccess(**(known | values))


def a_standing(*rows: StandingAccess, **values: Any) -> Standing:
    known = {
        "resource": "customers-db", "number": len(rows), "first": rows, "accepted": 0,
        "accept_all": f"v1.all.{'f' * 32}.0123456789abcdef",
    }  # fmt: skip
    return Standing(**(known | values))


def hostile(words: str) -> Rendered:
    """With names that somebody chose on the target."""
    row = a_row(principal=words, role=words, via=words, grantor=words, options=["admin", words])
    return standing_card(an_alert(AlertKind.STANDING), a_standing(row))


TEAM = a_row(2, principal="analysts", options=["admin", "inherit"], can_log_in=False)
LEA = a_row(3, principal="lea", via="analysts", options=["inherit"])
_LONG = "r" * 63
LONGEST = [
    a_row(one, principal=_LONG, role=_LONG, via=_LONG, grantor=_LONG, options=["admin", "inherit", "set"],
          can_log_in=False)
    for one in range(10)
]  # fmt: skip
_ALERT = an_alert(AlertKind.STANDING)
_CLOSED = an_alert(AlertKind.STANDING, closed_at=minutes(150))
_BY_SAM = {"last_accepted_by": SAM, "last_accepted_at": minutes(150)}
STATES: dict[str, Rendered] = {
    "alert-standing": standing_card(_ALERT, a_standing(a_row(), TEAM, LEA)),
    "alert-standing-closed": standing_card(_CLOSED, a_standing(accepted=3, **_BY_SAM)),
    "alert-standing-gone-closed": standing_card(_CLOSED, a_standing()),
    "alert-standing-one-left": standing_card(
        _ALERT, a_standing(LEA, accepted=2, last_accepted_by=SAM, last_accepted_at=minutes(136))
    ),
    "alert-standing-longest": standing_card(_ALERT, a_standing(*LONGEST, number=700, accepted=1_234, resource=_LONG)),
    "standing-accepted": accepted(Accepted(resource="customers-db", number=1, left=2)),
    "standing-accepted-all": accepted(Accepted(resource="customers-db", number=3, left=0)),
}
