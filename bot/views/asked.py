"""Who is asked, by name, and how long an answer usually takes: for private answers, in which a mention pings nobody."""

from collections.abc import Sequence
from datetime import timedelta

from access.approvers import Asked, NextStep
from access.durations import format_duration
from access.ids import SlackUser
from access.words import counted
from bot.views.blocks import at, linked, mention

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
    if not asked.approvers:
        return ""
    step = f" {comes_next(asked.next, asked.approvers)}" if asked.next else ""
    return f"{names(asked.approvers)}.{_all_of_them(asked)}{usual(asked.usually)}{_then(asked)}{step}"


def is_one_answer(asked: Asked) -> bool:
    """Whether the next approval decides."""
    return asked.missing == 1 and not asked.then


def _all_of_them(asked: Asked) -> str:
    if asked.missing == 1:
        return ""
    both = "Both" if asked.missing == len(asked.approvers) == 2 else f"{asked.missing} of them"
    return f" {both} must approve."


def _then(asked: Asked) -> str:
    """Who comes after them."""
    if not asked.then:
        return ""
    return f" Then {names(asked.then)} {'is' if len(asked.then) == 1 else 'are'} asked."


def comes_next(step: NextStep, approvers: Sequence[SlackUser]) -> str:
    """A sentence: who is reminded next or asked too, and when."""
    when = "Unanswered" if step.at else f"Unanswered for {format_duration(step.after)}"
    return f"{when}, {reminded(step, approvers)}."


def reminded(step: NextStep, approvers: Sequence[SlackUser]) -> str:
    """As part of one: `they are reminded today at 12:15`, `Sam is asked too …`; by name where not all of them are."""
    all_of_them = len(step.named) > 1 and set(step.named) == set(approvers)
    who = "they are" if all_of_them else f"{names(step.named)} {'is' if len(step.named) == 1 else 'are'}"
    return f"{who} {'asked too' if step.adds else 'reminded'}{f' {at(step.at)}' if step.at else ''}"


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
