"""What a refusal of an endpoint, or of what stands before it, means for a grant: one table for each."""

from datetime import timedelta

from access.errors import (
    Ambiguous,
    BadConfig,
    BadCredential,
    NotGrantable,
    NotPermitted,
    Permanent,
    PrincipalNotFound,
    ProviderError,
    RateLimited,
    StandingAccess,
    TargetConflict,
    TargetNotFound,
    Transient,
    Unsupported,
)
from workers.providers.exchange.schema import Failure
from workers.providers.webhook.words import plain

Meaning = tuple[type[ProviderError], str]

UNKNOWN = Ambiguous("The endpoint was asked but did not answer, so it is not known whether this was done.")
_BUSY = "The endpoint cannot be reached just now; what stands before it answers in its place"

# By its own word, in an answer that it signed.
KINDS: dict[str, type[ProviderError]] = {
    "transient": Transient,
    "rate_limited": RateLimited,
    "ambiguous": Ambiguous,
    "conflict": TargetConflict,
    "permanent": Permanent,
    "bad_config": BadConfig,
    "bad_credential": BadCredential,
    "not_permitted": NotPermitted,
    "target_not_found": TargetNotFound,
    "principal_not_found": PrincipalNotFound,
    "not_grantable": NotGrantable,
    "unsupported": Unsupported,
    "standing_access": StandingAccess,
}
# By the status of an answer that nobody signed: it may be a gateway's, and is never taken for a yes.
STATUSES: dict[int, Meaning] = {
    400: (BadConfig, "What stands before the endpoint does not understand the call; look at url in the settings"),
    401: (BadCredential, "The endpoint does not know our key, or what stands before it asks for another proof"),
    403: (NotPermitted, "What stands before the endpoint does not let the worker through"),
    404: (TargetNotFound, "There is no endpoint at the path of url in the settings"),
    405: (BadConfig, "What is at the path of url in the settings takes no POST"),
    408: (Transient, _BUSY),
    410: (TargetNotFound, "There is no endpoint any more at the path of url in the settings"),
    413: (BadConfig, "What stands before the endpoint takes no call of this size"),
    425: (Transient, _BUSY),
    429: (RateLimited, "The endpoint asks us to slow down"),
    500: (Transient, "The endpoint failed"),
    502: (Transient, _BUSY),
    503: (Transient, _BUSY),
    504: (Transient, _BUSY),
}
_IN_DOUBT = frozenset({500, 502, 504})
"""The call may have come through to the endpoint, and its answer was lost on the way back."""
_LONGEST_PAUSE = 3600


def refused(said: Failure) -> ProviderError:
    """What the endpoint itself says."""
    kind, sentence = KINDS[said.kind], f"The endpoint says: “{plain(said.sentence) or 'nothing more'}”"
    if issubclass(kind, Transient):
        seconds = min(said.retry_after, _LONGEST_PAUSE) if said.retry_after is not None else None
        return kind(sentence, code=said.kind, retry_after=None if seconds is None else timedelta(seconds=seconds))
    return kind(sentence, code=said.kind)


def unsigned(status: int, retry_after: bytes | None, *, key: str, changes: bool) -> ProviderError:
    """What an answer means that does not prove whose it is. A yes, a “gone” or a secret in it counts for nothing."""
    if changes and status in _IN_DOUBT:
        return Ambiguous(UNKNOWN.sentence, code=str(status))
    if 300 <= status < 400:
        sentence = "The endpoint answers with a redirect, which is not followed. Put the last address into url."
        return BadConfig(sentence, code=str(status))
    if status in STATUSES:
        kind, sentence = STATUSES[status]
        return _made(kind, f"{sentence} (HTTP {status}).", str(status), retry_after)
    if 500 <= status < 600:
        return Transient(f"{_BUSY} (HTTP {status}).", code=str(status))
    return BadCredential(
        f"The answer is not signed by our key {key}, so nothing in it was believed. Look at url, "
        "and at the key of the settings and of the endpoint.",
        code=str(status),
    )


def _made(kind: type[ProviderError], sentence: str, code: str, retry_after: bytes | None) -> ProviderError:
    if not issubclass(kind, Transient):
        return kind(sentence, code=code)
    seconds = int(retry_after) if retry_after and retry_after.isdigit() and len(retry_after) < 6 else 0
    pause = timedelta(seconds=min(seconds, _LONGEST_PAUSE)) if seconds else None
    return kind(sentence, code=code, retry_after=pause)


def unreadable(what: str) -> ProviderError:
    """It was signed, and still cannot be used."""
    return BadConfig(f"The endpoint's answer cannot be used: {what}. See the schema in docs/providers/webhook.md.")


def undone(*, sent: bool, changes: bool, sentence: str) -> ProviderError:
    """No whole answer came."""
    return Ambiguous(UNKNOWN.sentence) if sent and changes else Transient(sentence)
