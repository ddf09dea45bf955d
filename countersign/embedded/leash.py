"""Becomes a server that dies with its parent: `leash.py PARENT UID GID COMMAND…`.

A program of its own, run by itself, because code between fork and exec may hang in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Takes the account, asks Linux for SIGINT when the parent is gone, and becomes the command."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    tie(parent)  # after the account is taken: the kernel forgets the wish at a change of the user
    os.execv(command[0], command)  # noqa: S606  (no shell is the point)


def tie(parent: int) -> None:
    """Asks Linux for SIGINT when the parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit(1)  # the parent died before the wish was made


def name(process: str) -> None:
    """How `ps -o comm` and `top` call this process, which no command line tells from its siblings."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NAME, f"cs-{process}".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
