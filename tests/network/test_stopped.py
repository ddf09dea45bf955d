"""A process of ours is stopped in the middle of a transaction: the others wait no longer than the time-outs say."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from access.errors import Unavailable
from access.models import GrantStatus
from access.postgres_session import POSTGRES_TIMEOUTS
from access.store import Database
from tests.databases import PostgresDatabases
from tests.world import World

HOLD = """
import sys, time
from sqlmodel import select
from access.models import AuditHead, Grant
from access.store import Database
with Database(sys.argv[1]).write() as session:
    session.exec(select(AuditHead if sys.argv[2] == "head" else Grant).with_for_update()).all()
    print("held", flush=True)
    time.sleep(120)
"""


@contextmanager
def stopped_holder(url: str, what: str) -> Iterator[None]:
    """It holds the audit head or all grants, and has been stopped."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, url, what], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def seconds(name: str) -> float:
    return float(POSTGRES_TIMEOUTS[name].removesuffix("s"))


@pytest.mark.parametrize("what", ["head", "grants"])
def test_a_stopped_holder_does_not_stop_the_others_for_long(
    postgres_databases: PostgresDatabases, tmp_path: Path, what: str
) -> None:
    """Who wants the same is told so in time; then the server throws the holder out."""
    with postgres_databases.fresh() as url:
        database = Database(url)
        world = World.make(database, tmp_path)
        grant = world.open()
        world.clock.tick(hours=2)
        with stopped_holder(url, what):
            began = time.monotonic()
            with pytest.raises(Unavailable):
                world.remove(grant)
            assert time.monotonic() - began < seconds("lock_timeout") + 5

            world.remove(grant)
            assert time.monotonic() - began < seconds("idle_in_transaction_session_timeout") + 8

        assert world.again(grant).status == GrantStatus.ENDED
        assert world.verified().flaw is None
        database.close()
