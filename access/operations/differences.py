"""What one look at one target shows: what is ours there, and how it differs from what was granted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from access.ids import GrantId, ShareId
from access.models import Grant
from access.operations.ledger import share_id
from access.operations.target import spec_of
from access.ports import Deadline, Holder, Isolation, Managed, Provider


@dataclass(frozen=True)
class Place:
    """A target as one set of settings names it, with the grants that must be there."""

    provider: str
    settings: Mapping[str, Any]
    active: list[Grant]


@dataclass
class Shown:
    """What a look at some places showed."""

    listed: dict[str, Managed] = field(default_factory=dict[str, Managed])
    places: dict[str, Place] = field(default_factory=dict[str, Place])
    """By the name of what was listed there."""
    missing: list[tuple[Grant, Provider]] = field(default_factory=list[tuple[Grant, Provider]])
    """Grants of which the list has nothing; whether they are gone is asked of each."""
    gone: list[GrantId] = field(default_factory=list[GrantId])
    """Grants that do not have all that they share with others."""
    beyond: dict[GrantId, list[str]] = field(default_factory=dict[GrantId, list[str]])
    """Rights that somebody added to what a grant made."""
    members: dict[str, ShareId] = field(default_factory=dict[str, ShareId])
    """What we gave where grants share; by a name for people."""
    strange: dict[str, str] = field(default_factory=dict[str, str])
    """What is told and left alone: a sentence, by a name for people."""

    def look(self, provider: Provider, place: Place, deadline: Deadline) -> None:
        """Raises ProviderError."""
        able = provider.capabilities.of(place.settings)
        if able.list_managed:
            self._add_managed(provider, place, provider.list_managed(deadline))
        if not able.list_holders:
            return
        holders = provider.list_holders(deadline)
        self._add_the_bot(holders)
        if able.isolation is not Isolation.PER_GRANT:
            self._add_shared(provider, place, holders)

    def _add_managed(self, provider: Provider, place: Place, found: Sequence[Managed]) -> None:
        self.listed |= {one.name: one for one in found}
        self.places |= {one.name: place for one in found}
        there = {one.grant_id: one for one in found}
        for grant in place.active:
            one = there.get(grant.continues or grant.id)
            if one is None:
                self.missing.append((grant, provider))
            elif one.roles and (more := one.roles - provider.rights(spec_of(grant)).roles):
                self.beyond[grant.id] = sorted(more)

    def _add_the_bot(self, holders: Sequence[Holder]) -> None:
        for one in holders:
            if one.the_bot:
                self.strange[f"{one.role} of the bot itself"] = (
                    f"The bot's own account {one.principal} has given itself {one.role} on the target. "
                    "Find out who did that, take it away, and give the bot another password."
                )

    def _add_shared(self, provider: Provider, place: Place, holders: Sequence[Holder]) -> None:
        there = {(one.role, one.principal) for one in holders}
        for grant in place.active:
            if {(role, grant.principal) for role in provider.rights(spec_of(grant)).roles} - there:
                self.gone.append(grant.id)
        for one in holders:
            if not one.ours or one.the_bot:
                continue
            name = f"{one.role} of {one.principal}"
            self.members[name] = share_id(place.provider, one.place, one.role, one.principal)
            if one.beyond:
                self.strange[f"{name}, and more"] = (
                    f"Somebody added to what Countersign gave: {one.principal} has {one.beyond} on the target. "
                    "It goes when the access ends."
                )
