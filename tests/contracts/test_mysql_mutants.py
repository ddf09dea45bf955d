"""Each promise that a MariaDB can break is failed by a provider mysql that breaks it."""

import inspect
import re
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import BaseModel

from access.errors import Ambiguous, Permanent, ProviderError, TargetNotFound, Transient
from access.ports import (
    Deadline,
    GrantSpec,
    Holder,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    RoleRights,
    Secret,
)
from tests.contracts.mutants import SaysNothingIsMissing, SeesLate, TakesARefusalForAMoment, wrong
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import MariaDb, run
from tests.contracts.mysql_world import MysqlWorld, made_of, make_spec
from tests.contracts.test_mysql import (
    MysqlContract,
    receipts_of_before,
    settings_by_target,
    specs_to_refuse,
    specs_with,
)
from workers.providers.mysql import Mysql, connecting, ending, logins, refusals, statements
from workers.providers.mysql.logins import login_of
from workers.providers.mysql.settings import MysqlSettings

pytestmark = NEEDS_MARIADB


class ForgetsToRevoke(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return Removal(state="removed", sessions_ended=0)


class NamesAnew(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        return replace(outcome, receipt=outcome.receipt.model_copy(update={"names": {"login": secrets.token_hex(8)}}))


class CannotRevokeTwice(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        if removal.state == "absent":
            raise TargetNotFound
        return removal


class NeedsAReceipt(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if receipt is None:
            return Removal(state="absent", sessions_ended=0)
        return super().revoke(spec, receipt, deadline)


class TakesWhatItFindsForAStranger(Mysql):
    """A login that it made halfway, too."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        made_once = statements.Statement("CREATE USER {login} ACCOUNT LOCK", {"login": login_of(spec, self.settings)})
        with patch.object(statements, "create", lambda *_: made_once):
            return super().grant(spec, deadline)


class NeverInDoubt(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except Ambiguous:
            raise Transient from None


class RevokesEverybody(Mysql):
    granted: tuple[GrantSpec, ...] = ()

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.granted = (*self.granted, spec)
        return super().grant(spec, deadline)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        for other in self.granted[:2]:
            super().revoke(other, None, deadline)
        return Removal(state="removed", sessions_ended=0)


class DropsAndTrusts(Mysql):
    """As other databases have it: who is dropped is out."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._session(deadline) as session:
            login = login_of(spec, self.settings)
            session.write(statements.take_all(login))
            session.write(statements.drop(login))
        return Removal(state="removed", sessions_ended=0)


class KillsAndStops(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._session(deadline) as session:
            session.write(statements.kill_all(login_of(spec, self.settings).user))
        return Removal(state="removed", sessions_ended=1)


class HasNoEndOfItsOwn(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, expires_at=spec.expires_at + timedelta(days=1)), deadline)


class RoundsDown(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, expires_at=spec.expires_at.replace(microsecond=0)), deadline)


class ExtendsByGranting(Mysql):
    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        return self.grant(spec, deadline)


class ExtendsOnPaper(Mysql):
    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        assert receipt is not None
        return Outcome(state="active", receipt=receipt.model_copy(update={"native_expiry": spec.expires_at}))


class SeesWhatItWants(Mysql):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return Observation(present=True)


class SeesNothingBeyond(Mysql):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return replace(super().observe(spec, receipt, deadline), extra_privileges=frozenset())


class BelievesNames(Mysql):
    def list_managed(self, deadline: Deadline) -> list[Managed]:
        with self._session(deadline) as session:
            rows = session.read("SELECT a.user FROM countersign.accounts AS a WHERE a.user LIKE 'cs\\\\_%'")
        return [Managed(name=str(user), grant_id=str(user)[3:]) for (user,) in rows]


class GrantsBeforeItLooks(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with self._session(deadline) as session:
            session.write(statements.create(login_of(spec, self.settings), logins.hashed("x")))
        return super().grant(spec, deadline)


class PastesNames(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        with self._session(deadline) as session:
            session.write(f"DO 'granted to {spec.principal}'")
        return outcome


class AlwaysTheSameSecret(Mysql):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with patch.object(secrets, "token_urlsafe", lambda _: "correct horse battery staple"):
            return super().reveal(spec, receipt, deadline)


class TellsTheServerThePassword(Mysql):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        secret = super().reveal(spec, receipt, deadline)
        password = dict(secret.fields)["Password"].get_secret_value()
        said = statements.Statement(
            "ALTER USER {login} IDENTIFIED BY {password}",
            {"login": login_of(spec, self.settings), "password": password},
        )
        with self._session(deadline) as session:
            session.write(said)
        return secret


class ShowsItsPassword(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except ProviderError:
            raise Ambiguous(self.settings.password.read().get_secret_value()) from None


class PlansByChance(Mysql):
    def plan(self, spec: GrantSpec) -> Plan:
        plan = super().plan(spec)
        return replace(plan, grant=(*plan.grant, secrets.token_hex(4)))


class GivesUp(Mysql):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        try:
            return super().observe(spec, receipt, deadline)
        except Transient:
            raise Permanent from None


class EndsByItsReceiptAlone(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if receipt is not None and "host" not in receipt.details:
            return Removal(state="absent", sessions_ended=0)
        return super().revoke(spec, receipt, deadline)


class GivesMore(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        with self._session(deadline) as session:
            session.write(statements.give_role("orders_fix", login_of(spec, self.settings)))
        return outcome

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with patch.object(logins, "_refuse_unmanaged", lambda *_, **__: None):
            return super().reveal(spec, receipt, deadline)


class LocksFirst(Mysql):
    """And waits for it: the holder has locked the server."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._session(deadline) as session, suppress(Permanent):
            session.write(statements.lock(login_of(spec, self.settings)))
            return super().revoke(spec, receipt, deadline)
        return Removal(state="absent")


class WaitsForOthers(Mysql):
    """Takes a lock on the data before anything else."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._session(deadline) as session:
            session.write("SELECT COUNT(*) FROM shop.customers LOCK IN SHARE MODE")
        return super().revoke(spec, receipt, deadline)


class LeavesTheMaker(Mysql):
    """Locked, but there: what it made runs with its rights."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        login = login_of(spec, self.settings)
        with self._session(deadline) as session:
            session.write(statements.kill_all(login.user))
            with suppress(ProviderError):
                session.write(statements.lock(login))
        return Removal(state="removed", sessions_ended=0)


class BelievesTheServersQuotes(Mysql):
    """Of what the server reads otherwise it pins nothing."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        user = login_of(spec, self.settings).user
        with patch("workers.providers.mysql.session.PINNED", "DO 0"), self._session(deadline) as session:
            session.read(f'SELECT 1 FROM countersign.accounts AS a WHERE a.user = "{user}"')
        return super().revoke(spec, receipt, deadline)


class LetsTheHalfWayIn(Mysql):
    """It ends what it sees, and lets the rights stand."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        login = login_of(spec, self.settings)
        with self._session(deadline) as session, suppress(ProviderError):
            session.write(statements.lock(login))
            session.write(statements.kill_all(login.user))
        return Removal(state="removed", sessions_ended=0)


class TidiesFirst(Mysql):
    """It would, and never gets to the end."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        raise Transient


class RefusesNothing(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(logins, "ungrantable", lambda *_, **__: None):
            return super().grant(spec, deadline)


class SeesNoHolders(Mysql):
    def list_holders(self, deadline: Deadline) -> list[Holder]:
        return []


class SeesNoChange(Mysql):
    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        return [replace(one, fingerprint="same") for one in super().role_rights(roles, deadline)]


class TakesAnyCertificate(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(connecting, "_proof", lambda _: ssl._create_unverified_context()):
            return super().grant(spec, deadline)


class AnswersInClear(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(connecting, "_METHODS", frozenset({b"mysql_native_password", b"mysql_clear_password"})):
            return super().grant(spec, deadline)


class PlansOnlyToDrop(Mysql):
    def plan(self, spec: GrantSpec) -> Plan:
        plan = super().plan(spec)
        return replace(plan, revoke=tuple(line for line in plan.revoke if "KILL" not in line))


class NamesByItsPassword(Mysql):
    @classmethod
    def target_key(cls, settings: MysqlSettings) -> str:
        return f"{settings.host}:{settings.port} by {settings.password.place}"


class LetsTheHolderPassItOn(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        given = statements.give_role("support_read", login_of(spec, self.settings))
        with self._session(deadline) as session:
            session.write(f"{given} WITH ADMIN OPTION")
        return outcome

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with patch.object(logins, "_refuse_unmanaged", lambda *_, **__: None):
            return super().reveal(spec, receipt, deadline)


class SaysNothingOfWhatWasGivenAway(Mysql):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with patch.object(ending, "given_away", lambda *_: ()):
            return super().revoke(spec, receipt, deadline)


class OpensWithWhatItHas(Mysql):
    """And finds out at the end that it may end no session, or sees none."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(refusals, "lacking", lambda *_, **__: ()):
            return super().grant(spec, deadline)

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with patch.object(logins, "lacking", lambda *_, **__: ()):
            return super().reveal(spec, receipt, deadline)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with suppress(Permanent):
            return super().revoke(spec, receipt, deadline)
        return Removal(state="removed", sessions_ended=0)


class GivesRolesThatMakeThings(Mysql):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(refusals, "makes", lambda *_: []):
            return super().grant(spec, deadline)


MUTANTS: Sequence[tuple[str, type[Mysql]]] = [
    ("C01", ForgetsToRevoke), ("C02", NamesAnew), ("C03", CannotRevokeTwice), ("C04", NeedsAReceipt),
    ("C05", TakesWhatItFindsForAStranger), ("C06", NeverInDoubt), ("C09", RevokesEverybody), ("C10", RevokesEverybody),
    ("C11", DropsAndTrusts), ("C12", KillsAndStops), ("C13", HasNoEndOfItsOwn), ("C14", RoundsDown),
    ("C15", ExtendsOnPaper), ("C15", ExtendsByGranting), ("C16", SeesWhatItWants), ("C17", SeesNothingBeyond),
    ("C18", BelievesNames), ("C19", GrantsBeforeItLooks), ("C20", PastesNames), ("C23", AlwaysTheSameSecret),
    ("C23", TellsTheServerThePassword), ("C23", ShowsItsPassword), ("C24", PlansByChance), ("C25", GivesUp),
    ("C21", wrong(TakesARefusalForAMoment, Mysql)), ("C21", wrong(SaysNothingIsMissing, Mysql)),
    ("C21", OpensWithWhatItHas), ("C29", LetsTheHolderPassItOn), ("C29", SaysNothingOfWhatWasGivenAway),
    ("C30", wrong(SeesLate, Mysql)), ("C37", GivesRolesThatMakeThings),
    ("C27", EndsByItsReceiptAlone), ("C28", GivesMore), ("C31", LocksFirst), ("C32", WaitsForOthers),
    ("C33", LeavesTheMaker), ("C34", BelievesTheServersQuotes), ("C35", LetsTheHalfWayIn), ("C36", TidiesFirst),
    ("C37", RefusesNothing), ("C38", SeesNoHolders), ("C38", SeesNoChange), ("C39", TakesAnyCertificate),
    ("C39", AnswersInClear), ("C40", PlansOnlyToDrop), ("C41", NamesByItsPassword),
]  # fmt: skip


def _promises() -> dict[str, list[Callable[..., None]]]:
    promises = dict[str, list[Callable[..., None]]]()
    for name, test in inspect.getmembers(MysqlContract(), inspect.ismethod):
        if number := re.match(r"test_(c\d\d)_", name):
            promises.setdefault(number[1].upper(), []).append(test)
    return promises


@contextmanager
def tidied(world: MysqlWorld) -> Iterator[None]:
    """What wrong providers leave behind would meet the other tests."""
    try:
        yield
    finally:
        with world.owner.cursor() as cursor:
            cursor.execute("SELECT User, Host FROM mysql.global_priv WHERE User LIKE 'cs\\_%'")
            for user, host in cursor.fetchall():
                run(world.owner, f"KILL HARD USER '{user}'; DROP USER '{user}'@'{host}'")
            cursor.execute("SELECT name FROM mysql.event WHERE db = 'countersign'")
            for (name,) in cursor.fetchall():
                run(world.owner, f"DROP EVENT countersign.{name}")


@pytest.fixture
def world(mariadb: MariaDb, tmp_path: Path) -> Iterator[MysqlWorld]:
    world = MysqlWorld(mariadb, tmp_path)
    with tidied(world):
        yield world
    world.close()


@pytest.mark.parametrize(("promise", "mutant"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_provider_that_breaks_a_promise_fails_it(
    promise: str, mutant: type[Mysql], world: MysqlWorld, caplog: pytest.LogCaptureFixture
) -> None:
    failures = list[str]()
    with made_of(mutant, world) as make_provider:
        fixtures = {
            "provider": make_provider(),
            "make_provider": make_provider,
            "world": world,
            "make_spec": make_spec,
            "refused_specs": specs_to_refuse(),
            "hostile_specs": specs_with,
            "earlier_receipts": receipts_of_before,
            "targets": settings_by_target(),
            "caplog": caplog,
            "verb": "grant",
            "kind": "after",
            "first": 0,
        }
        for test in _promises()[promise]:
            wanted = [name for name in inspect.signature(test).parameters if name in fixtures]
            try:
                test(**{name: fixtures[name] for name in wanted})
            except (AssertionError, pytest.fail.Exception) as failure:
                failures.append(str(failure))
    assert failures, f"{mutant.__name__} keeps {promise}"
    assert all(failure.startswith(promise) for failure in failures), failures
