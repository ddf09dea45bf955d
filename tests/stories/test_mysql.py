"""The whole story on a MariaDB: asked, approved, used, ended; with the server away, and with a hostile holder."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from access.models import EndedBy, GrantStatus
from countersign.demo.prober import labelled
from countersign.testing.faulty_proxy import FaultyProxy
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import BOT_PASSWORD, Client, MariaDb, ask, serving
from tests.stories.house import PAIRS, SECURITY, House, _opened
from tests.stories.sinks import found_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), NEEDS_MARIADB]

READ = "SELECT COUNT(email) FROM shop.customers"
RESOURCE = """
  - id: shop-mariadb
    title: The shop's customers
    level: low
    owner: payments-leads
    provider: mysql
    settings:
      host: 127.0.0.1
      port: {port}
      password: {{file: {password}}}
      ca: {ca}
    roles:
      read:
        title: Read customers
        rights:
          - {{privileges: [SELECT], database: shop, table: customers, columns: [id, name, email]}}
"""
RULE = """
  - id: shop-read
    for: {groups: [engineers], entitlements: [shop-mariadb/read]}
    max: 2h
    approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}
"""


@pytest.fixture
def server() -> Iterator[MariaDb]:
    with serving() as running:
        yield running


@pytest.fixture
def network(server: MariaDb) -> Iterator[FaultyProxy]:
    """Between the workers and the server."""
    with FaultyProxy((server.host, server.port)).running() as proxy:
        yield proxy


@pytest.fixture
def house(house: House, server: MariaDb, network: FaultyProxy) -> House:
    """With such a target in its policy."""
    offer(house, server, network.port)
    return house


def offer(house: House, server: MariaDb, port: int) -> None:
    """Beside what the house offers."""
    password = house.directory / "mariadb-password"
    password.write_text(BOT_PASSWORD)
    policy: Path = house.directory / "access.yml"
    resource = RESOURCE.format(port=port, password=password, ca=server.authority.certificate)
    text = policy.read_text(encoding="utf-8").replace("\nresources:", f"\nresources:{resource}", 1)
    text = text.replace("\nrules:", f"\nrules:{RULE}", 1).replace("alert_after: 2m", "alert_after: 3s")
    policy.write_text(text, encoding="utf-8")


def shown(house: House) -> dict[str, str]:
    """Presses the button that shows how to connect, and reads what the modal shows."""
    ann = house.person("U0ANN")
    answer = house.message(
        "U0ANN", lambda one: "grant.connect" in one.actions(), "the button that shows how to connect"
    )
    wait_until(lambda: _opened(ann, answer), "the modal that shows how to connect", within=60)

    def told() -> dict[str, str]:
        view = ann.view()
        found = labelled(view) if view else {}
        return found if "Password" in found else {}

    return wait_until(told, "the password in the modal")


def logs_in(server: MariaDb, told: dict[str, str]) -> Client | None:
    with suppress(pymysql.err.OperationalError):
        return server.log_in(told["Login"], told["Password"])
    return None


def reads(session: Client | None) -> bool:
    if session is None:
        return False
    with suppress(pymysql.err.Error):
        return bool(ask(session, READ))
    return False


def logins(server: MariaDb) -> list[str]:
    with server.owner() as owner:
        return [user for (user,) in ask(owner, "SELECT User FROM mysql.global_priv WHERE User LIKE 'cs\\_%'")]


@pytest.mark.parametrize(("database_kind", "way"), PAIRS[:1])
def test_customers_are_read_from_the_approval_to_the_end_and_never_else(house: House, server: MariaDb) -> None:
    house.start()
    card = house.ask("12s", entitlement="shop-mariadb/read")
    assert house.person("U0ANN").click(card, "request.approve").ok
    wait_until(lambda: house.person("U0ANN").ephemerals(card.channel), "the whisper that Ann cannot decide herself")
    assert logins(server) == []

    house.approve(card)
    told = shown(house)
    session = logs_in(server, told)
    assert reads(session)
    for secret in (told["Password"], BOT_PASSWORD):
        assert found_in(house, secret) == []
    assert told["Password"] not in server.written()

    ended = lambda: house.grants()[-1].status == GrantStatus.ENDED  # noqa: E731
    wait_until(ended, "the grant to have ended", within=60, every=0.1)
    assert not reads(session)
    assert logs_in(server, told) is None
    assert logins(server) == []
    (grant,) = house.grants()
    assert (grant.ended_by, grant.proven_at is not None) == (EndedBy.EXPIRED, True)
    wait_until(lambda: "Verified" in house.card().words, "the card to say how it was proven")
    assert house.verified().flaw is None


@pytest.mark.parametrize(("database_kind", "way"), PAIRS[1:])
def test_a_server_away_over_the_end_ends_it_by_itself_and_is_alarmed_with_what_to_type(
    house: House, server: MariaDb, network: FaultyProxy
) -> None:
    house.start()
    house.approve(house.ask("12s", entitlement="shop-mariadb/read"))
    told = shown(house)
    session = logs_in(server, told)
    assert reads(session)
    network.refuse()

    wait_until(lambda: house.alerts() and house.alerts()[0].delivered_at, "the alert to be told", within=60, every=0.1)
    alert = [one for one in house.person("U0SAM").messages(SECURITY) if one.blocks][-1]
    assert "KILL HARD USER" in alert.words
    assert not reads(session), "the server ends the session by itself"
    assert logs_in(server, told) is None
    network.heal()

    ended = lambda: house.grants()[-1].status == GrantStatus.ENDED  # noqa: E731
    wait_until(ended, "the grant to have ended", within=120, every=0.1)
    wait_until(lambda: house.alerts()[0].closed_at, "the alert to close by itself")


@pytest.mark.parametrize(("database_kind", "way"), PAIRS[:1])
def test_a_holder_who_locks_the_server_is_ended_all_the_same(house: House, server: MariaDb) -> None:
    house.start()
    house.approve(house.ask("12s", entitlement="shop-mariadb/read"))
    told = shown(house)
    with server.owner() as owner:
        ask(owner, f"GRANT RELOAD ON *.* TO {told['Login']}@'%'")
    session = logs_in(server, told)
    assert session is not None
    ask(session, "FLUSH TABLES WITH READ LOCK")

    ended = lambda: house.grants()[-1].status == GrantStatus.ENDED  # noqa: E731
    wait_until(ended, "the grant to have ended", within=60, every=0.1)
    assert not reads(session)
    assert logs_in(server, told) is None
    assert logins(server) == []
