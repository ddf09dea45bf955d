"""Each promise of the contract suite is failed by a provider that breaks it."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString
from unittest.mock import patch

import psycopg
import pytest
from psycopg import sql
from pydantic import BaseModel

from access.errors import ProviderError, Transient
from access.ids import GrantId
from access.ports import (
    Deadline,
    Finding,
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
from tests.contracts.hostile_mutants import HOSTILE_MUTANTS
from tests.contracts.mutants import assert_is_caught, promises, with_each_way
from tests.contracts.naming_mutants import NAMING_MUTANTS
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.secrecy_mutants import SECRECY_MUTANTS
from tests.contracts.shop import make_spec, provider_factory
from tests.contracts.test_postgres import (
    PostgresContract,
    receipts_of_before,
    settings_by_target,
    specs_to_refuse,
    specs_with,
)
from workers.providers.postgres import Postgres, ending_statements, login, managed_statements, statements
from workers.providers.postgres.catalogue import look
from workers.providers.postgres.login import login_name


class GrantsInHalves(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        made = statements.create(login_name(spec), ["support_read"], spec.expires_at, "")
        with self._connections.session(deadline) as session:
            session.write(made[0])
            session.write(*made[1:])
        return Outcome(state="active", receipt=Receipt(names={"role": login_name(spec)}))


class OnlyLocks(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._connections.session(deadline) as session:
            session.write(ending_statements.lock(login_name(spec)))
        return Removal(state="removed", sessions_ended=0)


class OnlyEndsSessions(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._connections.session(deadline) as session:
            login = look(session, login_name(spec))
            assert login is not None
            session.write(ending_statements.end_sessions(login.oid))
        return Removal(state="removed", sessions_ended=1)


class WritesBeforeItLooks(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        marker = json.dumps({"countersign": 1, "grant": spec.grant_id})
        with self._connections.session(deadline) as session:
            session.write(*statements.create(login_name(spec), [], spec.expires_at, marker))
        return super().grant(spec, deadline)


class PastesWordsIntoStatements(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        pasted: Any = f"SELECT 'granted to {spec.principal}'"
        with self._connections.session(deadline) as session:
            session.write(statements.Statement(pasted, {}))
        return outcome


class RefusesToLookForWhatItRefused(Postgres):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        self.role_of(spec)
        return super().observe(spec, receipt, deadline)


class AlwaysTheSameSecret(Postgres):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        return _revealed(self, spec, deadline, "correct horse battery staple", in_clear=False)


class LetsTheServerHash(Postgres):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        return _revealed(self, spec, deadline, secrets.token_urlsafe(24), in_clear=True)


class RevealsItsSecretAsAVariable(Postgres):
    """Where a label should stand, which is shown and compared in the open."""

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        secret = super().reveal(spec, receipt, deadline)
        return replace(secret, environment={"PGPASSWORD": dict(secret.fields)["Password"].get_secret_value()})


class ShowsItsDsn(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except ProviderError:
            raise Transient(f"cannot connect to {self._connections._dsn.read().get_secret_value()}") from None


class PlansWithItsDsn(Postgres):
    def plan(self, spec: GrantSpec) -> Plan:
        return replace(super().plan(spec), where=self._connections._dsn.read().get_secret_value())


class WritesReceiptsThatAreNoJson(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        return replace(outcome, receipt=outcome.receipt.model_copy(update={"details": {"roles": ("support_read",)}}))


class GrantsMore(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, definition={"grants": ["support_read", "orders_fix"]}), deadline)


def _revealed(provider: Postgres, spec: GrantSpec, deadline: Deadline, password: str, *, in_clear: bool) -> Secret:
    login = login_name(spec)
    secret = Postgres.reveal(provider, spec, None, deadline)
    with provider._connections.session(deadline) as session:
        session.write(statements.set_password(login, password if in_clear else session.hashed(login, password)))
    fields = tuple((label, type(value)(password) if label == "Password" else value) for label, value in secret.fields)
    return Secret(fields=fields)


class ListsByName(Postgres):
    def list_managed(self, deadline: Deadline) -> list[Managed]:
        with self._connections.session(deadline) as session:
            names = [name for _, name, *_ in session.read(managed_statements.LOGINS)]
        return [Managed(name=name, grant_id=GrantId(name.removeprefix("cs_"))) for name in names]


class ListsWhatItRemembers(Postgres):
    """Of this process, that is; after a restart there is nothing to find."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.made = [*vars(self).get("made", []), Managed(name=login_name(spec), grant_id=spec.grant_id)]
        return super().grant(spec, deadline)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return vars(self).get("made", [])


