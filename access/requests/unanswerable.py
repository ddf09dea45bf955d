"""Requests that no one can approve any more: security, who asked and who would receive it are told at once."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from access.approvers import people_now, votes_on
from access.catalog import MANAGER
from access.models import Alert, AlertKind, MessageKind, Request, RequestStatus
from access.people import People
from access.policy.chain import lacking_still
from access.policy.chain_now import Chain
from access.unit_of_work import UnitOfWork
from access.words import counted

KIND = AlertKind.UNANSWERABLE


def why_unanswerable(session: Session, people: People, request: Request, now: datetime) -> str:
    """What is missing, as a sentence; empty while it can be approved, also by those whom a step to come adds."""
    if request.status != RequestStatus.PENDING or now >= request.lapses_at:
        return ""
    votes = votes_on(session, request)
    chain = Chain.of(people, request, votes, request.lapses_at)
    lacks = lacking_still(chain.stages, votes, members=chain.members, barred=chain.barred)
    if lacks is None:
        return ""
    stage = chain.stages[lacks - 1]
    where = f"Stage {lacks}" if len(chain.stages) > 1 else "It"
    named = (" and " if stage.all_of else " or ").join(map(_group, stage.groups))
    return (
        f"{where} needs {counted(stage.wanted, 'approval', 'approvals')} of {named}, and too few people are left who "
        "can give one."
    )


def note_unanswerable(work: UnitOfWork, requests: Iterable[Request]) -> None:
    """Opens the alert of each that no one can approve any more, and closes it for the others."""
    if work.policy is None:
        return  # nothing is known of anybody; what is open stays so
    people = people_now(work.session, work.policy)
    opened = set(work.session.exec(select(Alert.subject).filter_by(kind=KIND, closed_at=None)))
    for request in requests:
        why = why_unanswerable(work.session, people, request, work.now)
        if why and request.id not in opened:
            said = f"The request of {request.requester} for {request.entitlement} can no longer be approved. {why}"
            work.open_alert(KIND, request.id, said, channel=work.policy.security.channel)
            work.tell_answer(request)
            if request.subject_slack != request.requester_slack:
                # One more message, for the one about the asking is only updated, which calls no one.
                key = f"{request.subject_slack}:unanswerable"
                work.tell(MessageKind.ASKED_FOR, request.id, request.subject_slack, key=key)
            work.request_changed(request)
        elif not why and request.id in opened:
            work.close_alerts(request.id, KIND)
            work.request_changed(request)


def _group(name: str) -> str:
    return f"the manager of {name.removeprefix(f'{MANAGER}:')}" if name.startswith(f"{MANAGER}:") else name
