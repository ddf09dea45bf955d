"""When a message that has not been said yet is of no use any more: nobody waits for it, or it is over already."""

from collections.abc import Callable, Mapping
from typing import Any

from access.alerts.undelivered import has_failed, is_needless
from access.grants.expiry_warning import worth_warning
from access.message_kinds import Until, traits_of
from access.messages.facts import BatchFacts, CardFacts, Facts
from access.models import Message, RequestStatus
from access.requests.remind import BatchReminderFacts, ReminderFacts, worth_reminding
from access.shared_cards import is_waiting_there


def is_expired(message: Message, facts: Facts) -> bool:
    """Whether its row is dropped; what has been shown once is kept true."""
    return message.shown_version == 0 and not _LASTS[traits_of(message.kind).until](message, facts)


def _always(_message: Message, _facts: Facts) -> bool:
    return True


def _card_asks(message: Message, facts: CardFacts) -> bool:
    return not is_needless(message, facts.request)


def _request_waits(_message: Message, facts: ReminderFacts) -> bool:
    return worth_reminding(facts.request, facts.now)


def _card_is_of_use(message: Message, facts: CardFacts) -> bool:
    return message.version == facts.request.version and worth_reminding(facts.request, facts.now)


def _batch_card_asks(message: Message, facts: BatchFacts) -> bool:
    return not has_failed(message) or _part_waits(message, facts)


def _part_waits(_message: Message, facts: BatchFacts | BatchReminderFacts) -> bool:
    return any(is_waiting_there(part.request, facts.now) for part in facts.parts)


def _not_asked(_message: Message, facts: CardFacts) -> bool:
    return facts.never_asked is not None and facts.request.status == RequestStatus.PENDING


def _end_comes(message: Message, facts: CardFacts) -> bool:
    return worth_warning(facts.grant, message.version, facts.now)


_LASTS: Mapping[Until, Callable[[Message, Any], bool]] = {
    Until.SAID: _always, Until.CARD_ASKS: _card_asks, Until.REQUEST_WAITS: _request_waits,
    Until.CARD_IS_OF_USE: _card_is_of_use, Until.NOT_ASKED: _not_asked, Until.END_COMES: _end_comes,
    Until.BATCH_CARD_ASKS: _batch_card_asks, Until.PART_WAITS: _part_waits,
}  # fmt: skip
"""By what an entry names; each takes the facts that go with it."""
