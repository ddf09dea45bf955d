"""The rows: what Countersign remembers."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from access.ids import (
    AlertId,
    AnswerId,
    BatchId,
    CheckId,
    CommentId,
    DecisionId,
    DigestId,
    GrantId,
    MessageId,
    Person,
    RequestId,
    ReviewId,
    RightsId,
    RoleClaimId,
    SharedRoleId,
    SlackChannel,
    SlackUser,
    SnapshotId,
    StandingId,
    TargetCheckId,
    VersionId,
)
from access.ports import Json

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


class RequestStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class GrantStatus(StrEnum):
    SCHEDULED = "scheduled"
    ACTIVATING = "activating"
    ACTIVE = "active"
    REVOKING = "revoking"
    ENDED = "ended"
    FAILED = "failed"


class EndedBy(StrEnum):
    EXPIRED = "expired"
    RETURNED = "returned"
    REVOKED = "revoked"
    FROZEN = "frozen"
    LEFT = "left"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    LATE = "late"
    DRIFT = "drift"


class Verdict(StrEnum):
    APPROVE = "approve"
    DENY = "deny"


class VersionOrigin(StrEnum):
    """What made a version of a request that is not the first one."""

    RULE = "rule"  # the rule or the role had changed; of this one the version before writes no row
    EDITED = "edited"  # its requester changed it
    NARROWED = "narrowed"  # an approver approved less of it


class DecisionKind(StrEnum):
    """At what a request came closer to its answer, or was put to the policy."""

    ASKED = "asked"  # a version was asked
    VOTE = "vote"  # an approver answered
    START = "start"  # the access was to start, and the approvals were looked at again


class DecisionOutcome(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    REFUSED = "refused"  # at the start: the votes did not carry it any more


class MessageKind(StrEnum):
    """A message that must reach somebody and stay true."""

    REVIEW = "review"  # the card in the approvers' channel; subject: request
    ANSWER = "answer"  # what became of it, to its requester; subject: request
    ENDED = "ended"  # that it is over, to its holder; subject: grant
    ALERT = "alert"  # to the security channel, and to the owners; subject: alert
    PAGE = "page"  # to whoever is on duty, by webhook; subject: alert
    REVEAL = "reveal"  # a secret into an open modal, once; subject: grant, recipient: view
    WARNING = "warning"  # that the end is near, to its holder; subject: request
    ESCALATED = "escalated"  # one more card, in the channel of a step of the ladder; subject: request
    REMINDER = "reminder"  # that it still waits, in the card's thread; subject: request
    NEXT_STAGE = "next_stage"  # that others are asked now, in the card's thread; subject: request
    HOME = "home"  # a person's Home tab; subject and recipient: the person
    DIGEST = "digest"  # one message of a digest, version by version in its thread; subject: digest
    ASKED_FOR = "asked_for"  # that another person asked for this one, who would receive it; subject: request
    UNDELIVERED = "undelivered"  # that the card could not be posted, to who asked; subject: request
    BATCH_ANSWER = "batch_answer"  # what became of those that share a card, to their requester; subject: answer
    # Of requests that share a card; subject: the request after which it is named.
    BATCH_REVIEW = "batch_review"  # the card in the approvers' channel
    BATCH_ESCALATED = "batch_escalated"  # one more, in the channel of a step of the ladder
    BATCH_REMINDER = "batch_reminder"  # that some of them still wait, in the card's thread
    BATCH_NEXT_STAGE = "batch_next_stage"  # that others are asked now, in the card's thread


class AlertKind(StrEnum):
    # What is about access to a resource may be many at once: then one of the variant `group` tells of all.
    OVERDUE = "overdue"  # access may outlive its end; subject: grant
    UNREMOVABLE = "unremovable"  # the target refuses the removal for good; subject: grant
    PROVIDER = "provider"  # a provider disabled itself; subject: resource
    POLICY = "policy"  # the policy cannot be used; subject: the file
    TIMEKEEPING = "timekeeping"  # nobody keeps time; subject: timekeeper
    QUEUE = "queue"  # no worker takes what waits in a queue; subject: the queue
    JOBS = "jobs"  # jobs were refused or failed a short time ago; subject: jobs
    SWEEP = "sweep"  # the sweep of the rows fails again and again; subject: sweep
    TIMERS = "timers"  # Redis cannot be used; the sweep works from SQL; subject: redis
    DRIFT = "drift"  # target and rows differ; subject: grant, or resource and name where no grant is known
    CLOCKS = "clocks"  # a host's clock and the database's differ; subject: the host
    RESTORED = "restored"  # the database is an older one and is being compared; subject: database
    LEFTOVER = "leftover"  # what gives no access any more was not tidied up; subject: grant
    RIGHTS = "rights"  # a role allows more than the security team has accepted; subject: the entitlement
    CANARY = "canary"  # harmless access did not open or close as it should; subject: the entitlement
    STANDING = "standing"  # roles that we can give are held without a grant of ours; subject: the place
    UNANSWERABLE = "unanswerable"  # no one can approve a request that waits; subject: request
    UNDELIVERED = "undelivered"  # messages do not arrive; subject: where, and why in one word


class AlertVariant(StrEnum):
    """What has words of its own within its kind. Of undelivered messages the variant is Slack's word for why."""

    GROUP = "group"  # one that tells of many about a resource; of the kinds in alert_rows.GRANT_ALERTS
    UNANSWERED = "unanswered"  # drift: a target could not be looked at
    UNCOMPARED = "uncompared"  # drift: a person must compare a target
    CHANGED = "changed"  # drift: the record of a grant was changed after its approval
    MEMBERS = "members"  # sweep: Slack does not say who is a member
    UNLISTED = "unlisted"  # sweep: what is overdue cannot be listed
    UNWRITTEN = "unwritten"  # sweep: the database cannot be written
    EMPTIED = "emptied"  # timers: Redis had lost them
    FOREIGN_MARK = "foreign-mark"  # jobs: Redis held a mark of the log that is not ours


