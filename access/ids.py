"""The types of identifiers, and how new ones are made."""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import NewType

RequestId = NewType("RequestId", str)
GrantId = NewType("GrantId", str)
ReviewId = NewType("ReviewId", str)
MessageId = NewType("MessageId", str)
AlertId = NewType("AlertId", str)
TargetCheckId = NewType("TargetCheckId", str)
CheckId = NewType("CheckId", str)
SharedRoleId = NewType("SharedRoleId", str)
RoleClaimId = NewType("RoleClaimId", str)
RightsId = NewType("RightsId", str)
DigestId = NewType("DigestId", str)
BatchId = NewType("BatchId", str)
AnswerId = NewType("AnswerId", str)
StandingId = NewType("StandingId", str)
VersionId = NewType("VersionId", str)
CommentId = NewType("CommentId", str)
DecisionId = NewType("DecisionId", str)
SnapshotId = NewType("SnapshotId", str)
Person = NewType("Person", str)
"""A person's name in the policy: `ann`."""
SlackUser = NewType("SlackUser", str)
"""A Slack user id: `U0ANN`."""
SlackChannel = NewType("SlackChannel", str)
"""A Slack channel id: `C0SEC`."""

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def ulid(now: datetime) -> str:
    """26 characters in lower case: 48 bits of milliseconds, then 80 bits of chance. Sorts by time."""
    return _text(now, secrets.randbits(80))


def made_at(identifier: str) -> datetime | None:
    """The time that a `ulid` carries, to the millisecond; None for what is none."""
    if len(identifier) != 26 or identifier[0] > "7" or not set(identifier) <= set(_CROCKFORD):
        return None
    number = 0
    for letter in identifier:
        number = number << 5 | _CROCKFORD.index(letter)
    try:
        return datetime.fromtimestamp((number >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # after the year 9999


def ulid_of(moment: datetime, name: str) -> str:
    """The same for the same moment (to the millisecond) and name: two who make it meet at the key."""
    return _text(moment, int.from_bytes(sha256(name.encode()).digest()[:10]))


def short(identifier: str) -> str:
    """The last six characters: what people read and type."""
    return identifier[-6:]


def _text(moment: datetime, low: int) -> str:
    number = int(moment.timestamp() * 1000) << 80 | low
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
