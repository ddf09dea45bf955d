"""One unit of work: what changes in rows, audit events, messages and timers in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from access.actors import Actor
from access.alert_rows import alerts_to_close, open_alerts, owners_are_told
from access.alerts.grouping import AlertGrouping
from access.approvers import groups_of, people_now
from access.audit import Event, Outcome
from access.catalog import Policy
from access.errors import Conflict
from access.ids import AlertId, GrantId, MessageId, SlackUser, ulid, ulid_of
from access.lifecycle import TRANSIENT, allowed
from access.message_kinds import KEPT_TRUE, PLANNED
from access.message_rows import retold, shared_messages
from access.models import (
    Alert,
    AlertKind,
    ApproverSnapshot,
    Decision,
    Grant,
    GrantStatus,
    Message,
    MessageKind,
    Request,
    RequestStatus,
)
from access.people import People, barred
from access.ports import AgendaItem
from access.shared_cards import told_as
from access.store import (
    Change,
    compare_and_set,
    compare_and_set_all,
    insert_all_unless_there,
    insert_unless_there,
)

URGENT = 0
WEBHOOK = "webhook"
"""Who is told by pages."""
UNPAGED = (
    AlertKind.PROVIDER, AlertKind.POLICY, AlertKind.RIGHTS, AlertKind.STANDING, AlertKind.LEFTOVER,
    AlertKind.UNDELIVERED, AlertKind.UNANSWERABLE,
)  # fmt: skip
PAGED = tuple(kind for kind in AlertKind if kind not in UNPAGED)
"""What does not wait until somebody looks into Slack."""
RETOLD_AFTER = timedelta(seconds=5)
"""What changes with each of many alerts is told anew no more often: Slack takes about one update a second, of all."""


SETTLES = timedelta(seconds=1)
"""A state that passes is told once it has stood for so long, and a Home shows together what changed within it."""


@dataclass(frozen=True)
class Cause:
    """What an alert is opened about, and what it says: the columns of its row."""

    subject: str
    sentence: str
    resource: str | None = None
    grant_id: GrantId | None = None
    variant: str = ""
    name: str | None = None


@dataclass(frozen=True)
class ReminderStep:
    """Whom a reminder names, and how long after the request was asked it comes."""

    group: str
    after: timedelta

    def key(self, destination: str) -> str:
        """Tells its reminder from those of other steps."""
        return f"{destination}:{self.group}:{int(self.after.total_seconds())}"


@dataclass
class UnitOfWork:
    """What happens in one transaction: all of it is committed with its audit events, or none of it."""

    session: Session
    now: datetime
    actor: Actor
    policy: Policy | None
    """The newest that could be used, for telling; None: there was none."""
    pages: bool = False
    events: list[Event] = field(default_factory=list[Event])
    due: list[tuple[AgendaItem, datetime]] = field(default_factory=list[tuple[AgendaItem, datetime]])
    subjects: set[str] = field(default_factory=set[str])
    """What changed, so that messages about it must be told anew."""
    settling: set[str] = field(default_factory=set[str])
    """The same, but told a moment later, when more may have changed or the state has passed."""
    together: bool = False
    """Changes of grants wait until `write`. Only for who holds the rows and does not ask for them in between."""
    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Who could decide at the decisions of this work, by the hash of what is said."""
    closing: dict[tuple[AlertKind, ...], set[str]] = field(default_factory=dict[tuple[AlertKind, ...], set[str]])
    coalescing: set[str] = field(default_factory=set[str])
    """Alerts that change with each of many: told anew a little later, for more is to come."""
    groups: AlertGrouping = field(init=False)

    def __post_init__(self) -> None:
        self.groups = AlertGrouping(self.session)

    def record(self, action: str, object_id: str | None, *, outcome: Outcome = "success", **details: Any) -> None:
        self.events.append(
            Event(action=action, actor=str(self.actor), object_id=object_id, outcome=outcome, details=details)
        )

    def move_request(
        self, request: Request, to: RequestStatus, *, action: str, details: dict[str, Any], because: str = "",
        passes: bool = False, seq: int | None = None,
    ) -> bool:  # fmt: skip
        """Compare-and-set with its event; False when somebody was faster. `passes`: another state follows at once.

        `seq`: it is a vote that moves it, and no other may have come since this `decision_seq` was read.
        """
        assert allowed(RequestStatus(request.status), to), f"{request.status} to {to} is not in the table"
        values: dict[str, Any] = {"status": to, "decided_at": self.now, "decided_because": because}
        values |= {} if seq is None else {"decision_seq": seq + 1}
        won = compare_and_set(
            self.session, Request, request.id,
            expected={"status": request.status, "version": request.version}
            | ({} if seq is None else {"decision_seq": seq}),
            values=values,
        )  # fmt: skip
        if won:
            self.record(action, request.id, version=request.version, fingerprint=request.fingerprint, **details)
            for name, value in values.items():
                set_committed_value(request, name, value)
            self.request_changed(request, passes=passes)
        return won

    def move_grant(self, grant: Grant, to: GrantStatus, *, action: str, details: dict[str, Any], **values: Any) -> None:
        """Compare-and-set on status and fence, with its event. The row is held, so LostRace would be our mistake."""
        assert allowed(GrantStatus(grant.status), to), f"{grant.status} to {to} is not in the table"
        self.set_grant(grant, status=to, **values)
        self.record(action, grant.id, resource=grant.resource, role=grant.role, subject=grant.subject, **details)
        self.changed(grant.request_id, passes=to in TRANSIENT)
        self.home_changed(grant.subject_slack)

    def set_grant(self, grant: Grant, **values: Any) -> None:
        """Changes what is not a move (a claim, the next try) while status and fence are what was seen.

        Whoever says anew when it is due, and claims nothing, has ended the claim that was on it.
        """
        if grant.claimed_by is not None and "due_at" in values:
            values = {"claimed_by": None} | values
        if not self.together or grant.id in self.changes:
            self.write()
        self.changes[grant.id] = Change(grant.id, {"status": grant.status, "fence": grant.fence}, values)
        if not self.together:
            self.write()
        for name, value in values.items():
            set_committed_value(grant, name, value)
        due = values.get("due_at")
        if due is not None:
            self.due.append((grant_item(grant.id), due))

    def set_back(self, grant: Grant, action: str, problem: str, *, due_at: datetime, **values: Any) -> None:
        """It did not work: why, and when to try again. The same problem once more is no event and no new message."""
        known = grant.problem == problem
        self.set_grant(grant, problem=problem, due_at=due_at, **values)
        if not known:
            self.record(action, grant.id, outcome="failure", problem=problem, attempts=grant.attempts)
            self.changed(grant.request_id)

    def changed(self, subject: str, *, passes: bool = False) -> None:
        """Every message about this subject must be told anew; they coalesce until they are. A person is a Home's.

        `passes`: another state is on its way, and the messages wait a moment for it.
        """
        (self.settling if passes else self.subjects).add(subject)

    def home_changed(self, person: SlackUser) -> None:
        """What changes within a moment is published together; only who opens the Home does not wait."""
        self.changed(person, passes=True)

    def request_changed(self, request: Request, *, passes: bool = False) -> None:
        """It stands in its messages and on Homes."""
        self.changed(request.id, passes=passes)
        self.homes_changed(request)

    def homes_changed(self, request: Request) -> None:
        """Those of who asked, who receives, and who can decide at any stage."""
        self.settling |= {request.requester_slack, request.subject_slack}
        if self.policy is not None:
            people = people_now(self.session, self.policy)
            theirs = people.approvers(groups_of(request), barred=barred(people, request))
            self.settling |= set(people.accounts(theirs))

    def retell(self) -> None:
        """Makes due what is about changed subjects: at the end of the work and in one order, or two could deadlock."""
        changed = self.subjects | self.settling | self.coalescing
        if not changed:
            return
        # With one click several requests change one after the other, and what they share is told once.
        shared = self._found(shared_messages(self._dialect), {"changed": changed})
        self.settling |= {subject for both in shared for subject in both if subject is not None}
        given = {
            "changed": changed | self.settling, "at_once": self.subjects, "coalescing": self.coalescing,
            "kept_true": KEPT_TRUE, "planned": PLANNED, "now": self.now, "settled_at": self.now + SETTLES,
            "retold_at": self.now + RETOLD_AFTER,
        }  # fmt: skip
        for identifier, due_at in self._found(retold(self._dialect), given):
            if due_at is not None:
                self.due.append((message_item(identifier), due_at))

    @property
    def _dialect(self) -> str:
        return self.session.get_bind().dialect.name

    def _found(self, statement: Executable, given: dict[str, Any]) -> Sequence[Any]:
        return self.session.connection().execute(statement, given).all()

    def tell(
        self, kind: MessageKind, subject: str, destination: str, *, version: int = 1, urgency: int = 1,
        at: datetime | None = None, step: ReminderStep | None = None, key: str = "",
    ) -> None:  # fmt: skip
        """A message that must reach a person, now or at a time to come; the same one twice is one.

        `key`: tells it from others of its kind, subject and version, if the destination alone does not.
        """
        if not destination:
            return  # of a canary, which is no person's
        self.told.append({
            "id": ulid(self.now), "kind": kind, "subject": subject, "version": version,
            "recipient": step.key(destination) if step else key or destination, "destination": destination,
            "step_group": step.group if step else None,
            "step_after_s": int(step.after.total_seconds()) if step else None, "urgency": urgency,
            "due_at": at or self.now, "created_at": self.now,
        })  # fmt: skip

    def tell_next_stage(self, request: Request, stage: int, *, click: str = "") -> None:
        """Other people are asked from now on: a message calls them, once, for an updated card calls no one.

        `click`: by which others on the same card may have come as far, one after the other; they are told together.
        """
        kind, subject = told_as(request, MessageKind.NEXT_STAGE)
        shared = kind != MessageKind.NEXT_STAGE
        key = f"{request.channel}:{stage}" + (f":{click or request.id}" if shared else "")
        at = self.now + SETTLES if shared else self.now
        self.tell(kind, subject, request.channel, version=request.version, key=key, urgency=URGENT, at=at)

    def tell_answer(
        self, request: Request, *, click: str = "", urgency: int = 1, at: datetime | None = None
    ) -> None:  # fmt: skip
        """What became of a request, to who asked: of those on one card a message for all that change together.

        `click`: by which others may change one after the other; else it is what changes at this moment.
        """
        if request.card_id is None:
            self.tell(MessageKind.ANSWER, request.id, request.requester_slack, urgency=urgency, at=at)
            return
        if request.answer_id is None:
            values = {"answer_id": click or ulid_of(self.now, request.card_id)}
            compare_and_set(self.session, Request, request.id, expected={"answer_id": None}, values=values)
            self.session.refresh(request)
        subject, at = request.answer_id or "", max(at or self.now, self.now + SETTLES)
        self.tell(MessageKind.BATCH_ANSWER, subject, request.requester_slack, urgency=urgency, at=at)

    def adopt(self, kind: str, subject: str, channel: str, ts: str, *, version: int) -> bool:
        """A message of ours that stands in Slack without a row of its own is kept true from now on."""
        message = Message(
            id=MessageId(ulid(self.now)), kind=kind, subject=subject, version=version, recipient=f"{channel}:{ts}",
            destination=channel, channel=channel, ts=ts, due_at=self.now + SETTLES, created_at=self.now,
        )  # fmt: skip
        made = insert_unless_there(self.session, message)
        if made:
            self.due.append((message_item(message.id), self.now + SETTLES))
        return made

    def write(self) -> None:
        """Writes what waits. In many rows at once it takes a fraction of one by one."""
        changes, self.changes = self.changes, {}
        told, self.told = self.told, []
        closing, self.closing = self.closing, {}
        if not compare_and_set_all(self.session, Grant, changes.values(), held=True):
            raise LostRace
        new = insert_all_unless_there(self.session, Message, told) if told else ()
        self.due += [(message_item(one["id"]), one["due_at"]) for one in told if one["id"] in new]
        for kinds, subjects in closing.items():
            self._close(kinds, subjects)

    def keep_decisions(self) -> None:
        """What they were made of: the last before the log, and in one order. Two who keep the same snapshot for the
        first time wait for each other, and so neither may yet want what the other holds.
        """
        if not self.decisions:
            return
        there = select(ApproverSnapshot.id).where(col(ApproverSnapshot.id).in_(self.snapshots))
        new = sorted(self.snapshots.keys() - set(self.session.exec(there)))
        for identifier in new:
            said = {"id": identifier, "content": self.snapshots[identifier]}
            insert_all_unless_there(self.session, ApproverSnapshot, [said])
        insert_all_unless_there(self.session, Decision, self.decisions)

    def _close(self, kinds: Sequence[AlertKind], subjects: set[str]) -> None:
        about = {"about": sorted(subjects), "kinds": kinds}
        for identifier, kind, subject, resource, variant in self._found(alerts_to_close(self._dialect), about):
            self.close_alert(identifier, kind, subject)
            self.groups.closed(kind, variant, resource)

    def close_alert(self, identifier: str, kind: str, subject: str) -> None:
        """An open one that is held."""
        compare_and_set(self.session, Alert, identifier, expected={"closed_at": None}, values={"closed_at": self.now})
        self.record("alert.closed", identifier, kind=kind, subject=subject)
        self.changed(identifier)

    def open_alert(
        self, kind: AlertKind, subject: str, sentence: str, *, channel: str | None, resource: str | None = None,
        grant_id: GrantId | None = None, variant: str = "", name: str | None = None,
    ) -> None:  # fmt: skip
        """Opens an alert unless it is open already; tells the security team, and the owners of the resource if given.

        There is no channel only before the first policy came into force, when nothing can have been granted.
        """
        self.open_alerts(kind, [Cause(subject, sentence, resource, grant_id, variant, name)], channel=channel)

    def open_alerts(self, kind: AlertKind, causes: Sequence[Cause], *, channel: str | None) -> None:
        """The same for many of a kind, in as few statements as for one."""
        self.write()  # one of the same kind and subject may wait to be closed
        alerts = {AlertId(ulid(self.now)): cause for cause in causes}
        rows = [{"id": one, "kind": kind, "opened_at": self.now} | vars(cause) for one, cause in alerts.items()]
        self.groups.count(kind, [(cause.variant, cause.resource) for cause in causes])
        new = insert_all_unless_there(self.session, Alert, rows) if rows else set[str]()
        for identifier, cause in alerts.items():
            if identifier in new:
                self._opened(identifier, kind, cause, channel)

    def _opened(self, alert: AlertId, kind: AlertKind, cause: Cause, channel: str | None) -> None:
        self.record("alert.opened", alert, kind=kind, subject=cause.subject, sentence=cause.sentence)
        if self.groups.has_own_message(kind, cause.variant, cause.resource, channel):
            told = cause.resource if owners_are_told(kind, cause.variant) else None
            self.tell_of_alert(alert, kind, channel=channel, resource=told)

    def settle_groups(self) -> None:
        """At the end of the work: begins, changes and ends the alerts of which each tells of many."""
        for change in self.groups.settle(self.now):
            if change.begun is not None:
                said = change.begun
                self.record("alert.opened", said.id, kind=said.kind, subject=said.subject, sentence=said.sentence)
                self.tell_of_alert(said.id, said.kind, channel=change.channel, resource=change.resource)
                continue
            if change.is_over:
                self.close_alert(change.id, change.kind, change.subject)
            self.coalescing.add(change.id)
        self.write()

    def tell_of_alert(self, alert: AlertId, kind: str, *, channel: str | None, resource: str | None) -> None:
        """To the security team, to the owners, and to whoever is on duty."""
        if channel is not None:
            self.tell(MessageKind.ALERT, alert, channel, urgency=URGENT)
        if resource is not None and self.policy is not None:
            people = People(self.policy)
            for account in people.accounts(people.owners(resource)):
                self.tell(MessageKind.ALERT, alert, account, urgency=URGENT)
        if self.pages and kind in PAGED:
            self.tell(MessageKind.PAGE, alert, WEBHOOK, urgency=URGENT)

    def alerts_changed(self, subject: str, *kinds: AlertKind) -> None:
        """What is open about this subject has something new to say."""
        self.subjects |= set(self.session.exec(open_alerts(subject, kinds)))

    def close_alerts(self, subject: str, *kinds: AlertKind) -> None:
        """Closes what is open about this subject: its cause is gone."""
        self.closing.setdefault(kinds, set()).add(subject)


def grant_item(grant_id: str) -> AgendaItem:
    return AgendaItem(f"grant:{grant_id}")


def message_item(message_id: str) -> AgendaItem:
    return AgendaItem(f"notice:{message_id}")


class LostRace(Conflict):
    """This was changed at the same moment. Please look again."""
