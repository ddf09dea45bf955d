"""Binds a request to what people were shown: one hash over every fact that decides what would be granted."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

from pydantic import JsonValue

from access.errors import NotFound
from access.ids import RequestId
from access.policy.decide import Ask, Terms

_SHOWN = 16
_BUTTON = re.compile(rf"v1\.([0-9a-z]{{26}})\.([1-9][0-9]{{0,8}})\.([0-9a-f]{{{_SHOWN}}})")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Button:
    """What a button carries: enough to find the request and to see that it has not changed; no fact."""

    request_id: RequestId
    version: int
    fingerprint: str
    """The first 16 of its 64 characters."""

    def fits(self, fingerprint: str) -> bool:
        return fingerprint[:_SHOWN] == self.fingerprint


def facts(
    *,
    request_id: RequestId,
    version: int,
    ask: Ask,
    terms: Terms,
    scope: Mapping[str, JsonValue] | None = None,
    start: datetime | None = None,
    ticket: str | None = None,
) -> dict[str, object]:
    """Everything that decides what would be granted, to whom, and who must agree. When it was asked is not in it."""
    return {
        "request": request_id,
        "version": version,
        "requester": ask.requester,
        "subject": ask.subject,
        "principal": terms.principal,
        "resource": terms.entitlement.resource,
        "role": terms.entitlement.role,
        "provider": terms.provider,
        "settings": terms.settings,
        "definition": terms.definition,
        "scope": scope or {},
        "start": start,
        "duration": terms.duration,
        "until": terms.until,
        "reason": terms.reason,
        "ticket": ticket,
        "level": terms.level,
        "rule": terms.rule,
        "chain": terms.chain(),
    }


def fingerprint(facts: Mapping[str, object]) -> str:
    """SHA-256 in hex over `canonical(facts)`. Raises ValueError for what has no one canonical form."""
    return sha256(canonical(facts)).hexdigest()


def canonical(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces. Times are RFC 3339 in UTC with microseconds, spans whole microseconds.

    Raises ValueError for floats, naive times, lone surrogates, keys that are no text, and other types.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def button_value(request_id: RequestId, version: int, fingerprint: str) -> str:
    return f"v1.{request_id}.{version}.{fingerprint[:_SHOWN]}"


def parse_button(value: str) -> Button:
    """The reverse of `button_value`. Raises NotFound for anything that we did not write."""
    match = _BUTTON.fullmatch(value)
    if match is None:
        raise NotFound
    return Button(request_id=RequestId(match[1]), version=int(match[2]), fingerprint=match[3])


def _plain(value: object) -> JsonValue:
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return _moment(value)
        case timedelta():
            return value // _MICROSECOND
        case Mapping():
            return {_key(key): _plain(one) for key, one in cast("Mapping[object, object]", value).items()}
        case list() | tuple():
            return [_plain(one) for one in cast("Sequence[object]", value)]
        case _:
            raise ValueError(f"a {type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a key must be text, not a {type(key).__name__}")
    return key


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no canonical form")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
