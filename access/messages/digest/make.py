"""The daily digest: one a day follows the other without a gap in the audit log, whoever makes it and however late."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, func, select

from access import audit
from access.actors import system
from access.audit import START, Mark
from access.catalog import Policy
from access.core import Core
from access.errors import NotFound, PolicyError
from access.ids import DigestId, ulid
from access.messages.digest import rows
from access.messages.digest.content import Content
from access.messages.digest.standing_counts import count_standing
from access.models import AuditEvent, AuditHead, Digest, Message, MessageKind
from access.store import compare_and_set, insert_unless_there

ACTOR = system("digest")


@dataclass(frozen=True, kw_only=True)
class DigestFacts:
    """Which message of which digest is to be told."""

    digest: Digest
    part: int
    """1 is the message in the channel, 2 and on are the thread beneath it."""
    thread_ts: str | None


def make_when_due(core: Core) -> Digest | None:
    """For every sweep: the digest of the newest day whose hour has come, unless it is there already."""
    policy = core.known_policy()
    if policy is None:
        return None
    day = newest_day(policy, core.clock.now())
    with core.database.read() as session:
        if not session.exec(select(is_due(day, moment_of(policy, day)))).one():
            return None
    return _make(core, policy, day)


def make_now(core: Core) -> Digest:
    """One between two days. Raises PolicyError when no policy says where it goes."""
    policy = core.policy.last_valid()
    while True:
        made = _make(core, policy, None)
        if made is not None:  # else somebody made one at the same moment: this one follows it
            return made


def preview(core: Core) -> tuple[Digest, Content]:
    """What one would say now; nothing is written."""
    now = core.clock.now()
    with core.database.read() as session:
        digest = _next(session, now, day=None, due_at=now)
        return digest, _content(session, core, digest)


def content_of(core: Core, identifier: DigestId) -> Content:
    """What this digest says. Who asks first has the log looked at and writes it down; the others read that."""
    with core.database.read() as session:
        digest = session.get(Digest, identifier)
        if digest is None:
            raise NotFound
        if digest.content is not None:
            return Content.model_validate(digest.content)
        content = _content(session, core, digest)
    values = {"holds": not content.flaw, "content": content.model_dump(mode="json")}
    with core.work(ACTOR) as work:
        if compare_and_set(work.session, Digest, identifier, expected={"holds": None}, values=values):
            work.record(
                "audit.verified", identifier, outcome="failure" if content.flaw else "success",
                from_seq=content.checked_from, flaw=content.flaw,
            )  # fmt: skip
            return content
    return content_of(core, identifier)


def digest_facts(session: Session, message: Message) -> DigestFacts:
    """For a notice about a digest; its version is the part."""
    first = select(Message.ts).filter_by(kind=MessageKind.DIGEST, subject=message.subject, recipient=message.recipient)
    return DigestFacts(
        digest=session.get_one(Digest, DigestId(message.subject)), part=message.version,
        thread_ts=None if message.version == 1 else session.exec(first.where(col(Message.version) == 1)).one(),
    )  # fmt: skip


def moment_of(policy: Policy, day: date) -> datetime:
    """When this day's digest is due (UTC): the first time that clocks there show the hour, or would if they skip it."""
    return datetime.combine(day, policy.digest.at, policy.timezone).astimezone(UTC)


def newest_day(policy: Policy, now: datetime) -> date:
    day = now.astimezone(policy.timezone).date()
    while moment_of(policy, day) > now:
        day -= timedelta(days=1)
    return day


