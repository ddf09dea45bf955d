"""The provider command with the program for sudo keeps the contract: a real sudo, asked by the person."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from access.errors import BadConfig, NotGrantable, PrincipalNotFound, ProviderError, TargetNotFound
from access.ids import GrantId
from access.ports import GrantSpec, Provider, Receipt, Secret
from countersign.testing import Histories, MakeSpec, Obstacle, ProviderContract, Refused, TestedOn
from tests.contracts.command_host import (
    READY,
    CommandWorld,
    Host,
    changed,
    maker,
    settings_by_target,
    spec_of,
    specs_with,
)
from workers.providers.command import Settings
from workers.providers.command.errors import EXIT_CODES, KINDS

ERRORS = {str(code): kind for code, (kind, _) in EXIT_CODES.items()} | KINDS


def sudoers_settings(host: Host) -> dict[str, Any]:
    return host.settings(
        can=["expire", "extend", "list"], by_hand=[f"rm -f {host.etc}/sudoers.d/{{name}}"], where="app-1",
        end_means="sudo refuses from then on. A command that runs by then is not stopped.",
    )  # fmt: skip


_DONE_AS_ROOT = ("the payroll\n", "uid=0(root)")
_WHO = "/usr/bin/id"


class SudoSession:
    """Somebody logged in who uses what was granted now and then."""

    def __init__(self, host: Host, person: str, command: str) -> None:
        self._run = partial(host.as_person, person, "sudo", "-n", *command.split())

    def is_alive(self) -> bool:
        return self._run().stdout.startswith(_DONE_AS_ROOT)

    def close(self) -> None: ...


class SudoWorld(CommandWorld):
    def __init__(self, directory: Path) -> None:
        host = Host(directory, "sudoers.py")
        host.file("payroll", ["the payroll"], mode=0o600)
        host.file("sudoers", ['Defaults env_reset, !mail_always, mailto=""', "@includedir /etc/sudoers.d"], mode=0o440)
        self.tool = Path(shutil.copy2("/usr/bin/cat", directory / "show"))
        self.command = f"{self.tool} /etc/payroll"
        self.allowed = host.file("countersign/sudo-commands", ["# what may be given", self.command, _WHO])
        host.wait_until_it_is_there()
        super().__init__(host)

    def path(self, spec: GrantSpec) -> Path:
        return self.host.etc / "sudoers.d" / f"cs_{spec.grant_id}"

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> SudoSession:
        session = SudoSession(self.host, spec.principal, spec.definition["grants"][0])
        if not session.is_alive():
            raise Refused("sudo does not let the person run it")
        return session

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        near = [
            [str(self.tool), "/etc/shadow"],
            [str(self.tool), "/etc/payroll", "/etc/shadow"],
            [str(self.tool)],
            ["/usr/bin/id"],
            ["-u", "lea", *self.command.split()],
            ["--edit", "/etc/payroll"],
            ["/bin/sh", "-c", "id"],
        ]  # fmt: skip
        tried = {" ".join(words): self.host.as_person(spec.principal, "sudo", "-n", *words) for words in near}
        return [words for words, done in tried.items() if done.returncode == 0]

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        self.path(spec).unlink()

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        rule = self.host.file(
            "sudoers.d/by_hand", [f"{spec.principal} ALL=(root) NOPASSWD: {self.command}"], mode=0o440
        )
        try:
            yield SudoSession(self.host, spec.principal, self.command).is_alive
        finally:
            rule.unlink(missing_ok=True)

    def tamper(self, spec: GrantSpec) -> None:
        path = self.path(spec)
        path.write_text(f"{path.read_text()}{spec.principal} ALL=(ALL) NOPASSWD: ALL\n")

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        """What sudo would run could be another's, or is more than it says."""
        wildcard = changed(self.allowed, f"{self.tool} /etc/*\n", "the list allows a wildcard")
        return [self.writable_by_others(self.tool, "others may replace the command"), wildcard]

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        rule = f"/etc/sudoers.d/cs_{spec.grant_id}"
        tries = [
            f"echo '# longer' >> {rule}",
            f"echo 'eve ALL=(root) NOPASSWD: {self.command}' > /etc/sudoers.d/eve",
            f"cat {rule}",
            "gpasswd -a eve root",
            "id > /run/sudo/ts/eve",
        ]
        by_sudo = [f'sudo -n sh -c "{one}"' for one in tries]
        granted = f"sudo -n {self.command}"
        ways = [f"{granted} > {rule}", "sudo -n -u eve true", f"sudo -n --edit {rule}"]
        yield self._tries(spec.principal, [*tries, *by_sudo, *ways])
        (self.host.etc / "sudoers.d/eve").unlink(missing_ok=True)

    def widened(self, spec: GrantSpec) -> AbstractContextManager[Any]:
        raise NotImplementedError("no program of this provider tells what a role allows")

    @contextmanager
    def look_alike(self, spec: GrantSpec) -> Iterator[str]:
        rule = self.path(spec)
        rule.write_text("# made by hand\n")
        try:
            yield rule.name
        finally:
            rule.unlink()

    def own_end(self, spec: GrantSpec) -> datetime | None:
        """As sudo's own reader has it; the second that it names still counts."""
        there = subprocess.run(
            ["cvtsudoers", "-e", "-f", "json", str(self.path(spec))], capture_output=True, text=True, check=True
        )
        (stamp,) = {line.split('"')[3] for line in there.stdout.splitlines() if "notafter" in line}
        return datetime.strptime(stamp, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=1)

    def obstacles(self) -> Sequence[Obstacle]:
        return []


