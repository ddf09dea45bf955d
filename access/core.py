"""The core wired to its surroundings: what every verb needs."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access import audit
from access.actors import Actor
from access.bulk import one_of
from access.catalog import PersonEntry, Policy
from access.clock import Clock
from access.errors import NotFound, NotSecurity, PolicyError, Refusal, UnknownPerson
from access.ids import GrantId, RequestId, SlackChannel
from access.log_checkpoint import Checkpoints, NullStore
from access.models import Grant, Request
from access.people import People
from access.policy.decide import render
from access.policy.refusals import Refused
from access.policy_source import PolicySource
from access.policy_versions import last_policy
from access.ports import Agenda, Provider
from access.signs_of_life import SignsOfLife
from access.store import Database
from access.unit_of_work import UnitOfWork

POLICY_LOADED = "policy.loaded"
# Kept: to build a statement anew costs more than to execute it.
_REQUEST = select(Request).where(col(Request.id) == bindparam("request"))


@dataclass(frozen=True)
class Core:
    """What every verb needs."""

    database: Database
    clock: Clock
    agenda: Agenda
    policy: PolicySource
    providers: Mapping[str, type[Provider]]
    pages: bool = False
    """Whether somebody is paged by webhook too."""
    marks: Checkpoints = field(default_factory=NullStore)
    signs: SignsOfLife = field(default_factory=SignsOfLife)
    """What this process remembers of the others' signs of life."""

    @contextmanager
    def work(self, actor: Actor, *, together: bool = False) -> Generator[UnitOfWork]:
        """One transaction. The agenda hears of it after the commit; if we die in between, the sweep finds the rows."""
        policy = self.known_policy()  # before the transaction: it may have to read the file
        with self.database.write() as session:
            work = UnitOfWork(
                session=session, now=self.clock.now(), actor=actor, policy=policy, pages=self.pages, together=together
            )
            yield work
            session.flush()
            work.write()
            work.settle_groups()
            work.retell()
            work.keep_decisions()
            audit.append(session, work.events, at=work.now)
        if work.due:
            self.agenda.add(work.due)

    @contextmanager
    def refusals_recorded(self, actor: Actor, attempt: str, object_id: str | None) -> Generator[None]:
        """A refused attempt is an audit event too, with the policy's trace; the refusal goes on to the person."""
        try:
            yield
        except (Refusal, PolicyError) as refusal:
            details: dict[str, Any] = {"attempt": attempt, "because": type(refusal).__name__}
            if isinstance(refusal, Refused):
                details["trace"] = render(refusal.trace).splitlines()
            with self.work(actor) as work:
                work.record("attempt.refused", object_id, outcome="refused", **details)
            raise

    def known_policy(self) -> Policy | None:
        """For telling, which goes on without a usable policy and then names nobody who could decide."""
        try:
            return self.policy.last_valid()
        except PolicyError:
            return None

    def person(self, actor: Actor, policy: Policy | None = None) -> PersonEntry:
        """Exactly one person of the policy. Raises UnknownPerson."""
        entry = People(policy or self.policy.last_valid()).with_account(actor.slack)
        if entry is None:
            raise UnknownPerson
        return entry

    def security_member(self, actor: Actor) -> PersonEntry:
        """Somebody of the security team, by the newest policy that can be used. Raises NotSecurity."""
        policy = self.policy.last_valid()
        person = self.person(actor, policy)
        if person.name not in People(policy).security():
            raise NotSecurity
        return person

    def security_channel(self) -> SlackChannel | None:
        """Where alerts go; while no policy can be used, where the last one in force sent them. None: there was none."""
        try:
            return self.policy.last_valid().security.channel
        except PolicyError:
            with self.database.read() as session:
                last = last_policy(session)
            return last.security_channel if last else None


def load_request(session: Session, request_id: RequestId) -> Request:
    known = session.identity_map.get(identity_key(Request, request_id))
    request = known or session.exec(_REQUEST, params={"request": request_id}).one_or_none()
    if request is None:
        raise NotFound
    return request


def load_grant(session: Session, grant_id: GrantId, *, held: bool = False) -> Grant:
    """`held`: until the commit nobody else changes it, so that a person's wish never loses to a worker's claim."""
    grant = session.get(Grant, grant_id, with_for_update=held or None)
    if grant is None:
        raise NotFound
    return grant


def held_grants(session: Session, ids: Iterable[str]) -> Sequence[Grant]:
    """These rows as they are now, held until the commit; taken in one order, so that no two wait for each other."""
    return session.exec(_held(session.get_bind().dialect.name), params={"ids": list(ids)}).all()


@cache
def _held(dialect: str) -> SelectOfScalar[Grant]:
    wanted = select(Grant).where(one_of(col(Grant.id), "ids", dialect)).order_by(col(Grant.id))
    return wanted.with_for_update()
