"""Whether the votes that approved something carry it still, when the access starts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from access.ids import Person
from access.policy.chain import Approved, Members, Vote, stages_of, state
from access.policy.escalation import chain_at

NOT_AN_APPROVER = "is no longer one of its approvers"


def lost(
    chain: Mapping[str, Any], votes: Sequence[Vote], members: Members, gone: Mapping[Person, str], *, since: datetime
) -> Iterator[str | None]:
    """Of each vote, why whoever gave it may not give it any more; None while they may.

    `members`: who of each group of the chain, and of its steps, may decide now. `gone`: whose name means another by
    now, and why.
    """
    for vote in votes:
        assert vote.at is not None, "it was cast"
        # As it was asked at that moment: whom a step of the ladder added counts for votes from then on.
        then = chain_at(chain, votes, vote.at, since=since)
        asked = then[vote.stage - 1].groups if vote.stage <= len(then) else ()
        able = any(vote.by.name in members.get(group, ()) for group in asked)
        yield gone.get(vote.by.name) or (None if able else NOT_AN_APPROVER)


def is_carried(chain: Mapping[str, Any], votes: Sequence[Vote], members: Members) -> bool:
    """Whether each stage has its approvals with the groups alone in which who gave them still is."""
    still = [replace(vote, groups=_still_in(vote, members)) for vote in votes]
    return isinstance(state(stages_of(chain), still), Approved)


def _still_in(vote: Vote, members: Members) -> frozenset[str]:
    return frozenset(group for group in vote.groups if vote.by.name in members.get(group, ()))
