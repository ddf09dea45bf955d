"""Where the parts meet: from the settings of a process to the core and what it stands on."""

import logging
import os
import socket
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from redis import Redis

from access.clock import HostClock, host_now
from access.core import Core
from access.errors import PolicyError
from access.grants.end import RevokeHandler
from access.log_checkpoint import NullStore, installation
from access.monitor.sweep import Schedule
from access.policy_source import PolicySource
from access.ports import AgendaItem
from access.reconcile import restored
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.cli.reading import name_database, name_policy, readable
from countersign.counting import Uncounted
from countersign.providers import ProviderClasses
from workers.agenda import RedisAgenda
from workers.log_checkpoint import CheckpointStore, Signing
from workers.redis_connection import connect, connect_waiting
from workers.signing import Seal, job_keys
from workers.targets import ProviderTargets

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from workers.dispatch import Handlers
    from workers.paging import Pages
    from workers.slack_sender import SlackSender

logger = logging.getLogger(__name__)

THREADS = 10
"""Connections of a process to the database, and threads that use them."""
_ROUND_TRIPS = 7
"""A busy machine lengthens some of them; the quickest says most."""
SLACK_SECONDS = 8
"""The longest a worker waits for one answer of Slack."""


class SweepOnly:
    """The agenda where there is no Redis: the sweep of the database finds what is due."""

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        """Nothing to make fast."""


@dataclass(frozen=True)
class Parts:
    """One process's core and what it is made of."""

    settings: Settings
    database: Database
    classes: ProviderClasses
    core: Core
    redis: Redis | None
    seal: Seal | None = None
    metrics: Uncounted = field(default_factory=Uncounted)

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.core)

    def targets(self) -> ProviderTargets:
        """Workers only: instances hold the targets' secrets."""
        return ProviderTargets(self.classes, self.classes.version)

    def slack(self) -> "WebClient":
        token = self.settings.need(self.settings.slack_bot_token, "SLACK_BOT_TOKEN")
        return self.metrics.slack(token, base_url=self.settings.slack_api_url, timeout=SLACK_SECONDS, retry_handlers=[])

    def granting(self, targets: ProviderTargets, worker: str) -> "Handlers":
        """The queue `grant`: all that needs the targets' keys, but for ends. `worker` is the process that claims."""
        from access.grants.cleanup import CleanupHandler
        from access.grants.start import GrantHandler
        from access.grants.target_expiry import Extension
        from access.monitor.target_checks import TargetChecks
        from access.reconcile.drift import Drift
        from workers.checking import Checking
        from workers.revealing import Revealing

        return {
            "grant": [
                GrantHandler(self.core, targets, worker=worker),
                Extension(self.core, targets, worker=worker),
            ],
            "notice": [Revealing(self.core, targets, self.slack())],
            "checkup": [Checking(TargetChecks(self.core), targets)],
            "look": [Drift(self.core, targets), CleanupHandler(self.core, targets)],
        }

    def revoking(self, targets: ProviderTargets, worker: str) -> "Handlers":
        """The queue `revoke`."""
        return {"grant": [RevokeHandler(self.core, targets, worker=worker)]}

    def slack_telling(self) -> "SlackSender":
        from workers.paging import Pages

        return slack_telling(self.core, self.slack(), Pages(self.settings.page_url))

    def telling(self) -> "Handlers":
        """The queue `tell`: all that needs Slack and no key to any target."""
        from access.monitor.offboarding import Members
        from workers.member_lookup import MemberLookup

        return {"notice": [self.slack_telling()], "look": [MemberLookup(Members(self.core), self.slack())]}


def slack_telling(core: Core, client: "WebClient", pages: "Pages | None" = None) -> "SlackSender":
    """Imports what talks to Slack, and draws for it: who only ends access or keeps time seldom needs it."""
    from access.messages.outbox import Outbox
    from workers.digest_poster import DigestPoster
    from workers.home_publisher import HomePublisher
    from workers.paging import Pages
    from workers.permalinks import Permalinks
    from workers.shared_channels import SharedChannels
    from workers.slack_sender import SlackSender

    addresses = Permalinks(client)
    homes, digests = HomePublisher(client, addresses), DigestPoster(core, client, addresses)
    return SlackSender(Outbox(core), client, homes, digests, pages or Pages(None), SharedChannels(client), addresses)


