"""What an endpoint says is believed where it proves that it said it, to this call; and nothing of it does harm."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from access.errors import Ambiguous, BadConfig, BadCredential, ProviderError, Transient, Unsupported
from access.ports import Provider
from countersign.testing.faulty_proxy import FaultyProxy
from countersign.testing.steps import error_of
from tests.contracts.webhook_fixtures import receiver, wire
from tests.contracts.webhook_receiver import Receiver, make_spec, receiving, soon
from tests.contracts.webhook_wire import Call, Wire, answer, signed
from tests.waiting import wait_until
from workers.providers.webhook import Webhook

__all__ = ["receiver", "wire"]

GONE = b'{"present":false}'
REMOVED = b'{"state":"removed"}'
_TWICE = b"Countersign-Key: other\r\n\r\n"


def provider_of(receiver: Receiver, wire: Wire) -> Webhook:
    return Webhook(receiver.settings(wire.port))


def told(wire: Wire, provider: Provider, reply: Callable[[Call], bytes]) -> ProviderError | None:
    """The error of a look at a grant that is answered so."""
    with wire.ordered(None, 1, reply):
        return error_of(provider.observe, make_spec(), None, soon())


def test_a_gone_that_the_endpoint_did_not_sign_is_not_believed(receiver: Receiver, wire: Wire) -> None:
    provider, spec, other = provider_of(receiver, wire), make_spec(), "0" * 64
    provider.grant(spec, soon())
    forged: list[Callable[[Call, bytes], bytes]] = [
        lambda _, said: answer(200, said),
        lambda call, said: signed(other, call, said),
        lambda call, said: signed(receiver.secret, call, said, identifier="1" * 32),
        lambda call, said: signed(receiver.secret, call, said).replace(b"HTTP/1.1 200", b"HTTP/1.1 299"),
        lambda call, said: signed(receiver.secret, call, said + b" ").replace(said + b" ", b" " + said),
        lambda call, said: signed(receiver.secret, call, said).replace(b"-Key: 2026-11", b"-Key: other"),
        lambda call, said: signed(receiver.secret, call, said).replace(b"\r\n\r\n", b"\r\n" + _TWICE),
    ]
    for at, forge in enumerate(forged):
        for verb, said in ((provider.revoke, REMOVED), (provider.observe, GONE)):
            with wire.ordered(None, 1, lambda call: forge(call, said)):  # noqa: B023 -- called at once
                error = error_of(verb, spec, None, soon())
            assert type(error) is BadCredential, f"{verb.__name__} believes forgery {at}: {error!r}"
    assert provider.observe(spec, None, soon()).present
    provider.revoke(spec, None, soon())


def test_an_answer_to_an_earlier_call_is_not_believed(receiver: Receiver, wire: Wire) -> None:
    """The endpoint itself signed it, when the access was not there yet."""
    provider, spec, recorded = provider_of(receiver, wire), make_spec(), list[bytes]()
    with wire.ordered(None, 1, lambda call: recorded.append(wire.ask(call)) or recorded[0]):
        assert not provider.observe(spec, None, soon()).present
    provider.grant(spec, soon())
    with wire.ordered(None, 1, lambda _: recorded[0]):
        error = error_of(provider.observe, spec, None, soon())
    provider.revoke(spec, None, soon())
    assert type(error) is BadCredential


GARBAGE = (
    b"", b"gone", b"[]", b"null", b"[" * 100_000, b'{"a":' * 100_000, b'{"present":"maybe"}', b'{"present":null}',
    b"{}",
    b'{"present":false', b'{"state":"gone","present":false}', b"\xff\xfe", b'{"present":true,"sessions":"many"}',
    b'{"present":false,"error":{"kind":"fine","sentence":"x"}}', b'{"present":true,"expires_at":"soon"}',
    b'{"present":true,"expires_at":"2026-11-30T12:00:00"}', b'{"present":true,"sessions":NaN}', b'{"error":{}}',
    b'{"present":true,"extra_privileges":["\\u0000"]}', b'{"state":"removed"}',
)  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_an_answer_that_is_not_as_the_schema_says_is_neither_yes_nor_no(
    receiver: Receiver, wire: Wire, body: bytes
) -> None:
    error = told(wire, provider_of(receiver, wire), lambda call: signed(receiver.secret, call, body))

    assert type(error) is BadConfig
    assert "schema" in str(error)


def test_megabytes_are_hung_up_on(receiver: Receiver, wire: Wire) -> None:
    huge = b'{"present":false,"x":"' + b"x" * (2 << 20) + b'"}'

    error = told(wire, provider_of(receiver, wire), lambda call: signed(receiver.secret, call, huge))

    assert type(error) is BadConfig
    assert "longer than 1 MiB" in str(error)


def test_headers_without_end_are_hung_up_on(receiver: Receiver, wire: Wire) -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(200_000))

    assert isinstance(told(wire, provider_of(receiver, wire), lambda _: endless), Transient)


def test_an_answer_that_ends_with_the_connection_may_have_been_cut_and_counts_for_nothing(
    receiver: Receiver, wire: Wire
) -> None:
    def endless(call: Call) -> bytes:
        return signed(receiver.secret, call, GONE).replace(b"Content-Length", b"Some-Length")

    assert isinstance(told(wire, provider_of(receiver, wire), endless), Transient)


def test_cut_off_after_any_number_of_bytes_a_call_says_what_it_knows_and_runs_again(receiver: Receiver) -> None:
    with FaultyProxy(("127.0.0.1", receiver.port)).running() as proxy:
        provider, truth = Webhook(receiver.settings(proxy.port)), Webhook(receiver.settings())
        count = 0
        for count in itertools.count(0, 211):
            spec = make_spec()
            proxy.reset_after(count)
            error = error_of(provider.grant, spec, soon())
            proxy.heal()
            there = truth.observe(spec, None, soon()).present
            assert error is not None or there, f"cut after {count} bytes, it claims to be open"
            assert error is None or isinstance(error, Ambiguous | Transient), f"cut after {count} bytes: {error!r}"
            assert not there or not isinstance(error, Transient), f"cut after {count} bytes it was done: {error!r}"
            provider.grant(spec, soon())
            provider.revoke(spec, None, soon())
            if error is None:
                break
        assert count > 2000, "it was cut in the handshake, in the call and in the answer"


def test_what_an_endpoint_says_calls_and_marks_up_nothing(receiver: Receiver, wire: Wire) -> None:
    sentence = "<!channel> see <https://evil.test|here> or https://evil.test `x` *now*\n" + "long " * 200
    body = json.dumps({"error": {"kind": "permanent", "sentence": sentence}}).encode()

    error = told(wire, provider_of(receiver, wire), lambda call: signed(receiver.secret, call, body, status=422))

    said = str(error)
    assert said.startswith("The endpoint says: “!channel see https: evil.test here or https: evil.test x now long")
    assert not set("<>|`*\n") & set(said)
    assert len(said) < 350


def test_an_endpoint_that_repeats_our_key_tells_it_to_no_one_else(receiver: Receiver, wire: Wire) -> None:
    for kind in ("permanent", "transient"):
        body = json.dumps({"error": {"kind": kind, "sentence": f"The key is {receiver.secret}."}}).encode()
        error = told(wire, provider_of(receiver, wire), lambda call: signed(receiver.secret, call, body, status=422))  # noqa: B023 -- called at once
        assert receiver.secret not in str(error)
        assert "refuses this" in str(error)


def test_a_receipt_is_bounded_for_it_is_kept_in_a_row(receiver: Receiver, wire: Wire) -> None:
    provider, body = (
        provider_of(receiver, wire),
        json.dumps({"state": "active", "expires_at": "2030-01-01T00:00:00Z", "details": {"x": "x" * 20_000}}).encode(),
    )
    with wire.ordered(None, 1, lambda call: signed(receiver.secret, call, body)):
        error = error_of(provider.grant, make_spec(), soon())

    assert type(error) is BadConfig
    assert "schema" in str(error)


def test_what_an_endpoint_cannot_do_is_refused_without_a_call(receiver: Receiver, wire: Wire) -> None:
    provider, spec = Webhook(receiver.settings(wire.port, can=[])), make_spec()
    with wire.ordered("before") as order:
        refused = [
            error_of(provider.extend, spec, None, soon()),
            error_of(provider.reveal, spec, None, soon()),
            error_of(provider.list_managed, soon()),
            error_of(provider.list_holders, soon()),
            error_of(provider.clean_up, [], soon()),
        ]
    assert [type(error) for error in refused] == [Unsupported] * 5
    assert not order.fired


def test_where_an_endpoint_ends_no_sessions_and_has_no_end_of_its_own_nothing_else_is_claimed(
    receiver: Receiver, wire: Wire
) -> None:
    provider, spec = Webhook(receiver.settings(wire.port, can=[])), make_spec()
    able = provider.capabilities.of({"can": []})
    assert (able.ends_sessions, able.native_expiry, able.extend) == (False, None, False)
    assert "may go on" in able.end_means
    assert provider.grant(spec, soon()).receipt.native_expiry is None
    assert provider.observe(spec, None, soon()).expires_at is None

    removal = provider.revoke(spec, None, soon())

    assert removal.sessions_ended is None
    assert "may go on" in removal.residual[0]


def test_a_pause_that_is_asked_for_is_kept(receiver: Receiver, wire: Wire) -> None:
    provider, body = provider_of(receiver, wire), b'{"error":{"kind":"rate_limited","retry_after":7}}'
    asked = [
        told(wire, provider, lambda _: answer(429, headers={"Retry-After": "30"})),
        told(wire, provider, lambda _: answer(503, headers={"Retry-After": "99999"})),
        told(wire, provider, lambda _: answer(503, headers={"Retry-After": "a while"})),
        told(wire, provider, lambda call: signed(receiver.secret, call, body, status=429)),
    ]
    assert all(isinstance(error, Transient) for error in asked)
    waits = [error.retry_after for error in asked if isinstance(error, Transient)]
    pauses = [wait and wait.total_seconds() for wait in waits]
    assert pauses == [30, 3600, None, 7]


def test_an_endpoint_that_needs_time_is_asked_again_until_it_has_done_it(tmp_path: Path) -> None:
    with receiving(tmp_path, "--takes", "0.5") as slow:
        provider, spec = Webhook(slow.settings()), make_spec()
        first = provider.grant(spec, soon())
        assert first.state == "pending"
        assert first.look_again is not None
        assert isinstance(error_of(provider.reveal, spec, None, soon()), Transient)
        wait_until(lambda: provider.grant(spec, soon()).state == "active", "the endpoint to have opened the access")
        assert provider.grant(spec, soon()).receipt == first.receipt
        assert provider.reveal(spec, None, soon()).fields
