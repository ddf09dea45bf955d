"""What became of a grant, in sentences: opening, open, being ended, ended and how that was proven."""

from datetime import datetime

from access.models import EndedBy, Grant, GrantStatus
from access.words import counted
from bot.views.blocks import Block, at, at_second, code, context, note, quoted, section, sentence

ENDED_BY = {
    EndedBy.EXPIRED: "its time was up",
    EndedBy.RETURNED: "its holder was done",
    EndedBy.REVOKED: "the security team revoked it",
    EndedBy.FROZEN: "access was frozen",
    EndedBy.LEFT: "its holder has left",
    EndedBy.CANCELLED: "it was cancelled before it opened",
    EndedBy.REFUSED: "the policy no longer allowed it",
    EndedBy.LATE: "it could not be opened in time",
    EndedBy.DRIFT: "it was changed on the target, outside Countersign",
}


def headline(grant: Grant) -> str:
    """The state in a few words."""
    match GrantStatus(grant.status):
        case GrantStatus.SCHEDULED if begins_later(grant):
            return "Approved for later"
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


def begins_later(grant: Grant) -> bool:
    """Whether it was approved for a time to come; by that time it is opened like any other."""
    return grant.status == GrantStatus.SCHEDULED and grant.starts_at > grant.created_at


def opened(grant: Grant) -> bool:
    """Whether the target was ever told to give it: only then is there something to remove and to prove."""
    return grant.expires_at is not None


def progress(grant: Grant) -> list[Block]:
    """The state in full; the first block says it in a sentence."""
    match GrantStatus(grant.status):
        case GrantStatus.SCHEDULED | GrantStatus.ACTIVATING:
            return _opening(grant)
        case GrantStatus.ACTIVE:
            return [section(f"*Open until {_moment(grant.expires_at)}*"), *_behind(grant)]
        case GrantStatus.REVOKING:
            return [section(f"*Being ended*{_because(grant)}"), *_said(grant), *_removal(grant), *_unproven(grant)]
        case GrantStatus.ENDED if opened(grant):
            return [section(f"*Ended {_moment(grant.ended_at)}*{_because(grant)}"), *_said(grant), *_removal(grant)]
        case GrantStatus.ENDED:
            # What stood in the way while it waited is the reason by now, or no reason any more.
            return [section(f"*Never opened:* {_never_because(grant)}"), *(_said(grant) or _problem(grant))]
        case GrantStatus.FAILED:
            words = "*It could not be opened.* We checked the target: nothing was left there."
            return [section(words), *_problem(grant), context("It can be asked for again once that is mended.")]


def _behind(grant: Grant) -> list[Block]:
    """An extension that the target has not taken yet, though it was told."""
    if grant.target_expiry_stale_since is None or not grant.problem:
        return []
    until_then = "The target does not have the new end yet, so the access may stop at the earlier one. We keep trying."
    return [context(until_then), *_problem(grant)]


def _opening(grant: Grant) -> list[Block]:
    if grant.problem:
        trying = f"*Not open yet.* We keep trying until {at(grant.start_by)}; after that it will not be opened."
        return [section(trying), *_problem(grant)]
    if begins_later(grant):
        again = "The policy is checked again before it opens. The time starts when it opens."
        return [section(f"*Opens {at(grant.starts_at)}*"), context(again)]
    return [section("It is being opened on the target; that takes a moment.")]


def _unproven(grant: Grant) -> list[Block]:
    return [*_problem(grant), context("We keep trying until the target confirms that it is gone.")]


def _because(grant: Grant) -> str:
    if grant.ended_by is None:
        return "."
    if grant.ended_by == EndedBy.RETURNED:
        return f": {code(grant.ended_by_person or grant.subject)} no longer needed it."
    who = f" ({code(grant.ended_by_person)})" if grant.ended_by_person else ""
    return f": {ENDED_BY[EndedBy(grant.ended_by)]}{who}."


def _never_because(grant: Grant) -> str:
    if grant.ended_by is None:
        return "it ended before its start."
    if grant.ended_by == EndedBy.RETURNED:
        return f"{code(grant.ended_by_person or grant.subject)} no longer needed it."
    who = f" ({code(grant.ended_by_person)})" if grant.ended_by_person else ""
    return f"{ENDED_BY[EndedBy(grant.ended_by)]}{who}."


def _said(grant: Grant) -> list[Block]:
    if not grant.end_reason:
        return []
    if grant.ended_by_person:
        return [quoted(f"{grant.ended_by_person} wrote", grant.end_reason)]
    return [sentence(grant.end_reason)]


def _removal(grant: Grant) -> list[Block]:
    """Removed, proven, and sessions ended are three facts; only those that hold are said."""
    if not opened(grant) or grant.removed_at is None:
        return []
    said = [f"Removed {at_second(grant.removed_at)}."]
    if grant.proven_at is not None:
        said.append(f"Verified {at_second(grant.proven_at)}: the access is gone.")
    said.append(_sessions(grant.sessions_ended))
    return [section("\n".join(said)), *(note(f"What is left: {rest}") for rest in (*grant.residual, *grant.leftover))]


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
