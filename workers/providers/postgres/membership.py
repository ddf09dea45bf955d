"""PostgreSQL, membership mode: a person's own login becomes a member of roles, and nothing else of it is touched.

What is kept apart by the server, and from which version on: docs/adr/0012-postgres-membership-mode.md.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from access.errors import NotGrantable, PrincipalNotFound, Transient
from access.ports import (
    Deadline,
    GrantSpec,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
)
from workers.providers.postgres import ending_statements
from workers.providers.postgres import membership_statements as statements
from workers.providers.postgres.environment import environment
from workers.providers.postgres.errors import NO_LOCKS
from workers.providers.postgres.membership_ending import MembershipEnding
from workers.providers.postgres.ownership import Ownership, began_at
from workers.providers.postgres.ownership_statements import began
from workers.providers.postgres.refusals import Cleared, refuse_overprivileged_bot, refuse_ungrantable
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session


@dataclass(frozen=True)
class Login:
    """A person's own login; the fields are the columns of `statements.login`."""

    oid: int
    name: str
    can_log_in: bool
    is_superuser: bool
    is_service_account: bool
    is_temporary: bool
    sessions: int


@dataclass(frozen=True)
class Membership:
    """One row of the catalogue; the fields are the columns of `statements.memberships`."""

    role: str
    ours: bool
    may_pass_on: bool
    may_become: bool

    @property
    def extra_privileges(self) -> frozenset[str]:
        found = {f"ADMIN on {self.role}"} if self.may_pass_on else set[str]()
        return frozenset(found | ({f"SET ROLE {self.role}"} if self.may_become else set()))


