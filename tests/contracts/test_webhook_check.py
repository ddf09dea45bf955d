"""What the doctor says of an endpoint: what is missing, and what is too much."""

import time

import pytest

from access.errors import BadConfig
from access.ports import Deadline, Finding
from countersign.testing.steps import error_of
from tests.contracts.webhook_fixtures import receiver, wire
from tests.contracts.webhook_receiver import Receiver, make_spec, soon
from tests.contracts.webhook_wire import Call, Wire, signed
from workers.providers.webhook import Role, Webhook

__all__ = ["receiver", "wire"]


def found(provider: Webhook) -> dict[str, Finding]:
    return {finding.subject: finding for finding in provider.check({}, Deadline.after(20)) if finding.level != "ok"}


def lenient(wire: Wire, receiver: Receiver, *, ahead: float = 0.0) -> None:
    """From now on an endpoint answers there that signs whatever it is asked, and whose clock is ahead."""

    def answered(call: Call) -> bytes:
        return signed(receiver.secret, call, b'{"findings":[]}', timestamp=f"{time.time() + ahead:.6f}")

    wire.answers(answered)


def test_a_good_endpoint_has_no_fault(receiver: Receiver) -> None:
    assert [finding.level for finding in Webhook(receiver.settings()).check({}, Deadline.after(20))] == ["ok"]


def test_an_endpoint_that_takes_a_recorded_call_or_one_that_no_one_signed_is_told(
    receiver: Receiver, wire: Wire
) -> None:
    lenient(wire, receiver)

    told = found(Webhook(receiver.settings(wire.port)))

    assert {subject: finding.level for subject, finding in told.items()} == {"replay": "error", "signature": "error"}
    assert "Countersign-Signature" in told["signature"].cure


def test_a_role_that_the_endpoint_does_not_know_is_told_by_it(receiver: Receiver) -> None:
    roles = {"read": Role(grants=["sales"]), "pay": Role(grants=["payroll", "bonuses"])}

    told = [
        finding for finding in Webhook(receiver.settings()).check(roles, Deadline.after(20)) if finding.level != "ok"
    ]

    assert [(finding.level, finding.subject) for finding in told] == [("error", "role pay")]
    assert "bonuses" in told[0].sentence


def test_a_clock_that_is_off_is_told_before_calls_are_refused(receiver: Receiver, wire: Wire) -> None:
    lenient(wire, receiver, ahead=120)

    assert "120 s off" in found(Webhook(receiver.settings(wire.port)))["clock"].sentence


def test_a_key_that_every_account_can_read_is_told(receiver: Receiver) -> None:
    receiver.key.chmod(0o644)
    try:
        told = found(Webhook(receiver.settings()))
    finally:
        receiver.key.chmod(0o600)

    assert str(receiver.key) in told["key"].cure


@pytest.mark.parametrize("key", ["secret", "2026-11:short", "2026-11:" + "a" * 64, "a b:" + "0123456789abcdef" * 4, ""])
def test_a_weak_key_opens_nothing_and_is_not_quoted(receiver: Receiver, key: str) -> None:
    file = receiver.directory / "weak"
    file.write_text(key)
    provider = Webhook(receiver.settings(key={"file": str(file)}))

    error = error_of(provider.grant, make_spec(), soon())

    assert type(error) is BadConfig
    assert not (secret := key.partition(":")[2]) or secret not in str(error)


def test_a_weak_key_still_ends_what_is_open_and_is_told(receiver: Receiver) -> None:
    spec, known, weak = make_spec(), receiver.keys.read_text(), "2026-10:" + "a" * 64 + "\n"
    Webhook(receiver.settings()).grant(spec, soon())
    (receiver.directory / "weak").write_text(weak)
    (receiver.directory / "weak").chmod(0o600)
    provider = Webhook(receiver.settings(key={"file": str(receiver.directory / "weak")}))
    receiver.keys.write_text(known + weak)
    try:
        refused = [error_of(call, spec, None, soon()) for call in (provider.extend, provider.reveal)]
        assert [type(error) for error in refused] == [BadConfig, BadConfig]
        assert "can be guessed" in found(provider)["key"].sentence
        assert provider.revoke(spec, None, soon()).state == "removed"
    finally:
        receiver.keys.write_text(known)


def test_an_authority_that_cannot_be_read_is_a_sentence(receiver: Receiver) -> None:
    provider = Webhook(receiver.settings(ca="/no/such/file.pem"))

    error = error_of(provider.grant, make_spec(), soon())

    assert type(error) is BadConfig
    assert "/no/such/file.pem" in str(error)
