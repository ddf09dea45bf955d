"""Runs promises against a target in use: opens access for nobody, looks, ends it, and leaves nothing behind.

Nothing is written to our database: what is opened here is no grant. It bears a grant's name, so that every provider
finds and ends it, and the target ends it alone where it can.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from access.errors import PrincipalNotFound, ProviderError, Transient
from access.faults import describe
from access.ids import GrantId, ulid
from access.ports import (
    Capabilities,
    Deadline,
    GrantSpec,
    Isolation,
    Observation,
    Outcome,
    Provider,
    Receipt,
    Removal,
    Secret,
    host_time,
)
from countersign.conformance.person import CannotLogIn, Refused, Session, way_in, why_not

CALL_SECONDS = 10.0
ENDS_BY_ITSELF = timedelta(minutes=10)
"""The target's own end, where it has one: it holds where this process is killed."""
_TRIES = 5
State = Literal["kept", "in part", "broken", "not looked at"]


class Broken(Exception):
    """A promise is not kept; its sentence says what was seen."""


class NotLookedAt(Exception):
    """It cannot be seen here; its sentence says why."""


@dataclass(frozen=True)
class Seen:
    """How it stands with one promise."""

    number: str
    state: State
    why: str = ""


@dataclass(frozen=True)
class Target:
    """What is tried: one role on one resource, for a principal that is nobody."""

    make: Callable[[], Provider]
    """An instance, as a worker would have it."""
    resource: str
    role: str
    definition: Mapping[str, Any]
    settings: Mapping[str, Any]
    principal: str


@dataclass
class Run:
    """The words that promises are written in. Whatever was opened is known here before it is asked for."""

    target: Target
    opened: list[GrantSpec] = field(default_factory=list[GrantSpec])
    unseen: list[str] = field(default_factory=list[str])
    """Of the promise that is being looked at: what could not be."""
    sessions: list[Session] = field(default_factory=list[Session])
    no_way_in: str = ""
    """Why nothing here could log in as the person, where that was tried."""

    def __post_init__(self) -> None:
        self.provider, self.another = self.target.make(), self.target.make()
        """The other one knows nothing of what the first has done, as another worker would."""
        self.able: Capabilities = self.provider.capabilities.of(self.target.settings)

    def spec(self, *, lasts: timedelta = ENDS_BY_ITSELF, words: Mapping[str, Any] | None = None) -> GrantSpec:
        """For a grant that nobody asked for; of what is shared, what stands there already is not touched."""
        made = replace(self.planned(lasts), **(words or {}))
        if self.able.isolation is Isolation.PER_GRANT:
            return made
        return replace(made, kept=self.provider.observe(made, None, deadline()).standing)

    def planned(self, lasts: timedelta = ENDS_BY_ITSELF) -> GrantSpec:
        """The same without a look at the target."""
        target, now = self.target, host_time()
        return GrantSpec(
            grant_id=GrantId(ulid(now)), resource=target.resource, role=target.role, definition=target.definition,
            settings=target.settings, scope={}, principal=target.principal, expires_at=now + lasts,
        )  # fmt: skip

    def grant(self, spec: GrantSpec, provider: Provider | None = None) -> Outcome:
        """As often as it says that it is still on its way."""
        if spec not in self.opened:
            self.opened.append(spec)
        until = Deadline.after(3 * CALL_SECONDS)
        while True:
            outcome = (provider or self.provider).grant(spec, deadline())
            if outcome.state == "active":
                return outcome
            _pause(outcome.look_again, until, "grant")

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, provider: Provider | None = None) -> Removal:
        until = Deadline.after(3 * CALL_SECONDS)
        while True:
            removal = (provider or self.provider).revoke(spec, receipt, deadline())
            if removal.state != "pending":
                return removal
            _pause(removal.look_again, until, "revoke")

    def observe(self, spec: GrantSpec, receipt: Receipt | None = None) -> Observation:
        """By the other instance: what counts is on the target."""
        return self.another.observe(spec, receipt, deadline())

    def reveal(self, spec: GrantSpec) -> Secret | None:
        return self.provider.reveal(spec, None, deadline()) if self.able.reveals else None

    def gets_in(self, secret: Secret | None) -> bool | None:
        """Whether the person does. None, and noted, where nothing here can try."""
        try:
            session = self.session(secret)
        except Refused:
            return False
        if session is None:
            return None
        session.close()
        return True

    def session(self, secret: Secret | None) -> Session | None:
        """Raises Refused."""
        way = way_in(secret)
        if way is None:
            self.not_seen("whether the person gets in")
            self.no_way_in = why_not(secret)
            return None
        try:
            session = way()
        except CannotLogIn as why:
            self.not_seen("whether the person gets in")
            self.no_way_in = str(why)
            return None
        self.sessions.append(session)
        return session

    def not_seen(self, what: str) -> None:
        if what not in self.unseen:
            self.unseen.append(what)

    def nothing_is_left(self, spec: GrantSpec, receipt: Receipt | None, secret: Secret | None) -> None:
        """Raises Broken."""
        for known in (receipt, None):
            expect(not self.observe(spec, known).present, "after the revoke the target still has the access")
        expect(self.gets_in(secret) is not True, "after the revoke the person still gets in")
        if not self.able.list_managed:
            self.not_seen("what else is left on the target")
            return
        expect(not self.listed(spec), "after the revoke what was made is still listed")

    def listed(self, spec: GrantSpec) -> list[str]:
        """What of this grant the other instance finds on the target, by its mark."""
        return [one.name for one in self.another.list_managed(deadline()) if one.grant_id == spec.grant_id]

    def end_all(self) -> list[GrantSpec]:
        """What could not be proven gone."""
        for session in self.sessions:
            session.close()
        self.sessions.clear()
        left = [spec for spec in self.opened if not self._ended(spec)]
        self.opened[:] = left
        return left

    def _ended(self, spec: GrantSpec) -> bool:
        for again in range(_TRIES):
            if again:
                threading.Event().wait(1)
            try:
                removal = self.provider.revoke(spec, None, deadline())
                gone = removal.state != "pending" and not self.observe(spec).present
                if gone and not (self.able.list_managed and self.listed(spec)):
                    return True
            except Exception:  # noqa: S112 -- whatever it is, the next try and then the statements by hand follow
                continue
        return False

    def close(self) -> None:
        self.provider.close()
        self.another.close()


