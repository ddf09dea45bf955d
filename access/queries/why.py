"""Why it was decided so: the trace of the asking, the versions, the votes, and who is asked now and who is not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from access.actors import Actor
from access.approvers import groups_of, people_now, votes_on
from access.audit_words import read_event
from access.catalog import PersonEntry
from access.core import Core, load_grant
from access.decisions import Record, records_of
from access.errors import InvalidInput, NotFound
from access.ids import Person, RequestId, SlackChannel, short
from access.models import AuditEvent, DecisionKind, Grant, Request, RequestStatus, Review
from access.people import Party, People, barred, has_account, is_alike, requester_of, reviewer_of, subject_of
from access.policy.chain import Waiting
from access.policy.decide import Denied, decide
from access.policy.escalation import asked_since, stages_at
from access.policy.facts import ask_again, is_unchanged
from access.policy.objections import what_changed
from access.policy.replay import asked_then
from access.policy.simulate import AskedStage, asked_stages
from access.queries.mine import mine_of
from access.queries.thread import Reader, Thread, thread_of

_REMEMBERED = 10_000
"""So many of the newest are looked through for the end of an id; an older one is found by its whole id."""
_MOST = 20
LONGEST_ID = 26


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a request, as the log has it."""

    number: int
    at: datetime
    trace: tuple[str, ...] = ()
    """What the policy looked at; of the first version, and for the security team with all rules that did not match."""


@dataclass(frozen=True, kw_only=True)
class Then:
    """Who could decide when something was decided, by the policy of that moment."""

    kind: str
    """A `DecisionKind`: when a version was asked, or just before a vote was cast."""
    version: int
    at: datetime
    by: Person | None
    """Who cast the vote."""
    stage: int
    groups: tuple[str, ...]
    people: tuple[Person, ...]
    others: Mapping[Person, str]
    """Who could not, of all whom the chain names or who are barred, and why."""


@dataclass(frozen=True, kw_only=True)
class Now:
    """A request that waits, by the policy of this moment."""

    objection: str | None
    """Why the policy of now would not allow it; None where it does."""
    changed: bool
    """It would be asked on other terms: with the next approval its card is posted anew."""
    stages: tuple[AskedStage, ...]
    """From the one whose turn it is."""
    of: int
    """So many stages are there in all."""


@dataclass(frozen=True, kw_only=True)
class Why:
    """All that explains how one request was decided, or waits."""

    request: Request
    versions: tuple[Version, ...]
    votes: tuple[Review, ...]
    """On all versions, in their order."""
    now: Now | None
    """None where it is decided, or while the policy cannot be used."""
    thread: Thread = field(default_factory=Thread)
    """What people wrote beneath its cards."""
    then: tuple[Then, ...] = ()
    """In the order of the decisions; none of what a process of the version before decided."""


def why(core: Core, *, text: str, by: Actor) -> Why:
    """By the id of a request or of what came of it. Raises NotFound for all that is not for this person to see."""
    with core.refusals_recorded(by, "request.why", None):
        person = core.person(by)
        with core.database.read() as session:
            people = people_now(session, core.policy.last_valid())
            named = _named(session, text.lower()) if text else _own(core, session, person)
            found = [one for one in named if may_see(session, people, person, one)]
            return explained(core, session, people, person, _the_one(found, text))


def _the_one(found: Sequence[Request], text: str) -> Request:
    if len(found) == 1:
        return found[0]
    if found and text:
        raise InvalidInput("id", f"The id {text} fits {len(found)} of them; write more of it.")
    if found:
        raise InvalidInput("id", f"Say which one: /access why {short(found[0].id)}")
    shown = text if len(text) <= LONGEST_ID else f"{text[:LONGEST_ID]}…"
    said = f"There is no request or access with the id {shown} that you asked for, received or could decide."
    raise NotFound(said if text else "None of your requests waits and you hold no access. Write the id of one.")


def _own(core: Core, session: Session, person: PersonEntry) -> list[Request]:
    """What this person waits for and holds."""
    held = mine_of(session, core.known_policy(), person, core.clock.now())
    ids = [*(one.id for one in held.requests), *(one.request_id for one in held.grants)]
    return list(session.exec(select(Request).where(col(Request.id).in_(ids)).order_by(col(Request.id))))


