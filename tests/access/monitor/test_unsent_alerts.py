"""An alert of which nobody was told for long is counted, until somebody was, or it is over."""

import pytest

from access.actors import system
from access.messages.outbox import Delivery, Outbox
from access.models import AlertKind
from access.monitor.unsent_alerts import long_unsent, undelivered
from tests.cast import SECURITY
from tests.world import World


def alert(world: World) -> None:
    with world.core.work(system("watch")) as work:
        work.open_alert(AlertKind.TIMERS, "redis", "Redis cannot be reached.", channel=SECURITY)


def tell(world: World, *, problem: str = "") -> None:
    telling = Outbox(world.core)
    claimed = telling.claim([one.id for one in world.messages("alert")])
    assert claimed != []
    telling.commit([Delivery(one, channel=SECURITY, ts="1.0", problem=problem) for one in claimed])


def counted(world: World) -> tuple[int, int]:
    with world.core.database.read() as session:
        return undelivered(session), long_unsent(world.core)


def test_it_counts_from_when_it_was_opened_until_somebody_was_told(world: World) -> None:
    alert(world)
    assert counted(world) == (1, 0)
    tell(world, problem="The channel is archived.")
    world.clock.tick(minutes=5)
    assert counted(world) == (1, 0)
    world.clock.tick(seconds=1)
    assert counted(world) == (1, 1)

    tell(world)

    assert counted(world) == (0, 0)


@pytest.mark.parametrize("told", [True, False])
def test_what_is_over_needs_nobody_any_more(world: World, told: bool) -> None:
    alert(world)
    if told:
        tell(world)
    with world.core.work(system("watch")) as work:
        work.close_alerts("redis", AlertKind.TIMERS)
    world.clock.tick(minutes=6)

    assert counted(world) == (0, 0)
