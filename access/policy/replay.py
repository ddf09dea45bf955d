"""What a decision was made of, and the same decision made of it again, whatever the policy says by now. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from access.catalog import Stage
from access.ids import Person, SlackUser
from access.models import ApproverSnapshot, Decision, DecisionKind, DecisionOutcome, Request
from access.people import People, barred
from access.policy.carrying import is_carried, lost
from access.policy.chain import Approved, State, Vote, Waiting, stages_of, state
from access.policy.escalation import chain_at, escalations_of
from access.ports import Json

ASKS, RECEIVES, ALIAS = "asks", "receives", "has the account that asks or receives"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A chain, and who was in each of its groups and in those of its steps, as the policy of a moment said it."""

    chain: Json
    groups: Mapping[str, frozenset[Person]]
    accounts: Mapping[Person, SlackUser]
    unable: frozenset[Person]
    """Of these, whom Slack did not show as full members."""

    @classmethod
    def of(cls, snapshot: ApproverSnapshot) -> Self:
        said = snapshot.content
        return cls(
            chain=said["chain"], accounts={Person(name): SlackUser(one) for name, one in said["people"].items()},
            groups={group: frozenset(map(Person, people)) for group, people in said["groups"].items()},
            unable=frozenset(map(Person, said["unable"])),
        )  # fmt: skip

    def members(self, *, without: Iterable[Person]) -> dict[str, frozenset[Person]]:
        return {group: people - frozenset(without) for group, people in self.groups.items()}


def content_of(people: People, request: Request) -> Json:
    """What is kept of a moment, the same for all who ask by the same chain. Names and accounts, and no secret."""
    groups = {group: people.members([group]) for group in named_groups(request.chain)}
    everybody = frozenset[Person]().union(*groups.values())
    return {
        "chain": request.chain, "groups": {group: sorted(inside) for group, inside in groups.items()},
        "people": {name: people.policy.people[name].slack for name in sorted(everybody)},
        "unable": sorted(everybody & people.unable),
    }  # fmt: skip


def named_groups(chain: Mapping[str, Any]) -> list[str]:
    """Those of all stages, and those that are added later."""
    groups = [group for stage in stages_of(chain) for group in stage.groups]
    return [*dict.fromkeys([*groups, *(step.group for step in escalations_of(chain))])]


def excluded(people: People, request: Request) -> dict[Person, str]:
    """Who may not decide on this, and why."""
    reasons = dict.fromkeys(sorted(barred(people, request)), ALIAS)
    return reasons | {request.subject: RECEIVES, request.requester: ASKS}


def columns_of(now: State) -> dict[str, object]:
    """What a state says, for the row."""
    if isinstance(now, Waiting):
        return {"outcome": DecisionOutcome.WAITING, "stage": now.stage, "missing": now.missing}
    outcome = DecisionOutcome.APPROVED if isinstance(now, Approved) else DecisionOutcome.DENIED
    return {"outcome": outcome, "stage": None, "missing": None}


def replayed(decision: Decision, kept: Kept, votes: Sequence[Vote], *, since: datetime) -> dict[str, object]:
    """The outcome again, as `columns_of` says it. `votes`: those that it names, the one that was cast last.

    `since`: from when the steps of the ladder count.
    """
    if decision.kind == DecisionKind.START:
        members = kept.members(without=map(Person, decision.excluded))
        gone = {Person(name): because for name, because in decision.excluded.items()}
        fine = not any(lost(kept.chain, votes, members, gone, since=since)) and is_carried(kept.chain, votes, members)
        return {
            "outcome": DecisionOutcome.APPROVED if fine else DecisionOutcome.REFUSED, "stage": None, "missing": None,
        }  # fmt: skip
    # At a click it is known who answers, so there no one is kept out by what Slack said before.
    unable = frozenset[Person]() if decision.kind == DecisionKind.VOTE else kept.unable
    return columns_of(_state(decision, kept, _before(decision, votes), votes, unable, since=since)[1])


def asked_then(
    decision: Decision, kept: Kept, votes: Sequence[Vote], *, since: datetime
) -> tuple[Stage, Waiting] | None:  # fmt: skip
    """The stage that was waited for, and who could decide it: of a vote, just before it was cast."""
    before = _before(decision, votes)
    stages, now = _state(decision, kept, before, before, kept.unable, since=since)
    return (stages[now.stage - 1], now) if isinstance(now, Waiting) else None


def _before(decision: Decision, votes: Sequence[Vote]) -> Sequence[Vote]:
    return votes[:-1] if decision.kind == DecisionKind.VOTE else votes


def _state(
    decision: Decision, kept: Kept, before: Sequence[Vote], votes: Sequence[Vote], unable: frozenset[Person], *,
    since: datetime,
) -> tuple[tuple[Stage, ...], State]:  # fmt: skip
    """The chain as it stood with the votes before, and what it says with these."""
    kept_out = frozenset(map(Person, decision.excluded))
    stages = chain_at(kept.chain, before, decision.at, since=since)
    return stages, state(stages, votes, members=kept.members(without=kept_out | unable), barred=kept_out)
