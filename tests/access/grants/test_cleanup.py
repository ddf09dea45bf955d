"""After the end: what a holder left is tidied up, told when it stays, and never takes back the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from access.errors import Transient
from access.grants.cleanup import PATIENCE, resources
from access.models import AlertKind, CheckKind, Grant, GrantStatus
from access.monitor.schedule_checks import EVERY as ROSTER
from access.ports import Cleanup, Deadline, Ended, GrantSpec, Observation, Receipt, Removal
from tests.fakes import FakeProvider
from tests.world import World

WINDOW = timedelta(minutes=37)
LEFT = "The table busy is still there. As a superuser: DROP OWNED BY cs_x;"


@dataclass
class Attic:
    """What holders left on the fake server, by grant."""

    left: dict[str, Cleanup] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    lingering: dict[str, int] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    down: bool = False

    def clean_up(self, ended: Sequence[Ended]) -> Mapping[str, Cleanup]:
        if self.down:
            raise Transient("The fake server does not answer.")
        self.asked.append([one.spec.grant_id for one in ended])
        found: dict[str, Cleanup] = {}
        for one in ended:
            known = self.left.get(one.spec.grant_id)
            late = self.late.pop(one.spec.grant_id, 0)
            if known is not None or late:
                found[one.spec.grant_id] = replace(known or Cleanup(), sessions_ended=late)
        return found


@pytest.fixture
def attic(monkeypatch: pytest.MonkeyPatch) -> Attic:
    """The fake provider's target can be left untidy."""
    attic, revokes, observes = Attic(), FakeProvider.revoke, FakeProvider.observe

    def revoke(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        left = attic.left.get(spec.grant_id, Cleanup()).left
        removal = revokes(self, spec, receipt, deadline)
        return replace(removal, leftover=left, lingering=attic.lingering.get(spec.grant_id, 0))

    def observe(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        seen, sessions = observes(self, spec, receipt, deadline), attic.lingering.get(spec.grant_id, 0)
        return replace(seen, present=True, only_sessions=True, sessions=sessions) if sessions else seen

    def clean_up(self: FakeProvider, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        return attic.clean_up(ended)

    monkeypatch.setattr(FakeProvider, "capabilities", replace(FakeProvider.capabilities, cleanup_window=WINDOW))
    monkeypatch.setattr(FakeProvider, "revoke", revoke)
    monkeypatch.setattr(FakeProvider, "observe", observe)
    monkeypatch.setattr(FakeProvider, "clean_up", clean_up)
    return attic


def ended(world: World, minutes: float = 30) -> Grant:
    grant = world.open(minutes=minutes)
    world.pass_time(minutes=minutes)
    return world.again(grant)


def alerts(world: World) -> list[tuple[str, bool]]:
    return [(one.subject, one.closed_at is None) for one in world.alerts() if one.kind == AlertKind.LEFTOVER]


def test_what_is_left_behind_does_not_hold_up_the_end_and_is_tidied_up_at_once(world: World, attic: Attic) -> None:
    grant = world.open(minutes=30)
    attic.left[grant.id] = Cleanup(left=(LEFT,))
    world.clock.tick(minutes=30)
    world.remove(grant)

    over = world.again(grant)
    assert (over.status, over.proven_at, over.leftover) == (GrantStatus.ENDED, world.clock.now(), [LEFT])
    attic.left[grant.id] = Cleanup(kept=("Made through this access and kept: table busy.",))
    world.work()
    assert attic.asked == [[grant.id]], "in the same moment"
    over = world.again(grant)
    assert (over.leftover, over.residual) == ([], ["Made through this access and kept: table busy."])
    assert [event.object_id for event in world.events("grant.tidied-up")] == [grant.id]
    assert alerts(world) == []


def test_what_is_still_left_after_an_hour_is_told_and_closes_when_it_is_gone(world: World, attic: Attic) -> None:
    grant = world.open(minutes=30)
    attic.left[grant.id] = Cleanup(left=(LEFT,))
    world.pass_time(minutes=30)
    world.live_through(minutes=PATIENCE / timedelta(minutes=1) - 1)
    assert alerts(world) == []
    world.live_through(minutes=2)
    assert alerts(world) == [(grant.id, True)]
    assert world.again(grant).status == GrantStatus.ENDED
    assert len(attic.asked) > 60, "it is tried again each minute at least"

    del attic.left[grant.id]
    world.live_through(minutes=2)
    assert alerts(world) == [(grant.id, False)]
    assert world.again(grant).leftover == []


def test_what_can_still_be_used_by_what_was_left_is_told_at_once(world: World, attic: Attic) -> None:
    grant = world.open(minutes=30)
    attic.left[grant.id] = Cleanup(left=(LEFT,), urgent=True)
    world.pass_time(minutes=30)
    assert alerts(world) == [(grant.id, True)]


def test_a_session_that_shows_late_is_ended_and_never_takes_back_the_end(world: World, attic: Attic) -> None:
    grant = ended(world)
    world.live_through(minutes=5)
    attic.late[grant.id] = 1
    world.live_through(minutes=2)
    assert [event.object_id for event in world.events("grant.late-sessions-ended")] == [grant.id]
    assert [event.action for event in world.events() if event.object_id == grant.id].count("grant.ended") == 1
    assert world.again(grant).status == GrantStatus.ENDED
    assert len(world.grants()) == 1, "no row on its way out is made of it"


def test_it_is_looked_at_until_nothing_can_show_any_more_and_then_no_more(world: World, attic: Attic) -> None:
    grant = ended(world)
    world.live_through(minutes=36)
    assert world.again(grant).cleanup_until is not None
    assert len(attic.asked) >= 30
    world.live_through(minutes=4)
    assert world.again(grant).cleanup_until is None
    with world.core.database.read() as session:
        assert resources(session) == []
    asked = len(attic.asked)
    world.live_through(minutes=10)
    assert len(attic.asked) == asked


def test_a_target_that_did_not_answer_is_looked_at_when_it_is_back(world: World, attic: Attic) -> None:
    grant = ended(world)
    attic.down = True
    for _ in range(5):
        world.pass_time(minutes=10)
    assert world.again(grant).cleanup_until is not None, "nobody has looked"
    attic.down, attic.late[grant.id] = False, 1
    world.live_through(minutes=2 + ROSTER / timedelta(minutes=1))
    assert len(world.events("grant.late-sessions-ended")) == 1
    assert world.again(grant).cleanup_until is None


def test_a_computation_that_cannot_be_interrupted_does_not_hold_up_the_end(world: World, attic: Attic) -> None:
    grant = world.open(minutes=30)
    attic.lingering[grant.id] = 1
    world.pass_time(minutes=30)
    assert world.again(grant).status == GrantStatus.ENDED


def test_sessions_that_the_removal_does_not_know_of_hold_it_up(
    world: World, attic: Attic, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = world.open(minutes=30)
    attic.lingering[grant.id] = 1
    revokes = FakeProvider.revoke

    def knows_none(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return replace(revokes(self, spec, receipt, deadline), lingering=0)

    monkeypatch.setattr(FakeProvider, "revoke", knows_none)
    world.pass_time(minutes=30)
    assert world.again(grant).status == GrantStatus.REVOKING


def test_an_end_without_a_window_is_not_looked_after(world: World) -> None:
    grant = ended(world)
    world.live_through(minutes=2)
    assert grant.cleanup_until is None
    assert CheckKind.CLEANUP not in {event.object_id for event in world.events()}
