"""Rows as they would be found, with the values a test does not care about filled in."""

from datetime import datetime, timedelta
from typing import Any

from access.approvers import Asked, NextStep
from access.choices import Choice
from access.errors import BadConfig, Transient
from access.grants.role_rights import RightsNote
from access.ids import AlertId, BatchId, GrantId, Person, RequestId, ReviewId, RightsId, SlackChannel, SlackUser
from access.messages.facts import CardFacts, Past
from access.models import (
    Alert,
    AlertKind,
    EndedBy,
    EntitlementRights,
    Grant,
    GrantStatus,
    Request,
    RequestStatus,
    Review,
    Verdict,
)
from access.monitor.overdue import late_sentence
from access.monitor.undelivered_alerts import alert_sentence
from access.requests.extend import Extendable
from access.requests.submit import Preview
from bot.views.undelivered import why
from tests.cast import ANN, APPROVALS, KIM, LEA
from tests.fakes import NOON

REQUEST = RequestId("01kaq9z0000000000000req7xk")
GRANT = GrantId("01kaq9z00000000000000gr4nt")
ALLOWS = "Shows customers by name, e-mail and region, and their orders; card numbers stay closed."
REASON = "INC-12: 14 refunds are stuck, looking at the customers they belong to"


def minutes(after: float) -> datetime:
    return NOON + timedelta(minutes=after)


def a_request(**values: Any) -> Request:
    known = {
        "id": REQUEST,
        "batch_id": BatchId(REQUEST),
        "requester": Person("ann"),
        "requester_slack": ANN,
        "subject": Person("ann"),
        "subject_slack": ANN,
        "resource": "customers-db",
        "resource_title": "Customer database (production)",
        "role": "read",
        "role_title": "Read customers, without cards",
        "level": "medium",
        "rule": "customers-read",
        "channel": SlackChannel(APPROVALS),
        "chain": {"any_of": ["payments-leads"], "quorum": 1},
        "provider": "postgres",
        "principal": "ann",
        "end_means": "Open sessions are ended.",
        "duration_s": 7200,
        "reason": REASON,
        "alert_after_s": 600,
        "fingerprint": "0123456789abcdef" * 4,
        "asked_at": NOON,
        "lapses_at": minutes(480),
    }
    return Request(**(known | values))


def a_review(verdict: Verdict = Verdict.APPROVE, **values: Any) -> Review:
    known = {
        "id": ReviewId("01kaq9z00000000000000rev1w"),
        "request_id": REQUEST,
        "version": 1,
        "reviewer": Person("lea"),
        "reviewer_slack": LEA,
        "verdict": verdict,
        "comment": "",
        "fingerprint": "0123456789abcdef" * 4,
        "at": minutes(3),
    }
    return Review(**(known | values))


def a_grant(status: GrantStatus = GrantStatus.ACTIVE, **values: Any) -> Grant:
    known: dict[str, Any] = {
        "id": GRANT,
        "request_id": REQUEST,
        "status": status,
        "requester": Person("ann"),
        "subject": Person("ann"),
        "subject_slack": ANN,
        "resource": "customers-db",
        "role": "read",
        "level": "medium",
        "provider": "postgres",
        "principal": "ann",
        "plan": {
            "grant": [],
            "revoke": [f'ALTER ROLE "cs_{GRANT}" NOLOGIN', f'DROP ROLE "cs_{GRANT}"'],
            "where": "database shop on db.example:5432",
        },
        "duration_s": 7200,
        "alert_after_s": 600,
        "starts_at": minutes(3),
        "start_by": minutes(18),
        "created_at": minutes(3),
    }
    if status not in (GrantStatus.SCHEDULED, GrantStatus.FAILED):
        known |= {"expires_at": minutes(123), "activated_at": minutes(3)}
    if status in (GrantStatus.REVOKING, GrantStatus.ENDED):
        known |= {"ended_by": EndedBy.EXPIRED, "end_due_at": minutes(123)}
    if status == GrantStatus.ENDED:
        known |= {"removed_at": minutes(123.05), "sessions_ended": 1, "proven_at": minutes(123.1)}
        known |= {"ended_at": minutes(123.1)}
    return Grant(**(known | values))


