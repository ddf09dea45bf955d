"""A reviewer decides: what was shown, by the policy of now, once."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.actors import Actor
from access.approvers import approvers, groups_of, people_now
from access.catalog import PersonEntry, Policy
from access.core import Core, load_request
from access.decisions import keep_asked
from access.errors import (
    AlreadyDecided,
    AlreadyReviewed,
    Conflict,
    InvalidInput,
    PolicyError,
    Refusal,
    RequestChanged,
    RequestLapsed,
)
from access.grants.admission import refuse_while_closed
from access.grants.integrity import COPIED, START_WINDOW, is_as_asked
from access.ids import GrantId, Person, RequestId, ulid
from access.models import Grant, Message, MessageKind, Request, RequestStatus, Review, Verdict
from access.people import Party, People, barred, changed, is_alike, requester_of, reviewer_of, subject_of
from access.policy.chain import Approved, Waiting
from access.policy.decide import REASON_LONGEST, Ask, Denied, Terms, decide, may_review
from access.policy.facts import ask_again, is_unchanged
from access.policy.fingerprint import Button, parse_button
from access.policy.objections import to_the_approver
from access.policy.refusals import RefusedByPolicy
from access.provider import target_of
from access.requests.extend import extended_before, move_end
from access.requests.narrow import TypedTime, narrow
from access.requests.remind import Place
from access.requests.unanswerable import note_unanswerable
from access.requests.versions import BY_RULE, post_version, request_changed
from access.requests.vote import Ballot, cast_vote, refuse_vote
from access.shared_cards import told_as
from access.store import insert
from access.unit_of_work import SETTLES, URGENT, LostRace, UnitOfWork, grant_item
from access.words import clean

DOUBLE_CLICK = timedelta(seconds=10)
"""As long as a card may take to show the first of two clicks."""


def review(
    core: Core, *, button: str, reviewer: Actor, verdict: Verdict, comment: str = "", card: Place | None = None,
    less: TypedTime | None = None, click: str = "",
) -> Request:  # fmt: skip
    """One click on approve or deny. Raises a Refusal; a refused click is recorded and changes nothing.

    `less`: it is approved for less time than was asked. `click`: the same for several that are answered by one.
    """
    assert less is None or verdict is Verdict.APPROVE, "a denial has no time"
    pressed = _pressed(core, button, reviewer, verdict)
    with (
        core.refusals_recorded(reviewer, f"request.{verdict}", pressed.request_id),
        _adopted_if_refused(core, reviewer, pressed, card),
    ):
        policy = core.policy.current() if verdict is Verdict.APPROVE else core.policy.last_valid()
        person = core.person(reviewer, policy)
        words = _comment(verdict, comment)
        with core.work(reviewer) as work:
            request = load_request(work.session, pressed.request_id)
            if card is not None:
                _adopt(work, request, pressed, card)
            _refuse_stale(work.session, work.now, request, pressed, person, verdict=verdict)
            if verdict is Verdict.APPROVE:
                refuse_while_closed(work.session)
            ask = ask_again(request, work.now, extended=extended_before(work, request))
            terms = _changed_terms(policy, request, ask) if verdict is Verdict.APPROVE else None
            _refuse_outsiders(policy, request, person.name, terms)
            if verdict is Verdict.APPROVE:
                _refuse_others(policy, request)
            if terms is not None:
                _post_by_rule(core, work, people_now(work.session, policy), request, ask=ask, terms=terms)
            else:
                ballot = Ballot(by=person, verdict=verdict, comment=words)
                with _told_who_was_faster(work, request, pressed, ballot):
                    if less is not None:
                        narrow(core, work, policy, request, less, by=person)
                    _decide(core, work, request, ballot, People(policy), shown=pressed.version, click=click)
        if terms is not None:
            raise RequestChanged
    return request


def may_approve(core: Core, *, button: str, reviewer: Actor) -> Request:
    """Whether this person could approve now, before being asked for words and a time. Raises a Refusal."""
    return _may(core, button, reviewer, Verdict.APPROVE)


def may_deny(core: Core, *, button: str, reviewer: Actor) -> Request:
    """Whether this person could deny now, before being asked why. Raises a Refusal."""
    return _may(core, button, reviewer, Verdict.DENY)


def _may(core: Core, button: str, reviewer: Actor, verdict: Verdict) -> Request:
    pressed = _pressed(core, button, reviewer, verdict)
    with core.refusals_recorded(reviewer, f"request.{verdict}", pressed.request_id):
        policy = core.policy.current() if verdict is Verdict.APPROVE else core.policy.last_valid()
        person = core.person(reviewer, policy)
        with core.database.read() as session:
            request = load_request(session, pressed.request_id)
            refuse_answer(session, policy, request, Click(pressed, person, verdict), core.clock.now())
    return request


@dataclass(frozen=True)
class Click:
    """Which button was pressed, and by whom, for what."""

    button: Button
    by: PersonEntry
    verdict: Verdict


def refuse_answer(session: Session, policy: Policy, request: Request, click: Click, now: datetime) -> None:
    """Raises a Refusal unless this could be answered so by this person now, by the button that was pressed."""
    _refuse_stale(session, now, request, click.button, click.by, verdict=click.verdict)
    _refuse_outsiders(policy, request, click.by.name)
    refuse_vote(session, People(policy), request, click.by, click.verdict, now=now)


def follow_rule(core: Core, request_id: RequestId, actor: Actor) -> None:
    """The rule of a pending request has changed before its card was posted: a new version, for the new rule's channel.

    Raises Refused where the policy of now does not let it be asked.
    """
    policy = core.policy.last_valid()
    with core.work(actor) as work:
        request = load_request(work.session, request_id)
        if request.status != RequestStatus.PENDING or work.now >= request.lapses_at:
            return
        ask = ask_again(request, work.now, extended=extended_before(work, request))
        terms = _changed_terms(policy, request, ask)
        if terms is not None:
            _post_by_rule(core, work, people_now(work.session, policy), request, ask=ask, terms=terms)


def _post_by_rule(core: Core, work: UnitOfWork, people: People, request: Request, *, ask: Ask, terms: Terms) -> None:
    post_version(work, request, ask, terms, BY_RULE, providers=core.providers)
    keep_asked(work, people, request)


def _pressed(core: Core, button: str, reviewer: Actor, verdict: Verdict) -> Button:
    with core.refusals_recorded(reviewer, f"request.{verdict}", None):
        return parse_button(button)


def _comment(verdict: Verdict, comment: str) -> str:
    words = clean(comment).text
    if verdict is Verdict.DENY and not words:
        raise InvalidInput("comment", "Say why: the requester will read it.")
    if len(words) > REASON_LONGEST:
        sentence = f"Shorten the comment: it may have {REASON_LONGEST} characters, this has {len(words):,}."
        raise InvalidInput("comment", sentence)
    return words


def _refuse_stale(
    session: Session, now: datetime, request: Request, pressed: Button, person: PersonEntry, *, verdict: Verdict
) -> None:  # fmt: skip
    if request.status != RequestStatus.PENDING:
        raise _decided(session, now, request, person, verdict)
    if now >= request.lapses_at:
        raise RequestLapsed
    if pressed.version != request.version or not pressed.fits(request.fingerprint):
        raise request_changed(session, request, pressed.version)


def _refuse_outsiders(policy: Policy, request: Request, person: Person, terms: Terms | None = None) -> None:
    """Who was asked may click, and who would be asked now: else a renamed group would leave the card to nobody."""
    now = {group for stage in terms.stages for group in stage.groups} if terms else set[str]()
    groups, people = {*groups_of(request), *now}, People(policy)
    may_review(people, reviewer=person, barred=barred(people, request), any_of=groups)


def _refuse_others(policy: Policy, request: Request) -> None:
    """Whoever has the name by now did not ask, and would receive what another was approved for."""
    for party in (requester_of(request), subject_of(request)):
        because = changed(People(policy), party)
        if because is not None:
            raise RefusedByPolicy(f"{party.name}, for whom this was asked, {because}. Ask them to request it again.")


def _decided(
    session: Session, now: datetime, request: Request, person: PersonEntry, verdict: Verdict
) -> Conflict:  # fmt: skip
    if request.status == RequestStatus.LAPSED:
        return RequestLapsed()
    if request.status == RequestStatus.CANCELLED:
        return AlreadyDecided(request.decided_because or "The requester has taken this request back.")
    reviews = session.exec(
        select(Review).filter_by(request_id=request.id, version=request.version).order_by(col(Review.at))
    ).all()
    for one in reviews:
        if is_alike(reviewer_of(one), Party(person.name, person.slack)):
            said = "approved" if one.verdict == Verdict.APPROVE else "denied"
            twice = one.verdict == verdict and now - one.at <= DOUBLE_CLICK
            return AlreadyReviewed(f"You have already {said} this request.", twice=twice)
    said = " and ".join(
        f"{one.reviewer} ({'approved' if one.verdict == Verdict.APPROVE else 'denied'})" for one in reviews
    )
    if not said:
        return AlreadyDecided()
    approved = request.status == RequestStatus.APPROVED and verdict is Verdict.DENY
    revoke = " To end the access now, ask the security team to revoke it." if approved else ""
    return AlreadyDecided(f"Someone decided this request before you did: {said}.{revoke}")


def _changed_terms(policy: Policy, request: Request, ask: Ask) -> Terms | None:
    """What was shown must still be what would be granted. The terms of now if they differ; raises Refused if none."""
    decision = decide(policy, People(policy), ask)
    if isinstance(decision, Denied):
        # The sentence of its reason is for who asked; the approver must not take it as said to himself.
        raise RefusedByPolicy(to_the_approver(decision, ask), trace=decision.trace)
    # A row that somebody changed is shown anew too: what it says is neither what was asked nor what the policy says.
    same = is_unchanged(request, ask, decision.terms) and is_as_asked(request)
    return None if same else decision.terms


@contextmanager
def _told_who_was_faster(work: UnitOfWork, request: Request, pressed: Button, ballot: Ballot) -> Generator[None]:
    """Of two at once, the slower one."""
    try:
        yield
    except LostRace:
        work.session.refresh(request)
        if request.status == RequestStatus.PENDING:
            raise request_changed(work.session, request, pressed.version) from None
        raise _decided(work.session, work.now, request, ballot.by, ballot.verdict) from None


def _decide(
    core: Core, work: UnitOfWork, request: Request, ballot: Ballot, people: People, *, shown: int, click: str
) -> None:  # fmt: skip
    """`shown`: the version of the card that was pressed."""
    opens = ballot.verdict is Verdict.APPROVE and request.extends is None and _starts(work, request) == work.now
    asked = approvers(work.session, people, request, work.now)
    now = cast_vote(work, people, request, ballot, opens=opens)
    # Where it is opened now, one answer says both, unless that takes long.
    at = work.now + SETTLES if opens and not isinstance(now, Waiting) else work.now
    work.tell_answer(request, click=click, urgency=URGENT, at=at)
    # A new version has a card of its own, which calls those who can decide; an updated one calls no one.
    if isinstance(now, Waiting) and not now.people <= asked and request.version == shown:
        work.tell_next_stage(request, now.stage, click=click)
    if isinstance(now, Waiting):
        note_unanswerable(work, [request])
    if not isinstance(now, Approved):
        return
    if request.extends is None:
        schedule(core, work, request)
    else:
        move_end(core, work, request)


def schedule(core: Core, work: UnitOfWork, request: Request) -> None:
    """Its start has come, or lies ahead; what was asked for a moment that has passed starts now."""
    starts_at = _starts(work, request)
    grant_id = GrantId(ulid(work.now))
    copied = {column: getattr(request, column) for column in COPIED}
    own: dict[str, object] = {
        "id": grant_id, "request_id": request.id, "plan": {}, "end_reason": "", "residual": [],
        "target_key": target_of(core.providers, request.provider, request.settings), "starts_at": starts_at,
        "start_by": starts_at + START_WINDOW, "due_at": starts_at, "created_at": work.now,
    }  # fmt: skip
    insert(work.session, Grant, copied | own)
    work.record("grant.scheduled", grant_id, request=request.id, fingerprint=request.fingerprint, starts_at=starts_at)
    work.due.append((grant_item(grant_id), starts_at))


def _starts(work: UnitOfWork, request: Request) -> datetime:
    return max(request.starts_at or work.now, work.now)


@contextmanager
def _adopted_if_refused(core: Core, actor: Actor, pressed: Button, card: Place | None) -> Generator[None]:
    """A refused click changes nothing, and what it tells of the card is kept all the same."""
    try:
        yield
    except (Refusal, PolicyError):
        if card is not None:
            with core.work(actor) as work:
                _adopt(work, load_request(work.session, pressed.request_id), pressed, card)
        raise


def _adopt(work: UnitOfWork, request: Request, pressed: Button, card: Place) -> None:
    """We may have died between posting a card and noting where it stands; a click on it tells us."""
    kind, subject = told_as(request, MessageKind.REVIEW, pressed.version)
    place = {"request": subject, "channel": card.channel, "ts": card.ts}
    if work.session.connection().execute(_CARD, place).first() is not None:
        return
    if work.adopt(kind, subject, card.channel, card.ts, version=pressed.version):
        work.record("card.registered", subject, channel=card.channel, ts=card.ts)


# Kept: to build a statement anew costs more than to execute it.
_CARD = sa.select(col(Message.id)).where(
    col(Message.subject) == sa.bindparam("request"), col(Message.channel) == sa.bindparam("channel"),
    col(Message.ts) == sa.bindparam("ts"),
)  # fmt: skip