def make_spec(world: SudoWorld, principal: str = "ann") -> GrantSpec:
    return spec_of(sudoers_settings(world.host), [world.command], principal)


def more_roles(world: SudoWorld) -> Sequence[Mapping[str, Any]]:
    return ({"grants": [_WHO]}, {"grants": [world.command, _WHO]})


def specs_to_refuse(world: SudoWorld) -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = make_spec(world)
    return [
        (replace(spec, principal="no_such_person"), PrincipalNotFound),
        (replace(spec, principal="root"), NotGrantable),
        (replace(spec, definition={"grants": ["/usr/bin/cat /etc/shadow"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["ALL"]}), TargetNotFound),
        (replace(spec, definition={"grants": []}), BadConfig),
        (replace(spec, definition={"commands": ["/usr/bin/id"]}), BadConfig),
        (replace(spec, grant_id=GrantId("../../etc/passwd")), BadConfig),
    ]


def receipts_of_before(receipt: Receipt) -> list[str]:
    return ["{}", f'{{"version": 1, "names": {{"name": "{receipt.names["name"]}"}}}}']


NO_OBSTACLES = {
    "C31": "A file in sudoers.d is removed by root; no lock of the person's keeps root from that.",
    "C32": "A file in sudoers.d is removed by root; no lock of another account keeps root from that.",
    "C33": "Only the commands of the list are run, by the person; the program runs nothing that a person made.",
    "C34": "The program names every file by its whole path and runs Python apart from its surroundings.",
    "C35": "sudo reads its rules at each command; there is no session that could be half-way in.",
    "C36": "The person cannot make a file in sudoers.d; what a command makes is the command's own.",
}


class SudoContract(ProviderContract):
    error_table: ClassVar = ERRORS
    no_obstacles: ClassVar = NO_OBSTACLES

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SudoWorld]:
        world = SudoWorld(tmp_path)
        yield world
        world.host.close()

    @pytest.fixture
    def make_provider(self, world: SudoWorld) -> Callable[[], Provider]:
        return maker(sudoers_settings(world.host))

    @pytest.fixture
    def make_spec(self, world: SudoWorld) -> MakeSpec:
        return partial(make_spec, world)

    @pytest.fixture
    def more_roles(self, world: SudoWorld) -> Sequence[Mapping[str, Any]]:
        return more_roles(world)

    @pytest.fixture
    def refused_specs(self, world: SudoWorld) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse(world)

    @pytest.fixture
    def hostile_specs(self, world: SudoWorld) -> Callable[[str], list[GrantSpec]]:
        return partial(specs_with, partial(make_spec, world))

    @pytest.fixture
    def tested_on(self) -> TestedOn:
        first = subprocess.run(["sudo", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        return TestedOn(what=first.replace("Sudo version", "sudo").partition("p")[0], kind="real", way="sudoers.py")

    @pytest.fixture
    def targets(self) -> list[list[Settings]]:
        return settings_by_target()

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return receipts_of_before


if READY:

    class TestSudoers(SudoContract, Histories):
        """C01 to C40."""

        shrinks: ClassVar = False
        people: ClassVar = ("ann", "lea", "eve")
