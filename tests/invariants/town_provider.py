"""The provider of the town's targets: it does what their weather allows, and ends what hostile holders hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import SecretStr

from access.errors import TargetNotFound, Transient
from access.ports import (
    Capabilities,
    Cleanup,
    Deadline,
    Ended,
    GrantSpec,
    Managed,
    Observation,
    Outcome,
    Receipt,
    Removal,
    Secret,
)
from tests.fakes import FakeProvider, FakeSettings
from tests.invariants.hostile import WINDOW
from tests.invariants.servers import Server


class TownProvider(FakeProvider):
    """Converges, as a provider promises."""

    capabilities: ClassVar[Capabilities] = replace(FakeProvider.capabilities, cleanup_window=WINDOW)

    def __init__(self, server: Server) -> None:
        super().__init__(FakeSettings(server="any"))
        self.place = server

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.place.call("grant", lambda: self.place.add(spec))
        return Outcome(state="active", receipt=Receipt(names={"login": spec.grant_id}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        self.place.land()
        with self.place.points.around("provider.observe"):
            if self.place.weather == "down":
                raise Transient("The server does not answer.")
            seen = self.place.footholds.observe(spec.grant_id, there=spec.grant_id in self.place.holders)
            return replace(seen, expires_at=self.place.ends.get(spec.grant_id))

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        self.place.look()
        there = sorted(self.place.holders.keys() | self.place.footholds.ways_in())
        return [Managed(name=f"fake-{one}", grant_id=one, roles=self._gives(one)) for one in there]

    def _gives(self, grant_id: str) -> frozenset[str]:
        if grant_id not in self.place.holders:
            return frozenset()  # a login that is not locked yet
        _, role = self.place.holders[grant_id]
        return frozenset({role, "rule"}) if grant_id in self.place.more else frozenset({role})

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self.place.call("reveal", lambda: None)
        return Secret(fields=(("Password", SecretStr("canary-secret")),))

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        self.place.land()
        if spec.grant_id not in self.place.holders:
            raise TargetNotFound("There is nothing to extend.")
        self.place.call("extend", lambda: self.place.extend(spec))
        return Outcome(state="active", receipt=Receipt(names={"login": spec.grant_id}, native_expiry=spec.expires_at))

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        there, ended = spec.grant_id in self.place.holders, 0

        def effect() -> None:
            nonlocal ended
            works = self.place.weather != "stubborn"
            if works:
                self.place.remove(spec.grant_id)
            ended = self.place.footholds.shut(spec.grant_id, locks=works)

        self.place.call("revoke", effect)
        lies = self.place.weather == "stubborn"
        return self.place.footholds.answer(spec.grant_id, there=there, ended=ended, lies=lies)

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        found = dict[str, Cleanup]()

        def effect() -> None:
            for one in ended:
                cleaned = self._tidy(one.spec.grant_id)
                if cleaned is not None:
                    found[one.spec.grant_id] = cleaned

        self.place.call("clean_up", effect)
        return found

    def _tidy(self, grant_id: str) -> Cleanup | None:
        if grant_id in self.place.holders or grant_id in self.place.footholds.ways_in():
            return Cleanup(left=("It was opened again on the server.",))
        moves = self.place.weather != "stubborn"
        return self.place.footholds.tidy(grant_id, self.place.clock.now(), moves=moves)
