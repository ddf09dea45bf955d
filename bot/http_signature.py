"""Whether Slack made a request: its signature over the raw bytes, and whether the very same came before."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

WINDOW = 300
"""Seconds that a request may be old, or ahead of us."""
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")

Headers = Sequence[tuple[bytes, bytes]]
"""As ASGI hands them over: names in lower case, and one that was sent twice is there twice."""


def genuine(secret: bytes, headers: Headers, body: bytes, *, now: float) -> bytes | None:
    """The signature, if it is Slack's and of this moment; None otherwise, whatever was sent. `now` is in Unix seconds.

    Bytes throughout: slack_sdk's own check raises on a timestamp that is no number and on a signature beyond ASCII.
    """
    timestamp, signature = only(headers, b"x-slack-request-timestamp"), only(headers, b"x-slack-signature")
    if timestamp is None or signature is None:
        return None
    if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > WINDOW:
        return None
    expected = hmac.new(secret, b"v0:%b:%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return signature if hmac.compare_digest(b"v0=" + expected.encode(), signature) else None


def only(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header that was sent exactly once."""
    values = [value for found, value in headers if found == name]
    return values[0] if len(values) == 1 else None


@dataclass
class Used:
    """The signatures of the last minutes in this process: the cheap half of being safe from replays.

    The rows are the other half: what is decided twice, by whichever process, changes nothing the second time.
    """

    _until: dict[bytes, float] = field(default_factory=dict)

    def first(self, signature: bytes, *, now: float) -> bool:
        """Remembers it; False when it is remembered already. Only genuine ones are put here, so Slack sets the size."""
        for old in [one for one, until in self._until.items() if until < now]:
            del self._until[old]
        if signature in self._until:
            return False
        # The timestamp may be ahead of us by the window, and is good for as long again.
        self._until[signature] = now + 2 * WINDOW
        return True

    def forget(self, signature: bytes) -> None:
        """It was not dealt with, so Slack may send it again."""
        self._until.pop(signature, None)