class StandingStatus(StrEnum):
    NEW = "new"  # no person has accepted it
    ACCEPTED = "accepted"
    GONE = "gone"  # for good: what is given again is another row


class CheckKind(StrEnum):
    """Something outside that is looked at again and again."""

    ROSTER = "roster"  # who and what must be looked at at all; subject: everybody, and since when without a break
    MEMBER = "member"  # whether Slack still knows a person; subject: the person
    DRIFT = "drift"  # whether a target has what the rows say; subject: resource
    CLEANUP = "cleanup"  # what shows or is left after an end; subject: resource


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, UTC out; SQLite drops time zones, so the zone is put back. Refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the interface's
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time reached the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the interface's
        if value is None:
            return None
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        return datetime.combine(value.date(), value.time(), UTC)  # `replace` takes several times as long


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


def _partly(name: str, column: str, *, where: str) -> Index:
    """An index over the few rows that the sweep asks for."""
    return Index(name, column, postgresql_where=text(where), sqlite_where=text(where))


def _moment(**options: Any) -> Any:
    return Field(sa_type=UtcDateTime, **options)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType] -- typed for classes of SQLAlchemy only


def _string(**options: Any) -> Any:
    """SQLModel cannot see through a NewType, so the column's type is said."""
    return Field(sa_type=String, **options)


def _json() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def _strings() -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False))


def _dicts() -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False))


def _text() -> Any:
    return Field(sa_column=Column(Text, nullable=False))


