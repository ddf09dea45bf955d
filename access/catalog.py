"""What the policy file says, as plain frozen values: people, levels, groups, resources with their roles, rules."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from access.ids import Person, SlackChannel, SlackUser

RESOURCE_ID = r"[a-z0-9][a-z0-9-]{0,62}"
ROLE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_ENTITLEMENT = re.compile(rf"({RESOURCE_ID})/({ROLE_NAME})")


@dataclass(frozen=True, order=True)
class Entitlement:
    """A role on a resource, written `resource/role`."""

    resource: str
    role: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `resource/role`. Raises ValueError with a sentence."""
        match = _ENTITLEMENT.fullmatch(text)
        if match is None:
            raise ValueError("an entitlement is written resource/role, like customers-db/read")
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{self.resource}/{self.role}"


@dataclass(frozen=True, kw_only=True)
class Level:
    """How careful to be. A floor: a rule may tighten it, never loosen it."""

    name: str
    max: timedelta
    quorum: int
    """The least number of distinct persons who approve, over the whole chain."""
    request_ttl: timedelta
    alert_after: timedelta
    """How long access may outlive its end before an alert is open and somebody was told."""
    reason_min: int
    """The least number of characters in a reason."""


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """A person, whatever the accounts are called: everything that compares people compares `name`."""

    name: Person
    slack: SlackUser
    names: Mapping[str, str]
    """What a provider's target calls the person, where it differs from `name`."""

    def principal(self, provider: str) -> str:
        return self.names.get(provider, self.name)


@dataclass(frozen=True, kw_only=True)
class Group:
    name: str
    people: frozenset[Person]


@dataclass(frozen=True, kw_only=True)
class Role:
    """A power on a resource. `level` is the role's own or else its resource's."""

    name: str
    title: str
    level: str
    definition: Mapping[str, JsonValue]
    """What the provider's `Role` makes of the policy's words, defaults filled in."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    id: str
    title: str
    level: str
    owner: str
    """The name of a group."""
    tags: frozenset[str]
    provider: str
    settings: Mapping[str, JsonValue]
    """What the provider's `Settings` makes of the policy's words; secrets only by reference."""
    roles: Mapping[str, Role]


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """The approvers of this group are told again when nobody has answered for so long."""

    after: timedelta
    group: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who may ask for what, and who answers."""

    id: str
    groups: tuple[str, ...]
    entitlements: tuple[Entitlement, ...]
    max: timedelta | None
    """None: what the level allows."""
    channel: SlackChannel
    any_of: tuple[str, ...]
    quorum: int
    reminders: tuple[Reminder, ...] = ()
    lapses_after: timedelta | None = None
    """None: what the level says."""


@dataclass(frozen=True, kw_only=True)
class Security:
    group: str
    channel: SlackChannel


@dataclass(frozen=True, kw_only=True)
class Digest:
    """The daily message: where, and when in the policy's time zone."""

    channel: SlackChannel
    at: time


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One checked policy file. Every name in it exists; at most one rule opens an entitlement to a person."""

    version: int
    slack_team: str
    timezone: ZoneInfo
    people: Mapping[Person, PersonEntry]
    levels: Mapping[str, Level]
    groups: Mapping[str, Group]
    resources: Mapping[str, Resource]
    rules: tuple[Rule, ...]
    security: Security
    digest: Digest
    warn_before_end: timedelta
    sha256: str
    file: str

    def person_by_slack(self, user: SlackUser) -> PersonEntry | None:
        return next((entry for entry in self.people.values() if entry.slack == user), None)

    def members(self, groups: Iterable[str]) -> frozenset[Person]:
        """Everybody in at least one of these groups; a group that is gone has nobody."""
        return frozenset(person for name in groups if name in self.groups for person in self.groups[name].people)

    def entitlement(self, entitlement: Entitlement) -> tuple[Resource, Role] | None:
        resource = self.resources.get(entitlement.resource)
        role = resource.roles.get(entitlement.role) if resource else None
        return (resource, role) if resource and role else None

    def rules_for(self, person: Person, entitlement: Entitlement) -> tuple[Rule, ...]:
        """The rules by which this person may ask for this; a checked policy has at most one."""
        return tuple(
            rule for rule in self.rules if entitlement in rule.entitlements and person in self.members(rule.groups)
        )

    def requestable(self, person: Person) -> list[tuple[Resource, Role, Rule]]:
        """What this person may ask for, sorted by title as people read it."""
        found = [
            (*known, rule)
            for rule in self.rules
            if person in self.members(rule.groups)
            for entitlement in rule.entitlements
            if (known := self.entitlement(entitlement))
        ]
        return sorted(found, key=lambda one: (one[0].title, one[1].title, one[0].id, one[1].name))
