"""Which target an item is for: what one account reaches on one server waits in one lane."""

import sqlalchemy as sa
from sqlmodel import col

from access.actors import by_slack, system
from access.grants.revoke import reveal
from access.grants.start import remove_found_again
from access.models import Grant, MessageKind
from access.monitor.canary import run_canaries
from access.monitor.sweep import Schedule
from access.ports import Managed
from access.reconcile.recovered import recover
from access.unit_of_work import grant_item, message_item
from tests.cast import ANN, POLICY
from tests.fakes import FakeProvider, FakeSettings
from tests.world import World

OTHERS = """\
  - id: orders-db
    title: Orders
    level: medium
    owner: payments-leads
    provider: fake
    settings: {server: one}
    roles: {read: {title: Read orders, power: look}}
  - id: payroll
    title: Payroll
    level: medium
    owner: payments-leads
    provider: fake
    settings: {server: two}
    roles: {read: {title: Read salaries, power: look}, nothing: {title: Nothing, power: none}}
rules:
"""
THREE = POLICY.replace("rules:\n", OTHERS).replace(
    "[customers-db/read,", "[orders-db/read, payroll/read, customers-db/read,"
)
CANARY = "canary: {entitlements: [payroll/nothing]}\ndigest: {"


def targets(world: World) -> dict[str, str]:
    """By resource, where the grants go that are due."""
    resources = {str(grant.id): grant.resource for grant in world.grants()}
    routes = Schedule(world.core).route([grant_item(grant.id) for grant in world.grants()]).now
    return {resources[route.id]: route.target for route in routes}


def ask_for_all(world: World) -> None:
    world.policy_file.write_text(THREE, encoding="utf-8")
    for resource in ("customers-db", "orders-db", "payroll"):
        world.scheduled(entitlement=f"{resource}/read")


def test_what_one_account_reaches_on_one_server_is_one_target(world: World) -> None:
    ask_for_all(world)

    assert targets(world) == {"customers-db": "fake:one", "orders-db": "fake:one", "payroll": "fake:two"}


def test_a_row_of_the_version_before_goes_to_its_resource(world: World) -> None:
    ask_for_all(world)
    with world.core.database.write() as session:
        session.connection().execute(sa.update(Grant).values(target_key="").where(col(Grant.resource) == "orders-db"))

    assert targets(world)["orders-db"] == "orders-db"


def test_a_provider_that_cannot_name_its_target_holds_up_no_grant(world: World) -> None:
    request = world.ask()
    del world.core.providers["fake"]  # type: ignore[attr-defined]
    world.approve(request)

    assert targets(world) == {"customers-db": "customers-db"}


def test_access_that_is_found_again_ends_at_the_same_target(world: World) -> None:
    grant = world.open()
    with world.core.work(system("test")) as work:
        again = remove_found_again(work, world.again(grant))

    assert world.again(again).target_key == "fake:one"


def test_access_that_no_row_remembers_ends_at_the_target_where_it_was_found(world: World) -> None:
    policy = world.core.policy.last_valid()
    provider, unmatched = FakeProvider(FakeSettings(server="two")), Managed(name="fake-x", grant_id="0" * 26)
    with world.core.work(system("test")) as work:
        recover(
            work, unmatched, resource="customers-db", provider=provider, settings={"server": "two"}, policy=policy
        )  # fmt: skip

    assert targets(world) == {"customers-db": "fake:two"}


def test_a_secret_is_made_in_the_lane_of_its_target(world: World) -> None:
    grant = world.open()
    reveal(world.core, grant_id=grant.id, by=by_slack(ANN), view="V0OPEN")
    (wanted,) = world.messages(MessageKind.REVEAL)

    (route,) = Schedule(world.core).route([message_item(wanted.id)]).now
    assert (route.queue, route.target) == ("grant", "fake:one")


def test_a_canary_goes_where_the_access_of_people_does(world: World) -> None:
    world.policy_file.write_text(THREE.replace("digest: {", CANARY), encoding="utf-8")
    run_canaries(world.core)

    assert targets(world) == {"payroll": "fake:two"}