@contextmanager
def parts(
    settings: Settings, *, metrics: Uncounted | None = None, waits: bool = False, command: bool = False
) -> Generator[Parts]:
    """Opens the database (which must be on this version's revision) and, if there is an address, Redis.

    Looks whether the database is an older one than it was, before anything is done on it.
    `waits`: this process waits at Redis for work; it holds the job key, and so can tell which marks of the log in Redis
    are ours. `command`: it makes no state directory, and says itself what it cannot do without a policy. Raises Unready
    with the cure.
    """
    redis = None
    with opened(settings) as database:
        classes = ProviderClasses()
        policy = PolicySource(settings.policy_file, classes)
        if not command:
            _warn_of_policy(policy)
        if settings.redis_url:
            redis = (connect_waiting if waits else connect)(settings.redis_url)
        quick = connect(settings.redis_url) if settings.redis_url else None
        agenda = RedisAgenda(quick) if quick else SweepOnly()
        clock = HostClock(offset=measured_offset(database))
        # Not before the database is known to be there: in the wrong folder no key is made.
        seal = Seal(job_keys(settings.job_keys, settings.state_directory)) if waits and quick else None
        signing = Signing(seal, partial(installation, database)) if seal is not None else None
        forgets = command and not settings.state_directory.exists()
        marks = NullStore() if forgets else CheckpointStore(settings.state_directory, quick, signing)
        try:
            core = Core(database, clock, agenda, policy, classes, pages=settings.page_url is not None, marks=marks)
            restored.detect(core)
            yield Parts(settings, database, classes, core, redis, seal, metrics or Uncounted())
        finally:
            if redis is not None:
                redis.close()


@contextmanager
def command_parts(settings: Settings) -> Generator[Parts]:
    """For a command that asks the workers or decides: says what it goes by, and makes no state directory."""
    name_policy(settings)
    name_database(settings)
    with parts(settings, command=True) as made:
        yield made


@contextmanager
def readable_core(settings: Settings) -> Generator[Core]:
    """For a command that only looks: nothing is made, written or noticed. Raises Unready."""
    name_policy(settings)
    with readable(settings) as database:
        classes = ProviderClasses()
        clock = HostClock(offset=measured_offset(database))
        yield Core(database, clock, SweepOnly(), PolicySource(settings.policy_file, classes), classes)


def _warn_of_policy(policy: PolicySource) -> None:
    """Ending access never needs a valid policy, so none refuses to start; asking for access is then refused."""
    try:
        policy.current()
    except PolicyError as error:
        logger.error("nothing new can be granted: %s", error)


def policy_problem(core: Core) -> str:
    """Why the policy cannot be used; empty where it can."""
    try:
        core.policy.current()
    except PolicyError as error:
        return str(error)
    return ""


@contextmanager
def opened(settings: Settings) -> Generator[Database]:
    """The database alone, on this version's revision. Raises Unready."""
    database = Database(settings.database_url, pool_size=THREADS)
    try:
        schema.check(database)
        yield database
    finally:
        database.close()


def measured_offset(database: Database) -> timedelta:
    """How far the database's clock is ahead of this host's, to half of the quickest round trip.

    One process must not think that due which another does not: a job that comes too early is left for a minute.
    """
    return min(_round_trip(database) for _ in range(_ROUND_TRIPS))[1]


def _round_trip(database: Database) -> tuple[timedelta, timedelta]:
    """How long it took, and the offset by it."""
    before = host_now()
    theirs = database.time()
    took = host_now() - before
    return took, theirs - (before + took / 2)


def process_name(kind: str) -> str:
    """Unique among all processes of all hosts that live now."""
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"