class Members:
    """The verbs of this mode; the words are those of `access.ports.Provider`."""

    def __init__(self, connections: "Connections", place: str) -> None:
        self._connections = connections
        self._cleared = Cleared()
        self._place = place

    def plan(self, spec: GrantSpec, roles: Sequence[str]) -> Plan:
        from workers.providers.postgres.session import render, to_paste  # noqa: PLC0415  (the driver)

        if not _is_name(spec.principal):
            raise _no_login(spec.principal)
        return Plan(
            grant=render(statements.add(spec.principal, sorted(roles), apart=True)),
            revoke=to_paste(statements.by_hand(spec.principal, sorted(roles))),
            where=self._connections.place(),
        )

    def rights(self, spec: GrantSpec, roles: Sequence[str]) -> Rights:
        return Rights(place=self._place, roles=frozenset(roles))

    def grant(self, spec: GrantSpec, roles: Sequence[str], deadline: Deadline) -> Outcome:
        added = sorted(set(roles) - spec.kept)
        with self._connections.session_that_opens(deadline) as session:
            login = _refuse_login(_login(session, spec.principal), spec.principal)
            refuse_ungrantable(session, roles, self._cleared)
            known = began(spec.principal, roles)
            rows = (
                session.write(*statements.add(spec.principal, added, apart=session.tells_grantors_apart), known)
                if added
                else session.read(known)
            )
            details = {"roles": added, "oid": login.oid, **({"began": rows[0][0]} if rows else {})}
        return Outcome(state="active", receipt=Receipt(names={"login": spec.principal}, details=details))

    def observe(
        self,
        spec: GrantSpec,
        roles: Sequence[str],
        receipt: Receipt | None,
        deadline: Deadline,
    ) -> Observation:
        """`standing` is what others gave where the server would not have ours beside it."""
        with self._connections.own_session(deadline) as session:
            found = _memberships(session, spec.principal, roles)
            apart = session.tells_grantors_apart
        ours = [one for one in found if one.ours]
        theirs = frozenset(one.role for one in found if not one.ours)
        return Observation(
            present=any(one.role not in spec.kept for one in ours),
            standing=frozenset() if apart else theirs,
            extra_privileges=frozenset().union(*(one.extra_privileges for one in ours)),
            details={"login": spec.principal, "ours": sorted({one.role for one in ours}), "others": sorted(theirs)},
        )

    def revoke(
        self,
        spec: GrantSpec,
        roles: Sequence[str],
        receipt: Receipt | None,
        deadline: Deadline,
    ) -> Removal:
        """Takes away what the bot gave, and nothing that another did; what hangs on it goes too."""
        with self._connections.own_session(deadline) as session:
            ours = self._what_is_ours(session, spec, roles, _oid(receipt), deadline)
            ending = MembershipEnding(
                self._connections, session, deadline, spec.principal, lambda: self._ours(session, spec, roles)
            )
            there = _is_name(spec.principal) and ending.end(ours, was_open=receipt is not None)
            gained = Ownership(self._connections, session, roles, began_at(receipt), deadline)
            said = gained.close()
            if unfinished := (*gained.waiting, *gained.unreached):  # nothing comes after an end here
                raise Transient(" ".join(unfinished))
            residual = (*self._residual(session, spec, roles, ending), *said, *gained.left)
        return Removal(state="removed" if there else "absent", residual=residual)

    def _what_is_ours(
        self, session: "Session", spec: GrantSpec, roles: Sequence[str], oid: int | None, deadline: Deadline
    ) -> list[str]:
        """Also where the table of locks is full: then the login's sessions, which are likely to fill it, are ended."""
        while True:
            try:
                return self._ours(session, spec, roles)
            except Transient as error:
                if error.code != NO_LOCKS or deadline.left() < 1:
                    raise
                self._connections.guard.make_room(oid)

    def reveal(self, spec: GrantSpec, deadline: Deadline) -> Secret:
        """Where to connect to with one's own login; there is no secret of ours in it."""
        from workers.providers.postgres.session import connection_string  # noqa: PLC0415  (the driver)

        with self._connections.session_that_opens(deadline) as session:
            refuse_overprivileged_bot(session)
            address = session.address(spec.principal)
        shown = {
            "Host": address["host"], "Port": address["port"], "Database": address["dbname"],
            "Login": spec.principal, "psql": shlex.join(["psql", connection_string(address)]),
        }  # fmt: skip
        return Secret(
            fields=tuple((label, SecretStr(value)) for label, value in shown.items()),
            environment=environment(address, password=False),
            note="Connect with your own login, and the password that you have for it. A session that is open already "
            "has the rights from its next statement on.",
            made=False,
        )

    def _ours(self, session: "Session", spec: GrantSpec, roles: Sequence[str]) -> list[str]:
        """What this grant has to take away."""
        found = _memberships(session, spec.principal, roles)
        return sorted({one.role for one in found if one.ours} - spec.kept)

    def _residual(
        self, session: "Session", spec: GrantSpec, roles: Sequence[str], ending: MembershipEnding
    ) -> tuple[str, ...]:
        login = _login(session, spec.principal)
        if login is None:
            return ()
        left = [
            f"{login.name} is a member of {one.role} by another's grant, not by Countersign; that stays."
            for one in _memberships(session, spec.principal, roles)
            if not one.ours and one.role not in spec.kept
        ]
        if ending.refused:
            left.append(
                f"The bot may not end sessions, so what {login.name} has under way goes on, and so does a session that "
                "has said SET ROLE before version 16. As a superuser: GRANT pg_signal_backend TO the bot's account."
            )
        elif ending.ended:
            number = len(ending.ended)
            left.append(
                f"{number} {'session' if number == 1 else 'sessions'} of {login.name} ended, with what was under way."
            )
        if prepared := session.read(ending_statements.prepared(login.name)):
            undo = ", ".join(f"in the database {at}: {typed(ending_statements.undo(gid))}" for gid, at in prepared[:5])
            left.append(
                f"{login.name} has prepared transactions: {len(prepared)}. What one of them changed becomes true when "
                f"it is committed, also after this end. To take it back, as a superuser, {undo}"
            )
        if login.sessions:
            left.append(
                f"Open sessions of {login.name}: {login.sessions}. They are the person's own and go on, without these "
                "rights from the next statement on."
            )
        return tuple(left)


def _is_name(name: str) -> bool:
    """A login can have it; what cannot be said to a server is nobody's."""
    return bool(name) and name.isprintable() and len(name.encode()) <= 63


def _login(session: "Session", name: str) -> Login | None:
    rows = session.read(statements.login(name)) if _is_name(name) else []
    return Login(*rows[0]) if rows else None


def _memberships(session: "Session", name: str, roles: Sequence[str]) -> list[Membership]:
    rows = session.read(statements.memberships(name, roles)) if _is_name(name) else []
    return [Membership(*row) for row in rows]


def _no_login(name: str) -> PrincipalNotFound:
    return PrincipalNotFound(
        f"The database server has no login {name}. The policy says what it calls a person: names: {{postgres: …}}."
    )


def _oid(receipt: Receipt | None) -> int | None:
    oid = receipt.details.get("oid") if receipt else None
    return oid if isinstance(oid, int) else None


def _refuse_login(login: Login | None, name: str) -> Login:
    if login is None or not login.can_log_in or login.is_temporary:
        raise _no_login(name)
    if login.is_service_account:
        raise NotGrantable("The bot never grants anything to itself.")
    if login.is_superuser:
        raise NotGrantable(f"The login {name} is a superuser: it has everything already, and could keep what it gets.")
    return login
