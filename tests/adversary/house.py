"""The real core and the real provider on one shop: opens an access, ends it in one of three ways, looks again."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg

from access.grants.claims import Claimed, receipt_of, spec_of
from access.grants.end import RevokeHandler
from access.ids import SlackUser
from access.models import Grant, GrantStatus
from access.policy_source import PolicySource
from access.ports import Deadline, Provider, Secret
from access.store import Database
from countersign.embedded.postgres import wheel_binaries
from tests.adversary.powers import POWERS, Power
from tests.adversary.shop import Shop
from tests.cast import ANN, LEA, POLICY
from tests.fakes import FakeAgenda, FakeClock
from tests.world import World
from workers.providers.postgres import Postgres
from workers.targets import ProviderTargets

Mode = Literal["login", "membership", "membership on 15"]
Way = Literal["worker", "by hand", "psql"]
MODES: tuple[Mode, ...] = ("login", "membership", "membership on 15")
WAYS: tuple[Way, ...] = ("worker", "by hand", "psql")
CALL_SECONDS = 5.0
"""Half of what a worker gives a call: the machine of the tests is not the last of its kind."""
LOOKS = 6
"""So many more looks, each when the row says so, until the row must say that it has ended."""
TYPED_SECONDS = 5.0
TYPED_TIMES = 4
"""Who types the statements types again what was refused, as he is told; so often, and no longer."""


def policy(dsn: Path, mode: Mode) -> str:
    """The cast's policy, with one resource: a role of each kind."""
    resource, rules = POLICY.index("resources:"), POLICY.index("rules:")
    roles = "\n".join(
        f"      {_word(power)}: {{title: {power.name}, grants: [{', '.join(power.roles)}]}}" for power in POWERS
    )
    kind = "login" if mode == "login" else "membership"
    entitlements = ", ".join(f"shop/{_word(power)}" for power in POWERS)
    people = POLICY[:resource].replace("{slack: U0ANN}", "{slack: U0ANN, names: {postgres: ann}}")
    people = people.replace("{slack: U0LEA}", "{slack: U0LEA, names: {postgres: lea}}")
    return (
        f"{people}resources:\n  - id: shop\n    title: The shop\n    level: medium\n    owner: payments-leads\n"
        f"    provider: postgres\n    settings: {{dsn: {{file: {dsn}}}, mode: {kind}}}\n    roles:\n{roles}\n"
        + POLICY[rules:].replace("customers-db/read, customers-db/fix-orders", entitlements)
    )


def _word(power: Power) -> str:
    return power.name.replace(" ", "-")


@dataclass(frozen=True)
class _InTime:
    """The business of the queue `revoke`, with the deadline that a call really has."""

    whole: RevokeHandler

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        return self.whole.claim(ids)

    def act(self, claimed: Claimed, _deadline: Deadline) -> Any:
        return self.whole.act(claimed, Deadline.after(CALL_SECONDS))

    def commit(self, results: Sequence[Any]) -> None:
        self.whole.commit(results)


