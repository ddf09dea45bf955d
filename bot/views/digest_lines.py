"""What of a digest happened: one line each, in which nothing that people wrote can come alive."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from access.durations import format_duration
from access.ids import short
from access.messages.digest.content import Access, ClosedAlert, Content, Listed, PolicyLoad, Refusals, RightsChange
from access.models import EndedBy, GrantStatus
from access.words import clean, counted
from bot.views.blocks import Block, Element, section, shortened, span
from bot.views.digest_pieces import Piece, characters
from bot.views.progress import ENDED_BY
from bot.views.refused import attempt, reason

_TOGETHER = 2_000
"""Characters of lines that make one block."""
_LONGEST = 200
"""Characters of what a person or a target says; the card has them all."""
_NAMED = 3
"""People in one line; how many others there are is said."""
_CHANGES = 12
"""Differences of one policy; the others are counted."""
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
        *_group("Alerts closed", content.alerts_closed, _closed_alerts(content)),
        *_group("Refused", content.refused, _refused(content.refusals)),
        *_group("Rights of roles changed", len(content.rights), [_rights(one) for one in content.rights]),
        *_group("Policy loads", len(content.policy_loads), _policy_loads(content.policy_loads)),
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
    return [*_what(access), span(", "), _date(access.at), *_granted(access), *_approved(access), *_asked(access)]


def _extended(access: Access) -> Line:
    before = [span(" instead of "), _date(access.ended_before)] if access.ended_before else []
    return [*_what(access), span(", "), _date(access.at), *_until(access), *before, *_approved(access), *_asked(access)]


def _ended(access: Access) -> Line:
    left = [span(f"; what is left: {_one_line(rest)}") for rest in access.residual]
    return [*_what(access), span(", "), _date(access.at), span(f": {_because(access)}"), *left, *_said(access)]


def _unopened(access: Access) -> Line:
    why = [span(f" ({_one_line(access.problem)})")] if access.problem else []
    because = _because(access)
    if access.ended_by == EndedBy.RETURNED:
        because = f"{access.said_by or access.subject} no longer needed it"
    return [*_what(access), span(", "), _date(access.at), span(f": {because}"), *why, *_said(access)]


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


def _closed_alerts(content: Content) -> list[Line]:
    lines = [_closed_alert(alert) for alert in content.closed]
    if content.alerts_closed > len(lines):
        lines.append([span(f"and {content.alerts_closed - len(lines):,} more; the audit log has them all")])
    return lines


def _closed_alert(alert: ClosedAlert) -> Line:
    lasted = format_duration(alert.closed_at - alert.opened_at)
    told = "" if alert.delivered_at else "; it was closed before it was told"
    about = [span("alert "), span(short(alert.id), code=True), span(", "), _date(alert.opened_at)]
    return [*about, span(f", closed after {lasted}{told}: {_one_line(alert.sentence)}")]


def _refused(refusals: Sequence[Refusals]) -> list[Line]:
    """Names that mean the same become one line, the most frequent first."""
    times = Counter[tuple[str, str]]()
    who = defaultdict[tuple[str, str], Counter[str]](Counter)
    for one in refusals:
        said = attempt(one.attempt), reason(one.because)
        times[said] += one.times
        who[said][one.who] += one.times
    return [
        [span(f"{_people(who[what, because], number)} tried to {what}: {because} ({_how_often(number)})")]
        for (what, because), number in times.most_common()
    ]


def _people(who: Counter[str], number: int) -> str:
    """Those who tried most often. What is counted without a name was written by an older version, or is of many."""
    named = [name for name, _ in who.most_common() if name]
    if not named:
        return "A person" if number == 1 else "People"
    others = len(named) - _NAMED
    rest = "others" if who[""] else counted(others, "other", "others")
    *first, last = [*named[:_NAMED], rest] if who[""] or others > 0 else named
    return f"{', '.join(first)} and {last}" if first else last


def _how_often(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _rights(change: RightsChange) -> Line:
    """What a kind is about is chosen on the target, so it stands letter by letter."""
    accepted = f", accepted by {change.by}" if change.by else ""
    added = f"; new: {', '.join(change.added)}" if change.added else ""
    taken = f"; gone: {', '.join(change.taken)}" if change.taken else ""
    same = "" if added or taken or accepted else "; more or less of the same kinds"
    said = _one_line(f"{accepted}{added}{taken}{same}")
    return [span(change.entitlement, code=True), span(", "), _date(change.at), span(said)]


def _policy_loads(loads: Sequence[PolicyLoad]) -> list[Line]:
    """Each with what it changed, the wider first."""
    lines: list[Line] = []
    for load in loads:
        lines.append([span(load.sha256[:12], code=True), span(", "), _date(load.at), *_compared(load)])
        for one in load.differences[:_CHANGES]:
            direction = span("wider: " if one.wider else "narrower: ", bold=one.wider)
            lines.append([direction, span(_one_line(one.sentence))])
        left = load.differences[_CHANGES:]
        if left or load.more:
            wider = sum(one.wider for one in left) + load.more_wider
            which = f", {wider:,} of them wider" if wider else ""
            lines.append([span(f"and {len(left) + load.more:,} more{which}; the audit log has them")])
    return lines


def _compared(load: PolicyLoad) -> Line:
    return [span(f": {_one_line(load.not_compared)}")] if load.not_compared else []


def _what(access: Access) -> Line:
    whom = access.subject if access.subject == access.requester else f"{access.subject}, asked by {access.requester}"
    return [span(access.entitlement, code=True), span(f" for {whom} ({short(access.request_id)})")]


def _until(access: Access) -> Line:
    return [span(" until "), _date(access.ends)] if access.ends else []


def _granted(access: Access) -> Line:
    """For how long it was approved, and how that went: what ended early was not approved until then."""
    if access.granted_until is not None:
        return [span(" until "), _date(access.granted_until), *_went(access)]
    if access.granted_for is None:
        return _until(access)  # an older version wrote it
    lasts = span(f" for {format_duration(access.granted_for)}")
    if access.status == GrantStatus.ACTIVE and access.ends is not None:
        return [lasts, span(" (until "), _date(access.ends), span(")")]
    return [lasts, *_went(access)]


def _went(access: Access) -> Line:
    if access.ended_at is not None:
        return [span(" (ended "), _date(access.ended_at), span(")")]
    return [span(" (being ended)")] if access.status == GrantStatus.REVOKING else []


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