class Request(SQLModel, table=True):
    """A person asks for a role on a resource. What is asked changes only with a new version, which voids every vote
    but those that are carried over to less of the same."""

    __tablename__ = "request"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        _one_of("status", RequestStatus),
        _partly("ix_request_lapsing", "lapses_at", where="status = 'pending'"),
        _partly("ix_request_extends", "extends", where="extends IS NOT NULL"),
        _partly("ix_request_waiting", "requester_slack", where="status = 'pending'"),
        _partly("ix_request_claimed", "claim_until", where="status = 'pending'"),
        _partly("ix_request_card", "card_id", where="card_id IS NOT NULL"),
        _partly("ix_request_answer", "answer_id", where="answer_id IS NOT NULL"),
        Index("uq_request_pending", "subject", "resource", "role", unique=True,
              postgresql_where=text("status = 'pending'"), sqlite_where=text("status = 'pending'")),
    )  # fmt: skip

    id: RequestId = _string(primary_key=True)
    batch_id: BatchId = _string(index=True)
    card_id: RequestId | None = _string(default=None)
    """Of its batch, the request after which the card is named that they share; None: it has a card of its own."""
    answer_id: AnswerId | None = _string(default=None)
    """Of those that share a card, the answer in which the requester is told of it, with others of the same click."""
    version: int = 1
    status: str = RequestStatus.PENDING
    requester: Person = _string(index=True)
    requester_slack: SlackUser = _string()
    subject: Person = _string(index=True)
    subject_slack: SlackUser = _string()
    extends: GrantId | None = _string(default=None)
    """The grant that would last until `until` instead."""
    resource: str = Field(index=True)
    resource_title: str
    role: str
    role_title: str
    level: str
    rule: str
    channel: SlackChannel = _string()
    chain: Json = _json()
    """The approval chain: `{"any_of": ["payments-leads"], "quorum": 1}`, or `{"stages": […]}` where that is not all."""
    provider: str
    principal: str
    settings: Json = _json()
    definition: Json = _json()
    scope: Json = _json()
    end_means: str = ""
    duration_s: int | None = None
    """Seconds; None when `until` is set."""
    until: datetime | None = _moment(default=None)
    starts_at: datetime | None = _moment(default=None)
    """Not before this; None: at once."""
    reason: str = _text()
    ticket: str | None = None
    alert_after_s: int
    facts: Json = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    """All that was asked and on which terms, as it was hashed; empty where `facts_version` is 1."""
    facts_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Which formula the fingerprint is by (access/policy/facts.py and facts_v1.py)."""
    fingerprint: str = Field(max_length=64)
    decision_seq: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Grows with every vote, so that of two at once neither counts without the other."""
    asked_at: datetime = _moment()
    lapses_at: datetime = _moment()
    decided_at: datetime | None = _moment(default=None)
    decided_because: str = ""
    """Why it was cancelled where nobody took it back, or lapsed where no approver was asked; a sentence of ours."""
    narrowed_from: int | None = None
    """The version of which an approver approved less, last; None: what was asked stands."""
    narrowed_by: Person | None = _string(default=None)
    narrowed_by_slack: SlackUser | None = _string(default=None)
    asked_duration_s: int | None = None
    """Where it was narrowed: what its requester had asked for, of which the one that is not None is meant."""
    asked_until: datetime | None = _moment(default=None)
    claimed_by: Person | None = _string(default=None)
    """Who said last of being at it, which binds no one."""
    claimed_by_slack: SlackUser | None = _string(default=None)
    claimed_at: datetime | None = _moment(default=None)
    claim_until: datetime | None = _moment(default=None)
    """From then on it is not said any more."""

    @property
    def duration(self) -> timedelta | None:
        return None if self.duration_s is None else timedelta(seconds=self.duration_s)

    @property
    def asked_duration(self) -> timedelta | None:
        return None if self.asked_duration_s is None else timedelta(seconds=self.asked_duration_s)

    @property
    def entitlement(self) -> str:
        return f"{self.resource}/{self.role}"


class RequestVersion(SQLModel, table=True):
    """What made a version of a request; the first one has no row, and no row means that the rule had changed."""

    __tablename__ = "request_version"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (UniqueConstraint("request_id", "version"),)

    id: VersionId = _string(primary_key=True)
    request_id: RequestId = _string(foreign_key="request.id")
    version: int
    origin: str
    """A `VersionOrigin`."""
    made_by: Person | None = _string(default=None)
    """Who changed or narrowed it; None: the policy."""
    made_by_slack: SlackUser | None = _string(default=None)
    at: datetime = _moment()


