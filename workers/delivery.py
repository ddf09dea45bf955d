"""What Slack's refusal of a message means: for one channel or for all, for good or for a while."""

import re

from access.alerts.undelivered import EVERYWHERE, DeliveryFailure
from access.models import Message
from bot.views.undelivered import KNOWN

_OF_ALL = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
    "not_allowed_token_type", "missing_scope",
})  # fmt: skip
_PASSING = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})
"""Slack's own troubles."""
_WORD = re.compile(r"[a-z0-9_]{1,64}")
UNAVAILABLE = DeliveryFailure(EVERYWHERE, "unavailable")
RATE_LIMITED = DeliveryFailure(EVERYWHERE, "ratelimited", updates=False)
"""What stands there and is late comes by itself."""


def failure_of(message: Message, error: object) -> DeliveryFailure:
    """`error` is Slack's name for it, or one of ours."""
    code = error if isinstance(error, str) and _WORD.fullmatch(error) else "unknown_error"
    if code in _PASSING:
        return UNAVAILABLE
    where = EVERYWHERE if code in _OF_ALL else message.destination
    return DeliveryFailure(where, code, permanent=code in KNOWN and code != "undrawable")
