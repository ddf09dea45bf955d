"""What `/access why` shows."""

from dataclasses import replace
from typing import Any

from access.catalog import Entitlement
from access.ids import Person, SlackUser
from access.models import RequestStatus, Verdict
from access.people import Party, People
from access.policy.chain import Vote, stages_of
from access.policy.decide import Ask, decide, render
from access.policy.objections import what_changed
from access.policy.simulate import AskedStage, asked_stages
from access.queries.why import Now, Then, Version, Why
from bot.views.blocks import Rendered
from bot.views.why import why_list
from tests.access.policy.example import ask, policy
from tests.bot.chain_states import LEA_APPROVED, TWO
from tests.bot.facts import a_request, a_review, minutes
from tests.bot.thread_states import LONGEST_THREAD, THREAD
from tests.cast import BEN, LEA, SAM
from tests.fakes import NOON

_POLICY = policy()
_ANN = Person("ann")
ASKED = ask(at=NOON)


def _steps(asked: Ask) -> tuple[str, ...]:
    return tuple(render(decide(_POLICY, People(_POLICY), asked).trace).splitlines())


def now_of(*votes: Vote, stages: Any = None, unable: frozenset[Person] = frozenset(), **more: Any) -> Now:
    people, barred = People(_POLICY, unable=unable), frozenset({_ANN})
    chain = stages_of({"stages": stages or [{"any_of": ["leads"], "quorum": 1}]})
    asked = asked_stages(people, ASKED, chain, votes, barred=barred)
    return Now(**{"objection": None, "changed": False, "stages": asked, "of": len(chain)} | more)


_NOT_SHOWN = "was not shown by Slack as a full member"
TWO_STAGES = [{"any_of": ["leads"], "quorum": 1}, {"any_of": ["security"], "quorum": 1}]
LEAS = Vote(stage=1, by=Party(Person("lea"), LEA), approves=True, groups=frozenset({"leads"}))
_REFUSED = ask(at=NOON, entitlement=Entitlement("customers-db", "read"), requester=Person("eve"), subject=Person("eve"))
MANY = tuple(Person(f"{'p' * 60}{number:02}") for number in range(60))


def why_of(
    request: Any, *votes: Any, now: Now | None = None, versions: tuple[Version, ...] = (), then: tuple[Then, ...] = ()
) -> Why:
    first = Version(number=1, at=NOON, trace=_steps(ASKED))
    return Why(request=request, versions=versions or (first,), votes=votes, now=now, then=then)


def _then(*people: str, **more: Any) -> Then:
    return Then(**{
        "kind": "asked", "version": 1, "at": NOON, "by": None, "stage": 1, "groups": ("leads",),
        "people": tuple(map(Person, people)), "others": {_ANN: "asks"},
    } | more)  # fmt: skip


def _why(request: Any, *votes: Any, **more: Any) -> Rendered:
    return why_list(why_of(request, *votes, **more))


def _longest() -> Why:
    reasons = [f"is not in {'g' * 63} {number}" for number in range(9)]
    others = {Person(f"{'o' * 60}{number:02}"): reasons[number % 9] for number in range(60)}
    stages = tuple(
        AskedStage(number=n, stage=now_of().stages[0].stage, people=MANY, others=others) for n in range(1, 6)
    )
    request = a_request(
        resource="r" * 63, role="r" * 63, resource_title="T" * 75, role_title="R" * 75, rule="r" * 63, level="l" * 63,
        requester_slack=LEA, subject_slack=BEN,
    )  # fmt: skip
    votes = [
        a_review(reviewer="v" * 63, reviewer_slack=SlackUser("U0123456789"), comment="c" * 500, groups=["g" * 63])
        for _ in range(20)
    ]
    trace = tuple(f"✓ rule {'r' * 63}: matches because {'and so ' * 100}" for _ in range(40))
    return why_of(
        request, *votes, versions=(Version(number=1, at=NOON, trace=trace),),
        now=Now(objection="The policy has changed: " + "x" * 300, changed=True, stages=stages, of=5),
        then=tuple(_then(*MANY, by=MANY[0], others=others, groups=("g" * 63,) * 4) for _ in range(9)),
    )  # fmt: skip


def _refusednow_of() -> str:
    denied = decide(_POLICY, People(_POLICY), _REFUSED)
    assert not hasattr(denied, "terms"), "eve may not ask"
    return what_changed(denied, ASKED)  # pyright: ignore[reportArgumentType] -- it is a Denied


_WAITING = why_of(TWO, LEA_APPROVED, now=now_of(LEAS, stages=TWO_STAGES, unable=frozenset({Person("kim")})))
LONGEST_WHY = _longest()
STATES: dict[str, Rendered | dict[str, Any]] = {
    "why-waiting": why_list(replace(_WAITING, thread=THREAD)),
    "why-approved": _why(
        a_request(status=RequestStatus.APPROVED, version=2, decided_at=minutes(9)),
        a_review(groups=["leads"]),
        a_review(version=2, groups=["leads"], at=minutes(9), comment="Only the customers of INC-12, please."),
        versions=(
            Version(number=1, at=NOON, trace=_steps(ASKED)),
            Version(number=2, at=minutes(5)),
        ),
        then=(
            _then("kim", "lea"),
            _then("kim", "lea", kind="vote", at=minutes(4), by=Person("lea")),
            _then("lea", version=2, at=minutes(5), others={_ANN: "asks", Person("kim"): _NOT_SHOWN}),
            _then("lea", kind="vote", version=2, at=minutes(9), by=Person("lea")),
        ),
    ),
    "why-taken-back": _why(a_request(status=RequestStatus.CANCELLED, decided_at=minutes(2))),
    "why-refused-now": _why(
        a_request(requester_slack=SAM, subject_slack=BEN), now=now_of(objection=_refusednow_of(), stages=None)
    ),
    "why-denied": _why(
        a_request(status=RequestStatus.DENIED), a_review(Verdict.DENY, comment="Use the report.", groups=["leads"])
    ),
    "why-lapsed": _why(a_request(status=RequestStatus.LAPSED, decided_at=minutes(480))),
    "why-longest": why_list(replace(LONGEST_WHY, thread=LONGEST_THREAD)),
}  # fmt: skip
