"""What a target calls a person is bound to what was asked, and is what the target is told."""

import pytest

from access.models import EndedBy, GrantStatus
from tests.cast import POLICY
from tests.world import World

ORDERS = """\
  - id: orders-db
    title: Orders
    level: medium
    owner: payments-leads
    provider: fake
    settings: {server: two}
    roles: {read: {title: Read orders, power: look}}
rules:
"""
ANN = "ann: {slack: U0ANN}"
TWO = POLICY.replace("rules:\n", ORDERS).replace("[customers-db/read,", "[orders-db/read, customers-db/read,")
NAMED = TWO.replace(ANN, "ann: {slack: U0ANN, names: {fake: ann.a, customers-db: ann_r}}")


@pytest.fixture
def named(world: World) -> World:
    world.policy_file.write_text(NAMED, encoding="utf-8")
    return world


def test_each_of_two_targets_is_told_its_own_name_of_a_person(named: World) -> None:
    grants = [named.open(entitlement=f"{resource}/read") for resource in ("customers-db", "orders-db")]

    assert [named.server.holders[grant.id][0] for grant in grants] == ["ann_r", "ann.a"]


def test_another_name_on_the_resource_makes_another_request_of_it(named: World) -> None:
    granted, other = named.scheduled(), named.scheduled(entitlement="orders-db/read")
    named.rewrite_policy("customers-db: ann_r", "customers-db: ann_q")
    named.activate(granted, other)

    assert (named.again(granted).status, named.again(granted).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert named.again(other).status == GrantStatus.ACTIVE, "its name is the same"


def test_access_ends_under_the_name_it_was_opened_for(named: World) -> None:
    grant = named.open()
    named.rewrite_policy(", customers-db: ann_r", "")
    named.pass_time(hours=2)

    assert (named.again(grant).status, named.again(grant).principal) == (GrantStatus.ENDED, "ann_r")
    assert named.server.holders == {}


def test_a_name_for_the_resource_that_says_the_same_voids_nothing(world: World) -> None:
    world.policy_file.write_text(TWO.replace(ANN, "ann: {slack: U0ANN, names: {fake: ann.a}}"), encoding="utf-8")
    grant = world.scheduled()
    world.rewrite_policy("fake: ann.a", "fake: ann.a, customers-db: ann.a")
    world.activate(grant)

    assert world.again(grant).status == GrantStatus.ACTIVE
