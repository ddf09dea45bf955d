"""The reference receiver takes a call once, while it is fresh and in its order, and from nobody but the key's owner."""

import hmac
import json
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection

import pytest

from access.errors import BadCredential, TargetConflict
from access.ports import GrantSpec
from countersign.testing.steps import error_of
from tests.contracts.webhook_fixtures import receiver, wire
from tests.contracts.webhook_receiver import HOST, KEY, PATH, Receiver, make_spec, soon
from tests.contracts.webhook_wire import Call, Wire
from workers.providers.exchange.schema import Question, Verb
from workers.providers.webhook import Webhook
from workers.providers.webhook.provider import _grant

__all__ = ["receiver", "wire"]

Headers = dict[str, str]


def request(verb: Verb, spec: GrantSpec, *, deadline: datetime | None = None) -> bytes:
    return Question(verb=verb, grant=_grant(spec), deadline=deadline).as_json().encode()


def sign(receiver: Receiver, body: bytes, *, at: float | None = None, key: str = KEY, secret: str = "") -> Headers:
    """As the documentation says it."""
    timestamp, identifier = f"{at or time.time():.6f}", secrets.token_hex(16)
    said = b"\n".join((b"countersign-call-v1", timestamp.encode(), identifier.encode(), body))
    proof = hmac.new((secret or receiver.secret).encode(), said, "sha256").hexdigest()
    return {
        "Countersign-Key": key,
        "Countersign-Timestamp": timestamp,
        "Countersign-Id": identifier,
        "Countersign-Signature": f"v1={proof}",
    }


