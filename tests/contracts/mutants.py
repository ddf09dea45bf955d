"""Ways of being wrong that any provider can have, each of which breaks a promise; and whether a contract finds it.

`wrong(SomeWay, Provider)` is that provider with this fault.
"""

import inspect
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from pydantic import BaseModel

from access.errors import Ambiguous, BadConfig, BadCredential, Permanent, TargetNotFound, Transient, Unsupported
from access.ports import Deadline, Finding, GrantSpec, Managed, Observation, Outcome, Plan, Provider, Receipt, Removal

P = TypeVar("P", bound=Provider)
_Way: Any = object
"""What stands behind each in `super()` is the provider that it is put before."""


def wrong(way: type, provider: type[P]) -> type[P]:
    made: Any = type(way.__name__, (way, provider), {})
    return made


class ForgetsToRevoke(_Way):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return Removal(state="removed", sessions_ended=0)


class NamesAnew(_Way):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        names = {what: secrets.token_hex(8) for what in outcome.receipt.names}
        return replace(outcome, receipt=outcome.receipt.model_copy(update={"names": names}))


class CannotRevokeTwice(_Way):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        if removal.state == "absent":
            raise TargetNotFound
        return removal


class NeedsAReceipt(_Way):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if receipt is None:
            return Removal(state="absent", sessions_ended=0)
        return super().revoke(spec, receipt, deadline)


class NeverInDoubt(_Way):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except Ambiguous:
            raise Transient from None


class RevokesEverybody(_Way):
    granted: tuple[GrantSpec, ...] = ()

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.granted = (*self.granted, spec)
        return super().grant(spec, deadline)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        for other in self.granted[:2]:
            super().revoke(other, None, deadline)
        return Removal(state="removed", sessions_ended=0)


class SeesWhatItWants(_Way):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return Observation(present=True)


class SeesNothingBeyond(_Way):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return replace(super().observe(spec, receipt, deadline), extra_privileges=frozenset())


class HasNoEndOfItsOwn(_Way):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, expires_at=spec.expires_at + timedelta(days=1)), deadline)


class RoundsDown(_Way):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, expires_at=spec.expires_at.replace(microsecond=0)), deadline)


class ExtendsOnPaper(_Way):
    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        assert receipt is not None
        until = spec.expires_at.replace(microsecond=0)
        return Outcome(state="active", receipt=receipt.model_copy(update={"native_expiry": until}))


class ExtendsByGranting(_Way):
    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        return self.grant(spec, deadline)


class PlansByChance(_Way):
    def plan(self, spec: GrantSpec) -> Plan:
        plan = super().plan(spec)
        return replace(plan, grant=(*plan.grant, secrets.token_hex(4)))


class ClaimsMoreThanItCan(_Way):
    def list_managed(self, deadline: Deadline) -> list[Managed]:
        raise Unsupported


class GivesUp(_Way):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        try:
            return super().observe(spec, receipt, deadline)
        except Transient:
            raise Permanent from None


class TakesARefusalForAMoment(_Way):
    """A credential that is not accepted would be tried again for ever, and nobody hears of it."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except (BadConfig, BadCredential):
            raise Transient from None


class SaysNothingIsMissing(_Way):
    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return [Finding(level="ok", subject="account", sentence="All is well.")]


class SeesLate(_Way):
    """By a copy that follows: the first look after a change still sees what was before."""

    before: ClassVar[dict[str, Observation]] = {}

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        now = super().observe(spec, receipt, deadline)
        shown = self.before.get(spec.grant_id)
        self.before[spec.grant_id] = now
        return shown or now


WAYS: list[tuple[str, type]] = [
    ("C01", ForgetsToRevoke),
    ("C02", NamesAnew),
    ("C03", CannotRevokeTwice),
    ("C04", NeedsAReceipt),
    ("C06", NeverInDoubt),
    ("C09", RevokesEverybody),
    ("C10", RevokesEverybody),
    ("C13", HasNoEndOfItsOwn),
    ("C14", RoundsDown),
    ("C15", ExtendsOnPaper),
    ("C15", ExtendsByGranting),
    ("C16", SeesWhatItWants),
    ("C17", SeesNothingBeyond),
    ("C21", TakesARefusalForAMoment),
    ("C21", SaysNothingIsMissing),
    ("C24", PlansByChance),
    ("C25", GivesUp),
    ("C26", ClaimsMoreThanItCan),
    ("C30", SeesLate),
]


def with_each_way(provider: type[P]) -> list[tuple[str, type[P]]]:
    return [(promise, wrong(way, provider)) for promise, way in WAYS]


def promises(contract: Any) -> dict[str, list[Callable[..., None]]]:
    """The tests of a contract by the number of their promise."""
    found = dict[str, list[Callable[..., None]]]()
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if number := re.match(r"test_(c\d\d)_", name):
            found.setdefault(number[1].upper(), []).append(test)
    return found


def assert_is_caught(what: str, promise: str, contract: Any, fixtures: Mapping[str, Any]) -> None:
    """The promise is failed, and says so itself."""
    usual = {"verb": "grant", "kind": "after", "first": 0}
    given, failures = usual | dict(fixtures), list[str]()
    for test in promises(contract)[promise]:
        wanted = {word: given[word] for word in inspect.signature(test).parameters if word in given}
        try:
            test(**wanted)
        except (AssertionError, pytest.fail.Exception) as failure:
            failures.append(str(failure))
    assert failures, f"{what} keeps {promise}"
    assert all(failure.startswith(promise) for failure in failures), failures
