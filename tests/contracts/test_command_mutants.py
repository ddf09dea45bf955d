"""Each promise that a program could break is failed by one that breaks it: the shipped ones, with a line changed."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from access.errors import ProviderError
from access.ports import Deadline, GrantSpec, Outcome, Plan
from tests.contracts import mutants
from tests.contracts import test_command_groups as groups
from tests.contracts import test_command_sudoers as sudoers
from tests.contracts.command_host import READY, SECRET, CommandWorld, maker, specs_with
from tests.contracts.mutants import assert_is_caught, wrong
from workers.providers.command import Command, program

Change = tuple[str, str]

UNLINK = "        (self.folder / name).unlink()\n"
END_ALL = '        [one.unlink() for one in self.folder.glob("cs_*")]\n'
BY_NAME = "name = name_of(grant)\n        there"
BY_DETAILS = 'name = _question["details"].get("file", "-")\n        there'
STAMP = "(ends - timedelta(seconds=1))"
ADDS = 'self.gpasswd("-a", person, group)'

# In the program for sudo: what stands there, and what a wrong one has instead.
SUDOERS: list[tuple[str, str, Change]] = [
    ("C01", "leaves the file", (UNLINK, "")),
    ("C02", "names anew", ('{"file": name}', '{"file": os.urandom(4).hex()}')),
    ("C03", "cannot end twice", ('return {"state": "absent"', 'raise Refusal("conflict", "") or {"state": "absent"')),
    ("C04", "needs its details", (BY_NAME, BY_DETAILS)),
    ("C05", "cannot begin again", ("if there is not None and not ours(there):", "if there is not None:")),
    ("C07", "takes what another gave", (UNLINK, END_ALL.replace("cs_*", "*"))),
    ("C09", "ends all", (UNLINK, END_ALL)),
    ("C10", "ends all", (UNLINK, END_ALL)),
    ("C11", "says nothing of what runs on", ('"removed", "residual": [RESIDUAL]', '"removed"')),
    ("C13", "ends a day late", (STAMP, "(ends + timedelta(days=1))")),
    ("C14", "rounds down", ("math.ceil(", "math.floor(")),
    ("C14", "ends a second late", (STAMP, "(ends + timedelta(seconds=1))")),
    ("C15", "opens again", ("if there is None or not ours(there):\n            raise", "if False:\n            raise")),
    ("C16", "sees what it wants", ('return {"present": False}', 'return {"present": True}')),
    ("C17", "sees nothing added", ("for line in text.splitlines()[1:]", "for line in []")),
    ("C18", "lists by name", ("return marked(text) is not None", "return True")),
    ("C19", "does not look at the list", ("        if command not in self.grantable():\n", "        if False:\n")),
    ("C27", "needs its details", (BY_NAME, BY_DETAILS)),
    ("C28", "allows any argument", ("    return command if ", "    return command.split()[0]\n    return command if ")),
    ("C29", "gives all that root may", ("NOPASSWD: {exact(one)}", "NOPASSWD: ALL")),
    ("C37", "does not look who could replace", ("if there.st_uid != 0 or", "if False and")),
]

GROUPS: list[tuple[str, str, Change]] = [
    ("C07", "takes what another gave", ('"standing": sorted(', '"standing": [] and sorted(')),
    ("C11", "leaves processes", ("self.end_processes(person, wanted(grant))\n", "(1, True)\n")),
    ("C17", "sees no administrator", ("if person in self.admins(group)", "if False")),
    ("C29", "makes the person an administrator", (ADDS, ADDS.replace("-a", "-A") + "; " + ADDS)),
    ("C31", "asks nicely", ("(signal.SIGSTOP, signal.SIGKILL)", "(signal.SIGTERM,)")),
    ("C35", "forgets the lent accounts", ("return [range(uid, uid + 1), *(", "return [range(uid, uid + 1)] or [*(")),
    ("C37", "gives what is root's", ("if group in BECOMES_ROOT or int(row[2]) == 0:", "if False:")),
    ("C38", "lists its own alone", ("sorted(self.members(group) |", "sorted(set() and self.members(group) |")),
]


class WaitsForEver(Command):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(spec, Deadline.after(5))


class PrintsTheWrongWay(Command):
    def plan(self, spec: GrantSpec) -> Plan:
        return replace(super().plan(spec), revoke=super().plan(spec).grant)


class PlansWithItsSecret(Command):
    def plan(self, spec: GrantSpec) -> Plan:
        return replace(super().plan(spec), where=SECRET)


class RunsWhatAnotherPutThere(Command):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(program, "doubt", return_value=None):
            return super().grant(spec, deadline)


class LooksAtTheProgramAlone(Command):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(program, "doubt_beside", return_value=None):
            return super().grant(spec, deadline)


class TakesAnyAnswer(Command):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except ProviderError:
            return Outcome(state="active", receipt=super().grant(replace(spec, principal="ann"), deadline).receipt)


PROVIDERS: list[tuple[str, type[Command]]] = [
    ("C06", wrong(mutants.NeverInDoubt, Command)),
    ("C06", WaitsForEver),
    ("C20", TakesAnyAnswer),
    ("C21", wrong(mutants.TakesARefusalForAMoment, Command)),
    ("C21", wrong(mutants.SaysNothingIsMissing, Command)),
    ("C23", PlansWithItsSecret),
    ("C24", wrong(mutants.PlansByChance, Command)),
    ("C25", wrong(mutants.GivesUp, Command)),
    ("C30", wrong(mutants.SeesLate, Command)),
    ("C39", RunsWhatAnotherPutThere),
    ("C39", LooksAtTheProgramAlone),
    ("C40", PrintsTheWrongWay),
]


def _fixtures(module: Any, world: CommandWorld, make: Callable[[], Command], caplog: Any) -> dict[str, Any]:
    spec = partial(module.make_spec, world)
    before = getattr(module, "receipts_of_before", lambda _: ["{}"])
    return {
        "provider": make(), "make_provider": make, "world": world, "make_spec": spec, "caplog": caplog,
        "refused_specs": module.specs_to_refuse(world), "hostile_specs": partial(specs_with, spec),
        "earlier_receipts": before,
    }  # fmt: skip


def _changed(recipe: Path, change: Change) -> None:
    source = recipe.read_text()
    assert source.count(change[0]) >= 1, f"the program has no {change[0]!r} any more"
    recipe.write_text(source.replace(*change))


if READY:

    @pytest.mark.parametrize(("promise", "what", "change"), SUDOERS, ids=[f"{one[0]} {one[1]}" for one in SUDOERS])
    def test_a_wrong_program_for_sudo_is_caught(
        promise: str, what: str, change: Change, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = sudoers.SudoWorld(tmp_path)
        _changed(world.host.real, change)
        try:
            make = maker(sudoers.sudoers_settings(world.host))
            assert_is_caught(
                f"a program that {what}", promise, sudoers.SudoContract(), _fixtures(sudoers, world, make, caplog)
            )
        finally:
            world.host.close()

    @pytest.mark.parametrize(("promise", "what", "change"), GROUPS, ids=[f"{one[0]} {one[1]}" for one in GROUPS])
    def test_a_wrong_program_for_groups_is_caught(
        promise: str, what: str, change: Change, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = groups.GroupWorld(tmp_path)
        _changed(world.host.real, change)
        try:
            make = maker(groups.group_settings(world.host))
            assert_is_caught(
                f"a program that {what}", promise, groups.GroupContract(), _fixtures(groups, world, make, caplog)
            )
        finally:
            world.host.close()

    @pytest.mark.parametrize(("promise", "mutant"), PROVIDERS, ids=[f"{one[0]} {one[1].__name__}" for one in PROVIDERS])
    def test_a_wrong_provider_is_caught(
        promise: str, mutant: type[Command], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = sudoers.SudoWorld(tmp_path)
        try:
            make = maker(sudoers.sudoers_settings(world.host), mutant)
            assert_is_caught(mutant.__name__, promise, sudoers.SudoContract(), _fixtures(sudoers, world, make, caplog))
        finally:
            world.host.close()


def test_where_it_counts_nothing_of_this_is_left_out() -> None:
    """With CI=true a host that cannot be one is a failure, and not a test less."""
    assert READY or not os.environ.get("CI"), "these tests need root, sudo, visudo, unshare, nsenter and gpasswd"
