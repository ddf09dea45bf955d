"""What the digest says of what was over before it came: alerts, access that ended early, and who tried what."""

from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import Refusal
from access.grants.revoke import may_revoke, return_access
from access.ids import SlackUser
from access.messages.digest import rows
from access.messages.digest.content import Content
from access.messages.digest.make import content_of, make_now
from access.models import AlertKind
from access.monitor.policy_in_force import note_policy
from tests.cast import ANN, BEN, LEA, STRANGER
from tests.fakes import NOON
from tests.world import World


@pytest.fixture
def begun(world: World) -> World:
    note_policy(world.core)
    return world


def said_now(world: World) -> Content:
    return content_of(world.core, make_now(world.core).id)


def late(world: World, *entitlements: str) -> None:
    """So much outlives its end for as long as the target is down, and is proven gone a minute after."""
    for entitlement in entitlements:
        world.open(minutes=5, entitlement=entitlement)
    world.server.weather = "down"
    for minutes in (5, 11):
        world.pass_time(minutes=minutes)
    world.server.weather = "fine"
    world.pass_time(minutes=1)


def test_an_alert_that_opened_and_closed_since_the_last_digest_is_named(begun: World) -> None:
    late(begun, "customers-db/read")
    said = said_now(begun)

    (alert,) = begun.alerts()
    assert (said.alerts_open, said.alerts_closed) == (0, 1)
    (one,) = said.closed
    assert (one.id, one.kind, one.sentence) == (alert.id, AlertKind.OVERDUE, alert.sentence)
    assert (one.opened_at, one.closed_at, one.delivered_at) == (alert.opened_at, alert.closed_at, alert.delivered_at)
    assert said_now(begun).alerts_closed == 0, "the next one has nothing more to say of it"


def test_one_alert_that_told_of_many_is_not_counted_beside_them(begun: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.alerts.grouping.TOLD_ALONE", 1)
    late(begun, "customers-db/read", "customers-db/fix-orders")

    assert len(begun.alerts()) == 3
    assert said_now(begun).alerts_closed == 2


def test_of_access_that_ended_early_the_digest_says_for_how_long_it_was_approved(begun: World) -> None:
    grant = begun.open(minutes=60)
    begun.clock.tick(minutes=20)
    return_access(begun.core, grant_id=grant.id, by=by_slack(ANN))
    begun.work()

    (one,) = said_now(begun).opened.first

    assert (one.granted_for, one.granted_until) == (timedelta(minutes=60), None)
    assert one.ended_at == NOON + timedelta(minutes=20)


def test_who_was_refused_is_named_and_who_is_not_in_the_policy_by_the_slack_id(begun: World) -> None:
    grant = begun.open()
    for who in (LEA, LEA, BEN, STRANGER):
        with pytest.raises(Refusal):
            may_revoke(begun.core, grant_id=grant.id, by=by_slack(who))

    said = [(one.who, one.because, one.times) for one in said_now(begun).refusals]

    assert said == [("lea", "NotSecurity", 2), ("ben", "NotSecurity", 1), (STRANGER, "UnknownPerson", 1)]


@pytest.mark.both_databases
def test_however_many_try_the_digest_names_only_so_many(begun: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST", 2)
    grant = begun.open()
    for number in range(5):
        with pytest.raises(Refusal):
            may_revoke(begun.core, grant_id=grant.id, by=by_slack(SlackUser(f"U0MANY{number}")))

    said = said_now(begun)

    assert [(one.who, one.times) for one in said.refusals] == [("U0MANY0", 1), ("U0MANY1", 1), ("", 3)]
    assert said.refused == 5


def test_what_the_version_before_wrote_is_read(begun: World) -> None:
    begun.open(minutes=60)
    written = said_now(begun).model_dump(mode="json")
    for name in ("alerts_closed", "closed"):
        del written[name]
    for name in ("granted_for", "granted_until", "ended_at"):
        del written["opened"]["first"][0][name]

    read = Content.model_validate(written)

    assert (read.alerts_closed, read.closed, read.opened.first[0].granted_for) == (0, (), None)
