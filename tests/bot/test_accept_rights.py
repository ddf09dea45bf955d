"""“Accept” on an alert about what a role allows: the security team alone, and only what it saw."""

import pytest
from sqlmodel import select

from access.actors import system
from access.grants.role_rights import Seen, rights_button, write
from access.models import AlertKind, EntitlementRights
from access.ports import RoleRights
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.cast import ANN, EVE, LEA, SAM, SECURITY
from tests.world import World


def see(world: World, fingerprint: str, *kinds: str) -> EntitlementRights:
    """What a look at the target showed."""
    rights = RoleRights(role="read", fingerprint=fingerprint * 64, allows=frozenset(kinds))
    with world.core.work(system("drift")) as work:
        write(work, "customers-db", Seen({"read": rights}, {"read": "here"}), SECURITY)
    world.work()
    with world.core.database.read() as session:
        return session.exec(select(EntitlementRights)).one()


def is_open(world: World) -> bool:
    return any(one.kind == AlertKind.RIGHTS and one.closed_at is None for one in world.alerts())


def test_a_press_of_the_security_team_closes_the_alert(desk: Desk, world: World, slack: FakeSlack) -> None:
    see(world, "a", "SELECT")
    row = see(world, "b", "SELECT", "UPDATE")
    assert is_open(world)
    desk.press(SAM, ids.ACCEPT_RIGHTS, rights_button(row))
    assert (is_open(world), slack.whispers) == (False, [])


@pytest.mark.parametrize("person", [ANN, LEA, EVE])
def test_everybody_else_is_told_no(desk: Desk, world: World, slack: FakeSlack, person: str) -> None:
    see(world, "a", "SELECT")
    row = see(world, "b", "SELECT", "UPDATE")
    desk.press(person, ids.ACCEPT_RIGHTS, rights_button(row))
    assert slack.whispers == ["Only the security team can accept what a role allows."]
    assert is_open(world)


def test_a_press_on_what_has_changed_meanwhile_accepts_nothing(desk: Desk, world: World, slack: FakeSlack) -> None:
    see(world, "a", "SELECT")
    seen = rights_button(see(world, "b", "SELECT", "UPDATE"))
    see(world, "c", "SELECT", "UPDATE", "DELETE")
    desk.press(SAM, ids.ACCEPT_RIGHTS, seen)
    assert slack.whispers[0].startswith("What you saw has changed since.")
    assert is_open(world)


def test_who_left_a_moment_ago_is_not_listened_to(desk: Desk, world: World, slack: FakeSlack) -> None:
    see(world, "a", "SELECT")
    row = see(world, "b", "SELECT", "UPDATE")
    desk.command(SAM, "mine")
    slack.join(SAM, deleted=True)
    desk.press(SAM, ids.ACCEPT_RIGHTS, rights_button(row))
    assert is_open(world)
