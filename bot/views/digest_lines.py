"""What of a digest happened: one line each, in which nothing that people wrote can come alive."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from access.ids import short
from access.models import EndedBy, GrantStatus
from access.operations.digest_content import Access, Content, Listed, PolicyLoad, Refusals, RightsChange
from access.words import clean
from bot.views.blocks import Block, Element, counted, section, shortened, span
from bot.views.digest_pieces import Piece, characters
from bot.views.progress import ENDED_BY

_TOGETHER = 2_000
"""Characters of lines that make one block."""
_LONGEST = 200
"""Characters of what a person or a target says; the card has them all."""
ATTEMPTS = {
    "request.submit": "asking",
    "form": "asking",
    "form.open": "opening the form",
    "form.choose": "choosing in the form",
    "/access": "typing /access",
    "app_home_opened": "opening the Home tab",
    "message.follow": "following a link to a message",
    "request.extend": "asking for more time",
    "grant.extend": "asking for more time",
    "extension": "asking for more time",
    "request.approve": "approving",
    "request.deny": "denying",
    "denial": "denying",
    "request.cancel": "taking back",
    "grant.return": "giving back",
    "grant.done": "giving back",
    "grant.revoke": "revoking",
    "revocation": "revoking",
    "grant.reveal": "connecting",
    "grant.connect": "connecting",
    "rights.accepted": "accepting what a role allows",
    "rights.accept": "accepting what a role allows",
    "standing.accept": "accepting standing access",
    "standing.accept-all": "accepting standing access",
    "grant.removed-by-hand": "saying that it was removed by hand",
}
"""Names in the audit log. Outsiders are refused before a click reaches its verb, by the name of the button or modal."""
Line = list[Element]


def happened(content: Content) -> list[Piece]:
    """Every kind of which there is something."""
    pieces = [
        *_listed("Opened", content.opened, _opened),
        *_listed("Extended", content.extended, _extended),
        *_listed("Ended and proven", content.ended, _ended),
        *_listed("Over before it opened", content.unopened, _unopened),
        *_group("Still open", content.open_in_all, _all_open(content)),
        *_listed("Denied", content.denied, _denied),
        *_listed("Lapsed", content.lapsed, _lapsed),
        *_group("Refused", content.refused, _refused(content.refusals)),
        *_group("Rights of roles changed", len(content.rights), [_rights(one) for one in content.rights]),
        *_group("Policy loads", len(content.policy_loads), [_policy_load(one) for one in content.policy_loads]),
    ]
    return pieces or [Piece([section("Nothing was opened, ended, denied or refused, and nothing is open.")])]


def _listed(title: str, listed: Listed, draw: Callable[[Access], Line]) -> Iterator[Piece]:
    return _group(title, listed.total, _lines(listed, draw))


def _lines(listed: Listed, draw: Callable[[Access], Line]) -> list[Line]:
    lines = [draw(access) for access in listed.first]
    if listed.total > len(lines):
        lines.append([span(f"and {listed.total - len(lines):,} more; the audit log has them all")])
    return lines


def _group(title: str, total: int, lines: Sequence[Line]) -> Iterator[Piece]:
    """Blocks of so many lines that a message can be filled with them; the title stays with the first."""
    if not lines:
        return
    heading: list[Block] = [{"type": "rich_text_section", "elements": [span(f"{title} ({total:,})", bold=True)]}]
    together: list[Line] = []
    so_far = 0
    for line in lines:
        size = characters(line)
        if together and so_far + size > _TOGETHER:
            yield Piece([_richspan(heading, together)])
            heading, together, so_far = [], [], 0
        together.append(line)
        so_far += size
    yield Piece([_richspan(heading, together)])


def _richspan(heading: list[Block], lines: Sequence[Line]) -> Block:
    items = [{"type": "rich_text_section", "elements": line} for line in lines]
    return {
        "type": "rich_text",
        "elements": [*heading, {"type": "rich_text_list", "style": "bullet", "elements": items}],
    }


def _opened(access: Access) -> Line:
    return [*_what(access), span(", "), _date(access.at), *_until(access), *_approved(access), *_asked(access)]


def _extended(access: Access) -> Line:
    before = [span(" instead of "), _date(access.ended_before)] if access.ended_before else []
    return [*_what(access), span(", "), _date(access.at), *_until(access), *before, *_approved(access), *_asked(access)]


def _ended(access: Access) -> Line:
    left = [span(f"; what is left: {_one_line(rest)}") for rest in access.residual]
    return [*_what(access), span(", "), _date(access.at), span(f": {_because(access)}"), *left, *_said(access)]


def _unopened(access: Access) -> Line:
    why = [span(f" ({_one_line(access.problem)})")] if access.problem else []
    return [*_what(access), span(", "), _date(access.at), span(f": {_because(access)}"), *why, *_said(access)]


def _still_open(access: Access) -> Line:
    if access.status == GrantStatus.REVOKING:
        return [*_what(access), span(", being ended")]
    if access.status == GrantStatus.SCHEDULED:
        return [*_what(access), span(", opens "), _date(access.at), *_approved(access), *_asked(access)]
    if access.status != GrantStatus.ACTIVE:
        return [*_what(access), span(", about to be opened"), *_approved(access), *_asked(access)]
    return [*_what(access), span(", since "), _date(access.at), *_until(access), *_approved(access), *_asked(access)]


def _all_open(content: Content) -> list[Line]:
    """What is past its end is open too; it is listed where it says that a person must look."""
    late = content.overdue.total
    which = "1 of these is past its end" if late == 1 else f"{late:,} of these are past their end"
    above = [[span(f"{which} and listed above")]] if late else []
    return [*above, *_lines(content.still_open, _still_open)]


def _denied(access: Access) -> Line:
    return [*_what(access), span(", "), _date(access.at), *_asked(access), *_said(access)]


def _lapsed(access: Access) -> Line:
    return [*_what(access), span(", "), _date(access.at), *_asked(access)]


def _refused(refusals: Sequence[Refusals]) -> list[Line]:
    """Names that mean the same become one line, the most frequent first."""
    times = Counter[tuple[str, str]]()
    for one in refusals:
        times[_attempt(one.attempt), _reason(one.because)] += one.times
    return [
        [span(f"{counted(number, 'time', 'times')} when {attempt}: {reason}")]
        for (attempt, reason), number in times.most_common()
    ]


def _attempt(name: str) -> str:
    return ATTEMPTS.get(name, f"trying {name}")


def _reason(because: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", because).lower()


def _rights(change: RightsChange) -> Line:
    """What a kind is about is chosen on the target, so it stands letter by letter."""
    accepted = f", accepted by {change.by}" if change.by else ""
    added = f"; new: {', '.join(change.added)}" if change.added else ""
    taken = f"; gone: {', '.join(change.taken)}" if change.taken else ""
    same = "" if added or taken or accepted else "; more or less of the same kinds"
    said = _one_line(f"{accepted}{added}{taken}{same}")
    return [span(change.entitlement, code=True), span(", "), _date(change.at), span(said)]


def _policy_load(load: PolicyLoad) -> Line:
    return [span(load.sha256[:12], code=True), span(", "), _date(load.at)]


def _what(access: Access) -> Line:
    whom = access.subject if access.subject == access.requester else f"{access.subject}, asked by {access.requester}"
    return [span(access.entitlement, code=True), span(f" for {whom} ({short(access.request_id)})")]


def _until(access: Access) -> Line:
    return [span(" until "), _date(access.ends)] if access.ends else []


def _approved(access: Access) -> Line:
    return [span(f", approved by {' and '.join(access.decided_by)}")] if access.decided_by else []


def _because(access: Access) -> str:
    return ENDED_BY[EndedBy(access.ended_by)] if access.ended_by else "it ended"


def _asked(access: Access) -> Line:
    return _wrote(access.requester, access.reason)


def _said(access: Access) -> Line:
    return _wrote(access.said_by, access.said) if access.said else []


def _wrote(person: str, words: str) -> Line:
    """Labelled as that person's."""
    return [span(f" – {person} wrote: "), span(_one_line(words), italic=True)]


def _one_line(words: str) -> str:
    return shortened(" ".join(clean(words).text.split()) or "(nothing)", _LONGEST)


def _date(moment: datetime) -> Element:
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": "{date_short_pretty} at {time}",
        "fallback": f"{moment:%Y-%m-%d %H:%M} UTC",
    }
