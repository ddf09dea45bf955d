"""Who can decide a request now: whom the policy has decide, without those whom Slack shows as no full member.

Slack is asked about every approver again and again (approver_checks.py). Of whom it has not said anything yet, nothing
is held against them; and a click asks Slack anew in any case (docs/adr/0026).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Text
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from access.answer_times import Answer, usual_time
from access.catalog import Policy
from access.ids import Person, SlackUser
from access.models import CheckKind, PeriodicCheck, Request, RequestStatus, Review, Verdict
from access.people import People
from access.policy.chain import Vote, Waiting, votes_of
from access.policy.chain_now import Chain
from access.policy.replay import named_groups

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
    """Who is reminded next, or asked too, while there is no answer."""

    after: timedelta
    """Counted from when it was asked."""
    at: datetime | None
    """None: it is not asked yet."""
    named: tuple[SlackUser, ...]
    adds: bool = False
    """They can decide only from then on."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who can answer a request now, how long an answer usually takes, and what comes next."""

    approvers: tuple[SlackUser, ...]
    usually: timedelta | None
    """None: too little is known, or it would be one person's."""
    next: NextStep | None = None
    """Without an answer."""
    missing: int = 1
    """So many of them must approve."""
    then: tuple[SlackUser, ...] = ()
    """Who is asked when they have."""


@dataclass(frozen=True, kw_only=True)
class StageState:
    """A stage of a request's chain, as it stands."""

    groups: tuple[str, ...]
    of_each: bool
    """It wants one person of each group."""
    wanted: int
    missing: int
    """0: it has its approvals."""
    approved: tuple[Review, ...]
    people: tuple[SlackUser, ...]
    """Of the present stage, who can approve it; of a later one, who could."""
    is_now: bool


def approvers(session: Session, people: People, request: Request, now: datetime) -> frozenset[Person]:
    """Who can decide on this request now: those whose turn it is."""
    if request.status != RequestStatus.PENDING:
        return frozenset()
    waits = Chain.of(people, request, votes_on(session, request), now).state()
    return waits.people if isinstance(waits, Waiting) else frozenset()


def chain_of(people: People, request: Request, reviews: Sequence[Review], at: datetime) -> tuple[StageState, ...]:
    """Its stages in their order. `reviews`: those of the version that stands."""
    chain = Chain.of(people, request, votes_of(reviews), at)
    now = chain.state()
    asked = now.stage if isinstance(now, Waiting) else len(chain.stages) + 1
    found: list[StageState] = []
    for number, stage in enumerate(chain.stages, start=1):
        able, missing = (chain.later(number), stage.wanted) if number > asked else (frozenset[Person](), 0)
        if isinstance(now, Waiting) and number == asked:
            able, missing = now.people, now.missing
        found.append(
            StageState(
                groups=stage.groups, of_each=bool(stage.all_of), wanted=stage.wanted, missing=missing,
                approved=tuple(one for one in reviews if one.stage == number and one.verdict == Verdict.APPROVE),
                people=people.accounts(able), is_now=number == asked,
            )
        )  # fmt: skip
    return tuple(found)


def votes_on(session: Session, request: Request) -> list[Vote]:
    """Those on the version that stands."""
    if request.decision_seq == 0:
        return []  # no vote was cast on any version
    cast = select(Review).filter_by(request_id=request.id, version=request.version)
    return votes_of(session.exec(cast.order_by(col(Review.at), col(Review.id))))


def people_now(session: Session, policy: Policy) -> People:
    """Without those whom Slack showed as deactivated, as a guest or in another workspace when it answered last."""
    known = session.connection().execute(_UNABLE).scalars()
    found = (policy.person_by_slack(account_of(subject)) for subject in known)
    return People(policy, unable=frozenset(entry.name for entry in found if entry))


def asked(people: People, answers: Sequence[Answer], chain: Chain, *, resource: str) -> Asked:
    """Whom a request for this resource would ask, or asks. `answers`: what was decided lately."""
    now = chain.state()
    if not isinstance(now, Waiting):
        return Asked(approvers=(), usually=None)
    groups = chain.stages[now.stage - 1].groups
    # Of one person alone it would be that person's, whoever else has decided before.
    usually = usual_time(answers, resource=resource, groups=groups) if len(now.people) > 1 else None
    then = chain.later(now.stage + 1) if now.stage < len(chain.stages) else frozenset[Person]()
    return Asked(
        approvers=people.accounts(now.people), usually=usually, missing=now.missing, then=people.accounts(then)
    )


def asked_by(
    session: Session, people: People, request: Request, answers: Sequence[Answer], now: datetime
) -> Asked:  # fmt: skip
    """Whom this request asks."""
    chain = Chain.of(people, request, votes_on(session, request), now)
    return asked(people, answers, chain, resource=request.resource)


def groups_of(request: Request) -> list[str]:
    """Those of all stages of the chain that it was asked by, and those that are added to it later."""
    return named_groups(request.chain)


def approver_look(account: SlackUser) -> str:
    """The subject of the look at an approver; that of one who has something open is the bare account."""
    return f"{account}{_APPROVER}"


def is_at_approver(look: PeriodicCheck) -> bool:
    return look.kind == CheckKind.MEMBER and look.subject.endswith(_APPROVER)


def account_of(subject: str) -> SlackUser:
    """Of a look at a person, whatever it is for."""
    return SlackUser(subject.removesuffix(_APPROVER))
