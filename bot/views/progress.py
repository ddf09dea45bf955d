"""What became of a grant, in sentences: opening, open, being ended, ended and how that was proven."""

from datetime import datetime

from access.ids import short
from access.models import EndedBy, Grant, GrantStatus
from bot.views.blocks import Block, at, at_second, code, context, counted, escaped, note, quoted, section, sentence

_ENDED_BY = {
    EndedBy.EXPIRED: "The time was up.",
    EndedBy.RETURNED: "The holder was done with it.",
    EndedBy.REVOKED: "The security team revoked it.",
    EndedBy.FROZEN: "Access was frozen.",
    EndedBy.LEFT: "The holder has left.",
    EndedBy.CANCELLED: "It was cancelled before it opened.",
    EndedBy.REFUSED: "The policy no longer allows it.",
    EndedBy.LATE: "It could not be opened in time.",
    EndedBy.DRIFT: "It was found on the target after its end.",
}


def headline(grant: Grant) -> str:
    """The state in a few words."""
    match GrantStatus(grant.status):
        case GrantStatus.SCHEDULED | GrantStatus.ACTIVATING:
            return "Approved, being opened"
        case GrantStatus.ACTIVE:
            return "Open"
        case GrantStatus.REVOKING:
            return "Being ended"
        case GrantStatus.ENDED:
            return "Ended" if opened(grant) else "Never opened"
        case GrantStatus.FAILED:
            return "Could not be opened"


def opened(grant: Grant) -> bool:
    """Whether the target was ever told to give it: only then is there something to remove and to prove."""
    return grant.expires_at is not None


def progress(grant: Grant) -> list[Block]:
    """The state in full."""
    match GrantStatus(grant.status):
        case GrantStatus.SCHEDULED | GrantStatus.ACTIVATING:
            return _opening(grant)
        case GrantStatus.ACTIVE:
            return [section(f"*Open until {_moment(grant.expires_at)}* – id {code(short(grant.id))}")]
        case GrantStatus.REVOKING:
            return [section("*Being ended* – not over until the target was read back."), *_ending(grant)]
        case GrantStatus.ENDED:
            when = _moment(grant.ended_at)
            return [section(f"*Ended {when}*" if opened(grant) else f"*Over {when}* – it never opened."), *_end(grant)]
        case GrantStatus.FAILED:
            return [
                section("*It could not be opened.* The target was read back: nothing was left there."),
                *_problem(grant),
            ]


def _opening(grant: Grant) -> list[Block]:
    if grant.problem:
        trying = f"*Not open yet.* It is tried again until {at(grant.start_by)}; then it ends unopened."
        return [section(trying), *_problem(grant)]
    return [section("*Approved.* The access is being opened on the target.")]


def _ending(grant: Grant) -> list[Block]:
    again = [context("It is tried again until it is proven.")] if grant.problem else []
    return [*_because(grant), *_removal(grant), *_problem(grant), *again]


def _end(grant: Grant) -> list[Block]:
    return [*_because(grant), *_removal(grant), *([] if opened(grant) else _problem(grant))]


def _because(grant: Grant) -> list[Block]:
    if grant.ended_by is None:
        return []
    who = f" ({escaped(grant.ended_by_person)})" if grant.ended_by_person else ""
    blocks = [context(_ENDED_BY[EndedBy(grant.ended_by)] + who)]
    if not grant.end_reason:
        return blocks
    if grant.ended_by_person:
        return [*blocks, quoted("Why, in that person's words", grant.end_reason)]
    return [*blocks, sentence(grant.end_reason)]


def _removal(grant: Grant) -> list[Block]:
    """Removed, proven, and sessions ended are three facts; only those that hold are said."""
    if not opened(grant) or grant.removed_at is None:
        return []
    said = [f"Removed {at_second(grant.removed_at)}."]
    if grant.proven_at is not None:
        said.append(f"Read back {at_second(grant.proven_at)}: the access is not there.")
    said.append(_sessions(grant.sessions_ended))
    return [section(" ".join(said)), *(note(f"What is left: {rest}") for rest in grant.residual)]


def _sessions(ended: int | None) -> str:
    if ended is None:
        return "Open sessions were not ended: the provider cannot do that."
    if ended == 0:
        return "No session was open."
    return f"{counted(ended, 'open session was', 'open sessions were')} ended."


def _problem(grant: Grant) -> list[Block]:
    return [sentence(grant.problem)] if grant.problem else []


def _moment(moment: datetime | None) -> str:
    return at_second(moment) if moment is not None else "at an unknown time"
