"""Who types a command: the account of this host, by which the log names the person."""

import getpass
import socket

from access.actors import Actor, by_host


def host_account() -> Actor:
    return by_host(f"{getpass.getuser()}@{socket.gethostname()}")
