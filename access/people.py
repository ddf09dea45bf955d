"""Who is who at a moment: a row means a person only while the policy has its name and its Slack account as one.

A name that is used again and an account that was renamed are somebody else: nothing that was asked, held or approved
before is theirs to use, and both are barred from deciding on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from access.catalog import PersonEntry, Policy, Stage
from access.ids import Person, SlackUser
from access.models import Grant, Request, Review


class Party(NamedTuple):
    """A person as a row names one."""

    name: Person
    account: SlackUser


@dataclass(frozen=True)
class People:
    """Everybody at one moment, passed into all that asks who somebody is or who is in a group."""

    policy: Policy
    unable: frozenset[Person] = frozenset()
    """Who can decide nothing, whatever group they are in. At a click it is known who answers, and this is empty."""

    def with_account(self, account: SlackUser) -> PersonEntry | None:
        return self.policy.person_by_slack(account)

    def accounts(self, names: Iterable[Person]) -> tuple[SlackUser, ...]:
        return tuple(sorted(self.policy.people[name].slack for name in names))

    def names(self, accounts: Iterable[SlackUser]) -> tuple[Person, ...]:
        entries = map(self.with_account, accounts)
        return tuple(entry.name for entry in entries if entry)

    def members(self, groups: Iterable[str]) -> frozenset[Person]:
        """Everybody in at least one of these groups; a group that is gone has nobody."""
        return self.policy.members(groups)

    def approvers(self, groups: Iterable[str], *, barred: frozenset[Person]) -> frozenset[Person]:
        """Who of these groups can decide: each once, however many groups they are in."""
        return self.members(groups) - barred - self.unable

    def able_by_group(self, stages: Iterable[Stage], *, barred: frozenset[Person]) -> dict[str, frozenset[Person]]:
        """The same for each group of an approval chain."""
        groups = dict.fromkeys(group for stage in stages for group in stage.groups)
        return {group: self.approvers([group], barred=barred) for group in groups}

    def security(self) -> frozenset[Person]:
        return self.members([self.policy.security.group])

    def owners(self, resource: str) -> frozenset[Person]:
        """Those who answer for a resource; nobody for one that the policy no longer has."""
        known = self.policy.resources.get(resource)
        return self.members([known.owner]) if known else frozenset()


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


def is_current(people: People, party: Party) -> bool:
    entry = people.policy.people.get(party.name)
    return entry is not None and is_same(entry, party)


def changed(people: People, party: Party) -> str | None:
    """What the policy of now says instead, to follow a name; None while it knows name and account as one person."""
    if is_current(people, party):
        return None
    known = party.name in people.policy.people
    return "now has another Slack account in the access policy" if known else "is no longer in the access policy"


def barred(people: People, request: Request) -> frozenset[Person]:
    """Who may not decide on this, as the policy of now calls them: who asked and who receives, by name and account."""
    parties = {requester_of(request), subject_of(request)}
    accounts = (people.with_account(party.account) for party in parties)
    return frozenset({party.name for party in parties} | {entry.name for entry in accounts if entry})
