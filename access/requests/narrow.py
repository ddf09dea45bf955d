"""An approver approves less time than was asked for: the next version, on which the votes for more stand too.

Never more: whenever it opens, the access of the new version ends no later than that of the one before would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from access.approvers import people_now, votes_on
from access.catalog import PersonEntry, Policy
from access.core import Core, load_grant
from access.decisions import keep_asked
from access.durations import format_duration, parse_when
from access.errors import InvalidInput
from access.grants.votes import lost
from access.ids import Person, ReviewId, ulid
from access.models import Request, RequestStatus, Review, Verdict, VersionOrigin
from access.people import Party, People
from access.policy.chain import Waiting
from access.policy.chain_now import Chain
from access.policy.decide import Ask
from access.policy.facts import ask_again
from access.policy.refusals import RefusedByPolicy
from access.requests.extend import extended_before
from access.requests.submit import decide_all
from access.requests.versions import Made, post_version
from access.requests.vote import refuse_vote
from access.unit_of_work import LostRace, UnitOfWork


@dataclass(frozen=True, kw_only=True)
class TypedTime:
    """How long, or until when, as a person wrote it, and whose clock it is."""

    text: str
    zone: ZoneInfo


def narrow(
    core: Core, work: UnitOfWork, policy: Policy, request: Request, less: TypedTime, *, by: PersonEntry
) -> None:  # fmt: skip
    """Makes of a pending request the version that asks for less time. `by` has yet to vote on it.

    Raises a Refusal, or LostRace where it was decided or changed since.
    """
    people, version = People(policy), request.version
    ask = _narrower(work, request, less)
    terms = decide_all(policy, people, ask, None).terms
    while True:
        asked, votes = (request.duration, request.until), _votes(work, request)
        _, waits = refuse_vote(work.session, people, request, by, Verdict.APPROVE, now=work.now)
        made = Made(
            origin=VersionOrigin.NARROWED, by=Party(by.name, by.slack), seq=request.decision_seq,
            values=_linked(request, by),
        )  # fmt: skip
        try:
            post_version(work, request, ask, terms, made, providers=core.providers)
            break
        except LostRace:
            work.session.refresh(request)  # another vote came; it is carried over too, if that is all that came
            if request.status != RequestStatus.PENDING or request.version != version:
                raise
    assert _is_less(request.duration, request.until, *asked, begins=_begins(work, request)), "a narrowing never widens"
    left_out = _carry_over(work, policy, request, votes)
    keep_asked(work, people_now(work.session, policy), request)
    now = Chain.of(people, request, votes_on(work.session, request), work.now).state()
    assert isinstance(now, Waiting), "the vote of who narrows has yet to be cast"
    if now.stage < waits.stage:
        # Without a vote that an earlier stage needs, that stage would be asked again, and this person's turn not come.
        who, because = left_out[0]
        raise RefusedByPolicy(f"{who}, who approved this, {because}. Deny it, or ask {request.requester} to ask again.")


def _votes(work: UnitOfWork, request: Request) -> Sequence[Review]:
    if request.decision_seq == 0:
        return ()
    cast = select(Review).filter_by(request_id=request.id, version=request.version)
    return work.session.exec(cast.order_by(col(Review.at), col(Review.id))).all()


def _narrower(work: UnitOfWork, request: Request, less: TypedTime) -> Ask:
    """What is asked, with the time that was typed. An end stays an end: a length is counted to one, since later stages
    may take long. Raises InvalidInput unless it is less.
    """
    begins, first = _begins(work, request), max(request.starts_at or work.now, work.now)
    wanted = read_time(less, now=first)
    duration, until = (wanted, None) if isinstance(wanted, timedelta) else (None, wanted)
    if duration is not None and request.until is not None:
        duration, until = None, begins + duration
    if not _is_less(duration, until, request.duration, request.until, begins=begins):
        raise InvalidInput("duration", _not_less(request))
    asked = replace(
        ask_again(request, work.now, extended=extended_before(work, request)), duration=duration, until=until
    )
    return replace(asked, open_until=begins) if request.extends else asked


def read_time(typed: TypedTime, *, now: datetime) -> timedelta | datetime:
    """Raises InvalidInput."""
    try:
        return parse_when(typed.text, now=now, zone=typed.zone)
    except ValueError as error:
        words = str(error)
        raise InvalidInput("duration", f"{words[:1].upper()}{words[1:]}.") from None


def _begins(work: UnitOfWork, request: Request) -> datetime:
    """Not before this; of an extension, the end there is."""
    if request.extends is not None:
        return load_grant(work.session, request.extends).expires_at or work.now
    return max(request.starts_at or work.now, work.now)


def _is_less(
    duration: timedelta | None, until: datetime | None, than: timedelta | None, before: datetime | None, *,
    begins: datetime,
) -> bool:  # fmt: skip
    """Whether, whenever after `begins` it opens, it ends sooner."""
    if before is not None:
        return until is not None and until < before
    assert than is not None, "a request has a duration or an end"
    return duration < than if duration is not None else until is not None and until - begins < than


def _not_less(request: Request) -> str:
    if request.duration is None:
        return f"{request.requester} asked for no later end than that. Write an earlier one, or leave this empty."
    asked = format_duration(request.duration)
    return f"{request.requester} asked for {asked}. Write a shorter time, or leave this empty to approve all of it."


def _linked(request: Request, by: PersonEntry) -> Mapping[str, Any]:
    """To the version that it is less of; and to what its requester asked for, however often it was narrowed."""
    linked: dict[str, Any] = {
        "narrowed_from": request.version, "narrowed_by": by.name, "narrowed_by_slack": by.slack,
    }  # fmt: skip
    if request.narrowed_from is None:
        linked |= {"asked_duration_s": request.duration_s, "asked_until": request.until}
    return linked


def _carry_over(
    work: UnitOfWork, policy: Policy, request: Request, votes: Sequence[Review]
) -> list[tuple[Person, str]]:  # fmt: skip
    """Who approved more approves less, while they may still decide. Whose vote is left out, and why."""
    left_out: list[tuple[Person, str]] = []
    people = people_now(work.session, policy)
    for vote, because in lost(people, request, votes):
        if because:
            left_out.append((vote.reviewer, because))
        else:
            _carry(work, request, vote)
    return left_out


def _carry(work: UnitOfWork, request: Request, vote: Review) -> None:
    carried = Review(
        **vote.model_dump(exclude={"id", "version", "fingerprint", "carried_from"}), id=ReviewId(ulid(vote.at)),
        version=request.version, fingerprint=request.fingerprint, carried_from=vote.carried_from or vote.version,
    )  # fmt: skip
    work.session.add(carried)
    work.session.flush()
    work.record(
        "request.vote-carried", request.id, version=request.version, fingerprint=request.fingerprint,
        reviewer=vote.reviewer, verdict=vote.verdict, stage=vote.stage, groups=vote.groups,
        carried_from=carried.carried_from, before=vote.fingerprint,
    )  # fmt: skip
