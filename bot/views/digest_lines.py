"""What of a digest happened: one line each, in which nothing that people wrote can come alive."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from access.ids import short
from access.models import EndedBy, GrantStatus
from access.operations.digest_content import Access, Content, Listed, PolicyLoad, Refusals
from access.words import clean
from bot.views.blocks import Block, Element, counted, section, shortened
from bot.views.digest_pieces import Piece, characters

_TOGETHER = 2_000
"""Characters of lines that make one block."""
_LONGEST = 200
"""Characters of a person's words; the card has them all."""
_ENDED_BY = {
    EndedBy.EXPIRED: "its time was up",
    EndedBy.RETURNED: "its holder was done",
    EndedBy.REVOKED: "revoked",
    EndedBy.FROZEN: "access was frozen",
    EndedBy.LEFT: "its holder has left",
    EndedBy.CANCELLED: "cancelled",
    EndedBy.REFUSED: "the policy no longer allowed it",
    EndedBy.LATE: "it could not be opened in time",
    EndedBy.DRIFT: "it was found again after its end",
}
_ATTEMPTS = {
    "request.submit": "asking",
    "request.approve": "approving",
    "request.deny": "denying",
    "request.cancel": "taking back",
    "grant.return": "giving back",
    "grant.revoke": "revoking",
    "grant.reveal": "connecting",
}
Line = list[Element]


def happened(content: Content) -> list[Piece]:
    """Every kind of which there is something."""
    pieces = [
        *_listed("Opened", content.opened, _opened),
        *_listed("Ended and proven", content.ended, _ended),
        *_listed("Over before it opened", content.unopened, _unopened),
        *_listed("Still open", content.still_open, _still_open),
        *_listed("Denied", content.denied, _denied),
        *_listed("Lapsed", content.lapsed, _lapsed),
        *_group("Refused", content.refused, [_refusals(one) for one in content.refusals]),
        *_group("Policy loads", len(content.policy_loads), [_policy_load(one) for one in content.policy_loads]),
    ]
    return pieces or [Piece([section("Nothing was opened, ended, denied or refused, and nothing is open.")])]


def _listed(title: str, listed: Listed, draw: Callable[[Access], Line]) -> Iterator[Piece]:
    lines = [draw(access) for access in listed.first]
    if listed.total > len(lines):
        lines.append([_text(f"and {listed.total - len(lines):,} more; the audit log has them all")])
    return _group(title, listed.total, lines)


def _group(title: str, total: int, lines: Sequence[Line]) -> Iterator[Piece]:
    """Blocks of so many lines that a message can be filled with them; the title stays with the first."""
    if not lines:
        return
    heading: list[Block] = [{"type": "rich_text_section", "elements": [_text(f"{title} ({total:,})", bold=True)]}]
    together: list[Line] = []
    so_far = 0
    for line in lines:
        size = characters(line)
        if together and so_far + size > _TOGETHER:
            yield Piece([_rich_text(heading, together)])
            heading, together, so_far = [], [], 0
        together.append(line)
        so_far += size
    yield Piece([_rich_text(heading, together)])


def _rich_text(heading: list[Block], lines: Sequence[Line]) -> Block:
    items = [{"type": "rich_text_section", "elements": line} for line in lines]
    return {
        "type": "rich_text",
        "elements": [*heading, {"type": "rich_text_list", "style": "bullet", "elements": items}],
    }


def _opened(access: Access) -> Line:
    return [*_what(access), _text(", "), _date(access.at), *_until(access), *_approved(access), *_asked(access)]


def _ended(access: Access) -> Line:
    left = [_text(f"; what is left: {rest}") for rest in access.residual]
    return [*_what(access), _text(", "), _date(access.at), _text(f": {_because(access)}"), *left, *_said(access)]


def _unopened(access: Access) -> Line:
    why = [_text(f" ({access.problem})")] if access.problem else []
    return [*_what(access), _text(", "), _date(access.at), _text(f": {_because(access)}"), *why, *_said(access)]


def _still_open(access: Access) -> Line:
    if access.status == GrantStatus.REVOKING:
        return [*_what(access), _text(", being ended")]
    if access.status != GrantStatus.ACTIVE:
        return [*_what(access), _text(", about to be opened"), *_approved(access), *_asked(access)]
    return [*_what(access), _text(", since "), _date(access.at), *_until(access), *_approved(access), *_asked(access)]


def _denied(access: Access) -> Line:
    return [*_what(access), _text(", "), _date(access.at), *_asked(access), *_said(access)]


def _lapsed(access: Access) -> Line:
    return [*_what(access), _text(", "), _date(access.at), *_asked(access)]


def _refusals(refusals: Refusals) -> Line:
    reason = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", refusals.because).lower()
    attempt = _ATTEMPTS.get(refusals.attempt, refusals.attempt)
    return [_text(f"{counted(refusals.times, 'time', 'times')} when {attempt}: {reason}")]


def _policy_load(load: PolicyLoad) -> Line:
    return [_text(load.sha256[:12], code=True), _text(", "), _date(load.at)]


def _what(access: Access) -> Line:
    whom = access.subject if access.subject == access.requester else f"{access.subject}, asked by {access.requester}"
    return [_text(access.entitlement, code=True), _text(f" for {whom} ({short(access.request_id)})")]


def _until(access: Access) -> Line:
    return [_text(" until "), _date(access.ends)] if access.ends else []


def _approved(access: Access) -> Line:
    return [_text(f", approved by {' and '.join(access.decided_by)}")] if access.decided_by else []


def _because(access: Access) -> str:
    return _ENDED_BY[EndedBy(access.ended_by)] if access.ended_by else "it ended"


def _asked(access: Access) -> Line:
    return _wrote(access.requester, access.reason)


def _said(access: Access) -> Line:
    return _wrote(access.said_by, access.said) if access.said else []


def _wrote(person: str, words: str) -> Line:
    """In one line, and labelled as that person's."""
    line = " ".join(clean(words).text.split()) or "(nothing)"
    return [_text(f" – {person} wrote: "), _text(shortened(line, _LONGEST), italic=True)]


def _text(text: str, **style: bool) -> Element:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def _date(moment: datetime) -> Element:
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": "{date_short_pretty} at {time}",
        "fallback": f"{moment:%Y-%m-%d %H:%M} UTC",
    }
