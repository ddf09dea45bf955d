"""The types of identifiers, and how new ones are made."""

import secrets
from datetime import datetime
from typing import NewType

RequestId = NewType("RequestId", str)
GrantId = NewType("GrantId", str)
ReviewId = NewType("ReviewId", str)
NoticeId = NewType("NoticeId", str)
AlertId = NewType("AlertId", str)
CheckupId = NewType("CheckupId", str)
LookId = NewType("LookId", str)
DigestId = NewType("DigestId", str)
ShareId = NewType("ShareId", str)
HoldId = NewType("HoldId", str)
BatchId = NewType("BatchId", str)
Person = NewType("Person", str)
"""A person's name in the policy: `ann`."""
SlackUser = NewType("SlackUser", str)
"""A Slack user id: `U0ANN`."""
SlackChannel = NewType("SlackChannel", str)
"""A Slack channel id: `C0SEC`."""

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def ulid(now: datetime) -> str:
    """26 characters in lower case: 48 bits of milliseconds, then 80 bits of chance. Sorts by time."""
    number = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def short(identifier: str) -> str:
    """The last six characters: what people read and type."""
    return identifier[-6:]