class Review(SQLModel, table=True):
    """One reviewer's approve or deny of a version; each once per name and once per Slack account."""

    __tablename__ = "review"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        _one_of("verdict", Verdict),
        UniqueConstraint("request_id", "version", "reviewer", "verdict"),
        Index("uq_review_account", "request_id", "version", "reviewer_slack", "verdict", unique=True),
    )

    id: ReviewId = _string(primary_key=True)
    request_id: RequestId = _string(foreign_key="request.id")
    version: int
    stage: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Of the approval chain: the one that was waited for."""
    groups: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))
    """Those of the stage that the reviewer was in."""
    reviewer: Person = _string()
    reviewer_slack: SlackUser = _string()
    verdict: str
    comment: str = _text()
    fingerprint: str = Field(max_length=64)
    at: datetime = _moment()
    carried_from: int | None = None
    """The version on which it was given, which asked for more than this one; None: on this one."""


class Comment(SQLModel, table=True):
    """What a person of the policy wrote in the thread beneath a card; it decides nothing (ADR 48)."""

    __tablename__ = "comment"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (UniqueConstraint("channel", "ts"),)

    id: CommentId = _string(primary_key=True)
    request_id: RequestId = _string(foreign_key="request.id", index=True)
    version: int
    """Of the request, of which the card beneath which it stands is."""
    channel: SlackChannel = _string()
    ts: str
    """With the channel, where the message itself stands: the same one told again is one comment."""
    author: Person = _string()
    author_slack: SlackUser = _string()
    words: str = _text()
    """As they read now."""
    first_words: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """As they read at first; None: they were not changed."""
    is_shortened: bool = False
    """The message is longer than what is kept of it."""
    edits: int = 0
    edited_ts: str | None = None
    """Slack's time of the last change: an older one that comes later changes nothing."""
    at: datetime = _moment()
    edited_at: datetime | None = _moment(default=None)
    deleted_at: datetime | None = _moment(default=None)
    """Since when the message is gone from Slack; the words are kept."""


class ApproverSnapshot(SQLModel, table=True):
    """A chain with the people of its groups, as the policy of a moment said it; all decisions with the same share it.

    Only ever added to.
    """

    __tablename__ = "approver_snapshot"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: SnapshotId = _string(primary_key=True)
    """The hash of the canonical content."""
    content: Json = _json()
    """Of `access/policy/replay.py: content_of`."""


class Decision(SQLModel, table=True):
    """What one decision on a request was made of, so that it can be made again when the policy is another one.

    Only ever added to. What a process of the version before decided has none.
    """

    __tablename__ = "decision"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: DecisionId = _string(primary_key=True)
    request_id: RequestId = _string(foreign_key="request.id", index=True)
    version: int
    seq: int
    """The `decision_seq` of the request with it."""
    kind: str
    at: datetime = _moment()
    policy_sha256: str = Field(max_length=64)
    """Of the text that it was made by; `policy_version` has those that came into force."""
    snapshot_id: SnapshotId = _string(foreign_key="approver_snapshot.id")
    excluded: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Who could not decide on this request, or not any more, and why."""
    votes: list[str] = _strings()
    """The ids of those that counted, of a vote itself the last."""
    outcome: str
    stage: int | None = None
    """That it waits for."""
    missing: int | None = None


class Grant(SQLModel, table=True):
    """Access a provider was told to give, until `expires_at`; carries its own way out.

    `due_at` is when somebody must look at it next: its start, the end of a claim, the next try, its expiry.
    """

    __tablename__ = "grant"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        _one_of("status", GrantStatus),
        _partly("ix_grant_due", "due_at", where="due_at IS NOT NULL"),
        _partly("ix_grant_alert", "alert_at", where="alert_at IS NOT NULL"),
        _partly("ix_grant_cleanup", "resource", where="cleanup_until IS NOT NULL"),
        _partly("ix_grant_holder", "subject_slack", where="due_at IS NOT NULL"),
        _partly("ix_grant_claimed", "claimed_by", where="claimed_by IS NOT NULL"),
        _partly("ix_grant_unanswered", "unanswered_at", where="unanswered_at IS NOT NULL"),
    )

    id: GrantId = _string(primary_key=True)
    request_id: RequestId = _string(foreign_key="request.id", index=True)
    supersedes_grant_id: GrantId | None = _string(default=None)
    """The ended grant whose access was found again."""
    status: str = GrantStatus.SCHEDULED
    requester: Person = _string()
    subject: Person = _string(index=True)
    subject_slack: SlackUser = _string()
    resource: str = Field(index=True)
    role: str
    level: str
    provider: str
    provider_version: str = ""
    """Distribution and version of the provider that granted."""
    principal: str
    settings: Json = _json()
    target_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Where its settings lead, with which other resources may share limits; empty: the resource stands for it."""
    definition: Json = _json()
    scope: Json = _json()
    plan: Json = _json()
    """`{"grant": [statements], "revoke": [statements], "where": "in words"}`."""
    receipt: Json | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    duration_s: int | None = None
    until: datetime | None = _moment(default=None)
    alert_after_s: int
    starts_at: datetime = _moment()
    start_by: datetime = _moment()
    expires_at: datetime | None = _moment(default=None)
    extensions: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often `expires_at` was moved, each time by a decision."""
    target_expiry_stale_since: datetime | None = _moment(default=None)
    """Since when the target itself has an earlier end than we; None: it knows ours, or has none."""
    activated_at: datetime | None = _moment(default=None)
    end_due_at: datetime | None = _moment(default=None)
    """When it should have been over: its expiry, or when somebody ended it."""
    alert_at: datetime | None = _moment(default=None)
    """If it is not ended by then, an alert opens."""
    ended_by: str | None = None
    ended_by_person: Person | None = _string(default=None)
    end_reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    removed_at: datetime | None = _moment(default=None)
    """When the target accepted the removal."""
    sessions_ended: int | None = None
    residual: list[str] = _strings()
    leftover: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))
    """What gives no access but is still on the target, to be tidied up."""
    removed_by_hand_by: SlackUser | None = _string(default=None)
    """Who said last that it was removed on the target by hand: a word, no proof."""
    removed_by_hand_at: datetime | None = _moment(default=None)
    cleanup_until: datetime | None = _moment(default=None)
    """The target is looked at again until then, and for as long as there is a leftover. None: that is over."""
    proven_at: datetime | None = _moment(default=None)
    """When the target was asked again and the access was not there."""
    ended_at: datetime | None = _moment(default=None)
    recheck_after: datetime | None = _moment(default=None)
    """Not over before this: a grant call may still have been under way."""
    fence: int = 0
    claimed_by: str | None = None
    """The process that has it in hand until `due_at`, by the name of its heartbeat."""
    attempts: int = 0
    problem: str = ""
    """The last error's sentence, safe to show."""
    unanswered_at: datetime | None = _moment(default=None)
    """When its target last did not answer a call for it; None: it has answered since, or was never called."""
    due_at: datetime | None = _moment(default=None)
    created_at: datetime = _moment()

    @property
    def entitlement(self) -> str:
        return f"{self.resource}/{self.role}"


