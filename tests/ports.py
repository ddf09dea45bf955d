"""Ports for servers that take a while to come up."""

import random
import socket

NOBODY_IS_GIVEN = range(20_000, 32_000)
"""Below those from which the system takes one for whoever does not care which: another test has many of these."""


def free_port() -> int:
    """One that nobody listens on now, and that the system gives to nobody meanwhile."""
    while True:
        port = random.SystemRandom().choice(NOBODY_IS_GIVEN)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
