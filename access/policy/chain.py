"""The approval chain: its stages and the votes so far go in; what it waits for, or how it ended, comes out. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from access.ids import Person
from access.models import Review, Verdict
from access.people import Party, is_alike, reviewer_of


@dataclass(frozen=True, kw_only=True)
class Stage:
    """So many distinct persons of these groups must approve before the next stage is asked."""

    any_of: tuple[str, ...]
    quorum: int

    def __post_init__(self) -> None:
        # A stage that wants nobody would be an approval that nobody gave.
        if not self.any_of or self.quorum < 1:
            raise ValueError("a stage names at least one group and wants at least one approval")


@dataclass(frozen=True, kw_only=True)
class Vote:
    stage: int
    """The one that was waited for, counted from 1."""
    by: Party
    approves: bool


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """For so many more approvals at this stage, of any of these people."""

    stage: int
    people: frozenset[Person]
    missing: int


@dataclass(frozen=True)
class Approved:
    """Each stage has its approvals; a chain without a stage wants none."""


@dataclass(frozen=True)
class Denied:
    """One of those who were asked said no, which ends it at any stage."""

    by: Party


State = Waiting | Approved | Denied


def state(
    stages: Sequence[Stage], votes: Collection[Vote], *, members: Mapping[str, Collection[Person]] | None = None,
    barred: Collection[Person] = (),
) -> State:  # fmt: skip
    """`members`: who is in which group now, and `barred`: who may not decide; for who is waited for alone."""
    for vote in votes:
        if not vote.approves:
            return Denied(vote.by)
    counted = [_first_stage(person, votes) for person in persons(vote.by for vote in votes)]
    voted = {vote.by.name for vote in votes}
    for number, stage in enumerate(stages, start=1):
        missing = stage.quorum - counted.count(number)
        if missing > 0:
            asked = (person for group in stage.any_of for person in (members or {}).get(group, ()))
            return Waiting(stage=number, people=frozenset(asked) - voted - set(barred), missing=missing)
    return Approved()


def persons(parties: Iterable[Party]) -> list[frozenset[Party]]:
    """Who has a name or an account in common is one person, and who has one in common with that person is too."""
    found: list[frozenset[Party]] = []
    for party in parties:
        same = [person for person in found if any(is_alike(party, other) for other in person)]
        found = [person for person in found if person not in same]
        found.append(frozenset({party}).union(*same))
    return found


def votes_of(reviews: Iterable[Review]) -> list[Vote]:
    return [Vote(stage=one.stage, by=reviewer_of(one), approves=one.verdict == Verdict.APPROVE) for one in reviews]


def stages_of(chain: Mapping[str, Any]) -> tuple[Stage, ...]:
    """As the column of a request says it.."""
    any_of, quorum = cast("list[str]", chain["any_of"]), cast(int, chain["quorum"])
    # A canary is approved by the policy itself, and its row names no group.
    return () if not any_of and quorum == 0 else (Stage(any_of=tuple(sorted(any_of)), quorum=quorum),)


def _first_stage(person: frozenset[Party], votes: Iterable[Vote]) -> int:
    """A person counts once in a chain: where the first approval was given."""
    return min(vote.stage for vote in votes if vote.by in person)