class SharedRole(SQLModel, table=True):
    """A role of one principal on a target that several grants may need; one grant at a time is there because of it."""

    __tablename__ = "share"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: SharedRoleId = _string(primary_key=True)
    """The hash of the four that follow."""
    provider: str
    place: str = _text()
    """The target, as its provider names it."""
    role: str
    """As the target calls it."""
    principal: str
    locked_by: GrantId | None = _string(default=None)
    """Whose turn at the target it is."""
    locked_until: datetime | None = _moment(default=None)
    """A call of theirs may still be under way until then."""
    fence: int = 0


class RoleClaim(SQLModel, table=True):
    """A grant needs, or needed, a share; which of the two is said by the grant's status."""

    __tablename__ = "hold"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (UniqueConstraint("grant_id", "share_id"),)

    id: RoleClaimId = _string(primary_key=True)
    grant_id: GrantId = _string(foreign_key="grant.id")
    share_id: SharedRoleId = _string(foreign_key="share.id", index=True)
    pre_existing: bool | None = None
    """It stood there before anybody of us gave it: never added, never removed. None: nobody has looked yet."""
    looked_at: datetime | None = _moment(default=None)


class Message(SQLModel, table=True):
    """A message that must reach somebody, where it stands, and which state of its subject it shows.

    `wanted_version` grows with every change of the subject; a message is true when `shown_version` has caught up.
    """

    __tablename__ = "notice"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        UniqueConstraint("kind", "subject", "version", "recipient"),
        _partly("ix_notice_due", "due_at", where="due_at IS NOT NULL"),
        _partly("ix_notice_alert", "alert_at", where="alert_at IS NOT NULL"),
        _partly("ix_notice_undelivered", "undelivered_cause", where="undelivered_since IS NOT NULL"),
        _partly("ix_notice_ts", "ts", where="ts IS NOT NULL"),
    )

    id: MessageId = _string(primary_key=True)
    kind: str
    subject: str = Field(index=True, max_length=32)
    version: int = 1
    recipient: str
    """The key by which two of one kind, subject and version are told apart: the destination, and after a colon more."""
    destination: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """A channel, a person's Slack id, for a reveal the modal's id, or `webhook`."""
    step_group: str | None = None
    """Of a reminder: whom its step names."""
    step_after_s: int | None = None
    """Of a reminder: how long after the request was asked."""
    urgency: int = 1
    """0 before 1: alerts and decisions go first."""
    channel: str | None = None
    ts: str | None = None
    """Where it stands; of a Home, the hash of the view that Slack was given last; of a page, the state sent."""
    wanted_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    shown_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    fence: int = 0
    attempts: int = 0
    problem: str = ""
    undelivered_since: datetime | None = _moment(default=None)
    """Since when each try has failed, while there is a `problem`: the version before clears only that."""
    undelivered_cause: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The key of the alert about it: where it does not arrive, and why in one word."""
    undelivered_where: str = Field(default="", sa_column_kwargs={"server_default": ""})
    undelivered_code: str = Field(default="", sa_column_kwargs={"server_default": ""})
    alert_at: datetime | None = _moment(default=None)
    """If it has not arrived by then, an alert opens; None: the alert has it, or it needs none."""
    due_at: datetime | None = _moment(default=None)
    delivered_at: datetime | None = _moment(default=None)
    created_at: datetime = _moment()


class RateLimit(SQLModel, table=True):
    """When Slack may be called again; shared by all who tell (ADR 24). There are as many as there are conversations."""

    __tablename__ = "rate_limit"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: str = Field(primary_key=True)
    """Method and channel."""
    method: str
    channel: str = ""
    """Of a method that Slack counts by channel."""
    until: datetime = _moment()
    """Not called before this."""
    queued_until: datetime = _moment()
    """The turns before this are promised."""
    refused: bool = False
    """Slack refused it, and no call was answered since."""
    tried_by: str | None = None
    """The one that tries after that."""


class Alert(SQLModel, table=True):
    """Something a person must know; unique while open, closed by itself when its cause is gone."""

    __tablename__ = "alert"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        Index("uq_alert_open", "kind", "subject", unique=True, postgresql_where=text("closed_at IS NULL"),
              sqlite_where=text("closed_at IS NULL")),
    )  # fmt: skip

    id: AlertId = _string(primary_key=True)
    kind: str
    subject: str
    """The key by which it is one with what opens it again; what it is about is said by the columns that follow."""
    resource: str | None = None
    grant_id: GrantId | None = _string(default=None)
    variant: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """An `AlertVariant`; empty for most."""
    name: str | None = None
    """Of a role of the resource, of what stands there without a grant, or of whom messages do not reach."""
    sentence: str = _text()
    opened_at: datetime = _moment()
    delivered_at: datetime | None = _moment(default=None)
    closed_at: datetime | None = _moment(default=None)
    since: datetime | None = _moment(default=None)
    """Of a database that was restored: what was done after this is not known."""


class PolicyVersion(SQLModel, table=True):
    """A policy that came into force; the newest is the one with the highest number."""

    __tablename__ = "policy_version"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """1, 2, 3 …; the same policy again has another."""
    sha256: str = Field(max_length=64)
    text: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """None: the version before noted it, which kept none."""
    security_channel: SlackChannel = _string()
    loaded_at: datetime = _moment()


class AuditEvent(SQLModel, table=True):
    """One link of the chain. `entry` is the canonical JSON; the other columns repeat parts of it for queries."""

    __tablename__ = "audit_event"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = _moment(index=True)
    action: str = Field(index=True)
    actor: str
    object_id: str | None = Field(default=None, index=True)
    entry: str = _text()
    previous: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AuditHead(SQLModel, table=True):
    """The end of the chain: one row, locked last and briefly."""

    __tablename__ = "audit_head"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int
    at: datetime = _moment()
    """The chain's time never runs backwards, whatever a host's clock does."""
    hash: str = Field(max_length=64)


class Digest(SQLModel, table=True):
    """The daily message about the audit log from after `from_seq` to `to_seq`, where the one before it ended."""

    __tablename__ = "digest"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (UniqueConstraint("number"), UniqueConstraint("day"))

    id: DigestId = _string(primary_key=True)
    number: int
    """1, 2, 3 …; two who make the same one meet here, and at the day."""
    day: date | None = None
    """The day in the policy's zone whose digest this is; None: somebody asked for it between two."""
    due_at: datetime = _moment()
    from_seq: int
    to_seq: int
    head: str = Field(max_length=64)
    """The hash at `to_seq`."""
    made_at: datetime = _moment()
    holds: bool | None = None
    """Whether the log held when it was looked at; None: nobody looked yet."""
    content: Json | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    """What it says, written once: its parts are drawn from this, whoever draws them and however often."""


