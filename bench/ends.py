"""Open access on a slow target and the processes that end it: what every figure about ends stands on."""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import update
from sqlmodel import col, func, select

from access.core import Core
from access.models import Grant, GrantStatus, Heartbeat
from access.unit_of_work import grant_item
from bench.copies import open_grants
from bench.core import core_on
from bench.policy import Crowd, policy
from bench.servers import Kind, Servers, of_one_host, running, say, wait_for
from bench.slow_target import NAME, Journal, install
from countersign.providers import ProviderClasses
from countersign.supervisor import Child, Supervisor
from workers.targets import ProviderTargets

_CROWD = Crowd(people=1, roles=1)
_TOMORROW = timedelta(days=1)
_NO_SLACK = {"SLACK_BOT_TOKEN": "xoxb-nobody", "SLACK_API_URL": "http://127.0.0.1:9/api/", "COUNTERSIGN_SANDBOX": "1"}
"""Who would tell finds nobody."""


class WentWrong(Exception):
    """A grant ended early, or its target was called more or less often than it should be."""


@dataclass(frozen=True)
class Stage:
    """Open grants whose end is far off, and the target that holds them."""

    core: Core
    environment: dict[str, str]
    journal: Journal
    ids: list[str]

    @property
    def store(self) -> str:
        """Its URL."""
        return self.environment["DATABASE_URL"]

    def due(self, moments: Mapping[str, datetime]) -> None:
        """Moves the ends of these grants. Raises WentWrong when it took until the first of them."""
        together = defaultdict[datetime, list[str]](list)
        for identifier, moment in moments.items():
            together[moment].append(identifier)
        with self.core.database.write() as session:
            for moment, ids in together.items():
                chosen = update(Grant).where(col(Grant.id).in_(ids))
                session.connection().execute(chosen.values(expires_at=moment, end_due_at=moment, due_at=moment))
        self.core.agenda.add((grant_item(identifier), moment) for identifier, moment in moments.items())
        if moments and self.core.clock.now() >= min(moments.values()):
            raise WentWrong("It took until the grants were due to say when they are.")

    def due_every(self, ids: Sequence[str], seconds: float, *, ahead: float = 2.0) -> dict[str, datetime]:
        """One after the other, the first soon; returns when each is."""
        first = self.core.clock.now() + timedelta(seconds=ahead)
        moments = {identifier: first + number * timedelta(seconds=seconds) for number, identifier in enumerate(ids)}
        self.due(moments)
        return moments

    def wait_for(self, ids: Sequence[str], within: float, *, every: float = 0.05) -> None:
        """Until the rows say that these have ended. Raises TookTooLong."""
        wait_for(lambda: self._left(ids) == 0, "every grant to end", within=within, every=every)

    def lateness(self, moments: Mapping[str, datetime]) -> list[float]:
        """Seconds from when each was due until it was removed. Raises WentWrong for one before its time."""
        removed = self.journal.times("revoke")
        late = [removed[identifier] - moment.timestamp() for identifier, moment in moments.items()]
        if min(late) < 0:
            raise WentWrong(f"A grant was ended {-min(late):.3f} s before its time.")
        return late

    def proven(self, due: datetime) -> list[float]:
        """Seconds from then until each was proven gone, by its row."""
        with self.core.database.read() as session:
            return [(at - due).total_seconds() for at in session.exec(select(Grant.proven_at)) if at is not None]

    def _left(self, ids: Sequence[str]) -> int:
        """Of these, which were made one after the other."""
        left = select(func.count()).where(
            col(Grant.id).between(ids[0], ids[-1]), col(Grant.status) != GrantStatus.ENDED
        )
        with self.core.database.read() as session:
            return session.exec(left).one()


@contextmanager
def stage(servers: Servers, kind: Kind, count: int, *, milliseconds: int, threads: int = 16) -> Generator[Stage]:
    """`count` grants that are open until tomorrow, on a target whose every call takes so long."""
    site, directory = servers.directory / "site", Path(mkdtemp(prefix="target-", dir=servers.directory))
    _install(site)
    settings = {"directory": str(directory), "milliseconds": milliseconds}
    with servers.store(kind) as store:
        environment = servers.environment(
            store=store, policy=policy(_CROWD, provider=NAME, settings=settings, role={}),
            COUNTERSIGN_CALLS_AT_ONCE=str(threads), **_NO_SLACK,
        )  # fmt: skip
        environment["PYTHONPATH"] += os.pathsep + str(site)
        with core_on(environment) as core:
            classes = ProviderClasses()
            targets = ProviderTargets(classes, classes.version)
            ids = open_grants(core, targets, _CROWD, count, due=core.clock.now() + _TOMORROW)
            journal = Journal(directory)
            journal.start(ids)
            yield Stage(core, environment, journal, ids)


@contextmanager
def working(stage: Stage, *, timekeepers: int = 1, workers: int = 1) -> Generator[Supervisor]:
    """So many timekeepers and workers that revoke, each a process, once all of them are there."""
    keeper, worker = of_one_host(stage.environment, "timekeeper", "revoke")
    began = stage.core.clock.now()
    with running([*_several(keeper, timekeepers), *_several(worker, workers)], write=_but_of_slack) as supervisor:
        wait_until_up(stage, timekeepers + workers, since=began)
        yield supervisor


def wait_until_up(stage: Stage, processes: int, *, since: datetime) -> None:
    """Until so many have given a sign of life after then."""
    living = select(func.count()).where(col(Heartbeat.beat_at) > since)
    living = living.where(col(Heartbeat.kind).in_(("timekeeper", "worker revoke")))

    def found() -> int:
        with stage.core.database.read() as session:
            return session.exec(living).one()

    wait_for(lambda: found() >= processes, "a sign of life of every process", every=0.1)


def cpu_seconds(supervisor: Supervisor) -> float:
    """What these processes have used of the processor so far, their threads together."""
    # Linux names the clock of another process by its id (clock_getcpuclockid); /proc counts in steps of 10 ms.
    return sum(time.clock_gettime((~status.pid << 3) | 2) for status in supervisor.status() if status.pid is not None)


def pid_of(supervisor: Supervisor, name: str) -> int:
    """Of one that runs."""
    pid = next(status.pid for status in supervisor.status() if status.name == name)
    assert pid is not None, f"{name} does not run"
    return pid


def _several(child: Child, number: int) -> list[Child]:
    return [replace(child, name=f"{child.name}-{one}") if one else child for one in range(number)]


def _but_of_slack(line: str) -> None:
    if "slack_sdk" not in line:
        say(line)


def _install(site: Path) -> None:
    """For our children, and for ourselves: the first grant is opened here."""
    install(site)
    if str(site) not in sys.path:
        sys.path.append(str(site))
