"""Histories: what people, processes, the target and its owner do, in any order.

A model keeps account of who may get in, and after each step the truth is what the model says. It is a hypothesis
machine over any `World`; `Histories` has it as one test.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial, wraps
from typing import Any, ClassVar, Concatenate, ParamSpec

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from access.errors import ProviderError, Unsupported
from access.ports import GrantSpec, Isolation, Provider, Receipt, Secret, host_time
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, gets_in, grant, reveal, revoke, strike
from countersign.testing.world import FaultKind, LiveSession, Obstacle, World

PEOPLE = ("ann", "lea", "kim")
_OPEN_AT_MOST = 4
_LEAST_LEFT = timedelta(minutes=10)
_PERSON, _WHICH = st.integers(0, 2), st.integers(0, 9)
_KIND = st.sampled_from(["before", "after"])
_CALL = st.integers(1, 8)
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
"""What a real target is."""
Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where a history happens."""

    make_provider: Callable[[], Provider]
    world: World
    make_spec: MakeSpec
    people: Sequence[str] = PEOPLE
    roles: Sequence[Mapping[str, Any]] = ()
    """Definitions of roles, beside the one of `make_spec`."""
    hostile: bool = True
    """Whether a holder fights the end, where the world has obstacles."""


@dataclass
class Opened:
    """A grant, as the model has it."""

    spec: GrantSpec
    receipt: Receipt
    secret: Secret | None
    session: LiveSession | None = None


@dataclass
class Standing:
    """What the owner gave a person."""

    given: AbstractContextManager[Callable[[], bool]]
    stands: Callable[[], bool]


