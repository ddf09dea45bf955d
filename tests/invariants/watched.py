"""A town whose timers are in a Redis and whose targets are compared, and what happens to it behind our back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from redis import Redis
from sqlmodel import select

from access.ids import made_at, ulid
from access.models import AlertKind, AuditEvent, AuditHead, Grant, GrantStatus
from access.monitor.routing import CLEANUP, DRIFT, MEMBERS, Route
from access.monitor.sweep import Schedule
from access.monitor.timers import EMPTIED
from access.ports import AgendaItem
from access.reconcile.restored import detect
from access.store import Database
from tests.fakes import NOON
from tests.invariants.commons import Member
from tests.invariants.copies import Copies
from tests.invariants.servers import Points, Server
from tests.invariants.town import Town
from workers.agenda import AGENDA, LEASE, SKEW, RedisAgenda
from workers.log_checkpoint import CheckpointStore, Signing
from workers.signing import Seal
from workers.timer_repair import EVERY_SECONDS, Comparing

SIGNING = Signing(Seal([bytes(32)]), lambda: "")
DOWN_FOR = timedelta(seconds=60)
"""All processes are stopped for so long to restore a database; what was under way at a target is over by then."""
FAR_AWAY = timedelta(days=3650)
_AT_A_TIME = 1000
T = TypeVar("T")


class MortalTimers(RedisAgenda):
    """Of a process that dies before or after it has told them something."""

    def __init__(self, redis: Redis, points: Points) -> None:
        super().__init__(redis)
        self._points = points

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        with self._points.around("agenda.add"):
            super().add(items)


@dataclass
class WatchedTown(Town):
    """Here whatever is due is found through Redis, as a timekeeper finds it."""

    redis: Redis = field(kw_only=True)
    directory: Path = field(kw_only=True)
    copies: Copies = field(kw_only=True)
    compared_at: datetime = NOON
    was_filled: bool = False
    """In this life of the database: before that, an empty Redis is a new one."""
    flushed_at: datetime | None = None
    """Redis was emptied then, and whether that was noticed was not looked at yet."""
    untimed: list[str] = field(default_factory=list)
    """Sentences: what a filling or a comparison has left wrong."""
    restored_at: datetime | None = None
    looked_since: bool = True
    theirs_then: frozenset[Member] = frozenset()
    """When the copy was made."""
    knew_nothing: bool = False
    """The restored database had no log: every mark that can be read is taken for ours (docs/adr/0014)."""
    knew_nothing_then: bool = False
    """When the copy was made, and it was not compared yet."""
    old: frozenset[str] = frozenset()
    """Grants that the restored database knew: what became of them it does not."""

    @classmethod
    def watched(cls, database: Database, directory: Path, redis: Redis) -> "WatchedTown":
        redis.flushall()
        plain = Town.found(database, directory)
        timers = MortalTimers(redis, plain.points)
        core = replace(plain.core, agenda=timers, marks=CheckpointStore(directory, redis, SIGNING))
        given: dict[str, Any] = {name: getattr(plain, name) for name in ("clock", "targets", "policy_file", "rules")}
        return cls(
            core=core, agenda=timers, **given, servers=plain.servers, points=plain.points,  # pyright: ignore[reportArgumentType] -- a real agenda
            redis=redis, directory=directory, copies=Copies(database, directory),
        )  # fmt: skip

    @property
    def timers(self) -> RedisAgenda:
        assert isinstance(self.core.agenda, RedisAgenda)
        return self.core.agenda

    @property
    def noticed(self) -> bool:
        return self.looked_since

    @property
    def looks(self) -> bool:
        return True

    def wrongs(self, events: Sequence[AuditEvent]) -> Iterator[str]:
        """O7: timers are there again, and somebody is told. O8: nothing is given before all is compared, nor twice."""
        yield from super().wrongs(events)
        yield from self.untimed
        if self.restored_at is None:
            return
        opened = [one.at for one in events if one.action == "database.compared" and one.at >= self.restored_at]
        for change in (one for server in self.servers.values() for one in server.changes if one.what == "added"):
            if not opened or change.at < min(opened):
                yield f"O8: {change.grant_id} was given before every target was compared"
            if change.grant_id in self.old:
                yield f"O8: {change.grant_id} was given again, and nobody knows what had become of it"

    # As a timekeeper does it (workers/timekeeper.py)

    def due(self, schedule: Schedule) -> list[Route]:
        """Through Redis, which is filled or compared when it is time; what nobody works on here fires in vain."""
        swept = schedule.sweep()
        self.looked_since = True
        now, until = self.clock.now(), self.clock.now() + LEASE
        self.timers.add_overdue(swept, now + LEASE + SKEW)
        self._compare_timers(schedule)
        leased = self.timers.lease(now, until, _AT_A_TIME)
        routes = schedule.route(leased)
        self.timers.settle(until, finished=routes.finished, later=routes.later)
        return [
            one
            for one in routes.now
            if one.item.startswith(("grant:", "notice:")) or one.target in (CLEANUP, DRIFT, MEMBERS)
        ]

    def _compare_timers(self, schedule: Schedule) -> None:
        is_time = self.clock.now() >= self.compared_at + timedelta(seconds=EVERY_SECONDS)
        must_be_told = self.flushed_at is not None and self.was_filled and any(True for _ in schedule.timers.all())
        comparing = Comparing(schedule, self.timers, self.clock)
        if self.timers.was_flushed():
            comparing.fill()
            is_time = self.was_filled = True
        elif is_time:
            comparing.compare()
        if is_time:
            self.compared_at = self.clock.now()
        if is_time or self.flushed_at is not None:
            self.untimed += [f"O7: {item} waits, and Redis has no timer for it" for item in self._without_timer()]
        if must_be_told and self.flushed_at is not None and not self._told_since(self.flushed_at):
            self.untimed.append("O7: Redis had lost its timers, and nobody was told")
        self.flushed_at = None

    def _without_timer(self) -> list[str]:
        """Rows whose timer is missing, or fires later than any lease allows."""
        latest = self.clock.now() + LEASE + SKEW
        found: Any = self.redis.zrange(AGENDA, 0, -1, withscores=True)
        there: dict[str, float] = {item.decode(): at for item, at in found}
        wanted = {item: max(due_at, latest) for item, due_at in Schedule(self.core).timers.all()}
        return sorted(item for item, at in wanted.items() if there.get(item, float("inf")) > at.timestamp() + 0.01)

    # Redis

    def flush(self) -> None:
        self.redis.flushall()
        self.flushed_at = self.clock.now()

    def _told_since(self, since: datetime) -> bool:
        said = [one for one in self.alerts() if (one.kind, one.subject) == (AlertKind.TIMERS, EMPTIED)]
        return any(one.closed_at is None or max(one.opened_at, one.closed_at) >= since for one in said)

    # The database

    def copy(self) -> None:
        self.copies.take()
        self.theirs_then = frozenset(self.commons.theirs)
        self.knew_nothing_then = self._takes_marks_for_ours()

    def restore(self) -> None:
        """Everything is stopped, the copy is put back, everything is started again."""
        detect(self.core)  # the last sweep of the life that is forgotten
        self.held.clear()
        self.clock.tick(seconds=DOWN_FOR.total_seconds())
        self.land()
        head = self._head()
        self.copies.put_back()
        self.core = replace(self.core, marks=CheckpointStore(self.directory, self.redis, SIGNING))
        self.disturbed()
        self.flushed_at, self.was_filled = None, False
        for server in self.servers.values():
            server.forget_looks()
        if self._head() != head:
            self._is_older()

    def _is_older(self) -> None:
        self.restored_at, self.looked_since = self.clock.now(), False
        self.old = frozenset(grant.id for grant in self.grants())
        self.knew_nothing = self.knew_nothing_then or self._head()[0] == 0
        for server in self.servers.values():
            server.changes.clear()  # they were judged by the rows of their life
            if self.knew_nothing:
                server.strangers = {one for one in server.strangers if made_at(one) is None}
        place = self.commons
        place.theirs &= self.theirs_then
        place.forgotten = place.members - place.theirs

    def _takes_marks_for_ours(self) -> bool:
        """Until every target was compared with it."""
        return self.knew_nothing and (
            not self.looked_since
            or any(one.kind == AlertKind.RESTORED and one.closed_at is None for one in self.alerts())
        )

    def _head(self) -> tuple[int, str]:
        with self.core.database.read() as session:
            head = session.exec(select(AuditHead)).one()
            return head.seq, head.hash

    # By hand, at the targets

    def access_is_removed(self, which: int) -> None:
        for server, grant_id in self._one_of(self._open_doors(), which):
            server.holders.pop(grant_id)
            server.more.pop(grant_id, None)
            server.footholds.of.pop(grant_id, None)
            server.by_hand[grant_id] = server.looks

    def a_right_is_added(self, which: int) -> None:
        for server, grant_id in self._one_of(self._open_doors(), which):
            server.more.setdefault(grant_id, server.looks)

    def access_is_put_back(self, which: int) -> None:
        """After its end, when nothing of it is under way. What never was open is told, and left to a person."""
        ended = [one for one in self.grants() if one.status == GrantStatus.ENDED and one.expires_at is not None]
        over = [one for one in ended if one.role in self.rules.power]
        doors = [(self.servers[one.settings["server"]], one) for one in over if one.settings["server"] != "commons"]
        there = [(server, one) for server, one in doors if not server.later and self._is_over(one)]
        for server, grant in self._one_of(there, which):
            origin = grant.supersedes_grant_id or grant.id
            server.holders[origin] = (grant.principal, grant.role)
            server.ends[origin] = self.clock.now() + FAR_AWAY
            server.by_hand[origin] = server.looks

    def something_that_is_not_ours_appears(self, which: int) -> None:
        """A colleague's installation made it before any of ours, or its mark cannot be read."""
        server = self.servers[("one", "two")[which % 2]]
        name = ulid(NOON - timedelta(days=1)) if which % 3 else f"not-an-id-{len(server.strangers)}"
        server.holders[name], server.ends[name] = ("eve", "read"), NOON + FAR_AWAY
        if made_at(name) is None or not self._takes_marks_for_ours():
            server.strangers.add(name)

    def a_shared_right_is_taken(self, which: int) -> None:
        for member in self._one_of(sorted(self.commons.members - self.commons.theirs), which):
            self.commons.taken_by_hand(member)

    def _open_doors(self) -> list[tuple[Server, str]]:
        active = [one.supersedes_grant_id or one.id for one in self.grants() if one.status == GrantStatus.ACTIVE]
        return [(server, one) for server in self.servers.values() for one in active if one in server.holders]

    def _is_over(self, grant: Grant) -> bool:
        origin = grant.supersedes_grant_id or grant.id
        rows = [one for one in self.grants() if origin in (one.id, one.supersedes_grant_id)]
        return all(one.status in (GrantStatus.ENDED, GrantStatus.FAILED) for one in rows) and not any(
            origin in server.holders for server in self.servers.values()
        )

    @staticmethod
    def _one_of(things: Sequence[T], which: int) -> Sequence[T]:
        """None where there is none."""
        return [things[which % len(things)]] if things else []
