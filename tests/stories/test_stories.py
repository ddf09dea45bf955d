"""Ask, decide, open, use, end: with everything well, and with one part after the other taken away."""

import psycopg
import pytest
from psycopg import sql
from redis import Redis

from access.models import AlertKind, EndedBy, GrantStatus
from access.policy.canary import NOBODY
from countersign.demo.prober import Login
from tests.stories.house import PAIRS, SECURITY, House
from tests.stories.sinks import found_in, secrets_of
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def strict_rates() -> bool:
    """One story is what Slack lets pass in its minute."""
    return True


def leaked(house: House, login: Login) -> dict[str, list[str]]:
    found = {what: found_in(house, secret) for what, secret in secrets_of(house, login).items()}
    return {what: places for what, places in found.items() if places}


def ended(house: House, *, within: float = 40) -> None:
    wait_until(
        lambda: house.grants()[-1].status == GrantStatus.ENDED, "the grant to have ended", within=within, every=0.1
    )
    assert house.logins() == [], "the target has no login of ours left"
    assert house.verified().flaw is None


@pytest.mark.parametrize(("database_kind", "way"), PAIRS)
def test_the_whole_story(house: House) -> None:
    house.start()
    assert house.logins() == []

    card = house.ask("8s")
    assert house.person("U0ANN").click(card, "request.approve").ok
    wait_until(lambda: house.person("U0ANN").ephemerals(card.channel), "the whisper that nobody decides for himself")
    assert house.logins() == []

    house.approve(card)
    login = house.secret()
    session = house.connect(login)
    rows = session.execute("SELECT id, name, email FROM customers").fetchall()
    assert len(rows) > 100
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("SELECT card FROM customers")

    ended(house)
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1 FROM customers")
    with pytest.raises(psycopg.OperationalError):
        house.connect(login)
    grant = house.grants()[0]
    assert (grant.ended_by, grant.sessions_ended) == (EndedBy.EXPIRED, 1)
    assert grant.expires_at is not None
    assert grant.proven_at is not None
    assert grant.proven_at >= grant.expires_at
    wait_until(lambda: "Verified" in house.card().words, "the card to say how it was proven")
    house.message(
        "U0ANN", lambda one: "over" in one.words.lower() or "ended" in one.words.lower(), "the word that it is over"
    )
    assert leaked(house, login) == {}


@pytest.mark.parametrize(("database_kind", "way"), PAIRS)
def test_a_secret_is_in_the_modal_and_in_no_row_key_log_or_call(house: House) -> None:
    """While the access is open, for at its end much is thrown away; at the end the whole story looks again."""
    house.start()
    house.approve(house.ask("30m"))
    login = house.secret()

    assert leaked(house, login) == {}
    grant = house.grants()[0].id
    assert {"the rows", "Redis", "what went to and from Slack"} <= set(found_in(house, grant)), "where we have looked"


def test_a_flushed_redis_loses_no_end(house: House) -> None:
    house.start()
    house.approve(house.ask("6s"))
    wait_until(house.logins, "the login on the target")

    with Redis.from_url(house.valkey.url) as redis:
        redis.flushall()

    ended(house)
    assert house.grants()[0].ended_by == EndedBy.EXPIRED


def test_without_redis_from_before_the_approval_on_access_starts_and_ends(house: House) -> None:
    house.start()
    card = house.ask("6s")
    house.valkey.stop()

    house.approve(card)
    wait_until(house.logins, "the login on the target, without Redis", within=30)

    ended(house, within=60)
    wait_until(lambda: "Verified" in house.card().words, "the card to be told without Redis", within=30)
    assert AlertKind.TIMERS in [alert.kind for alert in house.alerts()]


def test_a_worker_killed_in_the_middle_of_a_revoke_leaves_nothing_behind(house: House) -> None:
    house.start()
    house.approve(house.ask("30m"))
    (login,) = wait_until(house.logins, "the login on the target")

    with psycopg.connect(house.shop.superuser_dsn) as blocker:
        # An uncommitted change of the role holds up the worker's first statement.
        blocker.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 3").format(sql.Identifier(login)))
        answer = house.message("U0ANN", lambda one: "grant.done" in one.actions(), "the button for being done")
        house.person("U0ANN").click(answer, "grant.done")
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'countersign'"
        wait_until(lambda: _asked(house, waiting), "the worker to wait in the middle of the revoke")
        house.kill("revoke")
        claimed_until = house.grants()[0].due_at
        blocker.rollback()
    house.start("revoke")

    # The dead worker's heartbeat is missed; nobody is asked for anything.
    ended(house, within=120)
    (over,) = house.grants()
    assert over.ended_by == EndedBy.RETURNED
    assert over.proven_at is not None
    assert claimed_until is not None
    assert over.proven_at < claimed_until, "it does not wait until the claim runs out"


def test_a_target_away_over_the_expiry_is_alarmed_and_ended_when_it_returns(house: House) -> None:
    policy = house.directory / "access.yml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("alert_after: 2m", "alert_after: 3s"), encoding="utf-8"
    )
    house.start()
    house.approve(house.ask("6s"))
    wait_until(house.logins, "the login on the target")

    house.shop_server.stop()
    try:
        wait_until(
            lambda: house.alerts() and house.alerts()[0].delivered_at, "the alert to be told", within=60, every=0.1
        )
        alert = [one for one in house.person("U0SAM").messages(SECURITY) if one.blocks][-1]
        assert "NOLOGIN" in alert.words
        wait_until(lambda: house.grants()[0].status == GrantStatus.REVOKING, "the end to be begun")
    finally:
        house.shop_server.start()

    ended(house, within=120)
    wait_until(lambda: house.alerts()[0].closed_at, "the alert to close by itself")
    closed = lambda: [one for one in house.person("U0SAM").messages(SECURITY) if one.blocks][-1].words  # noqa: E731
    wait_until(lambda: "Closed" in closed(), "the alert's message to say that it is closed")


def _asked(house: House, query: str) -> bool:
    with psycopg.connect(house.shop.superuser_dsn, autocommit=True) as connection:
        return connection.execute(query).fetchone() is not None  # pyright: ignore[reportCallIssue, reportArgumentType] -- our own words


def test_processes_started_on_a_broken_policy_still_end_what_is_open(house: House) -> None:
    house.start()
    house.approve(house.ask("12s"))
    wait_until(house.logins, "the login on the target")
    for name in ("timekeeper", "revoke", "tell"):
        house.kill(name)
    (house.directory / "access.yml").write_text("version: 1\nrulez: []\n", encoding="utf-8")

    house.start("timekeeper", "revoke", "tell")

    ended(house, within=90)
    assert AlertKind.POLICY in [alert.kind for alert in house.alerts()]


def test_the_canary_is_opened_and_closed_the_whole_way_and_nobody_hears_of_it(house: House) -> None:
    with (house.directory / "access.yml").open("a", encoding="utf-8") as policy:
        policy.write("canary: {entitlements: [customers-db/nothing], every: 1d}\n")
    house.start()
    (login,) = wait_until(house.logins, "the canary's login on the target")

    ended(house)
    (grant,) = house.grants()
    assert (grant.subject, grant.ended_by, grant.proven_at is not None) == (NOBODY, EndedBy.EXPIRED, True)
    assert login == f"cs_{grant.id}"
    assert house.alerts() == []
    assert house.person("U0SAM").messages(SECURITY) == []
