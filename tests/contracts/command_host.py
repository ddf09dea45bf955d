"""A host of its own for the programs of the provider command: its own /etc, in which real people really log in.

Nothing of this machine's /etc is changed. A process that is to see the host enters a mount namespace where the private
/etc lies over the real one: there the real sudo and the real login groups answer as they would on that host.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec
from countersign.testing import Fault, FaultKind, Imposter
from tests.contracts.command_imposters import imposters
from workers.providers.command import Command, Settings

PROGRAMS = Path(__file__).parents[2] / "examples/command"
PEOPLE = {"ann": 61001, "lea": 61002, "eve": 61003}
GROUPS = {"payments": 62001, "ledgers": 62002, "docker": 62003}
SECRET = "canary-of-the-bot-8c1f5e"
READY = os.geteuid() == 0 and all(shutil.which(one) for one in ("sudo", "visudo", "unshare", "nsenter", "gpasswd"))
"""Another person's machine may not have them, and other accounts than root can play no host."""
_COPIED = ("pam.d", "security", "login.defs", "nsswitch.conf", "ld.so.cache", "sudo.conf")

# Stands before the real program; strikes the call that was ordered.
_RELAY = """#!/bin/sh
if [ -e {here}/fault ]; then
  read -r kind at < {here}/fault
  count=$(($(cat {here}/count) + 1)); echo $count > {here}/count
  if [ $count = $at ]; then
    : > {here}/fired
    case $kind in
      before) kill -KILL $$ ;;
      after) {real} "$@" > /dev/null; kill -KILL $$ ;;
      silence) {real} "$@" > /dev/null; sleep 600 & wait ;;
      exit) exit "$(cat {here}/said)" ;;
      says) cat {here}/said; exit 0 ;;
    esac
  fi
fi
exec {real} "$@"
"""


@dataclass
class OrderedFault:
    folder: Path

    @property
    def fired(self) -> bool:
        return (self.folder / "fired").exists()


class Host:
    """`root` holds the private /etc; `program` is what the settings name."""

    def __init__(self, directory: Path, recipe: str) -> None:
        self.root, self.relay = directory / "root", directory / "relay"
        self.etc, self.state = self.root / "etc", self.root / "var/lib/countersign-groups"
        self.secret = directory / "token"
        self._make(recipe)
        under = f"mount --bind {self.etc} /etc && exec sleep infinity"
        self._namespace = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"echo; {under}"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )

    def _make(self, recipe: str) -> None:
        self.etc.mkdir(parents=True)
        self.relay.mkdir()
        for name in _COPIED:
            source = Path("/etc") / name
            if source.is_dir():
                shutil.copytree(source, self.etc / name, symlinks=True)
            elif source.exists():
                shutil.copy2(source, self.etc / name)
        people = [f"{name}:x:{uid}:{uid}::/:/bin/sh" for name, uid in PEOPLE.items()]
        self.file("passwd", ["root:x:0:0:root:/root:/bin/sh", *people])
        own = [f"{name}:x:{uid}:" for name, uid in PEOPLE.items()]
        self.file("group", ["root:x:0:", *own, *(f"{name}:x:{gid}:" for name, gid in GROUPS.items())])
        self.file("shadow", [f"{name}:*:19000:0:99999:7:::" for name in ("root", *PEOPLE)], mode=0o640)
        self.file("gshadow", [f"{name}:!::" for name in ("root", *PEOPLE, *GROUPS)], mode=0o640)
        self.file("hosts", [f"127.0.0.1 localhost {os.uname().nodename}"])
        (self.etc / "sudoers.d").mkdir(mode=0o750)
        (self.etc / "countersign").mkdir()
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self.program = self.relay / "program"
        self.real = self.relay / recipe
        shutil.copy2(PROGRAMS / recipe, self.real)
        self.program.write_text(_RELAY.format(here=self.relay, real=self.real))
        self.program.chmod(0o755)
        self.real.chmod(0o755)

    def file(self, name: str, lines: Sequence[str], mode: int = 0o644) -> Path:
        path = self.etc / name
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(mode)
        return path

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "program": str(self.program), "arguments": ["--root", str(self.root)], "user": "root",
            "secrets": {"api_token": {"file": str(self.secret)}}, **more,
        }  # fmt: skip

    def close(self) -> None:
        self._namespace.kill()
        self._namespace.wait()
        assert self._namespace.stdout is not None
        self._namespace.stdout.close()

    # As a person

    def entering(self, person: str, command: Sequence[str]) -> list[str]:
        """With what the host's own /etc says of this person now, as a login has it."""
        inside = ["nsenter", f"--mount=/proc/{self._namespace.pid}/ns/mnt", "--"]
        become = ["setpriv", f"--reuid={person}", f"--regid={PEOPLE[person]}", "--init-groups", "--reset-env", "--"]
        return [*inside, *become, *command]

    def as_person(self, person: str, *command: str) -> subprocess.CompletedProcess[str]:
        if person not in PEOPLE:
            return subprocess.CompletedProcess(command, 1, "", "there is no such account")
        return subprocess.run(
            self.entering(person, command), capture_output=True, text=True, check=False, timeout=20, cwd="/"
        )

    def wait_until_it_is_there(self) -> None:
        """The namespace has its own /etc once our people are known in it."""
        inside = ["nsenter", f"--mount=/proc/{self._namespace.pid}/ns/mnt", "--", "test", "-d", "/etc/countersign"]
        assert self._namespace.stdout is not None
        self._namespace.stdout.readline()
        end = 200
        while subprocess.run(inside, check=False).returncode != 0:
            end -= 1
            assert end, "no mount namespace could be made; these tests need root with CAP_SYS_ADMIN"

    # Faults

    @contextmanager
    def struck(self, kind: str, at: int, said: str = "") -> Iterator[OrderedFault]:
        for name, text in (("count", "0"), ("said", said), ("fault", f"{kind} {at}\n")):
            (self.relay / name).write_text(text)
        (self.relay / "fired").unlink(missing_ok=True)
        try:
            yield OrderedFault(self.relay)
        finally:
            (self.relay / "fault").unlink()