class Heartbeat(SQLModel, table=True):
    """A process says that it lives."""

    __tablename__ = "heartbeat"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute

    name: str = Field(primary_key=True)
    kind: str
    beat_at: datetime = _moment()
    facts_version: int = Field(default=2, sa_column_kwargs={"server_default": "1"})
    """The newest formula of a fingerprint that it knows; a process of the version before does not say it."""


class TargetCheck(SQLModel, table=True):
    """Somebody who holds no key wants a target looked at; a worker, who does, writes here what it found."""

    __tablename__ = "checkup"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (_partly("ix_checkup_due", "due_at", where="due_at IS NOT NULL"),)

    id: TargetCheckId = _string(primary_key=True)
    resource: str
    findings: list[Json] = _dicts()
    """Each a `Finding` of access.ports, without secrets."""
    fence: int = 0
    due_at: datetime | None = _moment(default=None)
    asked_at: datetime = _moment()
    done_at: datetime | None = _moment(default=None)


class PeriodicCheck(SQLModel, table=True):
    """Something outside is looked at again and again: whenever it is due, by whoever wins it."""

    __tablename__ = "look"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_look_due", "due_at"),
    )

    id: CheckId = _string(primary_key=True)
    kind: str
    subject: str
    suspects: list[str] = _strings()
    """What was not as it should be at the last look; it counts when it is so at the next one too."""
    problem: str = ""
    """Why there was no answer, safe to show."""
    fence: int = 0
    due_at: datetime = _moment()
    looked_at: datetime | None = _moment(default=None)
    """When somebody last had an answer."""


