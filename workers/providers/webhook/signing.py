"""How a call proves that it is ours, and an answer that it is the endpoint's: HMAC-SHA256 by one shared key.

docs/adr/0036-signed-webhooks.md says what each part of what is signed is for.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import SecretStr

from access.errors import BadConfig

KEY: Final = "Countersign-Key"
TIMESTAMP: Final = "Countersign-Timestamp"
ID: Final = "Countersign-Id"
SIGNATURE: Final = "Countersign-Signature"

LEAST = 32
"""Characters of a secret: 16 bytes in hexadecimal are 32."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = re.compile(r"[!-~]{1,512}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True)
class Key:
    name: str
    secret: SecretStr

    def sign(self, *parts: bytes) -> str:
        return "v1=" + hmac.new(self.secret.get_secret_value().encode(), b"\n".join(parts), hashlib.sha256).hexdigest()

    @property
    def weakness(self) -> str | None:
        """What is wrong with it, and the cure."""
        secret = self.secret.get_secret_value()
        if len(secret) >= LEAST and len(set(secret)) >= LEAST // 4:
            return None
        return (
            f"The secret of the endpoint's key {self.name} can be guessed: make one of at least {LEAST} characters, "
            "for example with openssl rand -hex 32."
        )


def read_key(written: SecretStr) -> Key:
    """Raises BadConfig, which never quotes it."""
    name, _, secret = written.get_secret_value().strip().partition(":")
    if not _NAME.fullmatch(name) or not _SECRET.fullmatch(secret):
        raise BadConfig("The key of the endpoint cannot be read; it looks like 2026-11:secret, a name and a secret.")
    return Key(name, SecretStr(secret))


@dataclass(frozen=True)
class SignedCall:
    """A call as it is sent; its id is its own, also where the same is asked twice."""

    key: Key
    id: str
    headers: tuple[tuple[str, str], ...]


def sign_call(key: Key, body: bytes, now: datetime) -> SignedCall:
    timestamp, identifier = f"{now.timestamp():.6f}", secrets.token_hex(16)
    signature = key.sign(b"countersign-call-v1", timestamp.encode(), identifier.encode(), body)
    headers = ((KEY, key.name), (TIMESTAMP, timestamp), (ID, identifier), (SIGNATURE, signature))
    return SignedCall(key, identifier, headers)


def answered_at(call: SignedCall, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> datetime | None:
    """When the endpoint signed this answer, to this call; None: it did not."""
    timestamp, named, signature = (_only(headers, name) for name in (TIMESTAMP, KEY, SIGNATURE))
    if timestamp is None or named is None or signature is None or not _TIMESTAMP.fullmatch(timestamp):
        return None
    parts = (b"countersign-answer-v1", timestamp, call.id.encode(), str(status).encode(), body)
    if named != call.key.name.encode() or not hmac.compare_digest(call.key.sign(*parts).encode(), signature):
        return None
    return datetime.fromtimestamp(float(timestamp), UTC) if len(timestamp.partition(b".")[0]) < 12 else None


def _only(headers: Sequence[tuple[bytes, bytes]], name: str) -> bytes | None:
    found = [value for header, value in headers if header.lower() == name.lower().encode()]
    return found[0] if len(found) == 1 else None
