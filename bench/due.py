"""Many grants that are due in the same moment, on a target whose every call takes 20 ms.

The timekeeper and one revoke worker run as processes over the real agenda and queues; nobody tells meanwhile, so Slack
has no part in it. The floor is what the calls alone take: grants × calls × latency / threads.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from sqlmodel import col, func, select

from access.models import Grant, GrantStatus
from access.operations.core import Core
from access.store import Database
from bench.copies import open_grants
from bench.core import core_on
from bench.figures import Figure, quantile
from bench.policy import Crowd, policy
from bench.servers import KINDS, Kind, Servers, of_one_host, running, say, wait_for
from bench.slow_target import NAME, Journal, install
from countersign.providers import ProviderClasses
from workers.pacing import Limits
from workers.targets import ProviderTargets

CALL_MS = 20
CALLS = ("revoke", "observe")
"""What one end takes: the removal, and the look whether it holds."""
THREADS = Limits().threads
PATIENCE = 60.0
CROWD = Crowd(people=1, roles=1)


class WentWrong(Exception):
    """A grant ended early, or its target was called more or less often than it should be."""


@dataclass(frozen=True)
class Ends:
    """Seconds after the moment when all were due, one for each grant: the target's word, and the row's."""

    removed: list[float]
    proven: list[float]


def measure(servers: Servers, *, count: int, ahead: timedelta = timedelta(seconds=8)) -> list[Figure]:
    """`count` grants on each store, due after `ahead`: long enough for two processes to start. Raises WentWrong."""
    return [figure for kind in KINDS for figure in _measure(servers, kind, count, ahead)]


def _measure(servers: Servers, kind: Kind, count: int, ahead: timedelta) -> Iterator[Figure]:
    say(f"  due at once: {count:,} grants on {kind}, {CALL_MS} ms a call, {THREADS} threads")
    ends = _run(servers, kind, count, ahead)
    floor = count * len(CALLS) * CALL_MS / 1000 / THREADS
    half = quantile(ends.removed, 0.5)
    name = f"{count:,} due at once, {kind}"
    yield Figure(name=f"{name}, p50 removed", value=half, unit="s", floor=floor / 2, samples=count)
    yield Figure(name=f"{name}, last removed", value=max(ends.removed), unit="s", floor=floor, samples=count)
    yield Figure(name=f"{name}, last proven", value=max(ends.proven), unit="s", floor=floor, samples=count)


def _run(servers: Servers, kind: Kind, count: int, ahead: timedelta) -> Ends:
    site, holders = servers.directory / "site", Path(mkdtemp(prefix="holders-", dir=servers.directory))
    _install(site)
    settings = {"directory": str(holders), "milliseconds": CALL_MS}
    text = policy(CROWD, provider=NAME, settings=settings, role={})
    with servers.store(kind) as store:
        environment = servers.environment(store=store, policy=text, state=servers.directory / f"due-{kind}")
        environment["PYTHONPATH"] += os.pathsep + str(site)
        with core_on(environment) as core:
            return _watch(core, environment, count, Journal(holders), ahead)


def _watch(core: Core, environment: dict[str, str], count: int, journal: Journal, ahead: timedelta) -> Ends:
    classes = ProviderClasses()
    due = core.clock.now() + ahead
    ids = open_grants(core, ProviderTargets(classes, classes.version), CROWD, count, due=due)
    journal.start(ids)
    with running(of_one_host(environment, "timekeeper", "revoke")):
        within = ahead.total_seconds() + PATIENCE
        wait_for(lambda: _left(core.database) == 0, "every grant to end", within=within, every=0.2)
    times = {verb: journal.times(verb) for verb in CALLS}
    removed = [at - due.timestamp() for at in times["revoke"].values()]
    calls = journal.calls()
    if min(removed) < 0:
        raise WentWrong(f"A grant was ended {-min(removed):.3f} s before its time.")
    if calls != count * len(CALLS) or any(set(found) != set(ids) for found in times.values()):
        raise WentWrong(f"{count} grants took {calls} calls of the target, not {count * len(CALLS)}.")
    return Ends(removed, _proven(core.database, due))


def _install(site: Path) -> None:
    """For our children, and for ourselves: the first grant is opened here."""
    install(site)
    if str(site) not in sys.path:
        sys.path.append(str(site))


def _left(database: Database) -> int:
    with database.read() as session:
        return session.exec(select(func.count()).where(col(Grant.status) != GrantStatus.ENDED)).one()


def _proven(database: Database, due: datetime) -> list[float]:
    with database.read() as session:
        return [(at - due).total_seconds() for at in session.exec(select(Grant.proven_at)) if at is not None]
