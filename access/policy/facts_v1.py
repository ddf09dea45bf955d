"""Version 1 of what a request is bound to: the formula of the versions before, for the rows that they wrote.

No stored fingerprint is ever rewritten. It spells out the defaults of a provider's settings and role, names what is
extended only where something is, and is not stored. While a process of the version before is at work, new rows are of
version 1 too, for it knows no other.

It goes one version after the last of its rows is over: when `SELECT count(*) FROM request LEFT JOIN "grant" ON
"grant".request_id = request.id WHERE facts_version = 1 AND (request.status = 'pending' OR "grant".status NOT IN
('ended', 'failed'))` gives 0. With it go `all_settings` and `all_definition` of `Terms`, and in the postgres provider
`_as_written_before`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from access.ids import RequestId
from access.models import Grant, Request
from access.policy.chain import column_of
from access.policy.decide import Ask, Terms
from access.policy.escalation import facts_of_escalations
from access.policy.fingerprint import fingerprint
from access.ports import Json

VERSION = 1


def columns(request_id: RequestId, version: int, ask: Ask, terms: Terms) -> dict[str, Any]:
    """Of a request that a process of the version before may take up."""
    spelled = replace(terms, settings=terms.all_settings, definition=terms.all_definition)
    return {
        "facts": {}, "facts_version": VERSION,
        "fingerprint": fingerprint(_of_terms(request_id, version, ask, spelled)),
        "settings": dict(terms.all_settings), "definition": dict(terms.all_definition),
    }  # fmt: skip


def is_unchanged(request: Request, ask: Ask, terms: Terms) -> bool:
    """Whether the policy of now means what the row says, whatever options were added since it was written."""
    said = replace(terms, settings=request.settings, definition=request.definition)
    return (
        means(request.settings, dict(terms.settings), dict(terms.all_settings))
        and means(request.definition, dict(terms.definition), dict(terms.all_definition))
        and fingerprint(_of_terms(request.id, request.version, ask, said)) == request.fingerprint
    )


def means(stored: Any, said: Any, everything: Any) -> bool:
    """Whether `stored`, which spells out the defaults of its time, is what is now `said`, without defaults.

    `everything`: the same with the defaults of now. What is not stored must not be said, and so is a default.
    """
    if type(stored) is not type(everything):
        return False
    if isinstance(stored, list):
        each = cast("list[Any]", stored)
        some = cast("list[Any]", said) if isinstance(said, list) else [None] * len(everything)
        return len(each) == len(everything) and all(map(means, each, some, everything))
    if not isinstance(stored, dict):
        return stored == everything
    old, words = cast("Json", stored), cast("Json", said if isinstance(said, dict) else {})
    return old.keys() >= words.keys() and all(
        word in everything and means(old[word], words.get(word), everything[word]) for word in old
    )


def fingerprint_of_rows(request: Request, given: Request | Grant) -> str:
    return fingerprint(
        _facts(
            extends=request.extends, request=request.id, version=request.version, requester=given.requester,
            subject=given.subject, principal=given.principal, resource=given.resource, role=given.role,
            provider=given.provider, settings=given.settings, definition=given.definition, scope=given.scope,
            start=request.starts_at, duration=_seconds(given.duration_s), until=given.until, reason=request.reason,
            ticket=request.ticket, level=given.level, rule=request.rule,
            chain=_chain(request.channel, request.chain),
        )
    )  # fmt: skip


def _of_terms(request_id: RequestId, version: int, ask: Ask, terms: Terms) -> Json:
    return _facts(
        extends=ask.extends, request=request_id, version=version, requester=ask.requester, subject=ask.subject,
        principal=terms.principal, resource=terms.entitlement.resource, role=terms.entitlement.role,
        provider=terms.provider, settings=terms.settings, definition=terms.definition, scope=ask.scope,
        start=ask.starts_at, duration=terms.duration, until=terms.until, reason=terms.reason, ticket=ask.ticket,
        level=terms.level, rule=terms.rule,
        chain=_chain(terms.channel, column_of(terms.stages, facts_of_escalations(terms.escalations))),
    )  # fmt: skip


def _facts(*, extends: str | None, **facts: Any) -> Json:
    return facts if extends is None else facts | {"extends": extends}


def _chain(channel: str, chain: Json) -> Json:
    """A chain of several stages is one of a later version, and no row of this one has it."""
    one: list[Json] = [] if "stages" in chain else [{"any_of": [*sorted(chain["any_of"])], "quorum": chain["quorum"]}]
    said: Json = {"channel": channel, "stages": chain.get("stages", one)}
    return said | ({"escalate": chain["escalate"]} if "escalate" in chain else {})


def _seconds(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(seconds=count)