SENTENCES = {
    AlertKind.OVERDUE: late_sentence(a_grant(GrantStatus.REVOKING, problem=Transient().sentence), minutes(133)),
    AlertKind.UNREMOVABLE: "customers-db/read of ann cannot be taken away: The bot's own account on the target lacks a "
    "right it needs.",
    AlertKind.PROVIDER: BadConfig().sentence,
    AlertKind.POLICY: "access.yml:31: there is no group “payment-leads”; did you mean payments-leads?",
    AlertKind.TIMEKEEPING: "No timekeeper has given a sign of life for 15 s. Access neither starts nor ends by itself.",
    AlertKind.QUEUE: "A job has been waiting in the queue revoke for 12 s, and no worker takes it.",
    AlertKind.JOBS: "In the last five minutes a job was refused, or could not be started.",
    AlertKind.SWEEP: "The sweep has failed 5 times in a row, with OperationalError at store.py:88.",
    AlertKind.DRIFT: "customers-db/read of ann stands on the target after its end; it is being removed.",
    AlertKind.LEFTOVER: "customers-db/read of ann has ended and gives no access, but something of it is still there.",
    AlertKind.CLOCKS: "The clocks of db-tools-2 and of the database are 2 min 3 s apart: nothing is granted from "
    "there.",
    AlertKind.RESTORED: "The database is older than it was: event 2048 of its log was written before, and is now "
    "missing or different. What was done after 2026-11-23 11:00:00 UTC is not known. Nothing new is granted until "
    "every target has been compared with it.",
    AlertKind.RIGHTS: "The role read now also has on customers-db: UPDATE on tables in the schema sales. The role "
    "is still granted.",
    AlertKind.CANARY: "Access to customers-db/canary was tried and has not opened after 1 min: The target does not "
    "answer.",
    AlertKind.STANDING: "2 roles are held on customers-db without a grant, and no person of the security team has "
    "accepted that.",
    AlertKind.UNANSWERABLE: "The request of ann for customers-db/read can no longer be approved. Stage 2 needs 1 "
    "approval of security, and too few people are left who can give one.",
    AlertKind.UNDELIVERED: alert_sentence(APPROVALS, why(APPROVALS, "is_archived")),
    AlertKind.TIMERS: "Redis cannot be used: it is full and takes nothing more. Access still starts and ends, by the "
    "sweep of the database, a little slower.",
}


def some_rights() -> EntitlementRights:
    """Of a role that allows more since half an hour ago."""
    known = ["SELECT on tables in the schema sales", "USAGE on the schema sales"]
    return EntitlementRights(
        id=RightsId("01kaq9z0000000000000r1ghts"), resource="customers-db", role="read", place="", fingerprint="f" * 64,
        allows=[*known, "UPDATE on tables in the schema sales"], accepted=known, creates=[],
        first_seen=minutes(-1440), changed_at=minutes(133), wider_since=minutes(133),
    )  # fmt: skip


RIGHTS = RightsNote(
    creates=("temporary tables in the database shop",), more=("UPDATE on tables in the schema sales",),
    since=minutes(-20),
)  # fmt: skip


def an_alert(kind: AlertKind = AlertKind.OVERDUE, **values: Any) -> Alert:
    known = {
        "id": AlertId("01kaq9z00000000000000a1ert"),
        "kind": kind,
        "subject": {
            AlertKind.PROVIDER: "customers-db",
            AlertKind.QUEUE: "revoke",
            AlertKind.UNANSWERABLE: REQUEST,
        }.get(kind, GRANT),
        "resource": "customers-db" if kind == AlertKind.PROVIDER else None,
        "sentence": SENTENCES[kind],
        "opened_at": minutes(133),
    }
    return Alert(**(known | values))


def an_extendable(grant: Grant | None = None) -> Extendable:
    return Extendable(grant=grant or a_grant(), latest=minutes(220), terms=a_preview())


def facts(request: Request | None = None, grant: Grant | None = None, *reviews: Review, **values: Any) -> CardFacts:
    known: dict[str, Any] = {"history": [], "approvers": [KIM, LEA], "now": minutes(60), "version": 1}
    known |= {"description": ALLOWS, "usually": timedelta(minutes=6)}
    request = request or a_request(status=RequestStatus.APPROVED if grant else RequestStatus.PENDING)
    return CardFacts(request=request, reviews=list(reviews), grant=grant, **(known | values))


def approved(grant: Grant | None) -> CardFacts:
    return facts(a_request(status=RequestStatus.APPROVED, decided_at=minutes(3)), grant, a_review())


def denied(comment: str = "Use the dashboard for this; it shows refunds.") -> CardFacts:
    request = a_request(status=RequestStatus.DENIED, decided_at=minutes(3))
    return facts(request, None, a_review(Verdict.DENY, comment=comment))


def history() -> list[Past]:
    return [
        Past(role="read", status=RequestStatus.APPROVED, asked_at=minutes(-1440)),
        Past(role="fix-orders", status=RequestStatus.DENIED, asked_at=minutes(-2880)),
    ]


def a_choice(number: int = 0, **values: Any) -> Choice:
    known = {
        "resource_id": "customers-db",
        "resource_title": "Customer database (production)",
        "role": f"role-{number}",
        "role_title": f"Role number {number}",
        "level": "medium",
        "longest": timedelta(hours=2),
    }
    return Choice(**(known | values))


def asked_of(
    *approvers: SlackUser, usually: timedelta | None = timedelta(minutes=6), next_step: NextStep | None = None
) -> Asked:
    return Asked(approvers=approvers, usually=usually, next=next_step)


def next_step(*named: SlackUser, asked: bool = True) -> NextStep:
    """Of a rule that reminds these an hour and a half after it was asked."""
    return NextStep(after=timedelta(minutes=90), at=minutes(90) if asked else None, named=named)


def a_preview(**values: Any) -> Preview:
    known = {
        "rule": "customers-read",
        "level": "medium",
        "longest": timedelta(hours=2),
        "channel": SlackChannel(APPROVALS),
        "asked": asked_of(KIM, LEA),
        "reason_min": 15,
        "end_means": "Open sessions are ended.",
        "description": ALLOWS,
    }
    return Preview(**(known | values))