Promise = Callable[[Run], None]
"""Raises Broken or NotLookedAt; what it could not see it notes in `unseen`."""


def look_at(run: Run, promises: Mapping[str, Promise], numbers: Sequence[str]) -> Iterator[Seen]:
    """One after the other; what one has opened is ended before the next begins."""
    for number in numbers:
        promise = promises.get(number)
        yield Seen(number, "not looked at", _ELSEWHERE) if promise is None else _looked_at(run, number, promise)


_ELSEWHERE = "It needs faults, other people or an adversary on the target; the tests of the provider have them."


def _looked_at(run: Run, number: str, promise: Promise) -> Seen:
    run.unseen.clear()
    seen = _judged(run, number, promise)
    if left := run.end_all():
        names = ", ".join(f"cs_{spec.grant_id}" for spec in left)
        return Seen(number, "broken", f"{seen.why} What was opened cannot be ended: {names}.".strip())
    return seen


def _judged(run: Run, number: str, promise: Promise) -> Seen:
    state, why = _tried(promise, run)
    if state == "kept" and run.unseen:
        return Seen(number, "in part", f"Not looked at: {', '.join(run.unseen)}.")
    return Seen(number, state, why)


def _tried(promise: Promise, run: Run) -> tuple[State, str]:
    try:
        promise(run)
    except Broken as seen:
        return "broken", f"{str(seen).rstrip('.')}."
    except NotLookedAt as why:
        return "not looked at", f"{why}."
    except PrincipalNotFound as error:
        return "not looked at", f"{error.sentence} Name a test account that it knows: --principal NAME."
    except ProviderError as error:  # a target that does not answer now says nothing of the provider
        return "not looked at" if isinstance(error, Transient) else "broken", error.sentence
    except Exception as error:  # a provider's own mistake, whose words may hold a secret
        return "broken", f"The provider fails with {describe(error)}."
    return "kept", ""


def expect(fact: bool, otherwise: str) -> None:
    """Raises Broken."""
    if not fact:
        raise Broken(otherwise[0].upper() + otherwise[1:])


def deadline() -> Deadline:
    return Deadline.after(CALL_SECONDS)


def wait_until(moment: Any, until: Deadline) -> None:
    while host_time() < moment and not until.passed:
        threading.Event().wait(0.05)


def _pause(look_again: timedelta | None, until: Deadline, verb: str) -> None:
    if until.passed:
        raise Transient(f"The {verb} is still on its way.")
    threading.Event().wait(min(1.0 if look_again is None else look_again.total_seconds(), until.left()))
