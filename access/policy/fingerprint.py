"""Binds a request to what people were shown: one hash over every fact that decides what would be granted (facts.py)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from access.canonical import canonical
from access.errors import NotFound
from access.ids import RequestId

_SHOWN = 16
_BUTTON = re.compile(rf"v1\.([0-9a-z]{{26}})\.([1-9][0-9]{{0,8}})\.([0-9a-f]{{{_SHOWN}}})")


@dataclass(frozen=True, kw_only=True)
class Button:
    """What a button carries: enough to find the request and to see that it has not changed; no fact."""

    request_id: RequestId
    version: int
    fingerprint: str
    """The first 16 of its 64 characters."""

    def fits(self, fingerprint: str) -> bool:
        return fingerprint[:_SHOWN] == self.fingerprint


def fingerprint(facts: Mapping[str, object]) -> str:
    """SHA-256 in hex over their canonical JSON. Raises TypeError for what has no one canonical form, as a float."""
    return sha256(canonical(dict(facts)).encode()).hexdigest()


def button_value(request_id: RequestId, version: int, fingerprint: str) -> str:
    return f"v1.{request_id}.{version}.{fingerprint[:_SHOWN]}"


def parse_button(value: str) -> Button:
    """The reverse of `button_value`. Raises NotFound for anything that we did not write."""
    match = _BUTTON.fullmatch(value)
    if match is None:
        raise NotFound
    return Button(request_id=RequestId(match[1]), version=int(match[2]), fingerprint=match[3])
