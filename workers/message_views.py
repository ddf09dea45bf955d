"""The words of each kind of message; a digest, a Home, a secret and a page have theirs where they are sent."""

from collections.abc import Callable, Mapping
from typing import Any

from access.messages.facts import AlertFacts, BatchFacts, CardFacts
from access.models import AlertKind, MessageKind
from access.requests.remind import BatchReminderFacts, ReminderFacts
from bot.views.alert import alert_card, group_card, standing_card
from bot.views.answer import answer, ended, warning
from bot.views.answer_to_several import answer_to_several
from bot.views.batch_card import batch_card
from bot.views.batch_thread import batch_next_stage, batch_reminder
from bot.views.blocks import Rendered
from bot.views.for_another import asked_for
from bot.views.next_stage import next_stage
from bot.views.reminder import reminder
from bot.views.review import review_card
from bot.views.undelivered import unasked, undelivered_card

View = Callable[[Any, str | None], Rendered]
"""(facts, of_access): the words for the state of now. `of_access`: where what an extension is about has its message."""


def _ended(facts: CardFacts, _of_access: str | None) -> Rendered:
    return ended(facts)


def _warning(facts: CardFacts, _of_access: str | None) -> Rendered:
    return warning(facts)


def _unasked(facts: CardFacts, _of_access: str | None) -> Rendered:
    return unasked(facts)


def _asked_for(facts: CardFacts, _of_access: str | None) -> Rendered:
    return asked_for(facts)


def _reminder(facts: ReminderFacts, _of_access: str | None) -> Rendered:
    return reminder(facts)


def _next_stage(facts: ReminderFacts, _of_access: str | None) -> Rendered:
    return next_stage(facts)


def _answer_to_several(facts: BatchFacts, _of_access: str | None) -> Rendered:
    return answer_to_several(facts)


def _batch_card(facts: BatchFacts, _of_access: str | None) -> Rendered:
    return batch_card(facts)


def _batch_reminder(facts: BatchReminderFacts, _of_access: str | None) -> Rendered:
    return batch_reminder(facts)


def _batch_next_stage(facts: BatchReminderFacts, _of_access: str | None) -> Rendered:
    return batch_next_stage(facts)


def _alert(facts: AlertFacts, _of_access: str | None) -> Rendered:
    if facts.group is not None:
        return group_card(facts.alert, facts.group)
    if facts.standing is not None:
        return standing_card(facts.alert, facts.standing)
    if facts.alert.kind == AlertKind.UNDELIVERED:
        return undelivered_card(facts.alert, facts.undelivered)
    return alert_card(facts.alert, facts.grant, facts.by_hand, facts.rights)


VIEWS: Mapping[MessageKind, View] = {
    MessageKind.REVIEW: review_card,
    MessageKind.ESCALATED: review_card,
    MessageKind.ANSWER: answer,
    MessageKind.ENDED: _ended,
    MessageKind.WARNING: _warning,
    MessageKind.ASKED_FOR: _asked_for,
    MessageKind.UNDELIVERED: _unasked,
    MessageKind.REMINDER: _reminder,
    MessageKind.NEXT_STAGE: _next_stage,
    MessageKind.BATCH_ANSWER: _answer_to_several,
    MessageKind.BATCH_REVIEW: _batch_card,
    MessageKind.BATCH_ESCALATED: _batch_card,
    MessageKind.BATCH_REMINDER: _batch_reminder,
    MessageKind.BATCH_NEXT_STAGE: _batch_next_stage,
    MessageKind.ALERT: _alert,
}
