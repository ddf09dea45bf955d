"""The daily digest: a message in the channel, and the rest of it in the thread beneath."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from access.messages.digest.content import CanaryRuns, Content, StandingCounts
from access.models import Digest
from access.policy.canary import Went
from access.requests.remind import Place
from access.words import counted
from bot.views.blocks import Block, Rendered, at, at_second, code, context, header, section
from bot.views.digest_lines import happened
from bot.views.digest_needs import needs
from bot.views.digest_pieces import Piece

MOST_BLOCKS = 49
"""And one that numbers the part."""
MOST_PLACES = 20
"""The address of each is a call that the worker waits for."""
MOST_CHARACTERS = 9_000
"""Slack takes somewhat over 10,000 over all blocks of a message together; how it counts is not documented."""
_LATE = timedelta(minutes=15)
_MOST_DAYS = 10
_WENT = {
    Went.WELL: "went well",
    Went.FAILED: "did not open",
    Went.LATE: "was late",
    Went.RUNNING: "is under way",
}


def digest_parts(digest: Digest, content: Content) -> list[list[Piece]]:
    """The messages it takes, the same whenever it is asked: any worker can draw any part alone."""
    parts: list[list[Piece]] = [[]]
    for piece in [Piece(_top(digest, content)), *needs(content), *happened(content)]:
        if parts[-1] and not _fits([*parts[-1], piece]):
            parts.append([])
        parts[-1].append(piece)
    return parts


def digest_message(
    digest: Digest, content: Content, parts: Sequence[Sequence[Piece]], part: int, addresses: Mapping[Place, str]
) -> Rendered:
    """The part of this number, from 1; `addresses` of the messages it leads to, as far as they are known."""
    blocks = [block for piece in parts[part - 1] for block in piece.drawn(addresses)]
    if len(parts) > 1:
        more = "; the rest is in the thread." if part == 1 else "."
        blocks.append(context(f"Part {part} of {len(parts)} of digest {digest.number}{more}"))
    if part > 1:
        return Rendered(text=f"Access digest {digest.number}, part {part} of {len(parts)}", blocks=blocks)
    attention = (
        counted(content.needs_a_person, "thing needs", "things need") if content.needs_a_person else "nothing needs"
    )
    return Rendered(text=f"Access digest {digest.number}: {attention} a person", blocks=blocks)


def _fits(pieces: Sequence[Piece]) -> bool:
    return (
        sum(len(piece.blocks) for piece in pieces) <= MOST_BLOCKS
        and sum(piece.place is not None for piece in pieces) <= MOST_PLACES
        and sum(piece.characters for piece in pieces) <= MOST_CHARACTERS
    )


def _top(digest: Digest, content: Content) -> list[Block]:
    return [
        header(f"Access digest {digest.number}" + (f" for {_day(digest.day)}" if digest.day else "")),
        context(_span(digest, content)),
        *_late(digest, content),
        section(_counts(content)),
        (section if content.flaw else context)(_log(digest, content)),
        *([context(_canary(content.canary))] if content.canary else []),
        *([context(_standing(content.standing))] if content.standing else []),
    ]


def _counts(content: Content) -> str:
    """In two lines, so that what needs a person is seen without scrolling."""
    late = f" (*{content.overdue.total:,}* past the end)" if content.overdue.total else ""
    first = [
        _count("Needs a person", content.needs_a_person),
        _count("Opened", content.opened.total),
        _count("Ended and proven", content.ended.total),
        _count("Still open", content.open_in_all) + late,
        _count("Denied", content.denied.total),
    ]
    second = [
        _count("Extended", content.extended.total),
        _count("Lapsed", content.lapsed.total),
        _count("Over before it opened", content.unopened.total),
        _count("Taken back", content.taken_back),
        _count("Alerts closed", content.alerts_closed),
        _count("Refused", content.refused),
        _count("Policy loads", len(content.policy_loads)),
    ]
    return "\n".join(" · ".join(row) for row in (first, second))


def _count(name: str, count: int) -> str:
    return f"{name} *{count:,}*"


def _span(digest: Digest, content: Content) -> str:
    since = f"Since {at(content.since)}" if content.since else "Since the beginning"
    many = digest.to_seq - digest.from_seq
    events = f"audit events {digest.from_seq + 1:,} to {digest.to_seq:,}" if many else "no audit event"
    return f"{since}: {events}. What is open and what needs a person: as of {at_second(content.at)}."


def _late(digest: Digest, content: Content) -> list[Block]:
    said: list[str] = []
    if digest.made_at - digest.due_at > _LATE:
        said.append(f"*Late:* it was due {at(digest.due_at)}, when no timekeeper ran.")
    if content.missed:
        days = ", ".join(f"{day:%a} {day.day} {day:%b}" for day in content.missed[:_MOST_DAYS])
        rest = f" and {len(content.missed) - _MOST_DAYS} more" if len(content.missed) > _MOST_DAYS else ""
        said.append(f"*Missed:* there was no digest for {days}{rest}; this one covers what happened then.")
    return [section("\n".join(said))] if said else []


def _log(digest: Digest, content: Content) -> str:
    end = f"{counted(digest.to_seq, 'event', 'events')}, head {code(digest.head)}"
    if content.flaw:
        return f"*Audit log:* {end}. *It does not hold.*"
    if digest.to_seq < content.checked_from:
        return f"*Audit log:* {end}. It holds, as it did before."
    return f"*Audit log:* {end}. It holds; recomputed from event {content.checked_from:,} on."


def _canary(runs: CanaryRuns) -> str:
    if runs.latest is None or runs.latest_at is None:
        return f"*Canary:* {'no run was begun' if runs.configured else 'none is configured'}."
    wrong = ", ".join(
        f"*{number:,} {name}*" for name, number in {"failed": runs.failed, "late": runs.late}.items() if number
    )
    many = f"{counted(runs.begun, 'run', 'runs')}, {wrong or 'none failed or late'}"
    return f"*Canary:* {many}; the latest began {at_second(runs.latest_at)} and {_WENT[runs.latest]}."


def _standing(counts: StandingCounts) -> str:
    """The way to none: how much is held without a grant, and whether it becomes less."""
    number = counts.accepted + counts.new
    if not number:
        stands = "none is left"
    else:
        open_ = f", *{counts.new:,} not accepted*" if counts.new else ""
        stands = f"{counted(number, 'role', 'roles')} held without a grant: {counts.accepted:,} accepted{open_}"
    changes = f"{counts.found:,} found, {counts.gone:,} gone, {counts.accepted_since:,} accepted"
    before = f" A week ago: {counts.week_ago:,}." if counts.week_ago is not None else ""
    return f"*Standing access:* {stands}. Since the digest before: {changes}.{before}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
