"""The provider command with the program for groups keeps the contract: real logins, real processes, a real gpasswd."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from access.errors import BadConfig, NotGrantable, PrincipalNotFound, ProviderError, TargetNotFound
from access.ports import GrantSpec, Provider, Receipt, Secret
from countersign.testing import Histories, Left, MakeSpec, Obstacle, ProviderContract, Refused, TestedOn
from tests.contracts.command_host import (
    GROUPS,
    READY,
    CommandWorld,
    Host,
    changed,
    maker,
    settings_by_target,
    spec_of,
    specs_with,
)
from tests.contracts.test_command_sudoers import ERRORS
from tests.waiting import wait_until
from workers.providers.command import Settings

_SUBORDINATE = 1_610_000
_HEADLESS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print(flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def group_settings(host: Host) -> dict[str, Any]:
    return host.settings(
        shared=True, can=["end_sessions", "list_holders"], where="app-1",
        by_hand=[
            f"gpasswd --root {host.root} -d {{principal}} {{grants}}",
            "pkill -KILL -u $(getent passwd {principal} | cut -d: -f3)",
        ],
        end_means="The person's processes that have the group are killed.",
    )  # fmt: skip


class LoggedIn:
    """A shell of the person: what it is told on its standard input it does with the groups that it logged in with."""

    def __init__(self, host: Host, person: str, file: Path) -> None:
        self._file = file
        self._shell = subprocess.Popen(
            host.entering(person, ["sh"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd="/",
        )  # fmt: skip

    def is_alive(self) -> bool:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        try:
            self._shell.stdin.write(f"cat {self._file} || echo refused\n")
            self._shell.stdin.flush()
        except (BrokenPipeError, ValueError):
            return False
        return self._shell.stdout.readline() == "the ledger\n"

    def close(self) -> None:
        self._shell.kill()
        self._shell.communicate()


class GroupWorld(CommandWorld):
    def __init__(self, directory: Path) -> None:
        host = Host(directory, "groups.py")
        self.allowed = host.file("countersign/groups", ["payments", "ledgers"])
        for group in ("payments", "ledgers"):
            ledger = host.file(group, ["the ledger"], mode=0o640)
            os.chown(ledger, 0, GROUPS[group])
        host.wait_until_it_is_there()
        super().__init__(host)

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> LoggedIn:
        session = LoggedIn(self.host, spec.principal, Path("/etc") / spec.definition["grants"][0])
        if not session.is_alive():
            session.close()
            raise Refused("logged in, but does not reach what was granted")
        return session

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        near = (["cat", "/etc/ledgers"], ["cat", "/etc/shadow"], ["sh", "-c", "echo >> /etc/payments"],
                ["gpasswd", "-a", "eve", "payments"])  # fmt: skip
        return [" ".join(one) for one in near if self.host.as_person(spec.principal, *one).returncode == 0]

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        for group in spec.definition["grants"]:
            self._gpasswd("-d", spec.principal, group)

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        (group,) = spec.definition["grants"]
        self._gpasswd("-a", spec.principal, group)
        try:
            yield lambda: spec.principal in self._row("group", group)[3].split(",")
        finally:
            if spec.principal in self._row("group", group)[3].split(","):
                self._gpasswd("-d", spec.principal, group)

    def tamper(self, spec: GrantSpec) -> None:
        """The person may add others from then on."""
        self._gpasswd("-A", spec.principal, spec.definition["grants"][0])

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return [
            changed(self.allowed, "ledgers\n", "the group may not be given any more"),
            self._group_of_root(),
        ]

    @contextmanager
    def _group_of_root(self) -> Iterator[str]:
        group = self.host.etc / "group"
        with changed(group, group.read_text().replace(":62001:", ":0:"), "the group is root's own") as what:
            yield what

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        (group,) = spec.definition["grants"]
        tries = [
            f"gpasswd -a eve {group}", f"gpasswd -M eve {group}", f"gpasswd -A {spec.principal} {group}",
            f"echo ':x' | gpasswd {group}", f"echo {spec.principal} >> /etc/group", "usermod -g payments eve",
            f"sg {group} 'gpasswd -a eve {group}'", "rm /var/lib/countersign-groups/*",
            f"chmod o+r /etc/{group}", f"setfacl -m u:eve:r /etc/{group}",
        ]  # fmt: skip
        yield self._tries(spec.principal, tries)

    def widened(self, spec: GrantSpec) -> AbstractContextManager[Any]:
        raise NotImplementedError("no program of this provider tells what a role allows")

    def look_alike(self, spec: GrantSpec) -> AbstractContextManager[str]:
        raise NotImplementedError("a membership has no mark")

    def own_end(self, spec: GrantSpec) -> datetime | None:
        return None

    def obstacles(self) -> Sequence[Obstacle]:
        return [
            Obstacle("C31", "a process that ignores every signal that it can", self._deaf),
            Obstacle("C35", "processes that keep starting others, apart from their login", self._restless),
            Obstacle("C35", "a process under an account of its user namespace", self._subordinate),
            Obstacle("C35", "a process whose first thread has ended", self._headless),
            Obstacle("C36", "a hundred processes", self._many),
        ]

    def _deaf(self, spec: GrantSpec, secret: Secret | None) -> AbstractContextManager[Left]:
        return self._running(spec, "trap '' HUP INT TERM QUIT; while :; do sleep 1; done")

    def _restless(self, spec: GrantSpec, secret: Secret | None) -> AbstractContextManager[Left]:
        again = 'f() { sleep 0.1; setsid sh -c "$me" & }; f'
        return self._running(spec, f"export me='{again}'; eval \"$me\"; sleep 60")

    def _many(self, spec: GrantSpec, secret: Secret | None) -> AbstractContextManager[Left]:
        return self._running(spec, "for i in $(seq 100); do sleep 60 & done; wait")

    @contextmanager
    def _subordinate(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Left]:
        """As newuidmap lets a person do: another number, the same groups."""
        self.host.file("subuid", [f"{spec.principal}:{_SUBORDINATE}:65536"])
        gid = GROUPS[spec.definition["grants"][0]]
        with subprocess.Popen(["sleep", "600"], user=_SUBORDINATE + 7, group=gid + 1000, extra_groups=[gid]) as process:
            try:
                yield lambda: [] if process.poll() is not None else ["a process of the user namespace has the group"]
            finally:
                process.kill()
                (self.host.etc / "subuid").unlink()

    @contextmanager
    def _headless(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Left]:
        started = self.host.entering(spec.principal, ["/usr/bin/python3", "-c", _HEADLESS])
        with subprocess.Popen(started, stdout=subprocess.PIPE, cwd="/") as process:
            assert process.stdout is not None
            process.stdout.readline()
            status = Path(f"/proc/{process.pid}/status")
            wait_until(lambda: "State:\tZ" in status.read_text(), "the first thread to be over")
            try:
                yield lambda: [] if process.poll() is not None else ["a process without its first thread runs on"]
            finally:
                process.kill()

    @contextmanager
    def _running(self, spec: GrantSpec, script: str) -> Iterator[Left]:
        started = self.host.entering(spec.principal, ["sh", "-c", f"echo; {script}"])
        process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield lambda: self._with_the_group(spec)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()

    def _with_the_group(self, spec: GrantSpec) -> list[str]:
        """As ps has it."""
        listed = subprocess.run(
            ["ps", "-eo", "uid=,supgid=,comm=,state="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        rows = [row for row in map(str.split, listed) if not row[-1].startswith("Z")]
        gid, uid = str(GROUPS[spec.definition["grants"][0]]), self._row("passwd", spec.principal)[2]
        return [f"{row[2]} still has the group" for row in rows if row[0] == uid and gid in row[1].split(",")]

    def _row(self, file: str, name: str) -> list[str]:
        lines = (self.host.etc / file).read_text().splitlines()
        return next(row for row in (line.split(":") for line in lines) if row[0] == name)

    def _gpasswd(self, *words: str) -> None:
        subprocess.run(["gpasswd", "--root", str(self.host.root), *words], check=True, capture_output=True)


def make_spec(world: GroupWorld, principal: str = "ann") -> GrantSpec:
    return spec_of(group_settings(world.host), ["payments"], principal)


def specs_to_refuse(world: GroupWorld) -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = make_spec(world)
    return [
        (replace(spec, principal="no_such_person"), PrincipalNotFound),
        (replace(spec, principal="root"), NotGrantable),
        (replace(spec, definition={"grants": ["docker"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["payments", "docker"]}), TargetNotFound),
        (replace(spec, definition={"grants": []}), BadConfig),
        (replace(spec, definition={"groups": ["payments"]}), BadConfig),
    ]


PEOPLE = ("ann", "lea", "eve")
MORE_ROLES = ({"grants": ["ledgers"]}, {"grants": ["payments", "ledgers"]})


class GroupContract(ProviderContract):
    error_table: ClassVar = ERRORS
    no_obstacles: ClassVar = {
        "C32": "The group file is changed by root alone, who waits for nobody's lock but another gpasswd's.",
        "C33": "The program runs gpasswd and nothing that a person made.",
        "C34": "The program names every file by its whole path and runs Python apart from its surroundings.",
    }

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[GroupWorld]:
        world = GroupWorld(tmp_path)
        yield world
        world.host.close()

    @pytest.fixture
    def make_provider(self, world: GroupWorld) -> Callable[[], Provider]:
        return maker(group_settings(world.host))

    @pytest.fixture
    def make_spec(self, world: GroupWorld) -> MakeSpec:
        return partial(make_spec, world)

    @pytest.fixture
    def refused_specs(self, world: GroupWorld) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse(world)

    @pytest.fixture
    def hostile_specs(self, world: GroupWorld) -> Callable[[str], list[GrantSpec]]:
        return partial(specs_with, partial(make_spec, world))

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        return MORE_ROLES

    @pytest.fixture
    def tested_on(self) -> TestedOn:
        system = platform.freedesktop_os_release()
        what = f"Linux groups of {system['NAME'].partition(' ')[0]} {system.get('VERSION_ID', '')}".strip()
        return TestedOn(what=what, kind="real", way="groups.py")

    @pytest.fixture
    def targets(self) -> list[list[Settings]]:
        return settings_by_target()

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return lambda _receipt: ["{}"]


if READY:

    class TestGroups(GroupContract, Histories):
        """C01 to C40."""

        shrinks: ClassVar = False
        people: ClassVar = PEOPLE
