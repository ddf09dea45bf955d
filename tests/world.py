"""The real core on a real database, with a target and a clock that do what a test says."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from access import audit
from access.actors import by_slack
from access.approvers import account_of
from access.core import Core
from access.grants.cleanup import CleanupHandler
from access.grants.end import RevokeHandler
from access.grants.start import GrantHandler
from access.grants.target_expiry import Extension
from access.ids import SlackUser
from access.message_kinds import PLANNED
from access.messages.outbox import Claimed, Delivery, Outbox
from access.models import (
    Alert,
    AuditEvent,
    CheckKind,
    Grant,
    Message,
    PeriodicCheck,
    Request,
    TargetCheck,
    Verdict,
)
from access.monitor.offboarding import Members, Membership
from access.monitor.routing import CLEANUP, DRIFT, MEMBERS, PAGES, SLACK, Queue, Route
from access.monitor.sweep import Schedule
from access.policy.fingerprint import button_value
from access.policy_source import PolicySource
from access.ports import Deadline
from access.reconcile.drift import Drift
from access.requests.extend import extend
from access.requests.review import review
from access.requests.submit import submit
from access.signs_of_life import SignsOfLife
from access.store import Database
from tests.cast import ANN, LEA, POLICY
from tests.fakes import FakeAgenda, FakeClock, FakeProvider, FakeTargets, Server
from workers.handlers import Handler

A_MOMENT = timedelta(seconds=1)


def deadline() -> Deadline:
    """Late enough for any call of a test, and counted from the call: a whole run takes longer."""
    return Deadline.after(600)


def one_round(business: Handler[Any, Any], ids: Sequence[str]) -> None:
    """As in a lane: nobody claims where nothing waits, and nobody writes what was not won."""
    claimed = business.claim(ids) if ids else []
    if claimed:
        business.commit([business.act(one, deadline()) for one in claimed])


@dataclass
class World:
    core: Core
    clock: FakeClock
    agenda: FakeAgenda
    targets: FakeTargets
    policy_file: Path
    said: list[Claimed] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    """What Slack says of whoever is no member any more."""

    @classmethod
    def make(cls, database: Database, directory: Path, policy: str = POLICY) -> "World":
        file = directory / "access.yml"
        file.write_text(policy, encoding="utf-8")
        clock, agenda = FakeClock(), FakeAgenda()
        providers = {"fake": FakeProvider}
        signs = SignsOfLife(lambda: clock.now().timestamp())
        core = Core(database, clock, agenda, PolicySource(file, providers), providers, signs=signs)
        return cls(core, clock, agenda, FakeTargets(), file)

    @property
    def server(self) -> Server:
        return self.targets.server

    def ask(
        self, *, by: SlackUser = ANN, entitlement: str = "customers-db/read", minutes: float = 60, **more
    ) -> Request:
        given = {
            "duration": timedelta(minutes=minutes),
            "until": None,
            "reason": "INC-12 stuck refunds",
            "source": "form",
        }
        return submit(self.core, requester=by_slack(by), entitlement=entitlement, **(given | more))

    def extend(self, grant: Grant, *, minutes: float = 30, by: SlackUser = ANN, **more) -> Request:
        given = {"duration": timedelta(minutes=minutes), "until": None, "reason": "INC-12 two refunds are left"}
        return extend(self.core, grant_id=grant.id, by=by_slack(by), **(given | more))

    def button(self, request: Request) -> str:
        return button_value(request.id, request.version, request.fingerprint)

    def approve(self, request: Request, by: SlackUser = LEA) -> Request:
        return review(self.core, button=self.button(request), reviewer=by_slack(by), verdict=Verdict.APPROVE)

    def deny(self, request: Request, by: SlackUser = LEA, comment: str = "Not today.") -> Request:
        return review(
            self.core, button=self.button(request), reviewer=by_slack(by), verdict=Verdict.DENY, comment=comment
        )

    def open(self, **asked) -> Grant:
        """A grant that is active, and everybody knows; by the short way, without a round of the timekeeper."""
        grant = self.scheduled(**asked)
        self.activate(grant)
        self.tell_all()
        return self.again(grant)

    def scheduled(self, **asked) -> Grant:
        """A grant that is approved and was not yet looked at."""
        return self.grant_of(self.approve(self.ask(**asked)))

    @property
    def activation(self) -> GrantHandler:
        return GrantHandler(self.core, self.targets)

    @property
    def deactivation(self) -> RevokeHandler:
        return RevokeHandler(self.core, self.targets)

    def activate(self, *grants: Grant) -> None:
        """One round of the queue `grant`."""
        one_round(self.activation, [grant.id for grant in grants])

    def remove(self, *grants: Grant) -> None:
        """One round of the queue `revoke`."""
        one_round(self.deactivation, [grant.id for grant in grants])

    def pass_time(self, **span: float) -> None:
        """Nobody looked for so long; then all that is due is done."""
        self.clock.tick(**span)
        self.work()

    def live_through(self, **span: float) -> None:
        """All that is due is done when it is due, every pause and every retry."""
        end = self.clock.now() + timedelta(**span)
        self.work()
        while self.clock.now() < end:
            self.clock.time = min(self.next_due() or end, end)
            self.work()

    def next_due(self) -> datetime | None:
        """The next moment at which a row wants something; all timers in one question."""
        later = (
            sa.select(column).where(column > self.clock.now(), *more)
            for column, more in (
                (col(Grant.due_at), ()),
                (col(Message.due_at), ()),
                (col(TargetCheck.due_at), ()),
                (col(PeriodicCheck.due_at), (col(PeriodicCheck.kind) != CheckKind.ROSTER,)),
            )
        )
        with self.core.database.read() as session:
            found = session.connection().execute(sa.union_all(*later)).scalars()
            return min((moment for moment in found if moment is not None), default=None)

    def rewrite_policy(self, old: str, new: str) -> None:
        text = self.policy_file.read_text(encoding="utf-8")
        assert old in text
        self.policy_file.write_text(text.replace(old, new), encoding="utf-8")

    def work(self, rounds: int = 20) -> None:
        """Does all that is due now by the rows, as the timekeeper and the workers would.

        What is only told a moment later, because more may change or Slack takes one at a time, takes that moment.
        """
        for _ in range(rounds):
            routes = self.routes_due()
            if not routes:
                return
            self.run(routes)

    def routes_due(self) -> Sequence[Route]:
        """What is due now or, where nothing is, by the next moment at which something is told."""
        schedule = Schedule(self.core)
        while not (routes := schedule.route([item for item, _ in schedule.sweep()]).now):
            soon = self._told_soon()
            if soon is None:
                break
            self.clock.time = soon
        return routes

    def _told_soon(self) -> datetime | None:
        """When the next message is told that waits for no time of its own, and that nobody has had in hand yet."""
        waits = select(Message.due_at).where(Message.attempts == 0, col(Message.due_at) <= self.clock.now() + A_MOMENT)
        waits = waits.where(col(Message.kind).not_in(PLANNED))
        with self.core.database.read() as session:
            return session.exec(waits.order_by(col(Message.due_at))).first()

    def run(self, routes: Sequence[Route]) -> None:
        """Each by whom its lane has it done."""

        def ids(queue: Queue, *lanes: str) -> list[str]:
            """Of these lanes; without any, of all those of targets."""
            return [
                one.id
                for one in routes
                if one.queue == queue and (one.target in lanes if lanes else not one.target.startswith(":"))
            ]

        opening = ids("grant")
        one_round(self.activation, opening)
        one_round(self.deactivation, ids("revoke"))
        self.tell_target(opening)
        self.compare(ids("grant", DRIFT))
        self.clean_up(ids("grant", CLEANUP))
        self.ask_slack(ids("tell", MEMBERS))
        self.tell(ids("tell", SLACK, PAGES))

    def tell(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        telling = Outbox(self.core)
        claimed = telling.claim(ids)
        self.said += claimed
        if claimed:
            telling.commit([Delivery(one, channel=one.message.recipient, ts=f"{len(self.said)}.0") for one in claimed])

    def tell_all(self, rounds: int = 20) -> None:
        """What is told at once, and what takes a moment first."""
        for _ in range(rounds):
            soon = self._told_soon()
            if soon is None:
                return
            self.clock.time = max(soon, self.clock.now())
            with self.core.database.read() as session:
                due = session.exec(select(Message.id).where(col(Message.due_at) <= self.clock.now())).all()
            self.tell(due)

    @property
    def extension(self) -> Extension:
        return Extension(self.core, self.targets)

    def tell_target(self, grants: Sequence[str]) -> None:
        """Tells targets of later ends."""
        one_round(self.extension, grants)

    def compare(self, looks: Sequence[str]) -> None:
        """Looks at targets for drift."""
        one_round(Drift(self.core, self.targets), looks)

    def clean_up(self, looks: Sequence[str]) -> None:
        """Tidies up behind what has ended."""
        one_round(CleanupHandler(self.core, self.targets), looks)

    def ask_slack(self, looks: Sequence[str]) -> None:
        """Looks whether people are members still: all but those in `gone`."""
        if not looks:
            return
        members = Members(self.core)
        claimed = members.claim(looks)
        if claimed:
            known = [(one, self.gone.get(account_of(one.look.subject), "")) for one in claimed]
            members.commit([Membership(one, gone=gone) for one, gone in known])

    def grants(self) -> list[Grant]:
        with self.core.database.read() as session:
            return list(session.exec(select(Grant).order_by(col(Grant.id))))

    def grant_of(self, request: Request) -> Grant:
        return next(grant for grant in self.grants() if grant.request_id == request.id)

    def again(self, grant: Grant) -> Grant:
        """The row as it is now."""
        with self.core.database.read() as session:
            return session.get_one(Grant, grant.id)

    def requests(self) -> list[Request]:
        with self.core.database.read() as session:
            return list(session.exec(select(Request).order_by(col(Request.id))))

    def alerts(self) -> list[Alert]:
        with self.core.database.read() as session:
            return list(session.exec(select(Alert).order_by(col(Alert.id))))

    def messages(self, kind: str) -> list[Message]:
        with self.core.database.read() as session:
            return list(session.exec(select(Message).where(Message.kind == kind).order_by(col(Message.id))))

    def events(self, action: str | None = None) -> list[AuditEvent]:
        with self.core.database.read() as session:
            chosen = select(AuditEvent) if action is None else select(AuditEvent).where(AuditEvent.action == action)
            return list(session.exec(chosen.order_by(col(AuditEvent.seq))))

    def verified(self) -> audit.Verified:
        with self.core.database.read() as session:
            return audit.verify(session)

    def refusals(self) -> list[tuple[str, str]]:
        """What was refused: the attempt and the kind of refusal."""
        details = [json.loads(event.entry)["details"] for event in self.events("attempt.refused")]
        return [(one["attempt"], one["because"]) for one in details]

    def told(self) -> Iterator[tuple[str, str]]:
        return ((one.message.kind, one.message.recipient) for one in self.said)
