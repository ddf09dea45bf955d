"""The verbs on a MariaDB server: each grant is a temporary login of its own, named after the grant.

What it needs of the server, and why: docs/adr/0039-mariadb.md.
"""

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from access.errors import BadConfig, Permanent, TargetNotFound
from access.ports import GrantSpec, Observation, Outcome, Plan, Receipt
from workers.providers.mysql import catalogue, statements
from workers.providers.mysql.catalogue import Held
from workers.providers.mysql.refusals import lacking, overprivileged_bot, ungrantable
from workers.providers.mysql.rights import Right
from workers.providers.mysql.settings import MARK, MysqlSettings, Role
from workers.providers.mysql.statements import Account, Statement

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

NOT_OPEN = "This access is no longer open on the database server."


def login_of(spec: GrantSpec, settings: MysqlSettings) -> Account:
    """`cs_` and the grant id. Raises BadConfig."""
    if not re.fullmatch(r"[0-9a-z]{26}", spec.grant_id):
        raise BadConfig("The id of the grant is not 26 lower-case letters and digits, so it cannot name a login.")
    return Account(f"cs_{spec.grant_id}", settings.logins_from)


def until_second(moment: datetime) -> datetime:
    """Rounded up to the grain of an event: never before the end of the grant."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def hashed(password: str) -> str:
    """As mysql_native_password keeps it: the server itself never hears the password, and its logs neither."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324  (the server's own)


def given(role: Role, login: Account) -> Iterator[Statement | str]:
    if role.server_role is not None:
        yield statements.give_role(role.server_role, login)
    places = defaultdict[str, list[Right]](list)
    for right in sorted(role.direct, key=str):
        places[right.place].append(right)
    for rights in places.values():
        yield statements.give(rights, login)


def plan(spec: GrantSpec, settings: MysqlSettings, role: Role) -> Plan:
    login = login_of(spec, settings)
    made = [statements.create(login, "(a hash)")]
    ends = [statements.expire(login, until_second(spec.expires_at))] if settings.events else []
    # The holder may have locked all tables, which only the end of the session undoes: so that comes first.
    ends_sessions = statements.kill_all(login.user)
    by_hand = (
        "SET SESSION lock_wait_timeout = 5", ends_sessions, statements.lock(login), statements.take_all(login),
        ends_sessions, statements.drop_if_there(login), ends_sessions, statements.forget(login),
    )  # fmt: skip
    return Plan(
        grant=tuple(map(str, (*made, *ends, statements.mark(login), *given(role, login)))),
        revoke=tuple(f"{one};" for one in by_hand),
        where=f"the database server at {settings.host}:{settings.port}",
    )


def grant(session: "Session", spec: GrantSpec, settings: MysqlSettings, role: Role) -> Outcome:
    session.refuse_strange()
    login, bot = login_of(spec, settings), catalogue.bot(session)
    grants = catalogue.read(session, [login.user, bot.user, ""])
    if objection := ungrantable(grants, bot, role, events=settings.events):
        raise objection.error
    _refuse_unknown(session, role)
    held = grants[login]
    if held.is_there:
        _refuse_unmanaged(held, role, half_made=True)
    # Each changes nothing where it was done before: so it matters not where the try before this one was cut off.
    session.write(statements.create(login, hashed(secrets.token_urlsafe(24))))
    until = _expire(session, login, spec, settings)
    for statement in (statements.mark(login), *given(role, login)):
        session.write(statement)
    return Outcome(state="active", receipt=_receipt(login, until))


def extend(session: "Session", spec: GrantSpec, settings: MysqlSettings, role: Role) -> Outcome:
    """Moves the end alone: a login that was locked meanwhile stays locked."""
    login = login_of(spec, settings)
    _must_be_open(catalogue.read(session, [login.user])[login], role)
    return Outcome(state="active", receipt=_receipt(login, _expire(session, login, spec, settings)))


