"""A target of the town where grants share what they give: it knows who has which role, and not from whom."""

from dataclasses import dataclass, field
from typing import ClassVar

from access.errors import Transient
from access.ports import (
    Capabilities,
    Deadline,
    GrantSpec,
    Holder,
    Isolation,
    Observation,
    Outcome,
    Receipt,
    Removal,
    Rights,
)
from tests.fakes import FakeProvider, FakeSettings
from tests.invariants.servers import Server

Member = tuple[str, str]
"""Role and principal."""
ENTRY = "enter"
"""The role that every grant there gives, beside its own."""


@dataclass
class Commons(Server):
    """Who is a member of what, and which of it another gave before us."""

    members: set[Member] = field(default_factory=set)
    theirs: set[Member] = field(default_factory=set)
    by_others: set[Member] = field(default_factory=set)
    """The same, whatever our rows know of it."""
    forgotten: set[Member] = field(default_factory=set)
    """Of which a restored database may know nothing: nobody can say any more whose it is."""

    def given_by_hand(self, member: Member) -> None:
        self.members.add(member)
        self.theirs.add(member)
        self.by_others.add(member)

    def taken_by_hand(self, member: Member) -> None:
        self.members.discard(member)
        self.by_others.discard(member)
        self.by_hand[name_of(member)] = self.looks


class CommonsProvider(FakeProvider):
    """Converges, as a provider promises."""

    name: ClassVar[str] = "commons"
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.SHARED, list_holders=True, end_means="Sessions live on."
    )

    def __init__(self, place: Commons) -> None:
        super().__init__(FakeSettings(server="any"))
        self.place = place

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=str(spec.settings["server"]), roles=rights_of(spec.definition["power"]))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        wanted = self._members(spec)
        self.place.call("grant", lambda: self.place.members.update(wanted))
        return Outcome(state="active", receipt=Receipt(names={"principal": spec.principal}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        self.place.land()
        with self.place.points.around("provider.observe"):
            if self.place.weather == "down":
                raise Transient("The server does not answer.")
            there = {role for role in self.rights(spec).roles if (role, spec.principal) in self.place.members}
            return Observation(present=bool(there - spec.kept), standing=frozenset(there))

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        wanted = self._members(spec)
        there = wanted & self.place.members

        def effect() -> None:
            if self.place.weather != "stubborn":
                self.place.members.difference_update(wanted)
                self.place.by_others.difference_update(wanted)

        self.place.call("revoke", effect)
        return Removal(state="removed" if there else "absent", residual=("Sessions live on.",))

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        self.place.look()
        return [
            Holder(principal=who, role=role, ours=(role, who) not in self.place.by_others, place="commons")
            for role, who in sorted(self.place.members)
        ]

    def _members(self, spec: GrantSpec) -> set[Member]:
        return {(role, spec.principal) for role in self.rights(spec).roles - spec.kept}


def rights_of(power: object) -> frozenset[str]:
    return frozenset({ENTRY, str(power)})


def name_of(member: Member) -> str:
    """As drift names it."""
    role, principal = member
    return f"{role} of {principal}"
