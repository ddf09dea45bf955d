"""The whole story on a system behind an HTTPS endpoint, and the same with the endpoint away over the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from access.models import EndedBy, GrantStatus
from countersign.demo.prober import labelled
from countersign.testing.faulty_proxy import FaultyProxy
from tests.contracts.webhook_receiver import PATH, Receiver, receiving
from tests.stories.house import PAIRS, SECURITY, House, _opened
from tests.stories.sinks import found_in
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

RESOURCE = """
  - id: sales-reports
    title: Sales reports
    level: low
    owner: payments-leads
    provider: webhook
    settings:
      url: https://127.0.0.1:{port}{path}
      key: {{file: {key}}}
      ca: {ca}
      networks: [127.0.0.0/8]
      can: [end_sessions, expire, extend, list, reveal]
    roles:
      read: {{title: Read the sales report, grants: [sales]}}
"""
RULE = """
  - id: sales-read
    for: {groups: [engineers], entitlements: [sales-reports/read]}
    max: 2h
    approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}
"""


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture
def network(receiver: Receiver) -> Iterator[FaultyProxy]:
    """Between the workers and the endpoint."""
    with FaultyProxy(("127.0.0.1", receiver.port)).running() as proxy:
        yield proxy


@pytest.fixture
def house(house: House, receiver: Receiver, network: FaultyProxy) -> House:
    """With such a target in its policy."""
    offer(house, receiver, network.port)
    return house


def offer(house: House, receiver: Receiver, port: int) -> None:
    """Beside what the house offers."""
    policy: Path = house.directory / "access.yml"
    resource = RESOURCE.format(
        port=port, path=PATH, key=receiver.key, ca=receiver.authority.certificate
    )  # fmt: skip
    text = policy.read_text(encoding="utf-8").replace("\nresources:", f"\nresources:{resource}", 1)
    text = text.replace("\nrules:", f"\nrules:{RULE}", 1).replace("alert_after: 2m", "alert_after: 3s")
    policy.write_text(text, encoding="utf-8")


def token(house: House) -> str:
    """Presses the button that shows how to connect, and reads what the modal shows."""
    ann = house.person("U0ANN")
    answer = house.message(
        "U0ANN", lambda one: "grant.connect" in one.actions(), "the button that shows how to connect"
    )
    wait_until(lambda: _opened(ann, answer), "the modal that shows how to connect", within=60)
    shown = lambda: (view := ann.view()) and labelled(view).get("Token")  # noqa: E731
    return str(wait_until(shown, "the token in the modal"))


def grants(receiver: Receiver) -> list[str]:
    return [identifier for (identifier,) in receiver.rows("SELECT id FROM grants")]


@pytest.mark.parametrize(("database_kind", "way"), PAIRS[:1])
def test_a_report_is_read_from_the_approval_to_the_end_and_never_else(house: House, receiver: Receiver) -> None:
    house.start()
    card = house.ask("12s", entitlement="sales-reports/read")
    assert house.person("U0ANN").click(card, "request.approve").ok
    wait_until(lambda: house.person("U0ANN").ephemerals(card.channel), "the whisper that nobody decides for himself")
    assert grants(receiver) == []

    house.approve(card)
    shown = token(house)
    session = receiver.log_in(shown)
    assert session is not None
    assert receiver.reads(session, "sales")
    assert not receiver.reads(session, "payroll")
    for secret in (shown, receiver.secret):
        assert found_in(house, secret) == []

    ended = lambda: house.grants()[-1].status == GrantStatus.ENDED  # noqa: E731
    wait_until(ended, "the grant to have ended", within=60, every=0.1)
    assert not receiver.reads(session, "sales")
    assert receiver.log_in(shown) is None
    assert grants(receiver) == []
    (grant,) = house.grants()
    assert (grant.ended_by, grant.sessions_ended, grant.proven_at is not None) == (EndedBy.EXPIRED, 1, True)
    wait_until(lambda: "Verified" in house.card().words, "the card to say how it was proven")
    assert house.verified().flaw is None


@pytest.mark.parametrize(("database_kind", "way"), PAIRS[1:])
def test_an_endpoint_away_over_the_end_is_alarmed_with_what_to_type_and_ended_when_it_returns(
    house: House, receiver: Receiver, network: FaultyProxy
) -> None:
    house.start()
    house.approve(house.ask("12s", entitlement="sales-reports/read"))
    session = receiver.log_in(token(house))
    assert session is not None
    network.refuse()

    wait_until(lambda: house.alerts() and house.alerts()[0].delivered_at, "the alert to be told", within=60, every=0.1)
    alert = [one for one in house.person("U0SAM").messages(SECURITY) if one.blocks][-1]
    assert "curl" in alert.words
    assert receiver.secret not in alert.words
    assert not receiver.reads(session, "sales"), "the endpoint ends it by itself"
    assert grants(receiver) != [], "but it is not proven yet"
    network.heal()

    ended = lambda: house.grants()[-1].status == GrantStatus.ENDED  # noqa: E731
    wait_until(ended, "the grant to have ended", within=120, every=0.1)
    assert grants(receiver) == []
    wait_until(lambda: house.alerts()[0].closed_at, "the alert to close by itself")