class TakesWhatStoodThere(Postgres):
    """With an account that can, which the bot's own never is."""

    takes: LiteralString = "REVOKE support_read FROM ann CASCADE"
    owner_dsn = ""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        with psycopg.connect(self.owner_dsn, autocommit=True) as owner:
            owner.execute(self.takes)
        return removal


class LowersWhatStoodThere(TakesWhatStoodThere):
    takes = "REVOKE ADMIN OPTION FOR support_read FROM ann CASCADE"


class GrantsTheMighty(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(login, "refuse_ungrantable", lambda *_: None):
            return super().grant(spec, deadline)


class SeesNoMight(Postgres):
    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        return [Finding(level="ok", subject="account", sentence="All is well.")]


class DoesMoreThanItClaims(Postgres):
    capabilities = replace(Postgres.capabilities, extend=False, modes={})


class SeesNoMoreThanBefore(Postgres):
    def role_rights(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[RoleRights]:
        return [replace(one, fingerprint="", allows=frozenset()) for one in super().role_rights(roles, deadline)]


class ListsNothingBeyond(Postgres):
    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return [replace(one, roles=frozenset()) for one in super().list_managed(deadline)]


class RoundsUpTwice(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, expires_at=spec.expires_at + timedelta(seconds=1)), deadline)


class OnlyLengthens(Postgres):
    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        if receipt is not None and receipt.native_expiry is not None and spec.expires_at < receipt.native_expiry:
            return Outcome(state="active", receipt=receipt)
        return super().extend(spec, receipt, deadline)


class ListsOnlyItsOwn(Postgres):
    def list_holders(self, deadline: Deadline) -> list[Holder]:
        return [one for one in super().list_holders(deadline) if one.ours]


class LetsTheHolderPassItOn(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        outcome = super().grant(spec, deadline)
        given = "GRANT {role} TO {login} WITH ADMIN OPTION"
        names: dict[str, statements.Value] = {
            "role": statements.Name("support_read"),
            "login": statements.Name(login_name(spec)),
        }
        with self._connections.session(deadline) as session:
            session.write(statements.Statement(given, names))
        return outcome


class OpensWhatItCannotEnd(Postgres):
    """Sessions stay where it may not signal them, and it says that there were none."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with self._connections.session(deadline) as session, suppress(ProviderError):
            session.write(ending_statements.lock(login_name(spec)))
        return Removal(state="removed", sessions_ended=0)


MUTANTS: list[tuple[str, type[Postgres]]] = [
    *with_each_way(Postgres),
    ("C05", GrantsInHalves),
    ("C07", TakesWhatStoodThere),
    ("C08", LowersWhatStoodThere),
    ("C11", OnlyLocks),
    ("C12", OnlyEndsSessions),
    ("C14", RoundsUpTwice),
    ("C15", OnlyLengthens),
    ("C17", ListsNothingBeyond),
    ("C18", ListsByName),
    ("C18", ListsWhatItRemembers),
    ("C19", WritesBeforeItLooks),
    ("C20", PastesWordsIntoStatements),
    ("C20", RefusesToLookForWhatItRefused),
    ("C21", OpensWhatItCannotEnd),
    ("C22", SeesNoMight),
    ("C26", DoesMoreThanItClaims),
    ("C23", AlwaysTheSameSecret),
    ("C23", LetsTheServerHash),
    ("C23", RevealsItsSecretAsAVariable),
    ("C23", ShowsItsDsn),
    ("C23", PlansWithItsDsn),
    ("C27", WritesReceiptsThatAreNoJson),
    ("C28", GrantsMore),
    ("C29", LetsTheHolderPassItOn),
    *HOSTILE_MUTANTS,
    ("C37", GrantsTheMighty),
    ("C38", SeesNoMoreThanBefore),
    ("C38", ListsOnlyItsOwn),
    *SECRECY_MUTANTS,
    *NAMING_MUTANTS,
]


@pytest.fixture(autouse=True)
def _cleaned_up(world: PostgresWorld) -> Iterator[None]:
    """What wrong providers leave behind would meet the other tests."""
    yield
    for (name,) in world.owner.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'cs\_%'").fetchall():
        world.owner.execute(sql.SQL("DROP OWNED BY {r}; DROP ROLE {r}").format(r=sql.Identifier(name)))


def test_every_promise_has_a_provider_that_breaks_it() -> None:
    assert {promise for promise, _ in MUTANTS} == set(promises(PostgresContract()))


@pytest.mark.parametrize(("promise", "mutant"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_provider_that_breaks_a_promise_fails_it(
    promise: str, mutant: type[Postgres], world: PostgresWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if issubclass(mutant, TakesWhatStoodThere):
        mutant.owner_dsn = world.owner_dsn
    with provider_factory(mutant, world.bot_dsn, tmp_path) as make_provider:
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
        }
        assert_is_caught(mutant.__name__, promise, PostgresContract(), fixtures)
