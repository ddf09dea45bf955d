"""What would happen if somebody asked: the policy's answer, whom each stage would ask, and why not the others. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from access.catalog import Policy, Stage
from access.ids import Person
from access.people import People
from access.policy.chain import Chain, Waiting
from access.policy.decide import Allowed, Ask, Denied, decide, render


@dataclass(frozen=True, kw_only=True)
class AskedStage:
    """One stage of the chain."""

    stage: Stage
    people: tuple[Person, ...]
    """Whom it asks when it is its turn."""
    others: Mapping[Person, str]
    """Everybody else in the policy, and why they are not asked."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    decision: Allowed | Denied
    stages: tuple[AskedStage, ...]
    """None where it is denied."""


def simulate(policy: Policy, ask: Ask) -> Simulation:
    """As the form and the click would decide, with everybody a full member of Slack."""
    people = People(policy)
    decision = decide(policy, people, ask)
    if isinstance(decision, Denied):
        return Simulation(decision=decision, stages=())
    barred, stages = frozenset({ask.requester, ask.subject}), decision.terms.stages
    chain = Chain(stages=stages, votes=(), members=people.able_by_group(stages, barred=barred), barred=barred)
    now = chain.state()
    kept = now.kept if isinstance(now, Waiting) else frozenset[Person]()
    found: list[AskedStage] = []
    for number, stage in enumerate(stages, start=1):
        able = chain.later(number) - (kept if number == 1 else frozenset())
        others = {
            name: _why_not(name, stage, ask, is_kept=number == 1 and name in kept)
            for name in sorted(policy.people)
            if name not in able
        }
        found.append(AskedStage(stage=stage, people=tuple(sorted(able)), others=others))
    return Simulation(decision=decision, stages=tuple(found))


def in_words(simulation: Simulation) -> str:
    """For people: the trace, then each stage."""
    return "\n".join([render(simulation.decision.trace), *_stages(simulation)])


def _stages(simulation: Simulation) -> Iterator[str]:
    for number, one in enumerate(simulation.stages, start=1):
        of = f"stage {number} of {len(simulation.stages)}"
        yield f"→ {of}: {one.stage.wanted} of {', '.join(one.people)}"
        yield from (f"    not {name}: {why}" for name, why in one.others.items())


def _why_not(name: Person, stage: Stage, ask: Ask, *, is_kept: bool) -> str:
    if name == ask.requester:
        return "asks"
    if name == ask.subject:
        return "receives"
    if is_kept:
        return "is needed at a later stage, which no other person could fill, and counts once"
    return f"is not in {' or '.join(stage.groups)}"
