"""`countersign policy explain` and `simulate`: what the policy answers to one person, and why."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import typer

from access.catalog import Entitlement, Policy
from access.durations import format_duration, parse_duration
from access.ids import Person
from access.policy.cases import ENOUGH
from access.policy.chain import facts_of_stages
from access.policy.decide import Allowed, Ask, Denied
from access.policy.refusals import refusal_of
from access.policy.simulate import AskedStep, Simulation, in_words, simulate, step_in_words
from countersign.cli.policy_lint import load_file

T = TypeVar("T")
_SHORT = timedelta(minutes=1)
"""So that `explain` speaks of who may and who decides, and not of times."""


@dataclass(frozen=True, kw_only=True)
class Parties:
    """By their names in the policy, as they were typed."""

    asks: str
    receives: str


def run_explain(parties: Parties, entitlement: str, policy_file: Path, *, at: datetime, in_json: bool) -> int:
    """What this person would be told before asking; 1 when they may not ask. Raises PolicyError."""
    policy = load_file(policy_file)
    simulation = _simulated(policy, parties, entitlement, time=_SHORT, reason=ENOUGH, at=at)
    print(json.dumps(_facts(simulation), indent=2, ensure_ascii=False) if in_json else _explained(simulation))
    return 0 if isinstance(simulation.decision, Allowed) else 1


def run_simulate(
    parties: Parties, entitlement: str, policy_file: Path, *, time: str, reason: str, at: datetime, in_json: bool
) -> int:  # fmt: skip
    """The trace of one request; 1 when it would be refused. Raises PolicyError."""
    span = _typed(parse_duration, time, "--for")
    policy = load_file(policy_file)
    simulation = _simulated(policy, parties, entitlement, time=span, reason=reason or ENOUGH, at=at)
    print(json.dumps(_facts(simulation), indent=2, ensure_ascii=False) if in_json else in_words(simulation))
    return 0 if isinstance(simulation.decision, Allowed) else 1


def _simulated(
    policy: Policy, parties: Parties, entitlement: str, *, time: timedelta, reason: str, at: datetime
) -> Simulation:
    wanted = _typed(Entitlement.parse, entitlement, "RESOURCE/ROLE")
    return simulate(policy, Ask(
        requester=Person(parties.asks), subject=Person(parties.receives), entitlement=wanted, duration=time, until=None,
        reason=reason, at=at,
    ))  # fmt: skip


def _typed(read: Callable[[str], T], text: str, where: str) -> T:
    try:
        return read(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong}.", param_hint=where) from None


def _explained(simulation: Simulation) -> str:
    decision = simulation.decision
    if isinstance(decision, Denied):
        return f"No: {refusal_of(decision).sentence} ({decision.reason_id})"
    terms = decision.terms
    lines = [
        f"Yes, by rule {terms.rule}: {terms.resource_title}, {terms.role_title}.",
        f"  level     {terms.level}",
        f"  longest   {format_duration(terms.longest)}",
        f"  asked in  {terms.channel}; lapses after {format_duration(terms.lapses_after)}",
    ]
    for number, one in enumerate(simulation.stages, start=1):
        groups = (" and " if one.stage.all_of else " or ").join(one.stage.groups)
        lines.append(f"  stage {number}   {one.stage.wanted} of {groups}: {', '.join(one.people)}")
    lines += [f"  {step_in_words(one)}" for one in simulation.steps]
    return "\n".join(lines)


def _facts(simulation: Simulation) -> dict[str, Any]:
    decision = simulation.decision
    trace = [
        {"step": one.name, "about": one.subject, "ok": one.verdict, "because": one.because} for one in decision.trace
    ]
    if isinstance(decision, Denied):
        return {"decision": "denied", "because": decision.reason_id, "trace": trace}
    terms = decision.terms
    stages = [
        wanted | {"asks": one.people, "others": dict(one.others)}
        for wanted, one in zip(facts_of_stages(terms.stages), simulation.stages, strict=True)
    ]
    return {
        "decision": "allowed", "rule": terms.rule, "level": terms.level, "channel": terms.channel,
        "longest_s": int(terms.longest.total_seconds()), "lapses_after_s": int(terms.lapses_after.total_seconds()),
        "stages": stages, "escalate": [_step(one) for one in simulation.steps], "trace": trace,
    }  # fmt: skip


def _step(one: AskedStep) -> dict[str, Any]:
    return {
        "after_s": int(one.step.after.total_seconds()), "group": one.step.group, "adds": one.adds,
        "channel": one.step.channel, "people": one.people,
    }  # fmt: skip
