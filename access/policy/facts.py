"""The facts of a request: all that was asked and on which terms. What is hashed is what is stored.

Version 2, written from now on (docs/adr/0030-facts.md). Defaults of a provider's settings and role are left out, so
that an option that an upgrade adds changes no facts. Lengths of time are whole seconds, moments RFC 3339 in UTC. When
it was asked is no fact, so that it can be asked again at the click.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from access.canonical import canonical
from access.catalog import Entitlement, Escalation, Stage
from access.ids import RequestId
from access.models import Grant, Request
from access.policy import facts_v1
from access.policy.chain import facts_of_stages, stages_of
from access.policy.decide import Ask, Terms
from access.policy.escalation import escalations_of, facts_of_escalations, waited
from access.policy.fingerprint import fingerprint
from access.ports import Json

VERSION = 2


def ask_again(request: Request, at: datetime, *, extended: int = 0) -> Ask:
    """What was asked, put to the policy of another moment. `extended`: how often what it extends was before."""
    return Ask(
        requester=request.requester, subject=request.subject,
        entitlement=Entitlement(request.resource, request.role),
        duration=request.duration, until=request.until, reason=request.reason, at=at, starts_at=request.starts_at,
        extends=request.extends, extended=extended, scope=request.scope, ticket=request.ticket,
        waited=waited(request, at),
    )  # fmt: skip


def asked(request_id: RequestId, version: int, ask: Ask, terms: Terms) -> Json:
    """Of what is asked, on the terms of the policy."""
    return _facts(
        request=request_id, version=version, requester=ask.requester, subject=ask.subject, principal=terms.principal,
        resource=terms.entitlement.resource, role=terms.entitlement.role, provider=terms.provider,
        settings=terms.settings, definition=terms.definition, scope=ask.scope, ticket=ask.ticket, start=ask.starts_at,
        duration_s=whole_seconds(terms.duration), until=terms.until, reason=terms.reason, level=terms.level,
        rule=terms.rule, channel=terms.channel, stages=terms.stages, extends=ask.extends, escalations=terms.escalations,
    )  # fmt: skip


def fingerprint_of_rows(request: Request, given: Request | Grant) -> str | None:
    """Of what was asked, with the values of `given`, which are what a provider is told. None: not as it was stored.

    Raises one of many errors where a value is not even of the right kind.
    """
    if request.facts_version == facts_v1.VERSION:
        return facts_v1.fingerprint_of_rows(request, given)
    told = _told(request, given)
    as_stored = request.facts_version == VERSION and canonical(told) == canonical(request.facts)
    return fingerprint(told) if as_stored else None


def is_unchanged(request: Request, ask: Ask, terms: Terms) -> bool:
    """Whether these terms, of the policy of now, are the ones that the request is bound to."""
    if request.facts_version == facts_v1.VERSION:
        return facts_v1.is_unchanged(request, ask, terms)
    return fingerprint(asked(request.id, request.version, ask, terms)) == request.fingerprint


def whole_seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _told(request: Request, given: Request | Grant) -> Json:
    return _facts(
        request=request.id, version=request.version, requester=given.requester, subject=given.subject,
        principal=given.principal, resource=given.resource, role=given.role, provider=given.provider,
        settings=given.settings, definition=given.definition, scope=given.scope, ticket=request.ticket,
        start=request.starts_at, duration_s=given.duration_s, until=given.until, reason=request.reason,
        level=given.level, rule=request.rule, channel=request.channel, stages=stages_of(request.chain),
        extends=request.extends, escalations=escalations_of(request.chain),
    )  # fmt: skip


def _facts(
    *, request: str, version: int, requester: str, subject: str, principal: str, resource: str, role: str,
    provider: str, settings: Mapping[str, Any], definition: Mapping[str, Any], scope: Mapping[str, Any],
    ticket: str | None,
    start: datetime | None, duration_s: int | None, until: datetime | None, reason: str, level: str, rule: str,
    channel: str, stages: Sequence[Stage], extends: str | None, escalations: Sequence[Escalation],
) -> Json:  # fmt: skip
    facts = {
        "request": request, "version": version, "requester": requester, "subject": subject, "principal": principal,
        "resource": resource, "role": role, "provider": provider, "settings": dict(settings),
        "definition": dict(definition), "scope": dict(scope), "ticket": ticket, "start": start,
        "duration_s": duration_s, "until": until, "reason": reason, "level": level, "rule": rule, "channel": channel,
        "stages": facts_of_stages(stages), "extends": extends,
    }  # fmt: skip
    if escalations:  # only where they let more people decide: rows of before, and plain reminders, say nothing of it
        facts["escalate"] = facts_of_escalations(escalations)
    # As it is read back from the column: text, whole numbers, lists and mappings.
    return json.loads(canonical(facts))
