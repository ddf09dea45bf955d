"""The chaos' target itself: a hostile holder loses his right at the first call, whatever he holds up besides."""

from datetime import timedelta
from pathlib import Path

import pytest

from access.ids import GrantId
from access.ports import Deadline, Ended, GrantSpec
from tests.chaos.hostile import LOCKS, OBJECTS, TRICKS, Holdouts, HostileTarget, Trick, trick_of
from tests.chaos.target import ChaosSettings, Premises
from tests.fakes import NOON


def soon() -> Deadline:
    return Deadline.after(3600)


@pytest.fixture
def target(tmp_path: Path) -> HostileTarget:
    Premises(tmp_path).build()
    Holdouts(tmp_path).build()
    return HostileTarget(ChaosSettings(directory=str(tmp_path), milliseconds=0))


def opened(target: HostileTarget, trick: Trick) -> GrantSpec:
    """To a holder who fights so."""
    identifier = next(one for number in range(1000) if trick_of(one := f"{number:026}") == trick)
    spec = GrantSpec(
        grant_id=GrantId(identifier), resource="doors", role="enter", definition={}, settings={}, scope={},
        principal="ann", expires_at=NOON + timedelta(hours=1),
    )  # fmt: skip
    target.grant(spec, soon())
    return spec


def test_a_holder_who_locks_his_login_has_no_right_after_the_first_call(target: HostileTarget, tmp_path: Path) -> None:
    spec = opened(target, "locks his login and comes back")
    states = list[str]()
    for _ in range(LOCKS + 1):
        states.append(target.revoke(spec, None, soon()).state)
        assert spec.grant_id not in Premises(tmp_path).all_in()
        assert target.observe(spec, None, soon()).present == (states[-1] == "pending")
    assert states == ["pending"] * LOCKS + ["absent"]


def test_a_computation_is_all_that_is_left_and_is_said_to_linger(target: HostileTarget) -> None:
    spec = opened(target, "computes")
    removal, seen = target.revoke(spec, None, soon()), target.observe(spec, None, soon())
    assert (removal.lingering, seen.sessions, seen.only_sessions) == (1, 1, True)


def test_what_is_left_takes_several_turns_and_gives_no_access(target: HostileTarget) -> None:
    spec = opened(target, "leaves much behind")
    assert target.revoke(spec, None, soon()).leftover
    assert not target.observe(spec, None, soon()).present
    turns = 0
    while target.clean_up([Ended(spec=spec, receipt=None)], soon()).get(spec.grant_id) is not None:
        turns += 1
    assert turns == -(-OBJECTS // 2)


def test_each_kind_of_holder_is_met() -> None:
    assert {trick_of(f"{number:026}") for number in range(100)} == set(TRICKS)
