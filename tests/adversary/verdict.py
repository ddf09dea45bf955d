"""What the adversary can still do, asked as herself; what the catalogue and the log say of it, asked as a superuser."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg.pq import TransactionStatus

from access.models import Grant, GrantStatus
from access.ports import Deadline
from countersign.demo.target import BOT
from tests.adversary.attack import OWN_PASSWORD, Attack
from tests.adversary.shop import Shop
from tests.cast import LEA

_SPRUNG = re.compile(r"sprung in a session of (\S+) as (\S+)")
_TRUSTED = {BOT, "postgres"}


@dataclass(frozen=True)
class Standing:
    """Who may log in and who belongs to what, before the end."""

    logins: frozenset[str]
    memberships: frozenset[tuple[str, str]]


def standing(shop: Shop) -> Standing:
    logins = shop.superuser.execute("SELECT rolname::text FROM pg_roles WHERE rolcanlogin").fetchall()
    memberships = shop.superuser.execute(
        "SELECT g.rolname::text, m.rolname::text FROM pg_auth_members a "
        "JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
    ).fetchall()
    return Standing(frozenset(name for (name,) in logins), frozenset((role, who) for role, who in memberships))


def rights_left(attack: Attack) -> list[str]:
    """Rights of the grant that open sessions, passwords and others' names still give."""
    found = list[str]()
    for number, session in enumerate(attack.sessions):
        found += [f"session {number} goes on: {use}" for use in attack.power.uses if _works(session, use)]
    for password, database in ((attack.password, "shop"), (OWN_PASSWORD, "shop"), (attack.password, "square")):
        found += _by_a_new_session(attack, password, database)
    return found


def all_that_is_left(attack: Attack, before: Standing) -> list[str]:
    """Rights, sessions, ways in, cursors, what was planted: everything must be over."""
    found = rights_left(attack)
    if not attack.own_login:
        living = [number for number, session in enumerate(attack.sessions) if _works(session, "SELECT 1")]
        found += [f"session {number} lives on" for number in living]
    for question, trial in attack.trials.items():
        with suppress(psycopg.Error):
            if trial():
                found.append(question)
    return [*found, *_in_the_catalogue(attack, before)]


def traps_sprung(shop: Shop, log_size: int) -> list[str]:
    """Planted code that ran in a session, or with the rights, of those who must never run it."""
    who = set(_SPRUNG.findall(shop.log_since(log_size)))
    return [
        f"planted code ran in a session of {session} as {current}"
        for session, current in sorted(who)
        if {session, current} & _TRUSTED
    ]


def visit(attack: Attack) -> list[str]:
    """What comes later: the bot looks and checks; Lea gets the same role, and uses whatever was left lying about."""
    provider = attack.house.provider_of(attack.grant)
    with suppress(Exception):  # judged by what it has run, not by what it says
        provider.check({}, Deadline.after(20))
    attack.house.work()  # drift is compared, what is left is tidied up, everybody is told
    house, grant = attack.house, attack.house.ask_for(LEA, attack.power)
    if grant.status != GrantStatus.ACTIVE:
        return [f"another's access does not open any more: {grant.status} {grant.problem}"]
    login, password = "lea", None
    if not attack.own_login:
        shown = {label: value.get_secret_value() for label, value in house.reveal(grant).fields}
        login, password = shown["Login"], shown["Password"]
    dsn = attack.shop.dsn(login, **({"password": password} if password else {}), options="-c statement_timeout=5s")
    with psycopg.connect(dsn, autocommit=True) as lea:
        for statement in _everything_left(attack.shop):
            with suppress(psycopg.Error):
                lea.execute(statement.encode())
    house.first_call(grant)
    house.check_again(grant)
    return []


def is_told(grant: Grant) -> bool:
    return bool(grant.problem or grant.residual)


def _everything_left(shop: Shop) -> list[str]:
    """A statement that uses each thing in the workshop."""
    relations = shop.superuser.execute(
        "SELECT format('SELECT * FROM %I.%I', n.nspname, c.relname), format('INSERT INTO %I.%I DEFAULT VALUES', "
        "n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'workshop' AND c.relkind IN ('r', 'v', 'm') LIMIT 20"
    ).fetchall()
    functions = shop.superuser.execute(
        "SELECT format('SELECT %I.%I()', n.nspname, p.proname) FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'workshop' AND p.pronargs = 0"
    ).fetchall()
    return [statement for row in (*relations, *functions) for statement in row]


def _works(session: psycopg.Connection, statement: str) -> bool:
    """In the middle of whatever the session is; one that has failed begins anew."""
    with suppress(psycopg.Error):
        if session.info.transaction_status == TransactionStatus.INERROR:
            session.execute("ROLLBACK")
        session.execute(statement.encode())
        return True
    return False


def _by_a_new_session(attack: Attack, password: str, database: str) -> Iterator[str]:
    try:
        session = attack.connect(password, database)
    except psycopg.Error:
        return
    with session:
        if not attack.own_login:
            yield f"a password opens a new session in {database}"
        powers = [*attack.power.uses, *(f'SET ROLE "{role}"' for role in (*attack.power.roles, BOT))]
        mighty = [f"GRANT {role} TO mallory" for role in attack.power.roles] + ["CREATE ROLE mine LOGIN"]
        for statement in (*powers, *mighty) if database == "shop" else ():
            if _works(session, statement) and not _only_warned(attack, statement):
                yield f"a new session can: {statement}"


def _only_warned(attack: Attack, statement: str) -> bool:
    """A GRANT without the right to it is an error today, and was a warning for some objects."""
    return statement.startswith("GRANT") and not _member(attack.shop, statement.split()[1], "mallory")


def _member(shop: Shop, role: str, who: str) -> bool:
    return (role, who) in standing(shop).memberships


def _in_the_catalogue(attack: Attack, before: Standing) -> Iterator[str]:
    try:
        now = standing(attack.shop)
    except psycopg.errors.OutOfMemory:  # of one's own login no session is ended
        if not attack.own_login:
            yield "the lock table is full still"
        return
    for name in sorted(now.logins - before.logins):
        yield f"there is a new login {name}"
    for role, who in sorted(now.memberships - before.memberships):
        if who in now.logins and who != BOT:
            yield f"{who} belongs to {role}"
    if not attack.own_login and attack.login in now.logins:
        yield "the temporary login may log in"
    for role in attack.power.roles:
        if (role, attack.login) in now.memberships and attack.grant.status != "active":
            yield f"the login belongs to {role}"
    yield from _usable_by_the_bot(attack.shop)


def _usable_by_the_bot(shop: Shop) -> Iterator[str]:
    """It gives and takes; it never has."""
    if shop.version < 16:
        return
    usable = shop.superuser.execute(
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole "
        "AND (inherit_option OR set_option) AND roleid::regrole::text NOT LIKE 'pg\\_%%'",
        [BOT],
    ).fetchall()
    for (role,) in usable:
        yield f"the bot is left with the powers of {role}"