def is_due(day: date | ColumnElement[date], hour: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether this day has none, nor any later one. `hour`: when it would be due; a log that began later owes none."""
    made = select(Digest.number)
    began = select(AuditEvent.seq).where(col(AuditEvent.seq) == 1, col(AuditEvent.at) < hour)
    return and_(
        ~made.where(col(Digest.day) >= day).exists(),
        or_(made.where(col(Digest.day).is_not(None)).exists(), began.exists()),
    )


def _make(core: Core, policy: Policy, day: date | None) -> Digest | None:
    """None when somebody was faster."""
    with core.work(ACTOR) as work:
        due_at = work.now if day is None else moment_of(policy, day)
        digest = _next(work.session, work.now, day=day, due_at=due_at)
        if not insert_unless_there(work.session, digest):
            return None
        work.record(
            "digest.made", digest.id, number=digest.number, day=day and day.isoformat(), from_seq=digest.from_seq,
            to_seq=digest.to_seq, head=digest.head,
        )  # fmt: skip
        work.tell(MessageKind.DIGEST, digest.id, policy.digest.channel)
    return digest


def _next(session: Session, now: datetime, *, day: date | None, due_at: datetime) -> Digest:
    """Follows the one before it: by its number, which is taken once, and from where that one ended."""
    last = session.exec(select(Digest).order_by(col(Digest.number).desc()).limit(1)).first()
    number, from_seq, known = (last.number, last.to_seq, last.head) if last else (0, 0, audit.GENESIS)
    head = session.exec(select(AuditHead)).one_or_none()
    # A log that became shorter, or lost its head, has nothing new; what is wrong is found when it is looked at.
    to_seq, reached = (head.seq, head.hash) if head and head.seq >= from_seq else (from_seq, known)
    return Digest(
        id=DigestId(ulid(now)), number=number + 1, day=day, due_at=due_at, from_seq=from_seq, to_seq=to_seq,
        head=reached, made_at=now,
    )  # fmt: skip


def _content(session: Session, core: Core, digest: Digest) -> Content:
    now = core.clock.now()
    mark = _known_to_hold(session, digest)
    happened = rows.Happened(session, rows.Span(digest.from_seq, digest.to_seq))
    opened, ended, unopened, failed = happened.grants(rows.OPENED, rows.ENDED, rows.UNOPENED, rows.FAILED)
    grants = rows.open_grants(session)
    overdue = [pair for pair in grants if rows.is_overdue(pair[0], now)]
    in_time = [pair for pair in grants if not rows.is_overdue(pair[0], now)]
    alerts_open, alerts = rows.open_alerts(session)
    alerts_closed, closed = happened.closed_alerts()
    policy, known = _policy(core), core.known_policy()
    before = select(Digest.made_at).where(col(Digest.number) == digest.number - 1)
    since = session.exec(before).first()
    return Content(
        at=now, since=since, standing=count_standing(session, since, now), missed=tuple(_missed(session, core, digest)),
        checked_from=mark.seq + 1, flaw=_flaw(session, digest, mark),
        overdue=rows.listed(session, overdue), failed=failed,
        alerts_open=alerts_open, alerts=alerts, alerts_closed=alerts_closed, closed=closed,
        policy_unusable=policy is None,
        refused_now=rows.refused_now(session, policy, in_time) if policy else rows.Listed(),
        opened=opened, extended=happened.extended(), ended=ended, unopened=unopened,
        still_open=rows.listed(session, in_time), denied=happened.requests("request.denied"),
        lapsed=happened.requests("request.lapsed"), taken_back=happened.count("request.cancelled"),
        refusals=happened.refusals(known), policy_loads=happened.policy_loads(),
        rights=happened.rights(),
        canary=happened.canary(now, configured=known is not None and known.canary is not None),
    )  # fmt: skip


def _policy(core: Core) -> Policy | None:
    try:
        return core.policy.current()
    except PolicyError:
        return None


def _known_to_hold(session: Session, digest: Digest) -> Mark:
    """Where an earlier digest found that all holds. What was found broken is looked at, and said, every time."""
    sound = select(Digest).where(col(Digest.number) < digest.number, col(Digest.holds).is_(True))
    last = session.exec(sound.order_by(col(Digest.number).desc()).limit(1)).first()
    return Mark(last.to_seq, last.head) if last else START


def _flaw(session: Session, digest: Digest, since: Mark) -> str:
    flaw = audit.verify(session, since).flaw
    if flaw is not None:
        return flaw.sentence
    last = session.get(AuditEvent, digest.to_seq)
    if last is not None and last.hash != digest.head:
        return f"event {digest.to_seq} is not the one that this digest was made at"
    return ""


def _missed(session: Session, core: Core, digest: Digest) -> Iterator[date]:
    """Days between this one and the one before whose hour went by without a digest."""
    policy = core.known_policy()
    if policy is None or digest.day is None:
        return
    earlier = select(func.max(Digest.day)).where(col(Digest.number) < digest.number)
    last = session.exec(earlier).one()
    began = session.exec(select(AuditEvent.at).where(col(AuditEvent.seq) == 1)).first() or digest.made_at
    day = last + timedelta(days=1) if last else began.astimezone(policy.timezone).date()
    while day < digest.day:
        if moment_of(policy, day) > began:
            yield day
        day += timedelta(days=1)
