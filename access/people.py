"""Who is who: a row names a person and a Slack account, and it is that person only while the policy has both as one.

A name that is used again and an account that was renamed are somebody else: nothing that was asked, held or approved
before is theirs to use, and both are barred from deciding on it.
"""

from typing import NamedTuple

from access.catalog import PersonEntry, Policy
from access.ids import Person, SlackUser
from access.models import Grant, Request, Review


class Party(NamedTuple):
    """A person as a row names one."""

    name: Person
    account: SlackUser


def requester_of(request: Request) -> Party:
    return Party(request.requester, request.requester_slack)


def subject_of(row: Request | Grant) -> Party:
    return Party(row.subject, row.subject_slack)


def reviewer_of(review: Review) -> Party:
    return Party(review.reviewer, review.reviewer_slack)


def is_same(entry: PersonEntry, party: Party) -> bool:
    """By name and by account."""
    return (entry.name, entry.slack) == party


def is_alike(one: Party, other: Party) -> bool:
    """By name or by account: enough to be barred, or to be one vote."""
    return one.name == other.name or one.account == other.account


def has_account(entry: PersonEntry, party: Party) -> bool:
    """Whatever the policy calls it now: enough to give back or take back, which needs no policy."""
    return entry.slack == party.account


def is_current(policy: Policy, party: Party) -> bool:
    entry = policy.people.get(party.name)
    return entry is not None and is_same(entry, party)


def changed(policy: Policy, party: Party) -> str | None:
    """What the policy of now says instead, to follow a name; None while it knows name and account as one person."""
    if is_current(policy, party):
        return None
    known = party.name in policy.people
    return "now has another Slack account in the access policy" if known else "is no longer in the access policy"


def barred(policy: Policy, request: Request) -> frozenset[Person]:
    """Who may not decide on this, as the policy of now calls them: who asked and who receives, by name and account."""
    parties = {requester_of(request), subject_of(request)}
    accounts = (policy.person_by_slack(party.account) for party in parties)
    return frozenset({party.name for party in parties} | {entry.name for entry in accounts if entry})
