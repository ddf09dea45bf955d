"""Which calls are believed, and how an answer is signed. Nothing here knows what is granted."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

OLDEST_S = 300
"""How far the time of a call may be from ours, either way."""
_MICRO = 1_000_000
_TIMESTAMP = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,6}))?")
_ID = re.compile(r"[!-~]{16,64}")


class Unproven(Exception):
    """Not a call of Countersign's: answered with 401, and with nothing that is signed."""


@dataclass(frozen=True)
class Call:
    """A call that was signed with one of our keys."""

    id: str
    key: str
    signed_at: int
    """In microseconds since 1970."""
    body: bytes


class Keys:
    """The file of keys, one `name:secret` a line: one, or two while they are exchanged. Read at each call."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def proven(self, headers: "Mapping[str, str] | Message", body: bytes) -> Call:
        """Raises Unproven."""
        name, timestamp = headers.get("Countersign-Key", ""), headers.get("Countersign-Timestamp", "")
        identifier, signature = headers.get("Countersign-Id", ""), headers.get("Countersign-Signature", "")
        time = _TIMESTAMP.fullmatch(timestamp)
        if time is None or not _ID.fullmatch(identifier):
            raise Unproven
        signed = self._sign(name, b"countersign-call-v1", timestamp.encode(), identifier.encode(), body)
        if not hmac.compare_digest(signed.encode(), signature.encode(errors="replace")):
            raise Unproven
        return Call(identifier, name, int(time[1]) * _MICRO + int((time[2] or "0").ljust(6, "0")), body)

    def answer(self, call: Call, now: int, status: int, body: bytes) -> dict[str, str]:
        """The headers that prove whose answer this is, and to which call."""
        timestamp = f"{now // _MICRO}.{now % _MICRO:06d}"
        parts = (b"countersign-answer-v1", timestamp.encode(), call.id.encode(), str(status).encode(), body)
        return {
            "Countersign-Key": call.key,
            "Countersign-Timestamp": timestamp,
            "Countersign-Signature": self._sign(call.key, *parts),
        }

    def _sign(self, name: str, *parts: bytes) -> str:
        # An unknown name is compared too, with a key that nobody has: it takes as long as a known one.
        secret = self._read().get(name) or secrets.token_bytes(32)
        return "v1=" + hmac.new(secret, b"\n".join(parts), hashlib.sha256).hexdigest()

    def _read(self) -> dict[str, bytes]:
        lines = [line.strip().partition(":") for line in self._file.read_text(encoding="utf-8").splitlines()]
        return {name: secret.encode() for name, _, secret in lines if name and len(secret) >= 32}


def is_stale(call: Call, now: int) -> bool:
    return abs(now - call.signed_at) > OLDEST_S * _MICRO