class CommandWorld:
    """What the worlds of both programs have in common."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def snapshot(self) -> object:
        """Every file of the host, but those that only say that one was edited."""
        places = (self.host.etc.glob("*"), self.host.etc.glob("sudoers.d/*"), self.host.state.rglob("*"))
        there = sorted(path for place in places for path in place)
        there = [one for one in there if not one.name.endswith(("-", ".lock"))]
        return [
            (str(one), one.lstat().st_mode, one.lstat().st_uid, one.read_bytes() if one.is_file() else b"")
            for one in there
        ]

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        return [self._without_the_secret()]

    @contextmanager
    def _without_the_secret(self) -> Iterator[str]:
        kept = self.host.secret.rename(self.host.secret.with_suffix(".kept"))
        try:
            yield "the program's secret is not where the settings say"
        finally:
            kept.rename(self.host.secret)

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return ()  # both programs are root's, who lacks no right

    def _tries(self, person: str, scripts: Sequence[str]) -> dict[str, bool]:
        return {script: self.host.as_person(person, "sh", "-c", script).returncode == 0 for script in scripts}

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        return imposters(self.host.secret)

    def type_by_hand(self, statements: Sequence[str]) -> None:
        typed = lambda line: subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False).returncode  # noqa: E731
        for line in [line for line in statements if typed(line)]:
            typed(line)

    def fault(self, kind: FaultKind, at: int) -> AbstractContextManager[Fault]:
        return self.host.struck(kind, at)

    def answer(self, code: str) -> AbstractContextManager[Any]:
        if code.isdigit():
            return self.host.struck("exit", 1, code)
        return self.host.struck("says", 1, json.dumps({"error": {"kind": code}}))

    def written(self) -> str:
        return ""

    def credentials(self) -> list[str]:
        return [SECRET]

    @contextmanager
    def writable_by_others(self, path: Path, what: str) -> Iterator[str]:
        mode = path.stat().st_mode
        path.chmod(mode | 0o002)
        try:
            yield what
        finally:
            path.chmod(mode)


@contextmanager
def changed(path: Path, text: str, what: str = "") -> Iterator[str]:
    before = path.read_text()
    path.write_text(text)
    try:
        yield what
    finally:
        path.write_text(before)


def spec_of(settings: dict[str, Any], grants: list[str], principal: str) -> GrantSpec:
    now = datetime.now(UTC)
    return GrantSpec(
        grant_id=GrantId(ulid(now)), resource="app-1", role="use", definition={"grants": grants}, settings=settings,
        scope={}, principal=principal, expires_at=now + timedelta(hours=1),
    )  # fmt: skip


def specs_with(make: Callable[..., GrantSpec], words: str) -> list[GrantSpec]:
    spec = make()
    return [
        replace(spec, principal=words),
        replace(make(), definition={"grants": [*spec.definition["grants"], words]}),
        replace(make(), resource=words, role=words, scope={"x": words}),
    ]


def maker(settings: dict[str, Any], provider: type[Command] = Command) -> Callable[[], Command]:
    return lambda: provider(Settings.model_validate(settings))


def settings_by_target() -> list[list[Settings]]:
    """Those of one list ask one program with one account; what it can do, and how it is said, is no part of it."""
    program = "/opt/countersign/access"
    return [
        [
            Settings.model_validate({"program": program, "user": "access"}),
            Settings.model_validate({"program": program, "user": "access", "can": ["list"], "where": "app-1"}),
        ],
        [Settings.model_validate({"program": program, "user": "another"})],
        [Settings.model_validate({"program": program, "user": "access", "arguments": ["--of", "app-2"]})],
    ]


def soon() -> Deadline:
    return Deadline.after(20)
