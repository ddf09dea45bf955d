"""The demo's second target: a support console that keeps its members in a file, and the program that lets people in."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from countersign.demo.console.members import SCHEMA, open_members

__all__ = ["Console", "Member", "prepare"]

_PROGRAM = Path(__file__).parent / "members.py"
_PUT_OUT = "\"DELETE FROM member WHERE name = '{name}'\""
_TITLES = {"answer": "answers customers", "refund": "answers customers and pays refunds"}


@dataclass(frozen=True)
class Member:
    """Who is in."""

    person: str
    role: str
    may: str
    until: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Console:
    """The console, ready: where its program is, and who gets in."""

    program: Path
    user: str | None
    """As whom the worker runs the program: it has to be said where that is root."""
    file: Path

    def members(self) -> list[Member]:
        """As the console itself looks: whose time is over is not in, also where nobody has come to remove them."""
        with closing(open_members(self.file)) as rows:
            found = rows.execute(
                "SELECT person, role, until FROM member WHERE until > ? ORDER BY until, person", [time.time()]
            ).fetchall()
        return [Member(person, role, _TITLES[role], until) for person, role, until in found]

    def settings(self) -> dict[str, Any]:
        """The target's part of the policy."""
        user = {"user": self.user} if self.user else {}
        return {
            "program": str(self.program), **user, "where": "this machine",
            "can": ["expire", "extend", "end_sessions", "list"],
            "by_hand": [f"sqlite3 {shlex.quote(str(self.file))} {_PUT_OUT}"],
            "end_means": "The console asks who you are at every click, so what is open there stops answering.",
        }  # fmt: skip

    def json(self) -> dict[str, Any]:
        """For the window."""
        return {"members": [asdict(member) for member in self.members()], "roles": dict(_TITLES)}


def prepare(directory: Path) -> Console:
    """Makes the console in `directory`, or finds it there with its members.

    The program is ours alone to change. Where we are root it runs as `nobody`, to whom only the members' file belongs.
    """
    data, program, copy = directory / "data", directory / "console", directory / "members.py"
    for made in (directory, data):
        made.mkdir(exist_ok=True)
        made.chmod(0o755)
    shutil.copyfile(_PROGRAM, copy)  # the clone may lie where `nobody` cannot read
    copy.chmod(0o644)
    python = _python()
    # By way of a shell: where each account has a group of its own, that group may write to the folder of an interpreter
    # which its owner has installed, and the provider refuses a script whose interpreter others could replace.
    words = shlex.join([python, "-I", str(copy), str(data / "members.db")])
    program.write_text(
        f"#!/bin/sh\n# Lets people into the support console: asked in JSON, answers in JSON.\nexec {words}\n"
    )
    program.chmod(0o755)
    with closing(open_members(data / "members.db")) as rows:
        rows.executescript(SCHEMA)
    return Console(program, _account(program, data), data / "members.db")


def _python() -> str:
    """One that `nobody` can run, where there is one: root's own may lie where that account cannot go."""
    ours = os.path.realpath(sys.executable)
    usable = (one for one in (ours, shutil.which("python3", path="/usr/local/bin:/usr/bin")) if one and _runs(one))
    return ours if os.geteuid() != 0 else next(usable, ours)


def _runs(python: str) -> bool:
    try:
        tried = subprocess.run([python, "-I", "-c", "import sqlite3"], user="nobody", cwd="/", check=False)  # noqa: S603
    except OSError:
        return False
    return tried.returncode == 0


def _account(program: Path, data: Path) -> str | None:
    """As whom a worker that is root runs it: as `nobody`, if that one can. Everybody else's runs it as themselves."""
    if os.geteuid() != 0:
        return None
    _belongs_to("nobody", data)
    try:
        tried = subprocess.run(  # noqa: S603 -- our own program
            [str(program)], input=b'{"verb": "check"}', user="nobody", cwd="/", capture_output=True, check=False
        )  # fmt: skip
        if tried.returncode == 0:
            return "nobody"
    except OSError:  # it may not even enter where the program lies
        pass
    _belongs_to("root", data)
    return "root"


def _belongs_to(account: str, data: Path) -> None:
    for owned in (data, *data.iterdir()):
        shutil.chown(owned, account)