def step(does: Callable[Concatenate["History", Arguments], None]) -> Callable[Concatenate["History", Arguments], None]:
    """So that it is known whether a history went well when it is over."""

    @wraps(does)
    def stepped(history: "History", *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        history.went_well = False
        does(history, *args, **kwargs)
        history.agree()
        history.went_well = True

    return stepped


class History(RuleBasedStateMachine):
    """Three people, three roles. The model counts what grants share, as the core does."""

    scene: ClassVar[Scene]

    def __init__(self) -> None:
        super().__init__()
        self.went_well = True
        self._provider = self.scene.make_provider()
        self._world = self.scene.world
        self._open = list[Opened]()
        self._over = list[Opened]()
        self._standing = dict[str, Standing]()
        self._stood = dict[str, frozenset[str]]()
        self._untouched = self._world.snapshot()

    # What may happen

    @precondition(lambda self: len(self._open) < _OPEN_AT_MOST)
    @rule(person=_PERSON, role=_WHICH)
    @step
    def access_is_granted(self, person: int, role: int) -> None:
        spec = self._spec(person, role)
        self._look(spec)
        self._opened(spec)

    @precondition(lambda self: len(self._open) < _OPEN_AT_MOST)
    @rule(person=_PERSON, role=_WHICH, kind=_KIND, at=_CALL, goes_on=st.booleans())
    @step
    def a_process_dies_while_it_grants(self, person: int, role: int, kind: FaultKind, at: int, goes_on: bool) -> None:
        """The next one finishes the work, or ends it because it has come too late."""
        spec = self._spec(person, role)
        self._look(spec)
        self._dies(kind, at, partial(grant, self._provider, self._told(spec)))
        if goes_on:
            self._opened(spec)
        else:
            revoke(self._provider, self._told(spec), None)
            self._forget(spec)

    @precondition(lambda self: self._open)
    @rule(which=_WHICH)
    @step
    def a_process_grants_once_more(self, which: int) -> None:
        """A job may come twice."""
        one = self._pick(which)
        again = grant(self._provider, self._told(one.spec))
        assert again.receipt.names == one.receipt.names, "History: granted once more it has another name"

    @precondition(lambda self: self._open and self._able(self._open[0].spec).extend)
    @rule(which=_WHICH, minutes=st.sampled_from([-20, 10, 60]), dies=st.booleans(), kind=_KIND, at=_CALL)
    @step
    def the_end_is_moved(self, which: int, minutes: int, dies: bool, kind: FaultKind, at: int) -> None:
        one = self._pick(which)
        moved = replace(one.spec, expires_at=one.spec.expires_at + timedelta(minutes=minutes))
        if moved.expires_at < host_time() + _LEAST_LEFT:
            return
        if dies:
            told, known = self._told(moved), one.receipt
            self._dies(kind, at, lambda: self._provider.extend(told, known, deadline()))
        one.receipt = self._provider.extend(self._told(moved), one.receipt, deadline()).receipt
        one.spec = moved
        ends = self._world.own_end(moved)
        assert ends is not None, "History: after its end was moved it has none"
        assert ends >= moved.expires_at, f"History: moved to {moved.expires_at}, the target ends it early: {ends}"

    @precondition(lambda self: self._open)
    @rule(which=_WHICH)
    @step
    def the_holder_logs_in(self, which: int) -> None:
        one = self._pick(which)
        if one.session is None:
            one.session = self._world.open_session(one.spec, one.secret)

    @precondition(lambda self: self._open and self._able(self._open[0].spec).reveals)
    @rule(which=_WHICH)
    @step
    def the_holder_looks_at_the_secret_again(self, which: int) -> None:
        one = self._pick(which)
        before, one.secret = one.secret, reveal(self._provider, one.spec)
        assert not gets_in(self._world, one.spec, before), "History: the secret before the last one still works"

    @precondition(lambda self: self._open)
    @rule(which=_WHICH, knows=st.booleans())
    @step
    def access_ends(self, which: int, knows: bool) -> None:
        """Its time is up, its holder gives it back, or security takes it."""
        one = self._pick(which)
        removal = revoke(self._provider, self._told(one.spec), one.receipt if knows else None)
        if self._alone(one.spec):
            assert removal.state == "removed", f"History: what was there was ended as {removal.state}"
        self._ended(one)

    @precondition(lambda self: self._open)
    @rule(which=_WHICH, kind=_KIND, at=_CALL)
    @step
    def a_process_dies_while_it_ends(self, which: int, kind: FaultKind, at: int) -> None:
        one = self._pick(which)
        told = self._told(one.spec)
        self._dies(kind, at, partial(revoke, self._provider, told, one.receipt))
        revoke(self._provider, told, None)
        self._ended(one)

    @precondition(lambda self: self._over)
    @rule(which=_WHICH)
    @step
    def an_end_comes_twice(self, which: int) -> None:
        one = self._over[which % len(self._over)]
        if self._alone(one.spec):
            removal = revoke(self._provider, self._told(one.spec), one.receipt)
            assert removal.state == "absent", f"History: what was over was ended again as {removal.state}"

    @precondition(lambda self: self._open)
    @rule(which=_WHICH)
    @step
    def the_owner_removes_it_by_hand(self, which: int) -> None:
        one = self._pick(which)
        if not self._alone(one.spec):
            return
        self._let_go(one)  # what is open of it may still be seen
        self._world.remove_behind_our_back(one.spec)
        present = self._provider.observe(self._told(one.spec), one.receipt, deadline()).present
        assert not present, "History: what was removed by hand is still seen"
        revoke(self._provider, self._told(one.spec), one.receipt)
        self._ended(one)

    @precondition(lambda self: self._open)
    @rule(which=_WHICH)
    @step
    def the_owner_adds_rights_by_hand(self, which: int) -> None:
        one = self._pick(which)
        if not self._alone(one.spec) or one.spec.definition != self.scene.make_spec().definition:
            return  # another role may have what is added
        self._world.tamper(one.spec)
        extra_privileges = self._provider.observe(self._told(one.spec), one.receipt, deadline()).extra_privileges
        assert extra_privileges, "History: rights that were added by hand are not seen"
        revoke(self._provider, self._told(one.spec), one.receipt)
        self._ended(one)

    @precondition(lambda self: not self._standing)
    @rule(person=_PERSON)
    @step
    def the_owner_gives_standing_access(self, person: int) -> None:
        spec = self._spec(person, 0)
        if not self._alone(spec):
            return
        given = self._world.standing(spec)
        self._standing[spec.principal] = Standing(given, given.__enter__())

    @precondition(lambda self: self._standing)
    @rule(which=_WHICH)
    @step
    def the_owner_takes_standing_access_away(self, which: int) -> None:
        people = sorted(person for person in self._standing if not self._held_by(person))
        if people:
            self._standing.pop(people[which % len(people)]).given.__exit__(None, None, None)

    @precondition(lambda self: self.scene.hostile and self._obstacles() and not self._standing)
    @rule(which=_WHICH)
    @step
    def a_holder_fights_the_end(self, which: int) -> None:
        obstacles, spec = self._obstacles(), self.scene.make_spec()
        if not self._alone(spec):
            return
        obstacle = obstacles[which % len(obstacles)]
        self._look(spec)
        one = self._opened(spec)
        one.session = self._world.open_session(one.spec, one.secret)
        with obstacle.played(spec, one.secret) as left:
            for _ in range(4):
                with suppress(ProviderError):
                    revoke(self._provider, spec, one.receipt)
                    break
            else:
                raise AssertionError(f"History: against {obstacle.name} the end is not reached")
            assert not (found := left()), f"History: against {obstacle.name}: {found}"
        self._ended(one)

    @rule()
    @step
    def another_process_takes_over(self) -> None:
        self._provider.close()
        self._provider = self.scene.make_provider()

    # What must be so after each step

    def agree(self) -> None:
        """The truth and the provider say the same as the model."""
        for one in self._open:
            assert gets_in(self._world, one.spec, one.secret), f"History: {one.spec.principal} does not get in"
            told = self._told(one.spec)
            if not told.kept:
                seen = self._provider.observe(told, one.receipt, deadline())
                assert seen.present, f"History: the access of {one.spec.principal} is not seen"
                assert not seen.extra_privileges, f"History: more than was granted is seen: {seen.extra_privileges}"
        for one in self._over[-2:]:
            if not self._is_covered(one):
                assert not gets_in(self._world, one.spec, one.secret), f"History: {one.spec.principal} still gets in"
            if self._shares(one.spec) and one.spec.principal in self._standing:
                continue  # what stands there cannot be told from what was ours
            seen = self._provider.observe(self._told(one.spec), one.receipt, deadline())
            assert not seen.present, f"History: the access of {one.spec.principal} is over and still seen"
        for person, standing in self._standing.items():
            assert standing.stands(), f"History: what {person} had before us is gone"
        self._lists_what_is_open()

    def _lists_what_is_open(self) -> None:
        if not self._able(self.scene.make_spec()).list_managed:
            return
        listed = {one.grant_id for one in self._provider.list_managed(deadline())}
        missing = {str(one.spec.grant_id) for one in self._open} - listed
        still = {str(one.spec.grant_id) for one in self._over} & listed
        assert not missing, "History: a grant that is open is not listed"
        assert not still, "History: a grant that is over is still listed"

    def teardown(self) -> None:
        while self._open:
            one = self._open[0]
            with suppress(ProviderError):
                revoke(self._provider, self._told(one.spec), one.receipt)
            self._open.remove(one)
            self._let_go(one)
        for standing in self._standing.values():
            standing.given.__exit__(None, None, None)
        left = self._world.snapshot()
        self._provider.close()
        if self.went_well:
            assert left == self._untouched, "History: when all was over, something was left"

    # The model

    def _spec(self, person: int, role: int) -> GrantSpec:
        spec = self.scene.make_spec(self.scene.people[person % len(self.scene.people)])
        definitions = [spec.definition, *self.scene.roles]
        return replace(spec, definition=definitions[role % len(definitions)])

    def _pick(self, which: int) -> Opened:
        return self._open[which % len(self._open)]

    def _able(self, spec: GrantSpec) -> Any:
        return self._provider.capabilities.of(spec.settings)

    def _obstacles(self) -> Sequence[Obstacle]:
        return self._world.obstacles()

    def _held_by(self, person: str) -> list[Opened]:
        return [one for one in self._open if one.spec.principal == person]

    def _alone(self, spec: GrantSpec) -> bool:
        """Nothing else gives this person anything."""
        others = [one for one in self._held_by(spec.principal) if one.spec.grant_id != spec.grant_id]
        return not others and spec.principal not in self._standing

    def _gives(self, spec: GrantSpec) -> frozenset[str]:
        try:
            return self._provider.rights(spec).roles
        except Unsupported:
            return frozenset()

    def _shares(self, spec: GrantSpec) -> bool:
        return self._able(spec).isolation is not Isolation.PER_GRANT

    def _told(self, spec: GrantSpec) -> GrantSpec:
        """With what is not this grant's alone, as the core tells it."""
        if not self._shares(spec):
            return spec
        others = [one for one in self._held_by(spec.principal) if one.spec.grant_id != spec.grant_id]
        mine = self._gives(spec)
        kept = mine & self._stood.get(spec.principal, frozenset()).union(*(self._gives(one.spec) for one in others))
        return replace(spec, kept=kept)

    def _look(self, spec: GrantSpec) -> None:
        """Before the first grant of a role the core asks what is there, and remembers it."""
        if self._shares(spec):
            told = self._told(spec)
            stood = self._provider.observe(told, None, deadline()).standing - told.kept
            self._stood[spec.principal] = self._stood.get(spec.principal, frozenset()) | stood

    def _opened(self, spec: GrantSpec) -> Opened:
        outcome = grant(self._provider, self._told(spec))
        one = Opened(spec, outcome.receipt, reveal(self._provider, spec))
        self._open.append(one)
        return one

    def _ended(self, one: Opened) -> None:
        self._open.remove(one)
        self._forget(one.spec)
        if one.session is not None and self._able(one.spec).ends_sessions and not self._is_covered(one):
            assert not one.session.is_alive(), f"History: a session of {one.spec.principal} outlives the end"
        self._let_go(one)
        self._over.append(one)

    def _forget(self, spec: GrantSpec) -> None:
        if not self._held_by(spec.principal):
            self._stood.pop(spec.principal, None)

    def _let_go(self, one: Opened) -> None:
        if one.session is not None:
            one.session.close()
            one.session = None

    def _is_covered(self, one: Opened) -> bool:
        """The person gets in all the same, by another grant or by standing access."""
        return not self._able(one.spec).reveals and not self._alone(one.spec)

    def _dies(self, kind: FaultKind, at: int, call: Callable[[], object]) -> None:
        strike(self._world, kind, at, call)
        self._provider.close()
        self._provider = self.scene.make_provider()


def play(scene: Scene, *, histories: int, steps: int, begun: str = "", shrink: bool = True) -> None:
    """So many histories of at most so many steps. Always the same ones, unless `begun` says which.

    Raises AssertionError with the shortest history that it finds where a promise is broken.
    """
    kind = type("History", (History,), {"scene": scene})
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    run_state_machine_as_test(
        seed(begun)(kind) if begun else kind,
        settings=settings(
            max_examples=histories, stateful_step_count=steps, derandomize=not begun, phases=phases, deadline=None,
            database=None, report_multiple_bugs=False, print_blob=False, suppress_health_check=_SLOW,
        ),
    )  # fmt: skip


class Histories(ContractFixtures):
    """One test more, for a subclass of the contract: `class TestAcme(ProviderContract, Histories)`."""

    histories: ClassVar[int] = 4
    steps: ClassVar[int] = 8
    people: ClassVar[Sequence[str]] = PEOPLE
    shrinks: ClassVar[bool] = True
    """Whether the shortest history that breaks a promise is looked for, which on a slow target takes minutes."""
    fights: ClassVar[bool] = False
    """Whether a holder fights the end in these too, which takes its time."""

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        """Definitions of other roles, so that there are three."""
        return ()

    def test_in_any_history_the_truth_is_what_was_granted(
        self,
        make_provider: Callable[[], Provider],
        world: World,
        make_spec: MakeSpec,
        more_roles: Sequence[Mapping[str, Any]],
    ) -> None:
        scene = Scene(
            make_provider=make_provider, world=world, make_spec=make_spec, people=self.people, roles=more_roles,
            hostile=self.fights,
        )  # fmt: skip
        play(scene, histories=self.histories, steps=self.steps, shrink=self.shrinks)