def _named(session: Session, wanted: str) -> list[Request]:
    """By its own id or that of what came of it, whole or the end of it."""
    if not wanted or len(wanted) > LONGEST_ID:
        return []
    newest = select(Request.id).order_by(col(Request.id).desc()).limit(_REMEMBERED).subquery()
    granted = select(Grant.id, Grant.request_id).order_by(col(Grant.id).desc()).limit(_REMEMBERED).subquery()
    ids = {
        *session.exec(select(newest.c.id).where(newest.c.id.endswith(wanted, autoescape=True)).limit(_MOST)),
        *session.exec(select(granted.c.request_id).where(granted.c.id.endswith(wanted, autoescape=True)).limit(_MOST)),
        *session.exec(select(Grant.request_id).where(Grant.id == wanted)),
        wanted,
    }
    return list(session.exec(select(Request).where(col(Request.id).in_(ids)).order_by(col(Request.id))))


def may_see(session: Session, people: People, person: PersonEntry, request: Request) -> bool:
    """Who asked and who received, by their accounts; who decided or could; and the security team."""
    if has_account(person, requester_of(request)) or has_account(person, subject_of(request)):
        return True
    return decides(session, people, person, request)


def decides(session: Session, people: People, person: PersonEntry, request: Request) -> bool:
    """Who decided or could, and the security team: not who only asked or receives."""
    if person.name in people.security() or person.name in people.members(groups_of(request)):
        return True
    cast = session.exec(select(Review).filter_by(request_id=request.id)).all()
    return any(is_alike(reviewer_of(one), Party(person.name, person.slack)) for one in cast)


def explained(
    core: Core, session: Session, people: People, person: PersonEntry, request: Request, *,
    channel: SlackChannel | None = None,
) -> Why:  # fmt: skip
    """`channel`: where this person pressed a button."""
    votes = select(Review).filter_by(request_id=request.id).order_by(col(Review.at), col(Review.id))
    whole = person.name in people.security()
    reader = Reader(
        account=person.slack, decides=decides(session, people, person, request), is_security=whole, channel=channel
    )  # fmt: skip
    return Why(
        request=request, votes=tuple(session.exec(votes)), versions=_versions(session, request.id, whole=whole),
        now=_now(core, session, people, request), thread=thread_of(session, request, reader),
        then=tuple(_then(session, request)),
    )  # fmt: skip


def _then(session: Session, request: Request) -> Iterator[Then]:
    since = asked_since(request)
    for record in records_of(session, request):
        decision, votes = record.decision, record.votes
        if decision.kind == DecisionKind.START:
            continue
        found = asked_then(decision, record.kept, votes, since=since)
        if found is None:
            continue
        stage, waits = found
        is_vote = decision.kind == DecisionKind.VOTE
        voted = {vote.by.name for vote in (votes[:-1] if is_vote else votes)}
        yield Then(
            kind=decision.kind, version=decision.version, at=decision.at, by=votes[-1].by.name if is_vote else None,
            stage=waits.stage, groups=stage.groups, people=tuple(sorted(waits.people)),
            others=dict(_could_not(record, waits, voted)),
        )  # fmt: skip


def _could_not(record: Record, waits: Waiting, voted: Collection[Person]) -> Iterator[tuple[Person, str]]:
    excluded, kept = record.decision.excluded, record.kept
    for name in sorted({*kept.accounts, *map(Person, excluded)} - waits.people):
        if name in excluded:
            yield name, excluded[name]
        elif name in voted:
            yield name, "had approved already, and counts once"
        elif name in kept.unable:
            yield name, "was not shown by Slack as a full member"
        elif name in waits.kept:
            yield name, "was needed at a later stage, which no other person could fill"


def _versions(session: Session, request: RequestId, *, whole: bool) -> tuple[Version, ...]:
    about = col(AuditEvent.object_id) == request, col(AuditEvent.action).in_(("request.created", "request.changed"))
    events = session.exec(select(AuditEvent).where(*about).order_by(col(AuditEvent.seq)))
    found: list[Version] = []
    for event in events:
        said = read_event(event.entry).details
        # Rules that did not match may be of what others may ask for: those are for the security team (refusals.py).
        trace = [step for step in said.get("trace", ()) if whole or step.startswith("✓")]
        found.append(Version(number=said["version"], at=event.at, trace=tuple(trace)))
    return tuple(found)


def _now(core: Core, session: Session, people: People, request: Request) -> Now | None:
    if request.status != RequestStatus.PENDING:
        return None
    extended = load_grant(session, request.extends).extensions if request.extends else 0
    now = core.clock.now()
    ask = ask_again(request, now, extended=extended)
    decision = decide(people.policy, people, ask)
    votes = votes_on(session, request)
    stages = stages_at(request, votes, now)
    denied = isinstance(decision, Denied)
    return Now(
        objection=what_changed(decision, ask) if isinstance(decision, Denied) else None,
        changed=not denied and not is_unchanged(request, ask, decision.terms),
        stages=asked_stages(people, ask, stages, votes, barred=barred(people, request)), of=len(stages),
    )  # fmt: skip
