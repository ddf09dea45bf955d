"""Accept on the alert about standing access: who may press it, and what everybody then reads."""

import pytest
from sqlmodel import col, select

from access.actors import system
from access.models import AlertKind, StandingAccess, StandingStatus
from access.ports import Holder
from access.reconcile.holders import Seen
from access.reconcile.standing_accept import accept_one_value
from access.reconcile.standing_access import CheckOutcome, lock_alerts, settle
from bot import ids
from sandbox.seen import Message
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.bot.staging import acme, by_socket, deliver
from tests.cast import ANN, LEA, SAM, SECURITY
from tests.waiting import wait_until
from tests.world import World

ONLY_SECURITY = "Only the security team can accept standing access."


def found(world: World, *names: str) -> None:
    """A look has seen that these hold something."""
    holders = [Holder(principal=name, role="look", ours=False, member_id=name, grantor="dana") for name in names]
    with world.core.work(system("drift")) as work:
        seen = [Seen("fake", one) for one in holders]
        looked = CheckOutcome("customers-db", world.clock.now(), seen, world.core.security_channel(), whole=True)
        lock_alerts(work, [looked])
        settle(work, [looked])


def statuses(world: World) -> dict[str, str]:
    with world.core.database.read() as session:
        return {row.principal: row.status for row in session.exec(select(StandingAccess))}


@pytest.mark.parametrize("person", [ANN, LEA])
def test_who_is_not_of_security_is_told_no(desk: Desk, world: World, slack: FakeSlack, person: str) -> None:
    found(world, "reports")
    with world.core.database.read() as session:
        (row,) = session.exec(select(StandingAccess))
    desk.press(person, ids.ACCEPT_STANDING, f"v1.one.{row.id}.0")
    assert slack.whispers == [ONLY_SECURITY]
    assert world.refusals() == [(ids.ACCEPT_STANDING, "NotForYouToAccept")]
    assert statuses(world) == {"reports": StandingStatus.NEW}


def test_who_left_a_moment_ago_is_not_listened_to(desk: Desk, world: World, slack: FakeSlack) -> None:
    found(world, "reports")
    desk.command(SAM, "mine")
    slack.join(SAM, deleted=True)
    desk.press(SAM, ids.ACCEPT_ALL_STANDING, "v1.all.x.0")
    assert slack.whispers[-1].startswith("Countersign is for full members of this workspace")
    assert statuses(world) == {"reports": StandingStatus.NEW}


def test_the_alert_in_slack_from_what_was_found_to_what_is_accepted(world: World) -> None:
    """In the sandbox, by Socket Mode: one is accepted, what came meanwhile is not, and then all that is shown is."""
    with acme() as sandbox, by_socket(world, sandbox):
        workspace = sandbox.workspace()
        sam = workspace.person(SAM)
        found(world, "reports", "team")
        deliver(world, sandbox)
        alert = the_alert(sam.messages(SECURITY))
        assert "reports holds look, given by dana" in alert.words
        assert "Accept all 2" in alert.words

        with world.core.database.read() as session:
            first, _ = session.exec(select(StandingAccess).order_by(col(StandingAccess.id)))
        sam.click(alert, ids.ACCEPT_STANDING, accept_one_value(first))
        wait_until(lambda: "accepted" in statuses(world).values(), "the first to be accepted")
        deliver(world, sandbox)
        before = the_alert(sam.messages(SECURITY))
        assert "Accept all 1" in before.words

        found(world, "reports", "team", "eve")
        sam.click(before, ids.ACCEPT_ALL_STANDING)
        wait_until(lambda: world.refusals() == [(ids.ACCEPT_STANDING, "StandingAccessChanged")], "the refusal")
        assert sorted(statuses(world).values()) == ["accepted", "new", "new"]
        deliver(world, sandbox)
        for now in (one for one in sam.messages(SECURITY) if one.text.startswith("Alert")):
            assert "Accept all 2" in now.words

        sam.click(the_alert(sam.messages(SECURITY)), ids.ACCEPT_ALL_STANDING)
        wait_until(lambda: set(statuses(world).values()) == {"accepted"}, "all to be accepted")
        deliver(world, sandbox)
        for now in (one for one in sam.messages(SECURITY) if one.text.startswith("Alert")):
            assert "Alert closed: Roles are held without a grant" in now.words
            assert now.actions() == []
        assert workspace.violations() == []
    assert [one.closed_at is not None for one in world.alerts() if one.kind == AlertKind.STANDING] == [True]


def the_alert(messages: list[Message]) -> Message:
    return next(message for message in messages if message.text.startswith("Alert"))
