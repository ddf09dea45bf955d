"""More time for what is open, and access that begins later: the whole way, by buttons, on a real target."""

from datetime import datetime, timedelta

import psycopg
import pytest

from access.clock import host_now
from access.models import EndedBy, GrantStatus
from bot import ids
from sandbox.person import Message
from tests.stories.errand import pressed
from tests.stories.house import House
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
REASON = "INC-12 two refunds are left"


def own_end(house: House) -> datetime | None:
    """When the target itself ends the one login there is."""
    query = r"SELECT rolvaliduntil FROM pg_roles WHERE rolname LIKE 'cs\_%'"
    with psycopg.connect(house.shop.superuser_dsn, autocommit=True) as connection:
        found = connection.execute(query).fetchone()
    return found[0] if found else None


def extend_by(house: House, longer: str) -> Message:
    """Ann presses Extend and says for how much longer; returns the card."""
    ann, before = house.person("U0ANN"), len(house.cards())
    answer = house.message("U0ANN", lambda one: ids.EXTEND in one.actions(), "the button to extend it")
    assert ann.click(answer, ids.EXTEND).ok
    # The window that shows how to connect may be open still, below or for a moment on top.
    wait_until(lambda: (view := ann.view()) and view.raw.get("submit"), "the window that asks how much longer")
    assert ann.submit({ids.DURATION: longer, ids.REASON: REASON}) is None
    wait_until(lambda: len(house.cards()) > before, "the card that asks for more time")
    return house.cards()[-1]


def test_extended_access_lasts_on_the_target_too_and_then_ends(house: House) -> None:
    house.start()
    house.approve(house.ask("15s"))
    login = house.secret()
    session = house.connect(login)
    (grant,) = house.grants()
    assert grant.expires_at is not None

    card = extend_by(house, "10s")
    assert "asks for more time with" in card.words
    assert house.person("U0ANN").click(card, ids.APPROVE).ok
    wait_until(lambda: house.person("U0ANN").ephemerals(card.channel), "the whisper that nobody decides for himself")
    house.approve(card)

    old = grant.expires_at
    ends = old + timedelta(seconds=10)
    wait_until(lambda: (own := own_end(house)) and own >= ends, "the target to know the later end", within=10)
    wait_until(lambda: "extended until" in house.cards()[-1].words, "the card to say that it is extended")
    wait_until(lambda: host_now() > old + timedelta(seconds=2), "the old end to have passed", within=30)
    assert session.execute("SELECT count(*) FROM customers").fetchone()
    house.connect(login).close()

    wait_until(lambda: house.grants()[-1].status == GrantStatus.ENDED, "the access to have ended", within=40)
    (ended,) = house.grants()
    assert (ended.ended_by, ended.expires_at, ended.extensions) == (EndedBy.EXPIRED, ends, 1)
    assert house.logins() == []
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1 FROM customers")
    assert house.alerts() == []
    assert house.verified().flaw is None


def test_what_was_given_back_is_not_opened_again_by_a_late_approval(house: House) -> None:
    house.start()
    house.approve(house.ask("60s"))
    answer = house.message("U0ANN", lambda one: ids.EXTEND in one.actions(), "the button to extend it")
    card = extend_by(house, "60s")
    assert house.person("U0ANN").click(answer, ids.DONE).ok
    wait_until(lambda: house.grants()[-1].status != GrantStatus.ACTIVE, "it to be on its way out", within=40)
    pressed(house.person("U0LEA"), card, ids.APPROVE)  # unless the card has lost its buttons by now

    wait_until(lambda: house.grants()[-1].status == GrantStatus.ENDED, "the access to have ended", within=40)
    over = lambda: [one for one in house.cards() if "ended before an approver answered" in one.words]  # noqa: E731
    wait_until(over, "the card to say that it is over", within=30)
    assert [grant.ended_by for grant in house.grants()] == [EndedBy.RETURNED]
    assert house.logins() == []


def test_access_for_later_is_opened_when_its_time_comes(house: House) -> None:
    house.start()
    ann = house.person("U0ANN")
    assert ann.command(ann.direct_message, "/access").ok
    wait_until(lambda: (view := ann.view()) and view.raw.get("submit"), "the form to open")
    starts_at = host_now().replace(microsecond=0) + timedelta(seconds=12)
    sent = {ids.ENTITLEMENT: "customers-db/read", ids.START: int(starts_at.timestamp()), ids.DURATION: "5s"}
    assert ann.submit({**sent, ids.REASON: REASON}) is None
    wait_until(house.cards, "the card in the approvers' channel")
    house.approve(house.card())

    house.message("U0ANN", lambda one: "Approved for later" in one.words, "the word that it is approved for later")
    assert house.logins() == []
    wait_until(house.logins, "the login on the target", within=40)

    assert host_now() >= starts_at
    wait_until(lambda: house.grants()[0].activated_at, "it to be written that it is open")
    (grant,) = house.grants()
    assert grant.expires_at is not None
    assert grant.starts_at == starts_at
    assert timedelta(0) <= grant.expires_at - timedelta(seconds=5) - starts_at < timedelta(seconds=10)
    wait_until(lambda: house.grants()[-1].status == GrantStatus.ENDED, "the access to have ended", within=40)
    assert house.logins() == []
