"""Two targets with a command line through the whole product: asked, approved, used, ended, refused."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from access.models import EndedBy, GrantStatus
from countersign.testing import Refused
from tests.contracts.command_host import READY, SECRET, CommandWorld, spec_of
from tests.contracts.test_command_groups import GroupWorld, group_settings
from tests.contracts.test_command_sudoers import SudoWorld, sudoers_settings
from tests.stories.house import CHANNEL, House
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not READY and not os.environ.get("CI"), reason="needs root and sudo"),
]


@pytest.fixture
def sudo(tmp_path: Path) -> Iterator[SudoWorld]:
    world = SudoWorld(tmp_path / "host")
    yield world
    world.host.close()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[GroupWorld]:
    world = GroupWorld(tmp_path / "host")
    yield world
    world.host.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_command_of_root_is_allowed_for_as_long_as_was_approved(house: House, sudo: SudoWorld) -> None:
    settings, spec = sudoers_settings(sudo.host), spec_of({}, [sudo.command], "ann")
    offer(house, settings, [sudo.command])
    house.start()
    assert not gets_in(sudo, spec)

    house.approve(house.ask("8s", entitlement="app-1/use"))
    wait_until(lambda: gets_in(sudo, spec), "sudo to let Ann run the command")
    assert sudo.trespasses(spec, None) == []

    _ended(house)
    assert not gets_in(sudo, spec)
    assert not list((sudo.host.etc / "sudoers.d").iterdir())
    wait_until(lambda: "runs on until it is done" in house.card().words, "the card to say what may live on")
    assert _shown(house) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_person_is_in_a_group_for_as_long_as_was_approved_also_one_who_fights_the_end(
    house: House, group: GroupWorld
) -> None:
    settings, spec = group_settings(group.host), spec_of({}, ["payments"], "ann")
    offer(house, settings, ["payments"])
    house.start()
    assert not gets_in(group, spec)

    house.approve(house.ask("8s", entitlement="app-1/use"))
    wait_until(lambda: gets_in(group, spec), "a login of Ann to have the group")
    session = group.open_session(spec, None)
    with ExitStack() as fights:
        left = [fights.enter_context(one.played(spec, None)) for one in group.obstacles()]
        assert [said for one in left for said in one()] != []

        _ended(house)
        assert [said for one in left for said in one()] == []
    assert not session.is_alive()
    assert not gets_in(group, spec)
    assert (house.grants()[0].sessions_ended or 0) > 1
    session.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_program_that_is_gone_over_the_end_is_alarmed_and_ends_it_when_it_is_back(
    house: House, sudo: SudoWorld
) -> None:
    """sudo itself refuses by then."""
    spec = spec_of({}, [sudo.command], "ann")
    offer(house, sudoers_settings(sudo.host), [sudo.command])
    house.start()
    house.approve(house.ask("6s", entitlement="app-1/use"))
    wait_until(lambda: gets_in(sudo, spec), "sudo to let Ann run the command")

    away = sudo.host.program.rename(sudo.host.relay / "away")
    wait_until(lambda: house.grants()[0].status == GrantStatus.REVOKING, "the end to be tried", within=40)
    wait_until(lambda: not gets_in(sudo, spec), "sudo to refuse by itself")
    wait_until(
        lambda: any("no program at" in one.sentence for one in house.alerts()), "an alert that says why", within=60
    )
    away.rename(sudo.host.program)

    _ended(house, within=120)


def offer(house: House, settings: dict[str, Any], grants: list[str]) -> None:
    """Beside what the house offers."""
    file = house.directory / "access.yml"
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    role = {"title": "Use it", "description": "What the host gives for a while.", "grants": grants}
    policy["resources"].append(
        {"id": "app-1", "title": "The host app-1", "level": "low", "owner": "payments-leads", "provider": "command",
         "settings": settings, "roles": {"use": role}}
    )  # fmt: skip
    stages = [{"any_of": ["payments-leads"], "quorum": 1}]
    policy["rules"].append(
        {"id": "app-use", "for": {"groups": ["engineers"], "entitlements": ["app-1/use"]}, "max": "2h",
         "approve": {"channel": CHANNEL, "stages": stages}}
    )  # fmt: skip
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")


def gets_in(world: CommandWorld, spec: Any) -> bool:
    try:
        world.open_session(spec, None).close()  # pyright: ignore[reportAttributeAccessIssue] -- each world has it
    except Refused:
        return False
    return True


def _ended(house: House, *, within: float = 60) -> None:
    wait_until(lambda: house.grants()[0].status == GrantStatus.ENDED, "the grant to have ended", within=within)
    assert house.grants()[0].ended_by == EndedBy.EXPIRED
    assert house.grants()[0].proven_at is not None
    assert house.verified().flaw is None


def _shown(house: House) -> list[str]:
    """Where the program's own secret is, which it is only to hear."""
    logs = [name for name in house.processes if SECRET in house.log(name)]
    rows = [str(grant.id) for grant in house.grants() if SECRET in grant.model_dump_json()]
    return logs + rows + [one.words for one in house.cards() if SECRET in one.words]
