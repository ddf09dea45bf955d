"""What the policy file says, as plain frozen values: people, levels, groups, resources with their roles, rules."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from access.choices import Choice, Choices
from access.ids import Person, SlackChannel, SlackUser
from access.ports import CallLimits

RESOURCE_ID = r"[a-z0-9][a-z0-9-]{0,62}"
SLANTED = r"(?!.*[.-]_)"
"""No name holds `._`: between two of them Slack slants the words of a notification, which is plain text else."""
ROLE_NAME = rf"{SLANTED}[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}"
CANARY_NAME = "canary"
"""What a target calls the receiver of what nobody is meant to use, unless the policy says otherwise."""
OWNER, MANAGER = "owner", "manager"
"""In a stage, instead of a group: who owns the resource, and who is the manager of the person who receives."""
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
    """A person: a name and a Slack account, and only the two together; rows are compared with it in people.py."""

    name: Person
    slack: SlackUser
    names: Mapping[str, str]
    """What targets call the person where that is not `name`: by resource, or else by provider."""
    manager: Person | None = None

    def principal(self, resource: "Resource") -> str:
        return _principal(self.names, resource, self.name)


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
    """What the provider's `Role` makes of the policy's words, without its defaults."""
    all_definition: Mapping[str, JsonValue]
    """The same, defaults filled in."""
    description: str = ""
    """What it allows, in a sentence for people; no fact, so that other words void no request."""


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
    """What the provider's `Settings` makes of the policy's words, without its defaults; secrets only by reference."""
    all_settings: Mapping[str, JsonValue]
    """The same, defaults filled in."""
    roles: Mapping[str, Role]
    target: str
    """Where the settings lead, as `access.provider.target_of` names it; or the id, where its provider does not."""
    limits: CallLimits | None = None
    """What the target bears; None: what its provider says."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step of an approval chain: so many distinct persons of any of these groups, or one for each of them."""

    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    quorum: int = 1
    """Of `any_of`: how many persons."""

    def __post_init__(self) -> None:
        # A stage that wants nobody would be an approval that nobody gave.
        if bool(self.any_of) == bool(self.all_of) or self.quorum < 1:
            raise ValueError("a stage names its groups in one way, at least one, and wants at least one approval")

    @property
    def groups(self) -> tuple[str, ...]:
        return self.any_of or self.all_of

    @property
    def wanted(self) -> int:
        """How many distinct persons."""
        return len(self.all_of) or self.quorum

    def resolved(self, resource: Resource, subject: Person) -> "Stage":
        """Of one request: with the groups that `owner` and `manager` are there."""
        names = {OWNER: resource.owner, MANAGER: manager_of(subject)}
        any_of, all_of = ([names.get(name, name) for name in groups] for groups in (self.any_of, self.all_of))
        return Stage(any_of=tuple(dict.fromkeys(any_of)), all_of=tuple(all_of), quorum=self.quorum)


def manager_of(person: Person) -> str:
    """Named like a group, which none can be called."""
    return f"{MANAGER}:{person}"


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """The approvers of this group are told again when nobody has answered for so long."""

    after: timedelta
    group: str
    channel: SlackChannel | None = None
    """The card is posted there too."""


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """From this moment the people of this group may decide too, if there is no answer before."""

    after: timedelta
    """Counted from when it was asked."""
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
    stages: tuple[Stage, ...]
    """In the order in which they are asked, as the file says them."""
    reminders: tuple[Reminder, ...] = ()
    """The steps of its ladder but the last: those of other groups than the approvers' add people."""
    lapses_after: timedelta | None = None
    """None: what the level says."""
    on_behalf: tuple[str, ...] = ()
    """Groups whose people may ask for those in `groups`; who only asks receives nothing."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Entitlements that are often needed together: a name to ask for them by, and no more."""

    id: str
    title: str
    entitlements: tuple[Entitlement, ...]


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
class Canary:
    """Harmless entitlements that are opened and closed again and again, so that a fault is seen before it matters."""

    entitlements: tuple[Entitlement, ...]
    every: timedelta
    names: Mapping[str, str]
    """As those of a person."""

    def principal(self, resource: Resource) -> str:
        """What the target of a resource calls the receiver, who is no person."""
        return _principal(self.names, resource, CANARY_NAME)


