"""What would happen if somebody asked: the policy's answer, whom each stage would ask, and why not the others. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from access.catalog import Escalation, Policy, Reminder, Stage
from access.durations import format_duration
from access.ids import Person
from access.people import People
from access.policy.chain import Vote, Waiting, state
from access.policy.decide import Allowed, Ask, Denied, Terms, decide, render


@dataclass(frozen=True, kw_only=True)
class AskedStage:
    """One stage of the chain that has not all its approvals."""

    number: int
    """Counted from 1."""
    stage: Stage
    people: tuple[Person, ...]
    """Whom it asks when it is its turn."""
    others: Mapping[Person, str]
    """Everybody else in the policy, and why they are not asked."""


@dataclass(frozen=True, kw_only=True)
class AskedStep:
    """One step of the ladder."""

    step: Reminder
    adds: bool
    """These people can decide only from then on; else they are reminded."""
    people: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    decision: Allowed | Denied
    stages: tuple[AskedStage, ...]
    """None where it is denied."""
    steps: tuple[AskedStep, ...] = ()
    """What comes while there is no answer."""


def simulate(policy: Policy, ask: Ask) -> Simulation:
    """As the form and the click would decide, with everybody a full member of Slack."""
    people = People(policy)
    decision = decide(policy, people, ask)
    if isinstance(decision, Denied):
        return Simulation(decision=decision, stages=())
    barred = frozenset({ask.requester, ask.subject})
    steps = tuple(_step(one, decision.terms, people, barred) for one in decision.terms.reminders)
    stages = asked_stages(people, ask, decision.terms.stages, barred=barred)
    return Simulation(decision=decision, stages=stages, steps=steps)


def asked_stages(
    people: People, ask: Ask, stages: Sequence[Stage], votes: Sequence[Vote] = (), *, barred: frozenset[Person]
) -> tuple[AskedStage, ...]:
    """From the stage whose turn it is, by the votes so far; none where the chain is at its end."""
    members = people.able_by_group(stages, barred=barred)
    now = state(stages, votes, members=members, barred=barred)
    if not isinstance(now, Waiting):
        return ()
    voted = {vote.by.name for vote in votes}
    found: list[AskedStage] = []
    for number, stage in enumerate(stages[now.stage - 1 :], start=now.stage):
        is_now = number == now.stage
        later = frozenset[Person]().union(*(members[group] for group in stage.groups)) - voted
        able, kept = (now.people, now.kept) if is_now else (later, frozenset[Person]())
        others = {
            name: _why_not(name, people, stage, ask, voted=voted, barred=barred, kept=kept)
            for name in sorted(people.policy.people)
            if name not in able
        }
        found.append(AskedStage(number=number, stage=stage, people=tuple(sorted(able)), others=others))
    return tuple(found)


def in_words(simulation: Simulation) -> str:
    """For people: the trace, then each stage."""
    return "\n".join([render(simulation.decision.trace), *_stages(simulation)])


def _stages(simulation: Simulation) -> Iterator[str]:
    for one in simulation.stages:
        of = f"stage {one.number} of {len(simulation.stages)}"
        yield f"→ {of}: {one.stage.wanted} of {', '.join(one.people)}"
        yield from (f"    not {name}: {why}" for name, why in one.others.items())
    yield from map(step_in_words, simulation.steps)


def step_in_words(one: AskedStep) -> str:
    """`after 45 min: sam of security can decide too, and the card is posted in C0SEC`."""
    can = "can decide too" if one.adds else "is reminded" if len(one.people) == 1 else "are reminded"
    where = f", and the card is posted in {one.step.channel}" if one.step.channel else ""
    people = ", ".join(one.people) or "no one"
    return f"after {format_duration(one.step.after)}: {people} of {one.step.group} {can}{where}"


def _step(step: Reminder, terms: Terms, people: People, barred: frozenset[Person]) -> AskedStep:
    adds = Escalation(after=step.after, group=step.group) in terms.escalations
    return AskedStep(step=step, adds=adds, people=tuple(sorted(people.approvers([step.group], barred=barred))))


def _why_not(
    name: Person, people: People, stage: Stage, ask: Ask, *, voted: Collection[Person], barred: Collection[Person],
    kept: Collection[Person],
) -> str:  # fmt: skip
    reasons = (
        (name == ask.requester, "asks"),
        (name == ask.subject, "receives"),
        (name in barred, "has the account that asks or receives"),
        (name in voted, "has approved already, and counts once"),
        (name not in people.members(stage.groups), f"is not in {' or '.join(stage.groups)}"),
        (name in people.unable, "is not shown by Slack as a full member of this workspace"),
        (name in kept, "is needed at a later stage, which no other person could fill, and counts once"),
    )
    return next((because for holds, because in reasons if holds), "is only in groups whose approval is given")