@dataclass
class House(World):
    """The core whose target is the shop."""

    targets: ProviderTargets  # pyright: ignore[reportIncompatibleVariableOverride] -- a real one

    @classmethod
    def on(cls, shop: Shop, mode: Mode, database: Database, directory: Path) -> "House":
        dsn = directory / "dsn"
        dsn.write_text(shop.target.bot_dsn, encoding="utf-8")
        providers: dict[str, type[Provider]] = {"postgres": Postgres}
        world = World.make(database, directory, policy(dsn, mode))
        # The server has a clock of its own, which its logins' expiry goes by.
        clock, agenda = FakeClock(datetime.now(UTC)), FakeAgenda()
        core = replace(
            world.core, clock=clock, agenda=agenda, providers=providers,
            policy=PolicySource(world.policy_file, providers),
        )  # fmt: skip
        return cls(core, clock, agenda, ProviderTargets(providers, lambda name: f"{name} (tests)"), world.policy_file)

    def close(self) -> None:
        self.targets.close()

    @property
    def deactivation(self) -> RevokeHandler:
        return _InTime(super().deactivation)  # pyright: ignore[reportReturnType] -- the same verbs

    def ask_for(self, person: SlackUser, power: Power) -> Grant:
        """Asked, approved and, unless something is wrong, given; Lea does not approve her own."""
        approver = LEA if person == ANN else SlackUser("U0KIM")
        request = self.approve(self.ask(by=person, entitlement=f"shop/{_word(power)}"), by=approver)
        for _ in range(2):  # where grants share what they give, what stood there is looked at first
            self.activate(self.grant_of(request))
            if self.grant_of(request).status == GrantStatus.ACTIVE:
                break
        return self.grant_of(request)

    def provider_of(self, grant: Grant) -> Provider:
        return self.targets.of(grant.provider, grant.settings, grant.resource)

    def reveal(self, grant: Grant) -> Secret:
        return self.provider_of(grant).reveal(spec_of(grant), receipt_of(grant), Deadline.after(CALL_SECONDS))

    def first_call(self, grant: Grant) -> Grant:
        """Its time is over, and one worker has one call."""
        self.clock.tick(hours=1)
        self.remove(grant)
        return self.again(grant)

    def check_again(self, grant: Grant) -> Grant:
        """A few times, in no time, each when the row says so."""
        for _ in range(LOOKS):
            grant = self.again(grant)
            if grant.status == GrantStatus.ENDED or grant.due_at is None:
                break
            self.clock.time = max(self.clock.time, grant.due_at)
            self.remove(grant)
        return self.again(grant)


FIRST = "first type these"
"""The column in which a printed statement says what is in the way."""


class Hung(Exception):
    """A statement that people type did not come back."""


def type_by_hand(shop: Shop, grant: Grant) -> None:
    """A superuser types what is printed, statement by statement, each on its own; then again what was refused.

    What a statement says to type first is typed, and then all of it once more.
    """
    with shop.administrator() as session:
        session.execute("SET statement_timeout = '5s'")
        left, end = _printed(grant), time.monotonic() + TYPED_SECONDS
        for _ in range(TYPED_TIMES):
            first = list[str]()
            left = [statement for statement in left if not _goes_through(session, statement, first)]
            for line in first:
                left += _printed(grant) if _goes_through(session, line, []) else []
            if not left:
                return
            if time.monotonic() > end:
                raise Hung(f"after {TYPED_SECONDS:g} s still in vain: {left}")


def type_into_psql(shop: Shop, grant: Grant) -> None:
    """The same text into the program that people have."""
    text = "".join(f"{statement.rstrip().rstrip(';')};\n" for statement in _printed(grant))
    command = [str(wheel_binaries() / "psql"), "-X", "-q", "-d", shop.server.dsn(database="shop"), "-f", "-"]
    for _ in range(TYPED_TIMES):
        try:
            typed = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=TYPED_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise Hung(f"psql was still at it after {TYPED_SECONDS:g} s") from None
        first = [
            line.partition(": ROLLBACK")[1:] for line in typed.stdout.splitlines() if ": ROLLBACK PREPARED" in line
        ]
        with shop.administrator() as session:
            for words in first:
                _goes_through(session, "".join(words).removeprefix(": "), [])
        if "ERROR" not in typed.stderr and not first:
            return


def _printed(grant: Grant) -> list[str]:
    assert grant.plan is not None
    return list(grant.plan["revoke"])


def _goes_through(session: psycopg.Connection, statement: str, first: list[str]) -> bool:
    """`first` gets what is to be typed before it."""
    with suppress(psycopg.Error):
        cursor = session.execute(statement.encode())
        if FIRST in [column.name for column in cursor.description or ()]:
            first += [line.partition(": ")[2] for (line,) in cursor.fetchall()]
        return True
    return False