def _principal(names: Mapping[str, str], resource: Resource, otherwise: str) -> str:
    """The name that a resource has for somebody goes before the one that all of its provider have."""
    return names.get(resource.id) or names.get(resource.provider) or otherwise


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
    canary: Canary | None
    bundles: tuple[Bundle, ...] = ()
    warn_before_end: timedelta
    extensions: int
    """How often one access may be extended."""
    sha256: str
    text: str = field(repr=False)
    """As it stands in the file."""
    file: str

    def person_by_slack(self, user: SlackUser) -> PersonEntry | None:
        return self._accounts.get(user)

    @cached_property
    def _accounts(self) -> dict[SlackUser, PersonEntry]:
        return {entry.slack: entry for entry in self.people.values()}

    def members(self, groups: Iterable[str]) -> frozenset[Person]:
        """Everybody in at least one of these groups; a group that is gone has nobody."""
        return frozenset(person for name in groups for person in self._group(name))

    def approvers(self) -> frozenset[Person]:
        """Everybody whom a rule has decide."""
        groups = {group for rule in self.rules for stage in rule.stages for group in stage.groups}
        groups |= {step.group for rule in self.rules for step in rule.reminders}
        owned = {resource.owner for resource in self.resources.values()} if OWNER in groups else set[str]()
        managers = map(manager_of, self.people) if MANAGER in groups else ()
        return self.members({*groups, *owned, *managers})

    def card_channels(self) -> frozenset[SlackChannel]:
        """Where requests are shown to who decides them."""
        steps = (step.channel for rule in self.rules for step in rule.reminders)
        return frozenset({*(rule.channel for rule in self.rules), *(channel for channel in steps if channel)})

    def _group(self, name: str) -> frozenset[Person]:
        group = self.groups.get(name)
        return group.people if group else self._managers.get(name, frozenset())

    @cached_property
    def _managers(self) -> dict[str, frozenset[Person]]:
        managed = ((name, entry.manager) for name, entry in self.people.items())
        return {manager_of(name): frozenset({manager}) for name, manager in managed if manager is not None}

    def entitlement(self, entitlement: Entitlement) -> tuple[Resource, Role] | None:
        resource = self.resources.get(entitlement.resource)
        role = resource.roles.get(entitlement.role) if resource else None
        return (resource, role) if resource and role else None

    def at(self, target: str) -> tuple[Resource, ...]:
        """The resources at this target. By the name of a resource too: a row may say no other."""
        known = self._by_target
        return known.get(target) or (known[self.resources[target].target] if target in self.resources else ())

    @cached_property
    def _by_target(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, tuple[Resource, ...]] = {}
        for resource in self.resources.values():
            found[resource.target] = (*found.get(resource.target, ()), resource)
        return found

    def rules_opening(self, entitlement: Entitlement) -> tuple[Rule, ...]:
        """Whoever it is for. Found at once, for it is asked at every click."""
        return self._by_entitlement.get(entitlement, ())

    @cached_property
    def _by_entitlement(self) -> dict[Entitlement, tuple[Rule, ...]]:
        found: dict[Entitlement, tuple[Rule, ...]] = {}
        for rule in self.rules:
            for entitlement in rule.entitlements:
                found[entitlement] = (*found.get(entitlement, ()), rule)
        return found

    def rules_for(self, person: Person, entitlement: Entitlement) -> tuple[Rule, ...]:
        """The rules by which this person may ask for this; a checked policy has at most one."""
        theirs = {rule.id for rule in self._rules_of(person)}
        return tuple(rule for rule in self.rules_opening(entitlement) if rule.id in theirs)

    def rules_between(self, requester: Person, subject: Person, entitlement: Entitlement) -> tuple[Rule, ...]:
        """The rules by which one person may ask for this for another, or for oneself; at most one too."""
        found = self.rules_for(subject, entitlement)
        return tuple(rule for rule in found if self._may_ask(rule, requester, subject))

    def requestable(self, person: Person) -> Choices:
        """What this person may ask for and receive, sorted by title as people read it."""
        return self._choices_by(self._rules_of(person))

    def requestable_for(self, requester: Person, subject: Person) -> Choices:
        """What one person may ask for another to receive, or for oneself."""
        return self._choices_by([one for one in self._rules_of(subject) if self._may_ask(one, requester, subject)])

    def requestable_by(self, requester: Person) -> Choices:
        """What this person may ask for, whoever receives it."""
        own = self._rules_of(requester)
        return self._choices_by([*own, *(one for one in self._rules_on_behalf(requester) if one not in own)])

    def bundles_by(self, requester: Person) -> tuple[Bundle, ...]:
        """Those of which this person may ask for a part, whoever receives it."""
        mine = {choice.entitlement for choice in self.requestable_by(requester)} if self.bundles else set[str]()
        return tuple(one for one in self.bundles if not mine.isdisjoint(map(str, one.entitlements)))

    def asks_for_others(self, person: Person) -> bool:
        """Whether a rule lets this person ask for another."""
        return bool(self._rules_on_behalf(person))

    def _rules_on_behalf(self, person: Person) -> list[Rule]:
        return [rule for rule in self.rules if person in self.members(rule.on_behalf)]

    def _may_ask(self, rule: Rule, requester: Person, subject: Person) -> bool:
        return requester == subject or requester in self.members(rule.on_behalf)

    def _choices_by(self, rules: Sequence[Rule]) -> Choices:
        # Made once for all under the same rules: with thousands of entitlements it is too slow for a key stroke.
        reach = tuple(rule.id for rule in rules)
        if reach not in self._choices:
            self._choices[reach] = Choices(self._opened_by(rules))
        return self._choices[reach]

    @cached_property
    def _choices(self) -> dict[tuple[str, ...], Choices]:
        return {}

    def _rules_of(self, person: Person) -> list[Rule]:
        inside = {group.name for group in self.groups.values() if person in group.people}
        return [rule for rule in self.rules if not inside.isdisjoint(rule.groups)]

    def _opened_by(self, rules: Iterable[Rule]) -> list[Choice]:
        opened = {entitlement: rule for rule in reversed(list(rules)) for entitlement in rule.entitlements}
        found = [(*known, rule) for one, rule in opened.items() if (known := self.entitlement(one))]
        ordered = sorted(found, key=lambda one: (one[0].title, one[1].title, one[0].id, one[1].name))
        return [
            Choice(
                resource_id=resource.id, resource_title=resource.title, role=role.name, role_title=role.title,
                level=role.level, longest=self.longest(role, rule),
            )
            for resource, role, rule in ordered
        ]  # fmt: skip

    def longest(self, role: Role, rule: Rule) -> timedelta:
        """The longest access to this role by this rule."""
        level = self.levels[role.level]
        return min(rule.max or level.max, level.max)
