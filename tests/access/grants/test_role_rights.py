"""What roles allow: known at the first look, told when it becomes more, accepted by the security team alone."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.errors import NotFound, NotSecurity, ProviderError, RightsChanged, Transient
from access.grants.role_rights import RightsNote, accept_rights, note_about, rights_button
from access.messages.digest import make
from access.messages.facts import card_of
from access.models import Alert, AlertKind, CheckKind, EntitlementRights, PeriodicCheck
from access.monitor.schedule_checks import schedule_checks
from access.ports import EVERYBODY, RoleRights
from access.requests.submit import preview
from tests.cast import ANN, LEA, SAM
from tests.fakes import FakeProvider
from tests.world import World

READ = "SELECT on tables in the schema sales"
WRITE = "UPDATE on tables in the schema sales"


class Shop:
    """What the target says that roles allow."""

    def __init__(self) -> None:
        self.error: ProviderError | None = None
        self.allows: dict[str, set[str]] = {EVERYBODY: set()}
        self.creates: dict[str, tuple[str, ...]] = {}
        self.number = 0

    def role_rights(self, roles: object, deadline: object) -> list[RoleRights]:
        if self.error is not None:
            raise self.error
        assert isinstance(roles, dict)
        return [self._of(role) for role in (*roles, EVERYBODY)]

    def _of(self, role: str) -> RoleRights:
        allows = frozenset(self.allows.get(role, {READ}))
        fingerprint = sha256(f"{self.number} {sorted(allows)}".encode()).hexdigest()
        return RoleRights(role=role, fingerprint=fingerprint, allows=allows, creates=self.creates.get(role, ()))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    monkeypatch.setattr(FakeProvider, "capabilities", replace(FakeProvider.capabilities, tells_rights=True))
    monkeypatch.setattr(FakeProvider, "role_rights", lambda _, *asked: shop.role_rights(*asked), raising=False)
    return shop


def look(world: World) -> None:
    """The next look at the target."""
    schedule_checks(world.core)
    with world.core.database.read() as session:
        row = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT, subject="customers-db")).one()
    world.clock.time = max(world.clock.now(), row.due_at)
    world.compare([row.id])
    world.work()


def rights(world: World, role: str = "read") -> EntitlementRights:
    with world.core.database.read() as session:
        return session.exec(select(EntitlementRights).filter_by(resource="customers-db", role=role)).one()


def alerts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.RIGHTS]


def open_alerts(world: World) -> list[str]:
    return [one.subject for one in alerts(world) if one.closed_at is None]


def said(world: World, role: str = "read") -> RightsNote | None:
    with world.core.database.read() as session:
        return note_about(session, "customers-db", role)


def test_what_a_role_allows_at_the_first_look_is_known_and_not_told(world: World, shop: Shop) -> None:
    look(world)
    row = rights(world)
    assert (row.allows, row.accepted, row.wider_since) == ([READ], [READ], None)
    assert (alerts(world), said(world)) == ([], None)
    assert "customers-db/read" in [event.object_id for event in world.events("rights.recorded")]


def test_a_role_that_is_granted_for_the_first_time_is_looked_at_at_once(world: World, shop: Shop) -> None:
    schedule_checks(world.core)
    grant = world.open()
    world.work()
    assert world.again(grant).status == "active"
    assert rights(world).allows == [READ]


def test_a_target_that_does_not_say_is_not_asked_with_every_grant(world: World, shop: Shop) -> None:
    shop.error = Transient("The fake server does not answer.")
    schedule_checks(world.core)
    world.open()
    world.work()
    with world.core.database.read() as session:
        row = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT, subject="customers-db")).one()
    world.open(entitlement="customers-db/fix-orders")
    world.work()
    with world.core.database.read() as session:
        assert session.get_one(PeriodicCheck, row.id).fence == row.fence


def test_more_things_of_a_known_kind_are_a_line_of_the_digest_and_no_alert(world: World, shop: Shop) -> None:
    look(world)
    shop.number = 1  # a new table
    look(world)
    assert alerts(world) == []
    _, content = make.preview(world.core)
    (change, *_) = [one for one in content.rights if one.entitlement == "customers-db/read"]
    assert (change.added, change.taken, change.by) == ((), (), "")


def test_a_role_that_allows_more_is_told_to_security_and_stays_open_until_it_is_accepted(
    world: World, shop: Shop
) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    look(world)
    (alert,) = alerts(world)
    assert (alert.subject, alert.closed_at) == ("customers-db/read", None)
    assert WRITE in alert.sentence
    assert READ not in alert.sentence
    assert alert.delivered_at is not None

    accept_rights(world.core, button=rights_button(rights(world)), by=by_slack(SAM))
    look(world)
    assert (open_alerts(world), said(world)) == ([], None)
    (event,) = world.events("rights.accepted")
    assert json.loads(event.entry)["details"]["accepted"] == [WRITE]
    assert event.object_id == "customers-db/read"


def test_granting_goes_on_and_form_and_card_say_what_is_new(world: World, shop: Shop) -> None:
    look(world)
    request = world.ask()
    assert card_of(world.core, request.id).rights is None
    shop.allows["read"] = {READ, WRITE}
    look(world)
    noted = card_of(world.core, request.id).rights
    assert noted is not None
    assert (noted.more, noted.since) == ((WRITE,), rights(world).wider_since)
    assert preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read").rights == noted
    shown = [one for one in world.said if one.message.kind == "review" and one.message.subject == request.id]
    assert getattr(shown[-1].facts, "rights", None) == noted, "the card was told anew"
    world.approve(request)
    world.work()
    assert world.grant_of(request).status == "active"


def test_a_role_that_may_create_says_so_from_the_first_look(world: World, shop: Shop) -> None:
    shop.creates["read"] = ("objects in the schema sales",)
    look(world)
    noted = said(world)
    assert noted is not None
    assert (noted.creates, noted.more) == (("objects in the schema sales",), ())
    shop.creates["read"] = ("objects in the schema sales", "temporary tables in the database shop")
    look(world)
    noted = said(world)
    assert noted is not None
    assert len(noted.creates) == 2
    assert alerts(world) == []


def test_what_everybody_may_do_is_told_apart_and_said_on_every_card_of_the_resource(world: World, shop: Shop) -> None:
    look(world)
    shop.allows[EVERYBODY] = {WRITE}
    look(world)
    assert open_alerts(world) == [f"customers-db/{EVERYBODY}"]
    noted = said(world)
    assert noted is not None
    assert noted.more == (WRITE,)


@pytest.mark.parametrize("by", [ANN, LEA])
def test_only_the_security_team_accepts(world: World, shop: Shop, by: str) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    with pytest.raises(NotSecurity, match="accept what a role allows"):
        accept_rights(world.core, button=rights_button(rights(world)), by=by_slack(by))  # pyright: ignore[reportArgumentType] -- a Slack id
    assert open_alerts(world) == ["customers-db/read"]
    assert world.refusals() == [("rights.accepted", "NotSecurity")]


def test_what_was_not_seen_is_not_accepted(world: World, shop: Shop) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    seen = rights_button(rights(world))
    shop.allows["read"] = {READ, WRITE, "DELETE on tables in the schema sales"}
    look(world)
    for button, refusal in [(seen, RightsChanged), (f"{seen}0", RightsChanged), ("", NotFound), ("v2.x.y", NotFound)]:
        with pytest.raises(refusal):
            accept_rights(world.core, button=button, by=by_slack(SAM))
    assert rights(world).accepted == [READ]
    assert open_alerts(world) == ["customers-db/read"]


def test_the_second_of_two_who_accept_is_told(world: World, shop: Shop) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    button = rights_button(rights(world))
    accept_rights(world.core, button=button, by=by_slack(SAM))
    with pytest.raises(RightsChanged, match="nothing left to accept"):
        accept_rights(world.core, button=button, by=by_slack(SAM))


def test_rights_that_are_taken_away_close_the_alert_and_are_new_when_given_again(world: World, shop: Shop) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    accept_rights(world.core, button=rights_button(rights(world)), by=by_slack(SAM))
    shop.allows["read"] = {READ}
    look(world)
    shop.allows["read"] = {READ, WRITE}
    look(world)
    assert open_alerts(world) == ["customers-db/read"]
    shop.allows["read"] = {READ}
    look(world)
    assert open_alerts(world) == []


def test_a_role_that_the_policy_defines_anew_is_recorded_anew(world: World, shop: Shop) -> None:
    look(world)
    before = rights(world)
    shop.allows["read"] = {READ, WRITE}
    world.rewrite_policy("power: look", "power: change")
    look(world)
    assert rights(world).place != before.place
    assert open_alerts(world) == []


def test_a_target_that_does_not_say_what_roles_allow_is_compared_all_the_same(world: World, shop: Shop) -> None:
    look(world)
    shop.allows["read"] = {READ, WRITE}
    shop.error = Transient("The fake server does not answer.")
    world.server.holders["0" * 26] = ("ann", "read")
    look(world)
    look(world)
    assert [one.kind for one in world.alerts()] == [AlertKind.DRIFT]
    shop.error = None
    look(world)
    assert open_alerts(world) == ["customers-db/read"]


def test_so_many_kinds_that_no_row_holds_them_are_told_when_one_is_added(world: World, shop: Shop) -> None:
    many = {f"SELECT on the column sales.t.c{number:04}" for number in range(1000)}
    shop.allows["read"] = many
    look(world)
    assert len(rights(world).allows) == 301
    shop.allows["read"] = many | {"SELECT on the column sales.t.d"}
    look(world)
    assert open_alerts(world) == ["customers-db/read"]
