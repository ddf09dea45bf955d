"""Who can decide a request now: whom the policy has decide, without those whom Slack shows as no full member.

Slack is asked about every approver again and again (approver_checks.py). Of whom it has not said anything yet, nothing
is held against them; and a click asks Slack anew in any case (docs/adr/0026).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Text
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from access.answer_times import Answer, usual_time
from access.catalog import Policy
from access.ids import Person, SlackUser
from access.models import CheckKind, PeriodicCheck, Request
from access.people import People, barred

_APPROVER = ":approver"
"""After an account, the subject of a look: whether this person can decide, whatever they have open themselves."""
# Kept: asked at every change of a request. As text: PostgreSQL does not compare JSON.
_UNABLE = sql_select(col(PeriodicCheck.subject)).where(
    col(PeriodicCheck.kind) == CheckKind.MEMBER,
    col(PeriodicCheck.subject).endswith(_APPROVER, autoescape=True),
    sql_cast(col(PeriodicCheck.suspects), Text) != "[]",
)


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """Who is reminded next while there is no answer."""

    after: timedelta
    """Counted from when it was asked."""
    at: datetime | None
    """None: it is not asked yet."""
    named: tuple[SlackUser, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who can answer a request now, how long an answer usually takes, and what comes next without one."""

    approvers: tuple[SlackUser, ...]
    usually: timedelta | None
    """None: too little is known, or it would be one person's."""
    next: NextStep | None = None


def approvers(people: People, request: Request) -> frozenset[Person]:
    """Who can decide on this request."""
    return people.approvers(groups_of(request), barred=barred(people, request))


def people_now(session: Session, policy: Policy) -> People:
    """Without those whom Slack showed as deactivated, as a guest or in another workspace when it answered last."""
    known = session.connection().execute(_UNABLE).scalars()
    found = (policy.person_by_slack(account_of(subject)) for subject in known)
    return People(policy, unable=frozenset(entry.name for entry in found if entry))


def asked(
    people: People, answers: Sequence[Answer], *, resource: str, groups: Collection[str], barred: frozenset[Person]
) -> Asked:  # fmt: skip
    """Whom a request for this resource would ask, or asks. `answers`: what was decided lately."""
    able = people.approvers(groups, barred=barred)
    # Of one person alone it would be that person's, whoever else has decided before.
    usually = usual_time(answers, resource=resource, groups=groups) if len(able) > 1 else None
    return Asked(approvers=people.accounts(able), usually=usually)


def asked_by(people: People, request: Request, answers: Sequence[Answer]) -> Asked:
    """Whom this request asks."""
    groups, kept_out = groups_of(request), barred(people, request)
    return asked(people, answers, resource=request.resource, groups=groups, barred=kept_out)


def groups_of(request: Request) -> list[str]:
    """Those of the chain that it was asked by."""
    return cast("list[str]", request.chain["any_of"])


def approver_look(account: SlackUser) -> str:
    """The subject of the look at an approver; that of one who has something open is the bare account."""
    return f"{account}{_APPROVER}"


def is_at_approver(look: PeriodicCheck) -> bool:
    return look.kind == CheckKind.MEMBER and look.subject.endswith(_APPROVER)


def account_of(subject: str) -> SlackUser:
    """Of a look at a person, whatever it is for."""
    return SlackUser(subject.removesuffix(_APPROVER))
