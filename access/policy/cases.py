"""Cases of a policy: what it must answer, in a file beside it. Read strictly, as the policy is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from access.catalog import Policy
from access.durations import format_duration
from access.errors import PolicyError
from access.ids import Person
from access.policy import explain
from access.policy.decide import REASON_LONGEST, Allowed, Ask
from access.policy.document import Document, read
from access.policy.reasons import Reason
from access.policy.shape import Duration, EntitlementText, Longest, Shape
from access.policy.simulate import Simulation, simulate
from access.words import counted

ENOUGH = "A case of the policy's own tests. ".ljust(REASON_LONGEST, "x")
"""Long enough for any level; a case about reasons says its own."""
_HOUR = timedelta(hours=1)


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a moment with its zone, like 2026-11-02T10:00+01:00")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"must be a moment with its zone, like 2026-11-02T10:00+01:00, not “{value}”") from None
    if moment.tzinfo is None:
        raise ValueError("needs its zone, like 2026-11-02T10:00+01:00")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]


def _reason(value: Any) -> Reason:
    try:
        return Reason(value)
    except ValueError:
        raise ValueError(explain.unknown_name("reason", str(value), list(Reason), "see docs/policy.md")) from None


class AskShape(Shape):
    by: str
    whom: Annotated[str | None, Field(alias="for")] = None
    """Who receives it; None: who asks."""
    entitlement: EntitlementText
    time: Duration = _HOUR
    reason: str = ENOUGH


class ExpectShape(Shape):
    """What is not said is not compared."""

    decision: Literal["allowed", "denied"]
    because: Annotated[Reason | None, BeforeValidator(_reason)] = None
    rule: str | None = None
    level: str | None = None
    channel: str | None = None
    stages: list[list[str]] | None = None
    """Whom each asks, in any order."""
    asked_too: list[list[str]] | None = None
    """Whom each step of the ladder adds, in any order."""
    longest: Longest | None = None
    lapses_after: Duration | None = None

    @model_validator(mode="after")
    def _of_its_decision(self) -> Self:
        if self.decision == "allowed" and self.because is not None:
            raise ValueError("`because` is of what is denied")
        terms = (self.rule, self.level, self.channel, self.stages, self.asked_too, self.longest, self.lapses_after)
        if self.decision == "denied" and any(one is not None for one in terms):
            raise ValueError("what is denied has no terms; say `because` alone")
        return self


class CaseShape(Shape):
    name: str
    ask: AskShape
    expect: ExpectShape


class NeverShape(Shape):
    groups: Annotated[list[str], Field(min_length=1)]
    entitlements: Annotated[list[EntitlementText], Field(min_length=1)]


class ApprovalsShape(Shape):
    levels: Annotated[list[str], Field(min_length=1)]
    at_least: Annotated[int, Field(ge=1)]


class AnswerableShape(Shape):
    levels: Annotated[list[str], Field(min_length=1)]


class PropertyShape(Shape):
    """What must hold for everybody and everything: one word an entry."""

    approvals: ApprovalsShape | None = None
    answerable: AnswerableShape | None = None
    never: NeverShape | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("say one of `approvals`, `answerable` and `never`")
        return self


class CasesShape(Shape):
    at: Moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    cases: Annotated[list[CaseShape], Field(min_length=1)]
    properties: list[PropertyShape] = Field(default_factory=list[PropertyShape])


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case, and what the policy answered."""

    name: str
    line: int | None
    simulation: Simulation
    failures: tuple[str, ...]
    """What differs, a sentence each; none: it holds."""
    stages: int
    """Of how many stages it says whom they ask."""
    steps: int
    """Of how many steps of the ladder it says whom they add."""

    @property
    def rule(self) -> str | None:
        """By which it is allowed."""
        return self.simulation.decision.terms.rule if isinstance(self.simulation.decision, Allowed) else None


def read_cases(text: str, file: str) -> tuple[CasesShape, Document]:
    """Raises PolicyError with all that is wrong in it."""
    document = read(text)
    found = [(problem.line, problem.sentence) for problem in document.problems]
    shape = None
    if document.data is not None:
        try:
            shape = CasesShape.model_validate(document.data)
        except ValidationError as error:
            found += [(document.line(path), said) for path, said in explain.findings(error, CasesShape)]
    elif not found:
        found.append((None, "the file is empty; docs/policy.md shows how cases begin"))
    if shape is not None and not found:
        return shape, document
    (line, first), *others = found
    raise PolicyError("\n".join([first, *(f"{file}:{at}: {said}" for at, said in others)]), file=file, line=line)


def try_cases(policy: Policy, shape: CasesShape, document: Document) -> Iterator[Case]:
    for index, case in enumerate(shape.cases):
        asking = Ask(
            requester=Person(case.ask.by), subject=Person(case.ask.whom or case.ask.by),
            entitlement=case.ask.entitlement, duration=case.ask.time, until=None, reason=case.ask.reason, at=shape.at,
        )  # fmt: skip
        simulation = simulate(policy, asking)
        yield Case(
            name=case.name, line=document.line(("cases", index)), simulation=simulation,
            failures=tuple(_failures(simulation, case.expect)), stages=len(case.expect.stages or ()),
            steps=len(case.expect.asked_too or ()),
        )  # fmt: skip


def _failures(simulation: Simulation, expect: ExpectShape) -> Iterator[str]:
    decision = simulation.decision
    if not isinstance(decision, Allowed):
        if expect.decision == "allowed":
            yield f"it is denied, because {decision.reason_id}"
        elif expect.because not in (None, decision.reason_id):
            yield f"it is denied because {decision.reason_id}, not because {expect.because}"
        return
    terms = decision.terms
    if expect.decision == "denied":
        yield f"it is allowed, by rule {terms.rule}"
        return
    said = {
        "rule": terms.rule,
        "level": terms.level,
        "channel": terms.channel,
        "longest": format_duration(terms.longest),
    }
    said["lapses_after"] = format_duration(terms.lapses_after)
    for word, now in said.items():
        wanted = getattr(expect, word)
        wanted = format_duration(wanted) if isinstance(wanted, timedelta) else wanted
        if wanted not in (None, now):
            yield f"`{word}` is {now}, not {wanted}"
    yield from _stages(simulation, expect.stages)
    yield from _asked_too(simulation, expect.asked_too)


def _stages(simulation: Simulation, wanted: list[list[str]] | None) -> Iterator[str]:
    if wanted is None:
        return
    asked = [sorted(one.people) for one in simulation.stages]
    if len(asked) != len(wanted):
        yield f"it has {counted(len(asked), 'stage', 'stages')}, not {len(wanted)}"
        return
    for number, (now, then) in enumerate(zip(asked, wanted, strict=True), start=1):
        if now != sorted(then):
            yield f"stage {number} asks {', '.join(now)}, not {', '.join(sorted(then))}"


def _asked_too(simulation: Simulation, wanted: list[list[str]] | None) -> Iterator[str]:
    if wanted is None:
        return
    added = [step for step in simulation.steps if step.adds]
    if len(added) != len(wanted):
        adding = counted(len(added), "step of `escalate` adds people", "steps of `escalate` add people")
        yield f"{adding}, not {len(wanted)}"
        return
    for now, then in zip(added, wanted, strict=True):
        if sorted(now.people) != sorted(then):
            after = format_duration(now.step.after)
            yield f"after {after} it asks {', '.join(now.people)} too, not {', '.join(sorted(then))}"
