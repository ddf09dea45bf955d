"""One chaos run from the first grant to the verdict."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from access.core import Core
from access.models import Grant, Heartbeat, Message, MessageKind
from bench.core import core_on
from tests.chaos.city import standing
from tests.chaos.harm import Harm, Strength
from tests.chaos.hostile import HostileTarget
from tests.chaos.people import People
from tests.chaos.target import install
from tests.chaos.verdict import FINAL, Verdict, judge
from tests.waiting import wait_until

QUIET_SECONDS = 300.0
"""Within which all is to be ended after all is well again; a claim of who was killed lasts a minute."""


@dataclass(frozen=True)
class Plan:
    """How many grants over how long, on what, and how strong it blows."""

    grants: int
    time: timedelta
    on_postgres: bool
    processes: Mapping[str, int]
    strength: Strength


def new_seed() -> str:
    """Of the environment, to see the same again; else a new one."""
    return os.environ.get("SOAK_SEED") or secrets.token_hex(4)


def live_through(plan: Plan, directory: Path, seed: str, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """Everything is made in `directory`, where the processes' log is afterwards too."""
    install(directory / "site", HostileTarget)
    monkeypatch.syspath_prepend(directory / "site")
    with (
        standing(directory, on_postgres=plan.on_postgres, processes=plan.processes) as city,
        core_on(dict(city.environment)) as core,
    ):
        wait_until(lambda: _living(core) == sum(plan.processes.values()), "all processes to live", within=90)
        people, harm = People(core, seed), Harm(city, seed, plan.strength)
        seconds = plan.time.total_seconds()
        with people.busy(grants=plan.grants, seconds=seconds), harm.breaking():
            harm.over.wait(seconds)
        wait_until(lambda: _open(core) == 0, "every grant to be over", within=QUIET_SECONDS, every=0.5)
        wait_until(lambda: _left(core) == 0, "what holders left to be tidied up", within=QUIET_SECONDS, every=0.5)
        wait_until(lambda: _undelivered(core) == 0, "every alert to be told", within=QUIET_SECONDS, every=0.5)
        return judge(city, core, people, harm)


def _living(core: Core) -> int:
    with core.database.read() as session:
        return session.exec(select(func.count()).select_from(Heartbeat)).one()


def _undelivered(core: Core) -> int:
    undelivered = select(func.count()).where(Message.kind == MessageKind.ALERT, col(Message.due_at).is_not(None))
    with core.database.read() as session:
        return session.exec(undelivered).one()


def _left(core: Core) -> int:
    with core.database.read() as session:
        leftovers = session.exec(select(Grant.leftover).where(col(Grant.cleanup_until).is_not(None))).all()
    return sum(map(bool, leftovers))


def _open(core: Core) -> int:
    with core.database.read() as session:
        return session.exec(select(func.count()).where(col(Grant.status).not_in(FINAL))).one()
