"""Who is asked, by name, and how long an answer usually takes: for private answers, in which a mention pings nobody."""

from collections.abc import Sequence
from datetime import timedelta

from access.durations import format_duration
from access.ids import SlackUser
from access.operations import Asked
from access.words import counted
from bot.views.blocks import linked, mention

_NAMED = 3
"""So many are named; the others are counted."""


def names(users: Sequence[SlackUser]) -> str:
    """`Kim`, `Kim and Lea`, `Kim, Lea and Sam`, `Kim, Lea, Sam and 12 others`."""
    shown = [mention(user) for user in users[:_NAMED]]
    if len(users) > _NAMED:
        shown.append(counted(len(users) - _NAMED, "other", "others"))
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def asked_people(asked: Asked) -> str:
    """Their names and their usual time, as sentences; empty where nothing is known of them."""
    return f"{names(asked.approvers)}.{usual(asked.usually)}" if asked.approvers else ""


def usual(usually: timedelta | None) -> str:
    """A sentence to follow another; empty where there is nothing to say."""
    if usually is None:
        return ""
    if usually < timedelta(minutes=1):
        return " They usually answer within a minute."
    step = timedelta(minutes=1) if usually < timedelta(days=1) else timedelta(hours=1)
    return f" They usually answer in {format_duration(step * round(usually / step))}."


def card_link(link: str, identifier: str) -> str:
    """`identifier` is the short id."""
    return linked(f"Open the card of request {identifier}", link)