def let_in(session: "Session", spec: GrantSpec, settings: MysqlSettings, role: Role, password: str) -> None:
    """Sets the password and unlocks the login, in one statement."""
    session.refuse_strange()
    login, bot = login_of(spec, settings), catalogue.bot(session)
    grants = catalogue.read(session, [login.user, bot.user])
    if objection := overprivileged_bot(grants, bot):
        raise objection.error
    for _, objection in lacking(grants, bot, events=False):
        raise objection.error
    _must_be_open(grants[login], role)
    session.write(statements.let_in(login, hashed(password)))


def observe(session: "Session", login: Account, settings: MysqlSettings, role: Role | None) -> Observation:
    """`present` is whether access is left: a login that is locked, has no rights and no session is not.

    One that bears our mark is of this grant from whatever host: the settings may have changed since it was made.
    Without a role that this version can read, what the login has is not compared with it.
    """
    found = catalogue.read(session, [login.user])
    held = next((held for held in found.named(login.user) if held.is_marked), found[login])
    there = catalogue.sessions(session, login.user)
    ends = catalogue.own_end(session, login) if settings.events and held.is_there else None
    words = held.words if role is None else role.words
    return Observation(
        present=gives_access(held) or bool(there),
        sessions=len(there),
        only_sessions=not gives_access(held),
        expires_at=None if ends is None else datetime.strptime(ends, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC),
        extra_privileges=held.words - words,
        details={"login": login.user, "locked": held.locked, "missing": sorted(words - held.words)},
    )


def gives_access(held: Held) -> bool:
    return held.is_there and (not held.locked or bool(held.words))


def _expire(session: "Session", login: Account, spec: GrantSpec, settings: MysqlSettings) -> datetime | None:
    """When the server itself ends it; None where its scheduler does not run, and so cannot be relied on."""
    if not settings.events or str(session.read(statements.SCHEDULER)[0][0]).upper() not in ("ON", "1"):
        return None
    until = until_second(spec.expires_at)
    session.write(statements.expire(login, until))
    return until


def _must_be_open(held: Held, role: Role) -> None:
    if not held.is_there or not held.is_marked or not held.words:
        raise TargetNotFound(NOT_OPEN)
    _refuse_unmanaged(held, role, half_made=False)


def _refuse_unmanaged(held: Held, role: Role, *, half_made: bool) -> None:
    """Raises Permanent for a login of that name that is not this grant's, or that was given more since."""
    shell = half_made and held.locked and held.is_empty  # cut off before it was marked, and good for nothing
    if not held.is_marked and not shell:
        raise Permanent(f"The database server has a login {held.account.user} that Countersign did not make.")
    if extra_privileges := held.words - role.words:
        more = sorted(extra_privileges)[0]
        raise Permanent(f"The login {held.account.user} was given more than it was made with, {more}; end this access.")


def _refuse_unknown(session: "Session", role: Role) -> None:
    """Raises TargetNotFound: a right may be given on a table that is not there, and would wait for it."""
    for right in sorted(role.direct, key=str):
        if not session.read(_there(right)):
            raise TargetNotFound(f"The database server has no {_named(right)}.")


def _there(right: Right) -> Statement:
    if right.column is not None:
        return Statement(
            "SELECT 1 FROM information_schema.COLUMNS AS c WHERE c.TABLE_SCHEMA = {database} "
            "AND c.TABLE_NAME = {table} AND c.COLUMN_NAME = {column}",
            {"database": right.database, "table": right.table or "", "column": right.column},
        )
    if right.table is not None:
        return Statement(
            "SELECT 1 FROM information_schema.TABLES AS t WHERE t.TABLE_SCHEMA = {database} AND t.TABLE_NAME = {table}",
            {"database": right.database, "table": right.table},
        )
    return Statement(
        "SELECT 1 FROM information_schema.SCHEMATA AS s WHERE s.SCHEMA_NAME = {database}", {"database": right.database}
    )


def _named(right: Right) -> str:
    if right.column is not None:
        return f"column {right.column} in {right.place}"
    return f"table {right.place}" if right.table is not None else f"database {right.database}"


def _receipt(login: Account, until: datetime | None) -> Receipt:
    return Receipt(names={"login": login.user}, native_expiry=until, details={"host": login.host})


__all__ = ["MARK", "extend", "gives_access", "grant", "let_in", "login_of", "observe", "plan"]
