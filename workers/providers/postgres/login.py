"""PostgreSQL, login mode: each grant is a temporary login of its own, named after the grant, dropped at the end.

What it needs of the server, and why: docs/adr/0003-postgres-login-mode.md.
"""

import json
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr

from access.errors import BadConfig, Permanent, TargetConflict, TargetNotFound
from access.ports import (
    Cleanup,
    Deadline,
    Ended,
    GrantSpec,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
)
from workers.providers.postgres import cleanup, ending_statements, statements
from workers.providers.postgres.catalogue import Login, look, marked_grant
from workers.providers.postgres.ending import Ending, find
from workers.providers.postgres.environment import LABELS, environment
from workers.providers.postgres.errors import DUPLICATE, DUPLICATE_AT_ONCE
from workers.providers.postgres.managed import ATTRIBUTES, DIRECT, list_managed
from workers.providers.postgres.ownership import Ownership, began_at
from workers.providers.postgres.refusals import Cleared, refuse_overprivileged_bot, refuse_ungrantable

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.postgres.session import Connections

_SOON = timedelta(seconds=1)
NOT_OPEN = "This access is no longer open on the database server."


class Logins:
    """The verbs of this mode; the words are those of `access.ports.Provider`."""

    def __init__(self, connections: "Connections") -> None:
        self._connections = connections
        self._cleared = Cleared()

    def plan(self, spec: GrantSpec, roles: Sequence[str]) -> Plan:
        from workers.providers.postgres.session import render, to_paste  # noqa: PLC0415  (the driver)

        login = login_name(spec)
        made = statements.create(login, roles, until_second(spec.expires_at), _marker(spec))
        return Plan(
            grant=render(made[:-1]),  # the last one only asks for the number
            revoke=to_paste(ending_statements.by_hand(login, roles)),
            where=self._connections.place(),
        )

    def rights(self, spec: GrantSpec, roles: Sequence[str]) -> Rights:
        return Rights(place=login_name(spec), roles=frozenset(roles))

    def grant(self, spec: GrantSpec, roles: Sequence[str], deadline: Deadline) -> Outcome:
        login = login_name(spec)
        until = until_second(spec.expires_at)
        wanted = (login, roles, until, _marker(spec))
        with self._connections.session_that_opens(deadline) as session:
            session.refuse_old()
            refuse_ungrantable(session, roles, self._cleared)
            try:
                ((oid, began),) = session.write(*statements.create(*wanted))
            except TargetConflict as conflict:
                if conflict.code not in (DUPLICATE, DUPLICATE_AT_ONCE):
                    raise
                _refuse_unmanaged(look(session, login), spec)
                ((oid, began),) = session.write(*statements.mend(*wanted))
        return Outcome(state="active", receipt=_receipt(login, oid, until, began))

    def observe(
        self, spec: GrantSpec, roles: Sequence[str], receipt: Receipt | None, deadline: Deadline
    ) -> Observation:
        """`present` is whether access is left: a login that is locked, belongs to nothing and has no session is not."""
        name = login_name(spec)
        with self._connections.own_session(deadline) as session:
            login = find(session, name, _oid(receipt))
            if login is None:
                ((ghosts, _),) = session.read(ending_statements.sessions_of_no_role(_oid(receipt)))
                return Observation(present=ghosts > 0, sessions=ghosts, only_sessions=True)
            seen = look(session, login.name)
            if seen is None:  # dropped between the two
                return Observation(present=False, sessions=0)
        expected = set(roles)
        return Observation(
            present=login.gives_access or login.sessions > 0,
            sessions=login.sessions,
            only_sessions=not login.gives_access,
            expires_at=None if seen.expires is None else datetime.fromtimestamp(seen.expires, UTC),
            extra_privileges=_all_of(seen.memberships, seen.has_powers, seen.has_direct_rights) - expected,
            details={
                "role": login.name,
                "can_log_in": login.can_log_in,
                "missing": sorted(expected - set(seen.memberships)),
            },
        )

    def revoke(self, spec: GrantSpec, roles: Sequence[str], receipt: Receipt | None, deadline: Deadline) -> Removal:
        """Whatever bears the name of the grant is ended, also where somebody has changed it on the server."""
        with self._connections.own_session(deadline) as session:
            gained = Ownership(self._connections, session, roles, began_at(receipt), deadline)
            try:
                removal = Ending(self._connections, session, deadline, login_name(spec), _oid(receipt)).end()
            finally:  # no step stops another
                said = gained.close()
            if gained.waiting:
                residual = (*removal.residual, *gained.waiting)
                return replace(removal, state="pending", residual=residual, look_again=removal.look_again or _SOON)
            return replace(removal, leftover=(*removal.leftover, *said, *gained.left, *gained.unreached))

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        gone = [
            cleanup.Login(
                one.spec.grant_id, login_name(one.spec), _oid(one.receipt), _roles(one.spec), began_at(one.receipt)
            )
            for one in ended
        ]
        with self._connections.own_session(deadline) as session:
            return cleanup.clean_up(self._connections, session, gone, deadline)

    def reveal(self, spec: GrantSpec, deadline: Deadline) -> Secret:
        from workers.providers.postgres.session import connection_string  # noqa: PLC0415  (the driver)

        login = login_name(spec)
        password = secrets.token_urlsafe(24)
        with self._connections.session_that_opens(deadline) as session:
            refuse_overprivileged_bot(session)
            found = look(session, login)
            if found is None or not found.can_log_in:
                raise TargetNotFound(NOT_OPEN)
            _refuse_unmanaged(found, spec)
            session.write(statements.set_password(login, session.hashed(login, password)))
            address = session.address(login, made=True)
        command = shlex.join(["psql", connection_string(address)])
        shown = {label: address[keyword] for keyword, label in LABELS.items()}
        return Secret(
            fields=_labelled(shown | {"Password": password, "psql": command}),
            environment=environment(address, password=True),
        )

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        """Moves the end alone: a login that was locked meanwhile stays locked."""
        login, until = login_name(spec), until_second(spec.expires_at)
        with self._connections.session_that_opens(deadline) as session:
            found = look(session, login)
            if found is None or not found.can_log_in:
                raise TargetNotFound(NOT_OPEN)
            _refuse_unmanaged(found, spec)
            session.write(*statements.expire(login, until, _marker(spec)))
        return Outcome(state="active", receipt=_receipt(login, found.oid, until, began_at(receipt)))

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return list_managed(self._connections, deadline)


