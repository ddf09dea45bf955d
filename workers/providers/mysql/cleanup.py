"""What the provider mysql does after the end: sessions that show late, and what a holder left behind.

What a login made belongs to no one on MariaDB; it only names its maker as the one with whose rights it runs. That
login is gone and its name never comes again, so none of it runs. Events are dropped, for they are tried for ever.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from access.errors import ProviderError
from access.ports import Cleanup
from workers.providers.mysql import catalogue, statements
from workers.providers.mysql.left_behind import given_away
from workers.providers.mysql.logins import gives_access
from workers.providers.mysql.statements import Account, Name, Statement, quoted

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_MADE = """
SELECT 'event', e.db, e.name, e.definer FROM mysql.event AS e WHERE e.definer IN ({definers})
UNION ALL SELECT LOWER(p.type), p.db, p.name, p.definer FROM mysql.proc AS p WHERE p.definer IN ({definers})
UNION ALL SELECT 'view', v.TABLE_SCHEMA, v.TABLE_NAME, v.DEFINER FROM information_schema.VIEWS AS v
    WHERE v.DEFINER IN ({definers})
UNION ALL SELECT 'trigger', t.TRIGGER_SCHEMA, t.TRIGGER_NAME, t.DEFINER FROM information_schema.TRIGGERS AS t
    WHERE t.DEFINER IN ({definers})
LIMIT 1000
"""
_SHOWN = 5


def clean_up(session: "Session", gone: Mapping[str, Account]) -> Mapping[str, Cleanup]:
    """`gone`: the logins of grants that have ended, by grant."""
    if not gone:
        return {}
    made = _made_by(session, list(gone.values()))
    grants = catalogue.read(session, [login.user for login in gone.values()])
    found = dict[str, Cleanup]()
    for grant, login in gone.items():
        left, late = list[str](), _end_late(session, login)
        if grants[login].is_there:
            left += _drop(session, login, opened=gives_access(grants[login]))
        dropped, kept = _tidy(session, made[f"{login.user}@{login.host}"])
        left += [*dropped, *(given := given_away(grants, login.user))]
        if left or kept or late:
            found[grant] = Cleanup(left=tuple(left), kept=tuple(kept), sessions_ended=late, urgent=bool(given))
    return found


def _made_by(session: "Session", logins: list[Account]) -> dict[str, list[tuple[str, str, str]]]:
    made = defaultdict[str, list[tuple[str, str, str]]](list)
    definers = ", ".join(quoted(f"{login.user}@{login.host}") for login in logins)
    for kind, database, name, definer in session.read(_MADE.format(definers=definers)):
        made[str(definer)].append((str(kind), str(database), str(name)))
    return made


def _end_late(session: "Session", login: Account) -> int:
    late = catalogue.sessions(session, login.user)
    if late:
        session.write(statements.kill_all(login.user))
    return len(late)


def _drop(session: "Session", login: Account, *, opened: bool) -> list[str]:
    if opened:
        # Opened again by another's hand: that is for drift to find and for an end to close.
        return [f"The login {login.user} was opened again on the server."]
    try:
        session.write(statements.drop(login))
    except ProviderError as error:
        by_hand = f"As an administrator: {statements.drop(login)};"
        return [f"The locked login {login.user} could not be dropped: {error.sentence} {by_hand}"]
    return []


def _tidy(session: "Session", made: list[tuple[str, str, str]]) -> tuple[list[str], list[str]]:
    """What is left, and what is kept."""
    left, kept = list[str](), list[str]()
    for kind, database, name in made:
        if kind != "event":
            kept.append(f"{kind} {database}.{name}")
            continue
        drop = Statement("DROP EVENT IF EXISTS {database}.{name}", {"database": Name(database), "name": Name(name)})
        try:
            session.write(drop)
        except ProviderError as error:
            left.append(
                f"The event {database}.{name} was made through this access. It runs with no rights, since its maker is "
                f"gone, and it could not be dropped: {error.sentence} As an administrator: {drop};"
            )
    if not kept:
        return left, []
    more = f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    return left, [
        f"Made through this access and kept; it runs with no rights of its maker, who is gone: "
        f"{', '.join(kept[:_SHOWN])}{more}."
    ]
