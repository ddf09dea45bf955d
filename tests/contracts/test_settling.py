"""A target that shows each change after a while: a provider that waits for it keeps C30, one that does not fails."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest

from access.ports import Capabilities, Deadline, GrantSpec, Observation, Receipt, Removal
from tests.contracts.mutants import assert_is_caught
from tests.contracts.test_webhook import WebhookContract, made_of
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver, make_spec
from tests.contracts.webhook_world import WebhookWorld
from workers.providers.webhook import Webhook

__all__ = ["receiver"]

_SETTLE = timedelta(seconds=0.5)


class Copied(Webhook):
    """Looks at a copy of the endpoint, which follows after a while; all instances look at the same one."""

    seen: ClassVar[dict[str, tuple[bool, float]]] = {}
    """What the copy shows, and since when the endpoint itself says otherwise; 0: it does not."""
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Webhook.capabilities.isolation, reveals=True, extend=True, settle=_SETTLE
    )

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        truth = super().observe(spec, receipt, deadline)
        shown, since = self.seen.get(spec.grant_id, (False, 0.0))
        if truth.present == shown:
            self.seen[spec.grant_id] = (shown, 0.0)
        elif since == 0.0:
            self.seen[spec.grant_id] = (shown, time.monotonic())
        elif time.monotonic() - since > _SETTLE.total_seconds() / 2:
            self.seen[spec.grant_id] = (truth.present, 0.0)
        return replace(truth, present=self.seen[spec.grant_id][0])


class WaitsForTheCopy(Copied):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        if self.observe(spec, receipt, deadline).present:
            return replace(removal, state="pending", look_again=_SETTLE / 5)
        return replace(removal, state="removed")


class ClaimsToShowAtOnce(WaitsForTheCopy):
    capabilities: ClassVar[Capabilities] = replace(Copied.capabilities, settle=timedelta(0))


@pytest.fixture
def world(receiver: Receiver) -> Iterator[WebhookWorld]:
    world = WebhookWorld(receiver)
    yield world
    world.close()
    receiver.rows("DELETE FROM grants")


def test_an_end_on_a_target_that_shows_changes_late_is_pending_until_it_is_seen(world: WebhookWorld) -> None:
    with made_of(WaitsForTheCopy, world) as make:
        WebhookContract().test_c30_what_is_said_to_be_so_is_seen_by_every_instance(make(), make, make_spec)


@pytest.mark.parametrize("wrong", [Copied, ClaimsToShowAtOnce])
def test_an_end_that_is_said_too_early_and_a_time_that_is_claimed_too_short_are_caught(
    world: WebhookWorld, wrong: type[Webhook]
) -> None:
    with made_of(wrong, world) as make:
        given = {"provider": make(), "make_provider": make, "make_spec": make_spec}
        assert_is_caught(wrong.__name__, "C30", WebhookContract(), given)
