"""What outlives a login on a MariaDB: its identity that was lent, rights passed on, things made in a role's name.

Each login may lend its identity by `GRANT PROXY`, without any right; that can bring GRANT OPTION with it, also to
itself. And what is made with `CURRENT_ROLE` as its maker runs with the rights of the role, which is there when the
login is gone. Why, and what was measured: docs/adr/0047-what-a-mariadb-login-can-give-away.md.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workers.providers.mysql import catalogue, statements
from workers.providers.mysql.catalogue import Grants, Held
from workers.providers.mysql.rights import Right
from workers.providers.mysql.settings import MARK
from workers.providers.mysql.statements import Account, Name, quoted

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_MAKES = frozenset({"CREATE VIEW", "CREATE ROUTINE", "EVENT", "TRIGGER"})
_LENDS_NOTHING = frozenset({"mysql_native_password", "mysql_old_password", "ed25519", "unix_socket"})
"""Ways to log in that never take the identity of another account; of those that are not known here it is assumed."""
_SHOWN = 5
_WAYS_IN = "SELECT p.PLUGIN_NAME FROM information_schema.PLUGINS AS p WHERE p.PLUGIN_TYPE = 'AUTHENTICATION'"
_MADE_AS = """
SELECT 'event', e.db, e.name FROM mysql.event AS e WHERE e.definer IN ({makers})
UNION ALL SELECT LOWER(p.type), p.db, p.name FROM mysql.proc AS p WHERE p.definer IN ({makers})
LIMIT 100
"""
_VIEWS = "SELECT * FROM information_schema.VIEWS WHERE DEFINER IN ({makers})"
"""For an administrator: the server shows a view to who has a right on it."""


def makes(grants: Grants, held: Held) -> list[Right]:
    """By which rights an account, or who has a role, can make what runs with the rights of its maker."""
    return sorted((right for right in grants.allowed(held) if right.privilege in _MAKES), key=str)


def made_as(session: "Session", roles: Iterable[str]) -> tuple[str, ...]:
    """Sentences: what runs with the rights of these roles, whoever made it."""
    makers = [maker for role in roles if role != MARK for maker in (role, f"{role}@")]
    if not makers:
        return ()
    found = session.read(_MADE_AS.format(makers=", ".join(map(quoted, makers))))
    things = ", ".join(f"{kind} {database}.{name}" for kind, database, name in found[:_SHOWN]) or "none was found"
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    views = _VIEWS.format(makers=", ".join(map(quoted, makers)))
    return (
        "This access could make things in the name of its role, which still run with the rights of the role: "
        f"{things}{more}. Drop those that were made through it. Views are not shown to the bot. "
        f"As an administrator: {views};",
    )


def lent_sessions(session: "Session", held: Iterable[Held], bot: Held) -> list[int]:
    """Of the accounts that may be in there as one of these; none where no way in of the server takes an identity."""
    others = {account.partition("@")[0] for one in held for account in one.lent} - {bot.account.user, ""}
    if not others or all(str(way) in _LENDS_NOTHING for (way,) in session.read(_WAYS_IN)):
        return []
    return [number for user in sorted(others) for number in catalogue.sessions(session, user)]


def given_away(grants: Grants, user: str) -> tuple[str, ...]:
    """Sentences: what others have of a login, and keep when it is gone. Only an administrator can take that away."""
    lent = [(held.account, account) for held in grants.values() if held.account.user == user for account in held.lent]
    passed_on = grants[Account(user)].passed_on
    return (*(_lent(login, to) for login, to in sorted(lent, key=str)), *map(_passed_on, sorted(passed_on, key=str)))


def _lent(login: Account, to: str) -> str:
    user, _, host = to.rpartition("@")
    return (
        f"The holder lent the identity of this access to {to}. That is of no use now, but MariaDB also lets an account "
        "have GRANT OPTION on the whole server in this way, and keeps both. As an administrator: "
        f"{statements.take_back(login, to)}; REVOKE GRANT OPTION ON *.* FROM {quoted(Account(user, host))};"
    )


def _passed_on(given: tuple[Account, str, str]) -> str:
    to, database, thing = given
    place = f"{quoted(Name(database))}.{quoted(Name(thing))}"
    return (
        f"The holder passed on rights on {database}.{thing} to {to.user}@{to.host}, who keeps them. Look with "
        f"SHOW GRANTS FOR {quoted(to)}, and take away what it should not have; all of it with, as an administrator: "
        f"REVOKE ALL PRIVILEGES ON {place} FROM {quoted(to)};"
    )
