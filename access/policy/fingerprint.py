"""Binds a request to what people were shown: one hash over every fact that decides what would be granted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pydantic import JsonValue

from access.canonical import canonical
from access.catalog import Entitlement
from access.errors import NotFound
from access.ids import RequestId
from access.models import Request
from access.policy.decide import Ask, Terms

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


def facts(
    *,
    request_id: RequestId,
    version: int,
    ask: Ask,
    terms: Terms,
    scope: Mapping[str, JsonValue] | None = None,
    ticket: str | None = None,
) -> dict[str, object]:
    """Everything that decides what would be granted, to whom, and who must agree. When it was asked is not in it."""
    # Only where there is one: requests that were made before there were extensions keep their fingerprints.
    extends: dict[str, object] = {} if ask.extends is None else {"extends": ask.extends}
    return extends | {
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
        "start": ask.starts_at,
        "duration": terms.duration,
        "until": terms.until,
        "reason": terms.reason,
        "ticket": ticket,
        "level": terms.level,
        "rule": terms.rule,
        "chain": terms.chain(),
    }


def ask_again(request: Request, at: datetime, *, extended: int = 0) -> Ask:
    """What was asked, put to the policy of another moment. `extended`: how often what it extends was before."""
    return Ask(
        requester=request.requester, subject=request.subject,
        entitlement=Entitlement(request.resource, request.role),
        duration=request.duration, until=request.until, reason=request.reason, at=at, starts_at=request.starts_at,
        extends=request.extends, extended=extended,
    )  # fmt: skip


def fingerprint_of(request_id: RequestId, version: int, ask: Ask, terms: Terms) -> str:
    return fingerprint(facts(request_id=request_id, version=version, ask=ask, terms=terms))


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
