"""What one look at one target shows: what is ours there, and how it differs from what was granted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from access.grants.claims import spec_of
from access.ids import GrantId, SharedRoleId
from access.models import Grant
from access.ports import Deadline, Holder, Isolation, Managed, Provider
from access.reconcile.holders import Seen


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
    extra_privileges: dict[GrantId, list[str]] = field(default_factory=dict[GrantId, list[str]])
    """Rights that somebody added to what a grant made."""
    members: dict[str, SharedRoleId] = field(default_factory=dict[str, SharedRoleId])
    """What we gave where grants share; by a name for people."""
    unmanaged: dict[str, str] = field(default_factory=dict[str, str])
    """What is told and left alone: a sentence, by a name for people."""
    orphans: dict[str, Managed] = field(default_factory=dict[str, Managed])
    """What is left of roles that are gone; by its name."""
    seen: list[Seen] = field(default_factory=list[Seen])
    """Everybody who holds what we can give, but for the bot's own gifts to itself, which are strange."""

    def look(self, provider: Provider, place: Place, deadline: Deadline) -> None:
        """Raises ProviderError."""
        able = provider.capabilities.of(place.settings)
        if able.list_managed:
            self._add_managed(provider, place, provider.list_managed(deadline))
        if not able.list_holders:
            return
        holders = provider.list_holders(deadline)
        self._add_service_account(holders)
        self._add_given(place, holders)
        if able.isolation is not Isolation.PER_GRANT:
            self._add_gone(provider, place, holders)
        self.seen += [Seen(place.provider, one) for one in holders if not _is_own_gift(one)]

    def _add_managed(self, provider: Provider, place: Place, found: Sequence[Managed]) -> None:
        for one in found:
            if one.orphan_oid is not None:
                self.orphans[one.name] = one
                continue
            self.unmanaged |= {f"{one.name}, {what}": sentence for what, sentence in one.told.items()}
            if one.grant_id is not None or not one.told:
                self.listed[one.name], self.places[one.name] = one, place
        there = {one.grant_id: one for one in found}
        for grant in place.active:
            one = there.get(grant.supersedes_grant_id or grant.id)
            if one is None:
                self.missing.append((grant, provider))
            elif one.roles and (more := one.roles - provider.rights(spec_of(grant)).roles):
                self.extra_privileges[grant.id] = sorted(more)

    def _add_service_account(self, holders: Sequence[Holder]) -> None:
        for one in holders:
            if _is_own_gift(one):
                self.unmanaged[f"{one.role} of the bot itself"] = (
                    f"The bot's own account {one.principal} has given itself {one.role} on the target. "
                    "Find out who did that, take it away, and give the bot another password."
                )

    def _add_gone(self, provider: Provider, place: Place, holders: Sequence[Holder]) -> None:
        there = {(one.role, one.principal) for one in holders if not one.via}
        for grant in place.active:
            if {(role, grant.principal) for role in provider.rights(spec_of(grant)).roles} - there:
                self.gone.append(grant.id)

    def _add_given(self, place: Place, holders: Sequence[Holder]) -> None:
        """What the bot's account gave to others, whatever the mode: nobody else may use that account."""
        for one in holders:
            # By way of another role it is the same gift; what bears a mark of ours is looked after by that.
            if not one.ours or one.service_account or one.via or one.grant_id or one.principal in self.listed:
                continue
            name = f"{one.role} of {one.principal}"
            self.members[name] = Seen(place.provider, one).share
            if one.extra_privileges:
                self.unmanaged[f"{name}, and more"] = (
                    f"More was added to what Countersign gave: {one.principal} has {one.extra_privileges} on the "
                    "target. It goes when the access ends."
                )


def _is_own_gift(holder: Holder) -> bool:
    """What another gave to the bot is standing access like anybody's."""
    return holder.service_account and holder.ours is not False
