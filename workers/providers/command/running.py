"""Runs a program: no shell, no terminal, none of our environment, and none of its processes is left afterwards."""

import os
import pwd
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from access.errors import BadConfig, Transient
from access.ports import Deadline

MOST_OUTPUT = 1 << 20
"""Bytes of an answer."""
_CHUNK = 1 << 16
_REAP_SECONDS = 1.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Account:
    """As whom a program runs."""

    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class Call:
    """What is run. `copy` is a descriptor of the program that is run instead of what stands at its path."""

    program: str
    arguments: Sequence[str]
    account: Account
    environment: Mapping[str, str]
    copy: int | None = None


@dataclass(frozen=True)
class Ended:
    """How it ended, and what it wrote until then."""

    how: Literal["by itself", "late", "flood"]
    code: int
    output: bytes


def account_of(user: str | None) -> Account:
    """Raises BadConfig."""
    ours = os.geteuid()
    if user is None and ours == 0:
        raise BadConfig(
            "This worker runs as root: say in the settings, by the word user, which account the program has."
        )
    try:
        found = pwd.getpwuid(ours) if user is None else pwd.getpwnam(user)
    except KeyError:
        raise BadConfig(
            f"The account {user}, which the settings name as user, is not known on this worker's host."
        ) from None
    if ours not in (0, found.pw_uid):
        raise BadConfig(
            f"This worker is not root, so it cannot run a program as {user}; take the word user out of the settings."
        )
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def surroundings(account: Account) -> dict[str, str]:
    """All of the environment that a program has by itself."""
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": account.home, "USER": account.name, "LOGNAME": account.name}


def run(call: Call, question: bytes, deadline: Deadline) -> Ended:
    """Raises BadConfig or Transient where it could not be started, and so nothing was done."""
    process = _started(call, question)
    how: Literal["by itself", "late", "flood"] = "late"
    output = bytearray()
    try:
        how = _read(process, output, deadline)
    finally:
        code = _end(process)
    return Ended(how, code, bytes(output))


def _started(call: Call, question: bytes) -> "subprocess.Popen[bytes]":
    # In memory and not by a pipe: a program that does not read cannot hold us up, and it needs no thread to write it.
    asked, as_root = os.memfd_create("question"), os.geteuid() == 0
    try:
        os.write(asked, question)
        os.lseek(asked, 0, os.SEEK_SET)
        return subprocess.Popen(  # noqa: S603 -- a path that only root can change, and arguments of the policy
            [call.program, *call.arguments],
            executable=None if call.copy is None else f"/proc/self/fd/{call.copy}",
            pass_fds=() if call.copy is None else (call.copy,),
            stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd="/", umask=0o077, start_new_session=True,
            env={**surroundings(call.account), **call.environment},
            user=call.account.uid if as_root else None, group=call.account.gid if as_root else None,
            extra_groups=os.getgrouplist(call.account.name, call.account.gid) if as_root else None,
        )  # fmt: skip
    except BlockingIOError:
        raise Transient("The worker's host has no room for another process just now.") from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "its arguments cannot be used"
        raise BadConfig(f"The program {call.program} cannot be started: {why}.") from None
    finally:
        os.close(asked)


def _read(
    process: "subprocess.Popen[bytes]", output: bytearray, deadline: Deadline
) -> Literal["by itself", "late", "flood"]:
    """Until the program itself has ended: a process that it left behind may hold the pipe for ever."""
    assert process.stdout is not None
    pipe, exited = process.stdout.fileno(), os.pidfd_open(process.pid)
    os.set_blocking(pipe, False)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            selector.register(exited, selectors.EVENT_READ)
            while not deadline.passed:
                ready = {key.fd for key, _ in selector.select(deadline.left())}
                if pipe in ready and _take(pipe, output) == "end":
                    selector.unregister(pipe)
                if len(output) > MOST_OUTPUT:
                    return "flood"
                if exited in ready:
                    while len(output) <= MOST_OUTPUT and _take(pipe, output) == "more":
                        pass
                    return "flood" if len(output) > MOST_OUTPUT else "by itself"
            return "late"
    finally:
        os.close(exited)


def _take(pipe: int, output: bytearray) -> Literal["more", "nothing yet", "end"]:
    try:
        chunk = os.read(pipe, _CHUNK)
    except BlockingIOError:
        return "nothing yet"
    output += chunk
    return "more" if chunk else "end"


def _end(process: "subprocess.Popen[bytes]") -> int:
    """It and all that it started are ended. Not waited for before, so that its number is not yet another's."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    process.stdout.close()
    try:
        return process.wait(_REAP_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL  # it hangs in the kernel, and dies as soon as that lets go of it
