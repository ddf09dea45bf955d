"""Who is added to an approval chain while no answer comes: the steps of the request itself, by the clock. Pure.

Time adds people and never an approval: docs/adr/0045-escalation.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from access.catalog import Escalation, Reminder, Stage
from access.ids import made_at
from access.models import Request
from access.policy.chain import Vote, Waiting, stages_of, state
from access.ports import Json


def added_by(steps: Sequence[Reminder], stages: Sequence[Stage]) -> tuple[Escalation, ...]:
    """Those of a rule's steps that let more people decide: a group that is among the approvers is only reminded."""
    known = {group for stage in stages for group in stage.groups}
    added: dict[str, Escalation] = {}
    for step in steps:
        if step.group not in known:
            added.setdefault(step.group, Escalation(after=step.after, group=step.group))
    return tuple(added.values())


def escalations_of(chain: Mapping[str, Any]) -> tuple[Escalation, ...]:
    """As the column of a request says it; rows of the version before say none."""
    said = cast("list[dict[str, Any]]", chain.get("escalate", []))
    return tuple(Escalation(after=timedelta(seconds=one["after_s"]), group=one["group"]) for one in said)


def facts_of_escalations(escalations: Sequence[Escalation]) -> list[Json]:
    return [{"after_s": int(one.after.total_seconds()), "group": one.group} for one in escalations]


def asked_since(request: Request) -> datetime:
    """From when the steps count. The time in its id is bound by the fingerprint, as the column is not."""
    return max(request.asked_at, made_at(request.id) or request.asked_at)


def waited(request: Request, until: datetime) -> timedelta:
    """For so long there was no answer by then."""
    return max(until - asked_since(request), timedelta())


def stages_at(request: Request, votes: Collection[Vote], now: datetime) -> tuple[Stage, ...]:
    """The chain of a request at this moment."""
    return chain_at(request.chain, votes, now, since=asked_since(request))


def chain_at(chain: Mapping[str, Any], votes: Collection[Vote], now: datetime, *, since: datetime) -> tuple[Stage, ...]:
    """The chain at this moment: each step that has come adds its group to the stage that was waited for then, and to
    those after it. What had its approvals before stays as it was.

    `chain`: as the column of a request says it. `since`: from when the steps count.
    """
    stages = stages_of(chain)
    for step in escalations_of(chain):
        came = since + step.after
        if now < came:
            break
        waits = state(stages, [vote for vote in votes if vote.at is not None and vote.at < came])
        if not isinstance(waits, Waiting):
            break  # it was decided before
        first = waits.stage - 1
        stages = (*stages[:first], *(with_group(stage, step.group) for stage in stages[first:]))
    return stages


def with_group(stage: Stage, group: str) -> Stage:
    """A stage that wants one person of each of its groups goes on wanting just these."""
    return replace(stage, any_of=(*stage.any_of, group)) if stage.any_of else stage