def login_name(spec: GrantSpec) -> str:
    """`cs_` and the grant id: short enough for PostgreSQL, which cuts longer names without a word."""
    if not re.fullmatch(r"[0-9a-z]{26}", spec.grant_id):
        raise BadConfig("The id of the grant is not 26 lower-case letters and digits, so it cannot name a login.")
    return f"cs_{spec.grant_id}"


def until_second(moment: datetime) -> datetime:
    """Rounded up to PostgreSQL's grain for us: never before the end of the grant."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _all_of(roles: Sequence[str], has_powers: bool, has_direct_rights: bool) -> frozenset[str]:
    """All that a login has, in words for people where it is no role."""
    return frozenset([*roles, *[ATTRIBUTES] * has_powers, *[DIRECT] * has_direct_rights])


def _marker(spec: GrantSpec) -> str:
    expires = statements.timestamp(until_second(spec.expires_at))
    return json.dumps({"countersign": 1, "grant": spec.grant_id, "exp": expires})


def _refuse_unmanaged(login: Login | None, spec: GrantSpec) -> None:
    """Raises Permanent for a login of that name that is not this grant's, or that somebody has made mightier."""
    if login is None:
        raise TargetConflict
    if marked_grant(login.marker) != spec.grant_id:
        raise Permanent(f"The database server has a login {login_name(spec)} that Countersign did not make.")
    if login.has_powers:
        raise Permanent(f"The login {login_name(spec)} was given more rights than it was made with; end this access.")


def _roles(spec: GrantSpec) -> list[str]:
    """By the grant's own words; where they can't be read the keeper does without."""
    roles = spec.definition.get("grants", [])
    return [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []


def _receipt(login: str, oid: int, until: datetime, began: int | None) -> Receipt:
    details = {"oid": oid} if began is None else {"oid": oid, "began": began}
    return Receipt(names={"role": login}, native_expiry=until, details=details)


def _oid(receipt: Receipt | None) -> int | None:
    oid = receipt.details.get("oid") if receipt else None
    return oid if isinstance(oid, int) else None


def _labelled(shown: dict[str, str]) -> tuple[tuple[str, SecretStr], ...]:
    return tuple((label, SecretStr(value)) for label, value in shown.items())