def post(receiver: Receiver, body: bytes, headers: Headers) -> tuple[int, bool]:
    """The status, and whether the answer is signed."""
    with closing(HTTPSConnection(HOST, receiver.port, timeout=20, context=receiver.trust)) as connection:
        connection.request("POST", PATH, body, headers | {"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Countersign-Signature"] is not None


def asked(receiver: Receiver, verb: Verb, spec: GrantSpec, *, at: float | None = None) -> tuple[int, bool]:
    body = request(verb, spec)
    return post(receiver, body, sign(receiver, body, at=at))


def is_there(receiver: Receiver, spec: GrantSpec) -> bool:
    return bool(receiver.rows("SELECT 1 FROM grants WHERE id = ?", spec.grant_id))


def test_a_recorded_grant_opens_nothing_after_its_end(receiver: Receiver) -> None:
    spec = make_spec()
    body = request("grant", spec)
    recorded = sign(receiver, body)
    assert post(receiver, body, recorded) == (200, True)
    assert asked(receiver, "revoke", spec) == (200, True)

    assert post(receiver, body, recorded) == (409, True)
    assert not is_there(receiver, spec)


def test_a_grant_that_was_held_up_on_its_way_opens_nothing_after_the_end(receiver: Receiver) -> None:
    """The receiver has never seen it, and it is fresh: only its time says that the end was asked later."""
    spec, before = make_spec(), time.time()
    body = request("grant", spec)
    held_up = sign(receiver, body, at=before)
    assert asked(receiver, "revoke", spec, at=before + 0.5) == (200, True)

    assert post(receiver, body, held_up) == (422, True)
    assert not is_there(receiver, spec)
    assert asked(receiver, "grant", spec, at=before + 1) == (200, True), "asked anew, it is opened anew"
    asked(receiver, "revoke", spec)


def test_a_grant_that_comes_after_its_deadline_opens_nothing(receiver: Receiver) -> None:
    """Its worker has given up, and may have proven that nothing is there without asking for an end."""
    spec, now = make_spec(), datetime.now(UTC)
    late, in_time = (request("grant", spec, deadline=now + timedelta(seconds=off)) for off in (-60, 10))

    assert post(receiver, late, sign(receiver, late)) == (422, True)
    assert not is_there(receiver, spec)
    assert post(receiver, in_time, sign(receiver, in_time)) == (200, True)
    end = request("revoke", spec, deadline=now - timedelta(seconds=60))
    assert post(receiver, end, sign(receiver, end)) == (200, True), "an end never comes too late"
    assert not is_there(receiver, spec)


def test_an_end_that_was_moved_back_stays_so_when_the_earlier_move_arrives(receiver: Receiver) -> None:
    spec, now = make_spec(), time.time()
    assert asked(receiver, "grant", spec, at=now) == (200, True)
    assert asked(receiver, "extend", spec, at=now + 2) == (200, True)

    assert asked(receiver, "extend", spec, at=now + 1) == (422, True)
    assert asked(receiver, "revoke", spec, at=now - 5) == (200, True), "an end is never refused"
    assert not is_there(receiver, spec)


@pytest.mark.parametrize("off", [-301, 301])
def test_a_call_of_another_time_is_refused(receiver: Receiver, off: int) -> None:
    spec = make_spec()

    assert asked(receiver, "grant", spec, at=time.time() + off) == (401, True)
    assert not is_there(receiver, spec)


FORGERIES: dict[str, Callable[[Headers], Headers]] = {
    "no header": lambda _: {},
    "another's signature": lambda said: said | {"Countersign-Signature": "v1=" + "0" * 64},
    "no signature": lambda said: said | {"Countersign-Signature": ""},
    "a signature that is no text": lambda said: said | {"Countersign-Signature": "v1=é"},
    "another id": lambda said: said | {"Countersign-Id": "0" * 32},
    "another time": lambda said: said | {"Countersign-Timestamp": f"{time.time() + 1:.6f}"},
    "no time": lambda said: said | {"Countersign-Timestamp": "now"},
    "a key that is not known": lambda said: said | {"Countersign-Key": "2025-01"},
    "a path for a key": lambda said: said | {"Countersign-Key": "../keys"},
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_call_that_was_not_signed_as_it_stands_is_not_done(
    receiver: Receiver, forge: Callable[[Headers], Headers]
) -> None:
    spec = make_spec()
    body = request("grant", spec)

    assert post(receiver, body, forge(sign(receiver, body))) == (401, False)
    assert not is_there(receiver, spec)


def test_a_body_that_was_changed_on_its_way_is_not_done(receiver: Receiver) -> None:
    spec = make_spec()
    body = request("grant", spec)

    assert post(receiver, body.replace(b'"ann"', b'"eve"'), sign(receiver, body)) == (401, False)
    assert not is_there(receiver, spec)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[" * 50_000, b"\xff", b'{"verb":"grant"}', b'{"verb":"destroy","grant":{}}', b'{"verb":["grant"]}'],
)
def test_a_signed_call_that_cannot_be_read_is_refused_and_the_receiver_lives(receiver: Receiver, body: bytes) -> None:
    status, is_signed = post(receiver, body, sign(receiver, body))

    assert (status in (400, 422), is_signed) == (True, True)
    assert asked(receiver, "observe", make_spec()) == (200, True)


def test_a_call_of_megabytes_is_not_read(receiver: Receiver) -> None:
    headers = sign(receiver, b"") | {"Content-Length": str(5 << 20)}

    assert post(receiver, b"", headers) == (413, False)


def test_a_key_is_exchanged_while_calls_go_on(receiver: Receiver) -> None:
    provider, spec, old, new = (
        Webhook(receiver.settings()),
        make_spec(),
        receiver.keys.read_text(),
        secrets.token_hex(32),
    )
    try:
        provider.grant(spec, soon())
        receiver.keys.write_text(old + f"2026-12:{new}\n")  # 1: the endpoint takes both
        assert provider.observe(spec, None, soon()).present
        receiver.key.write_text(f"2026-12:{new}\n")  # 2: the worker signs with the new one, without a restart
        assert provider.observe(spec, None, soon()).present
        receiver.keys.write_text(f"2026-12:{new}\n")  # 3: the endpoint forgets the old one
        assert provider.observe(spec, None, soon()).present
        receiver.key.write_text(old)
        assert type(error_of(provider.observe, spec, None, soon())) is BadCredential
        receiver.key.write_text(f"2026-12:{new}\n")
        assert provider.revoke(spec, None, soon()).state == "removed"
    finally:
        receiver.keys.write_text(old)
        receiver.key.write_text(old)


def test_of_two_calls_about_one_grant_at_once_the_later_counts(receiver: Receiver, wire: Wire) -> None:
    """The earlier one arrives last; its worker hears of a conflict, looks again, and tries again."""
    provider, spec, truth = Webhook(receiver.settings(wire.port)), make_spec(), Webhook(receiver.settings())

    def overtaken(_: Call) -> None:
        truth.grant(spec, soon())

    with wire.ordered(None, 1, overtaken):
        assert type(error_of(provider.grant, spec, soon())) is TargetConflict
    assert provider.grant(spec, soon()).state == "active"
    provider.revoke(spec, None, soon())


def test_nothing_of_a_call_but_its_path_and_status_is_in_the_log(receiver: Receiver) -> None:
    spec, provider = make_spec(), Webhook(receiver.settings())
    provider.grant(spec, soon())
    words = [
        value.get_secret_value() for label, value in provider.reveal(spec, None, soon()).fields if label == "Token"
    ]
    assert receiver.log_in(words[0]) is not None
    provider.revoke(spec, None, soon())

    written = receiver.log.read_text()
    assert PATH in written
    assert not [
        word for word in (*words, receiver.secret, spec.grant_id, "ann", json.dumps("token")) if word in written
    ]
