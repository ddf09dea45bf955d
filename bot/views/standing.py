"""Standing access in Slack: who holds something without a grant, with what accepts it."""

from access.models import StandingAccess
from access.reconcile.standing_accept import Accepted, Standing, accept_one_value
from access.words import clean, counted
from bot import ids
from bot.views.blocks import (
    Block,
    Rendered,
    actions,
    at_second,
    button,
    code,
    confirmation,
    context,
    mention,
    note,
    section,
    sentence,
    shortened,
)

TITLE = "Roles are held without a grant"
WHAT_TO_DO = (
    "Look at each: why does it stand there, and could it be asked for instead? Take away on the target what need not "
    "be; accept what must stay. Accepting changes nothing on the target. Granting goes on meanwhile."
)
_OPTIONS = {"admin": "may pass it on", "set": "may become it"}
"""Of the target's words those that say more than having it; the others stand as they are."""
_LONGEST = 63
"""Characters of a name, as PostgreSQL has them."""


def open_blocks(standing: Standing) -> list[Block]:
    """While something is not accepted."""
    more = standing.number - len(standing.first)
    known = f" {counted(standing.accepted, 'is', 'are')} accepted already." if standing.accepted else ""
    return [
        section(
            f"On {code(standing.resource)} *{_roles(standing.number)} held without a grant* and not accepted.{known}"
        ),
        *(_one(row) for row in standing.first),
        *([context(f"And {more:,} more: `countersign drift --baseline` prints all of them.")] if more > 0 else []),
        section(f"*What to do:* {WHAT_TO_DO}"),
        _all(standing),
        note("For the security team. What changes before you press is not accepted; it is shown here anew."),
    ]


def closed_words(standing: Standing) -> str:
    """Why nothing is left to accept."""
    if standing.last_accepted_by is None or standing.last_accepted_at is None:
        return "All of it is gone."
    by = f"{mention(standing.last_accepted_by)} {at_second(standing.last_accepted_at)}"
    return f"Each is gone or accepted, the last one by {by}. {counted(standing.accepted, 'is', 'are')} accepted now."


def accepted(done: Accepted) -> Rendered:
    """To who pressed."""
    left = f"{counted(done.left, 'is', 'are')} left to look at." if done.left else "Nothing is left to look at there."
    words = f"*Accepted:* {counted(done.number, 'role', 'roles')} held on {code(done.resource)}. {left}"
    return Rendered(text=f"Accepted: {done.number} on {done.resource}", blocks=[section(words)])


def described(row: StandingAccess) -> str:
    """In one line of plain text."""
    via = f" through {_short(row.via)}" if row.via else ""
    by = f", given by {_short(row.grantor)}" if row.grantor else ""
    options = [_OPTIONS.get(option, "") for option in row.options]
    may = "".join(f", {words}" for words in options if words)
    kind = "" if row.can_log_in else " (cannot log in itself)"
    return f"{_short(row.principal)}{kind} holds {_short(row.role)}{via}{by}{may}"


def _one(row: StandingAccess) -> Block:
    accept = button(
        "Accept", action=ids.ACCEPT_STANDING, value=accept_one_value(row),
        label=f"Accept that {_short(row.principal)} holds {_short(row.role)}",
    )  # fmt: skip
    return sentence(described(row)) | {"accessory": accept}


def _all(standing: Standing) -> Block:
    many = counted(standing.number, "role", "roles")
    asked = confirmation(
        "Accept all of it?",
        f"{many} held on {shortened(standing.resource, 75)} without a grant, also those that are only counted. "
        "That you accepted them is written down.",
        yes="Accept all", no="Not yet",
    )  # fmt: skip
    return actions(
        button(
            f"Accept all {standing.number:,}", action=ids.ACCEPT_ALL_STANDING, value=standing.accept_all,
            label=f"Accept all {many} held on {standing.resource} without a grant", confirm=asked,
        )
    )  # fmt: skip


def _roles(number: int) -> str:
    return "1 role is" if number == 1 else f"{number:,} roles are"


def _short(name: str) -> str:
    """A name that somebody chose on the target. One that only looks like another's says so."""
    cleaned = clean(name)
    words = shortened(" ".join(cleaned.text.split()) or "(nothing)", _LONGEST)
    return f"{words} (with hidden characters)" if cleaned.unusual else words
