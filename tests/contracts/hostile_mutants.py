"""Providers that are wrong where an adversary inside the target looks: one for each of C31 to C36, and for C40.

They keep to the driver and to what every version of the provider has, so that they stay as wrong as they are.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import psycopg

from access.errors import ProviderError, Transient
from access.ports import Deadline, GrantSpec, Plan, Receipt, Removal
from workers.providers.postgres import Postgres
from workers.providers.postgres.login import login_name


def _bot(provider: Postgres, deadline: Deadline) -> psycopg.Connection:
    """A session of the bot's own that pins nothing and waits as long as it may."""
    dsn = provider._connections._dsn.read().get_secret_value()
    milliseconds = int(deadline.left() * 1000)
    return psycopg.connect(dsn, autocommit=True, options=f"-c statement_timeout={milliseconds}")


class LocksBeforeItTakes(Postgres):
    """The login's row first: its holder has a lock on it."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with _bot(self, deadline) as session:
            try:
                session.execute(f'ALTER ROLE "{login_name(spec)}" NOLOGIN'.encode())
            except psycopg.errors.QueryCanceled:
                raise Transient from None
            except psycopg.errors.UndefinedObject:
                pass
        return super().revoke(spec, receipt, deadline)


class WaitsForOthers(Postgres):
    """And takes, before anything else, a lock behind which others queue."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        in_vain = (psycopg.errors.UndefinedObject, psycopg.errors.QueryCanceled)
        with _bot(self, deadline) as session, suppress(*in_vain):
            _own(session, spec)
            session.execute(f'REASSIGN OWNED BY "{login_name(spec)}" TO CURRENT_USER'.encode())
            session.execute(f'DROP OWNED BY "{login_name(spec)}"'.encode())
        return super().revoke(spec, receipt, deadline)


class KeepsWhatTheyMade(Postgres):
    """As its own: code that runs as its owner then runs as the bot."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with _bot(self, deadline) as session, suppress(psycopg.errors.UndefinedObject):
            _own(session, spec)
            session.execute(f'REASSIGN OWNED BY "{login_name(spec)}" TO CURRENT_USER'.encode())
        return super().revoke(spec, receipt, deadline)


class BelievesNames(Postgres):
    """Whatever the database's owner has it search first."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with _bot(self, deadline) as session:
            session.execute("SELECT shobj_description(1::oid, 'pg_authid'::text)")
        return super().revoke(spec, receipt, deadline)


class EndsWhatItSees(Postgres):
    """The sessions that show themselves; rights and password stay, for no one is there who could use them."""

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        with _bot(self, deadline) as session:
            session.execute(f'ALTER ROLE "{login_name(spec)}" NOLOGIN'.encode())
            session.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [login_name(spec)]
            )
        return Removal(state="removed", sessions_ended=0)


class EndsWhenAllIsTidy(Postgres):
    """As long as something is left that the holder made, it is not over: it gets through one thing a call."""

    left: int | None = None

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        query = (
            "SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid "
            "WHERE d.deptype = 'o' AND r.rolname = %s"
        )
        with _bot(self, deadline) as session:
            owned = session.execute(query, [login_name(spec)]).fetchone()
        left = self.left = (owned[0] if owned else 0) if self.left is None else self.left - 1
        removal = super().revoke(spec, receipt, deadline)
        if left <= 0:
            return removal
        return replace(removal, state="pending", look_again=timedelta(seconds=1))


class PrintsTooLittle(Postgres):
    def plan(self, spec: GrantSpec) -> Plan:
        return replace(super().plan(spec), revoke=(f"ALTER ROLE {login_name(spec)} NOLOGIN",))


def _own(session: psycopg.Connection, spec: GrantSpec) -> None:
    try:
        session.execute(f'GRANT "{login_name(spec)}" TO CURRENT_USER WITH INHERIT TRUE, SET TRUE'.encode())
    except psycopg.errors.QueryCanceled:
        raise Transient from None
    except psycopg.errors.UndefinedObject:
        raise
    except psycopg.Error as error:
        raise ProviderError(str(error)) from None


HOSTILE_MUTANTS: list[tuple[str, type[Postgres]]] = [
    ("C31", LocksBeforeItTakes),
    ("C32", WaitsForOthers),
    ("C33", KeepsWhatTheyMade),
    ("C34", BelievesNames),
    ("C35", EndsWhatItSees),
    ("C36", EndsWhenAllIsTidy),
    ("C40", PrintsTooLittle),
]
