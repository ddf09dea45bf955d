"""What the doctor hears of an endpoint: whether it answers and signs, and whether it refuses what it must refuse."""

import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from access.errors import ProviderError
from access.ports import Deadline, Finding, host_time
from workers.providers.exchange import schema
from workers.providers.exchange.schema import Checked, Question, read_answer
from workers.providers.webhook.endpoint import Endpoint, Said
from workers.providers.webhook.settings import WebhookSettings
from workers.providers.webhook.signing import SIGNATURE, Key, SignedCall, answered_at, sign_call
from workers.providers.webhook.words import plain

_SKEW = timedelta(seconds=30)
_NOBODY_SIGNED: Final = "v1=" + "0" * 64


def check(
    endpoint: Endpoint, settings: WebhookSettings, roles: Mapping[str, tuple[str, ...]], deadline: Deadline
) -> list[Finding]:
    """Three calls that change nothing: one as it should be, the same again, and one with a wrong signature."""
    key = endpoint.key()
    body = Question(verb="check", roles=dict(roles)).as_json().encode("ascii")
    call = sign_call(key, body, host_time())
    said = endpoint.send(call, body, deadline, changes=False)
    answer = endpoint.believed(call, said, "check")
    assert isinstance(answer, Checked)
    found = [Finding(level="ok", subject="endpoint", sentence="The endpoint answers, and signs what it answers.")]
    found += [*_clock(call, said), *_key(key), *_file(settings), *map(_said, answer.findings)]
    if _accepted(endpoint, call, body, deadline):
        sentence = "The endpoint takes the same call twice, so a call that was recorded can be repeated."
        found.append(_error("replay", sentence, "Have it remember the ids of the last 15 minutes, and refuse those."))
    if _accepted(endpoint, _forged(call), body, deadline):
        sentence = "The endpoint takes a call with a wrong signature: anyone who reaches it can give access."
        found.append(_error("signature", sentence, "Have it check Countersign-Signature before anything else."))
    return found


def _said(one: schema.Finding) -> Finding:
    """What the endpoint finds in itself."""
    return Finding(level=one.level, subject=plain(one.subject), sentence=plain(one.sentence), cure=plain(one.cure))


def _accepted(endpoint: Endpoint, call: SignedCall, body: bytes, deadline: Deadline) -> bool:
    """Whether the endpoint did as it was told; what is not heard, or what stands before it says, is no yes."""
    try:
        said = endpoint.send(call, body, deadline, changes=False)
    except ProviderError:
        return False
    if not 200 <= said.status < 300:
        return False
    try:
        return isinstance(read_answer("check", said.body), Checked)
    except ValueError:
        return False


def _forged(call: SignedCall) -> SignedCall:
    """A call of its own, by its id, that nobody signed."""
    fresh = sign_call(call.key, b"", host_time())
    kept = tuple((name, value) for name, value in fresh.headers if name != SIGNATURE)
    return SignedCall(call.key, fresh.id, (*kept, (SIGNATURE, _NOBODY_SIGNED)))


def _clock(call: SignedCall, said: Said) -> list[Finding]:
    signed = answered_at(call, said.status, said.headers, said.body)
    skew = abs(signed - said.heard_at) if signed is not None else timedelta(0)
    if skew <= _SKEW:
        return []
    sentence = (
        f"The endpoint's clock is {skew.total_seconds():.0f} s off this host's; over 300 s it refuses every call."
    )
    return [
        Finding(level="warning", subject="clock", sentence=sentence, cure="Let both hosts set their clocks by NTP.")
    ]


def _key(key: Key) -> list[Finding]:
    return [] if key.weakness is None else [_error("key", key.weakness, "Exchange the key: docs/providers/webhook.md.")]


def _file(settings: WebhookSettings) -> list[Finding]:
    """A key that others on the host can read is theirs too."""
    if settings.key.file is None:
        return []
    try:
        mode = Path(settings.key.file).stat().st_mode
    except OSError:
        return []  # it has just been read: whatever this is, it is not that
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return []
    sentence = f"Every account of the worker's host can read the key of the endpoint in {settings.key.file}."
    return [_error("key", sentence, f"Run: chmod o= {settings.key.file}. Then exchange the key.")]


def _error(subject: str, sentence: str, cure: str) -> Finding:
    return Finding(level="error", subject=subject, sentence=sentence, cure=cure)
