"""Job keys, and the signed order a job carries: what to do, for whom, in which job, on which queue, since when."""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from access import private_files
from access.errors import Misconfigured, Unready
from access.private_files import open_private

logger = logging.getLogger(__name__)

KEY_BYTES = 32
KEY_FILE = "job.key"
_OTHERS = 0o077
_KEY_FILE_MOST = 4096
_SIGNATURE = 64
"""Hexadecimal digits of HMAC-SHA256, before the order."""


class Forged(Exception):
    """A job none of our keys has signed, or that stands where we did not put it. Its sentence holds no foreign word."""


@dataclass(frozen=True)
class Order:
    """All a job says. Nothing else in the job is read."""

    job: str
    queue: str
    function: str
    target: str
    ids: tuple[str, ...]
    created: datetime


class Seal:
    """Signs with the first key and accepts any of them, so that a key can be changed without losing a job."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < KEY_BYTES for key in keys):
            raise Unready(f"A job key of at least {KEY_BYTES} bytes is needed.")
        self._keys = tuple(keys)

    def sign(self, purpose: str, body: bytes) -> bytes:
        """The body behind its signature, which is good for this purpose alone and for no job."""
        return _sign(self._keys[0], _bound(purpose, body)) + body

    def verified(self, purpose: str, data: bytes) -> bytes:
        """The body of what was signed for this purpose. Raises Forged."""
        signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
        if not any(hmac.compare_digest(_sign(key, _bound(purpose, body)), signature) for key in self._keys):
            raise Forged("it is not signed by our key")
        return body

    def close(self, order: Order) -> bytes:
        """The order as bytes, signed."""
        body = json.dumps(asdict(order) | {"created": order.created.timestamp()}, separators=(",", ":")).encode()
        return _sign(self._keys[0], body) + body

    def open(self, data: bytes) -> Order:
        """The order, whose signature is checked before it is parsed. Raises Forged."""
        signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
        if not any(hmac.compare_digest(_sign(key, body), signature) for key in self._keys):
            raise Forged("it is not signed by our key")
        fields = json.loads(body)
        created = datetime.fromtimestamp(fields.pop("created"), UTC)
        return Order(ids=tuple(fields.pop("ids")), created=created, **fields)


def is_fresh(order: Order, now: datetime, within: timedelta) -> bool:
    """Not too old, and not from a future beyond the skew of two hosts' clocks."""
    return -timedelta(minutes=1) <= now - order.created <= within


def job_keys(given: Sequence[SecretStr], state_directory: Path) -> list[bytes]:
    """The keys of the environment, the present one first; without any, the state directory's own. Raises Unready."""
    if given:
        return [parse_key(key.get_secret_value()) for key in given]
    return [_own_key(private_files.state_directory(state_directory) / KEY_FILE)]


def parse_key(text: str) -> bytes:
    """A key written in hexadecimal or base64. Raises Misconfigured, which never quotes it."""
    text = text.strip()
    for read in (bytes.fromhex, _from_base64):
        try:
            key = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) >= KEY_BYTES:
            return key
    raise Misconfigured(
        f"COUNTERSIGN_JOB_KEY must be at least {KEY_BYTES} random bytes in hexadecimal or base64; "
        f"this makes one: openssl rand -hex {KEY_BYTES}"
    )


def _own_key(path: Path) -> bytes:
    """Made at the first start. Linked into place whole: two processes that start at once end up with the same one."""
    try:
        if not os.path.lexists(path):
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            with os.fdopen(open_private(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
                file.write(secrets.token_hex(KEY_BYTES))
            _link_unless_there(fresh, path)
        if path.lstat().st_mode & _OTHERS:
            logger.warning("others on this host could read %s until now; if they may have, make a new one", path)
        with os.fdopen(open_private(path, os.O_RDONLY), encoding="ascii") as file:
            return parse_key(file.read(_KEY_FILE_MOST))
    except UnicodeDecodeError:
        raise Unready(f"The job key {path} holds no key that can be read; remove it, and a new one is made.") from None
    except OSError as error:
        raise Unready(f"The job key {path} cannot be read or made: {error.strerror}.") from None


def _link_unless_there(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass  # another process was first; its key is the key
    finally:
        fresh.unlink()


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_" if set(text) & set("-_") else None, validate=True)


def _bound(purpose: str, body: bytes) -> bytes:
    """An order is JSON and begins with a brace, so that nothing signed here is one."""
    return purpose.encode() + b"\0" + body


def _sign(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()