class EntitlementRights(SQLModel, table=True):
    """What a role of the policy allows on its target as it was seen last, and what of it the security team knows."""

    __tablename__ = "role_rights"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (UniqueConstraint("resource", "role"),)

    id: RightsId = _string(primary_key=True)
    resource: str
    role: str
    """Its name in the policy, or `EVERYBODY` of access.ports."""
    place: str = Field(max_length=64)
    """The hash of the settings and the definition by which it was seen."""
    fingerprint: str = Field(max_length=64)
    allows: list[str] = _strings()
    """Kinds of rights, not the things that they are about."""
    accepted: list[str] = _strings()
    """Of these, those that were there at the first look or were accepted since."""
    creates: list[str] = _strings()
    """What can be made with it and may stay behind."""
    fence: int = 0
    first_seen: datetime = _moment()
    changed_at: datetime = _moment()
    wider_since: datetime | None = _moment(default=None)
    """Since when it allows more than was accepted."""


class StandingAccess(SQLModel, table=True):
    """A member of a target holds a role that we can give, and no grant of ours is the reason (ADR 19)."""

    __tablename__ = "standing_access"  # pyright: ignore[reportAssignmentType] -- SQLModel types it as a declared attribute
    __table_args__ = (
        _one_of("status", StandingStatus),
        Index("uq_standing_access_slot", "slot", unique=True,
              postgresql_where=text("status <> 'gone'"), sqlite_where=text("status <> 'gone'")),
    )  # fmt: skip

    id: StandingId = _string(primary_key=True)
    status: str = StandingStatus.NEW
    slot: str = Field(max_length=64)
    """The hash of all that makes it another one: place, member's number, role, the role in between, who gave it."""
    place_id: str = Field(max_length=32, index=True)
    """The hash of provider and target; several resources may lead to the same one."""
    provider: str
    resource: str = Field(index=True)
    """By which it is looked at."""
    member_id: str
    principal: str
    role: str
    via: str
    grantor: str
    options: list[str] = _strings()
    can_log_in: bool
    found_at: datetime = _moment()
    seen_at: datetime = _moment()
    accepted_at: datetime | None = _moment(default=None)
    accepted_by: Person | None = _string(default=None)
    accepted_slack: SlackUser | None = _string(default=None)
    gone_at: datetime | None = _moment(default=None)
