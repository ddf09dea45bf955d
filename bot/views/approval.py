"""The modal behind "Approve…": a word to the requester, and less time than was asked."""

from access.models import Request
from bot import ids
from bot.views.blocks import View, code, mention, plain, section
from bot.views.fields import text_field
from bot.views.review import how_long

_READ_BY = "The requester and everyone who can see this card will read it."


def approval(request: Request, metadata: str) -> View:
    """`metadata` is the pressed button and where it stands."""
    asks = "asks for more time with" if request.extends else "asks for"
    what = f"{mention(request.requester_slack)} {asks} {code(request.entitlement)}, {how_long(request)}."
    return {
        "type": "modal",
        "callback_id": ids.APPROVAL,
        "title": plain("Approve this request"),
        "submit": plain("Approve"),
        "close": plain("Cancel"),
        "private_metadata": metadata,
        "blocks": [
            section(what),
            text_field(
                ids.DURATION, "Only for", f"{_like(request)} Leave it empty to approve what was asked.", optional=True
            ),
            text_field(ids.COMMENT, "A word to the requester", _READ_BY, multiline=True, optional=True),
        ],
    }


def _like(request: Request) -> str:
    """How to write it, as in the form."""
    if request.extends:
        return "Like 15m or 30m more, or until 17:00, but less than was asked."
    return "Like 30m, 1h or until 17:00, but shorter than was asked."
