"""The approval chain of one request as it stands at a moment, with whom the steps of the ladder have added. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from access.catalog import Stage
from access.ids import Person
from access.models import Request
from access.people import People, barred
from access.policy.chain import State, Vote, state
from access.policy.escalation import stages_at


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The approval chain of one request at a moment, with the votes so far and those who can vote."""

    stages: tuple[Stage, ...]
    votes: Sequence[Vote]
    members: Mapping[str, frozenset[Person]]
    barred: frozenset[Person]

    @classmethod
    def of(cls, people: People, request: Request, votes: Sequence[Vote], now: datetime) -> Self:
        stages, kept_out = stages_at(request, votes, now), barred(people, request)
        members = people.able_by_group(stages, barred=kept_out)
        return cls(stages=stages, votes=votes, members=members, barred=kept_out)

    def state(self, *more: Vote) -> State:
        return state(self.stages, [*self.votes, *more], members=self.members, barred=self.barred)

    def later(self, number: int) -> frozenset[Person]:
        """Who could approve a stage that is not asked yet."""
        able = frozenset[Person]().union(*(self.members[group] for group in self.stages[number - 1].groups))
        return able - {vote.by.name for vote in self.votes}
