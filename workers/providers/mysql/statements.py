"""What the provider mysql says to a server: fixed text with holes, filled by its own quoting and nothing else.

Names and values are quoted as the pinned `sql_mode` of a session reads them; what people paste has no value in it that
any mode could read otherwise. Every name is said with its database: a session of ours has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString

from workers.providers.mysql.rights import DB_COLUMNS, Right
from workers.providers.mysql.settings import MARK, OWN_DATABASE


class Name(str):
    """A name on the server: quoted with backticks, which every `sql_mode` reads alike."""

    __slots__ = ()


@dataclass(frozen=True)
class Account:
    """A user or role: MariaDB knows a user by two words, of which the second says from where."""

    user: str
    host: str = ""
    """Empty for a role."""


Value = str | int | Account


@dataclass(frozen=True)
class Statement:
    text: LiteralString
    values: dict[str, Value]

    def __str__(self) -> str:
        return self.text.format(**{hole: quoted(value) for hole, value in self.values.items()})


def quoted(value: Value) -> str:
    match value:
        case Account(user, "") if user:
            return quoted(Name(user))
        case Account(user, host):
            return f"{quoted(user)}@{quoted(host)}"
        case Name():
            return "`" + value.replace("`", "``") + "`"
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
        case int():
            return str(value)


PINNED = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, "
    "lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, max_statement_time = 3, tx_read_only = 0, "
    "group_concat_max_len = 65536, collation_connection = utf8mb4_bin, character_set_results = utf8mb4, "
    "sql_select_limit = 100000, foreign_key_checks = 1, sql_safe_updates = 0"
)
"""What a session of ours relies on, whatever the server's own defaults are. Some locks are waited for until the time of
a statement is over, whatever `lock_wait_timeout` says: FLUSH TABLES WITH READ LOCK, LOCK TABLES on a grant table."""
PATIENCE = "SET SESSION max_statement_time = 0.5"
"""Of the statements of an end."""
CONNECTIONS = 4
"""How many sessions one temporary login may have."""


def create(login: Account, hashed: str) -> Statement:
    """A login that lets no one in: locked, with a password that is thrown away."""
    return Statement(
        "CREATE USER IF NOT EXISTS {login} IDENTIFIED VIA mysql_native_password USING {hashed} REQUIRE SSL "
        "WITH MAX_USER_CONNECTIONS {connections} ACCOUNT LOCK",
        {"login": login, "hashed": hashed, "connections": CONNECTIONS},
    )


def mark(login: Account) -> Statement:
    return Statement("GRANT {mark} TO {login}", {"mark": Name(MARK), "login": login})


def unmark(login: Account) -> Statement:
    return Statement("REVOKE {mark} FROM {login}", {"mark": Name(MARK), "login": login})


def give_role(role: str, login: Account) -> Statement:
    return Statement("GRANT {role} TO {login}", {"role": Name(role), "login": login})


def give(rights: Sequence[Right], login: Account) -> str:
    """All rights on one place, in one statement."""
    place, said = rights[0], list[str]()
    for privilege in sorted({one.privilege for one in rights}):
        columns = sorted(one.column for one in rights if one.privilege == privilege and one.column is not None)
        said.append(privilege + (f" ({', '.join(quoted(Name(column)) for column in columns)})" if columns else ""))
    # In the name of a whole database _ and % stand for other letters, with a table behind it they don't.
    where = f"{quoted(Name(place.database))}.{quoted(Name(place.table or ''))}"
    if place.table is None:
        where = f"{quoted(Name(pattern(place.database)))}.*"
    return f"GRANT {', '.join(said)} ON {where} TO {quoted(login)}"


def pattern(database: str) -> str:
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def let_in(login: Account, hashed: str) -> Statement:
    return Statement(
        "ALTER USER {login} IDENTIFIED VIA mysql_native_password USING {hashed} ACCOUNT UNLOCK",
        {"login": login, "hashed": hashed},
    )


def lock(login: Account) -> Statement:
    return Statement("ALTER USER {login} ACCOUNT LOCK", {"login": login})


def take_all(login: Account) -> Statement:
    return Statement("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {login}", {"login": login})


def drop(login: Account) -> Statement:
    return Statement("DROP USER {login}", {"login": login})


def take_back(login: Account, account: str) -> Statement:
    """The identity of a login from an account that it was lent to."""
    user, _, host = account.rpartition("@")
    return Statement("REVOKE PROXY ON {login} FROM {account}", {"login": login, "account": Account(user, host)})


def drop_if_there(login: Account) -> Statement:
    return Statement("DROP USER IF EXISTS {login}", {"login": login})


def kill_all(user: str) -> Statement:
    """From whatever host."""
    return Statement("KILL HARD USER {user}", {"user": user})


def kill(session: int) -> Statement:
    return Statement("KILL HARD CONNECTION {session}", {"session": session})


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def expire(login: Account, at: datetime) -> Statement:
    """The server's own end: the login goes, and its sessions with it. The event is the bot's, and so are its rights."""
    return Statement(
        "CREATE OR REPLACE EVENT {database}.{event} ON SCHEDULE AT {at} ON COMPLETION NOT PRESERVE ENABLE "
        "COMMENT 'The end of an access by Countersign' DO BEGIN "
        "SET SESSION lock_wait_timeout = 5; KILL HARD USER {user}; DROP USER IF EXISTS {login}; KILL HARD USER {user}; "
        "END",
        {"database": Name(OWN_DATABASE), "event": Name(login.user), "at": moment(at), "login": login,
         "user": login.user},
    )  # fmt: skip


def forget(login: Account) -> Statement:
    return Statement(
        "DROP EVENT IF EXISTS {database}.{event}", {"database": Name(OWN_DATABASE), "event": Name(login.user)}
    )


EVENT = """
SELECT CAST(e.EXECUTE_AT AS CHAR), e.DEFINER FROM information_schema.EVENTS AS e
WHERE e.EVENT_SCHEMA = 'countersign' AND e.EVENT_NAME = {user} AND e.STATUS = 'ENABLED'
"""
SCHEDULER = "SELECT @@GLOBAL.event_scheduler"
SESSIONS = """
SELECT p.ID, p.COMMAND FROM information_schema.PROCESSLIST AS p WHERE p.USER = {user} AND p.ID <> CONNECTION_ID()
"""
FULL_DISK = "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for someone to free space' LIMIT 1"
_OF_DB = ", ".join(f"d.`{column}`" for column in DB_COLUMNS)
_GRANTED = f"""
SELECT 'account', a.user, a.host, '', '', '',
        CONCAT_WS(' ', a.is_role, a.locked, a.access, CONCAT(a.user, '@', a.host) = CURRENT_USER())
    FROM countersign.accounts AS a WHERE {{of_accounts}}
UNION ALL SELECT 'database', g.User, g.Host, g.Db, '', '', g.given
    FROM (SELECT d.User, d.Host, d.Db, CONCAT({_OF_DB}) AS given FROM mysql.db AS d) AS g WHERE {{of_grants}}
UNION ALL SELECT 'table', g.User, g.Host, g.Db, g.Table_name, '', g.Table_priv FROM mysql.tables_priv AS g
    WHERE g.Table_priv <> '' AND ({{of_grants}})
UNION ALL SELECT 'column', g.User, g.Host, g.Db, g.Table_name, g.Column_name, g.Column_priv
    FROM mysql.columns_priv AS g WHERE {{of_grants}}
UNION ALL SELECT 'routine', g.User, g.Host, g.Db, g.Routine_name, '', g.Proc_priv FROM mysql.procs_priv AS g
    WHERE {{of_grants}}
UNION ALL SELECT 'role', g.User, g.Host, g.Role, '', '', g.Admin_option FROM mysql.roles_mapping AS g
    WHERE {{of_members}}
UNION ALL SELECT 'proxy', g.User, g.Host, g.Proxied_user, '', '', '' FROM mysql.proxies_priv AS g WHERE {{of_grants}}
UNION ALL SELECT 'lent', g.Proxied_user, g.Proxied_host, CONCAT(g.User, '@', g.Host), '', '', ''
    FROM mysql.proxies_priv AS g WHERE g.Proxied_user <> '' AND ({{of_lent}})
UNION ALL SELECT 'passed on', SUBSTRING_INDEX(g.Grantor, '@', 1), '', g.User, g.Host, g.Db, g.Table_name
    FROM mysql.tables_priv AS g WHERE g.User <> SUBSTRING_INDEX(g.Grantor, '@', 1) AND ({{of_passed}})
UNION ALL SELECT 'passed on', SUBSTRING_INDEX(g.Grantor, '@', 1), '', g.User, g.Host, g.Db, g.Routine_name
    FROM mysql.procs_priv AS g WHERE g.User <> SUBSTRING_INDEX(g.Grantor, '@', 1) AND ({{of_passed}})
"""  # noqa: S608  (all of it is fixed)


def granted(users: Sequence[str] | None) -> str:
    """All that these users have been given, every role, and the bot's own account; None: everyone."""
    if users is None:
        return _GRANTED.format(
            of_accounts="TRUE", of_grants="TRUE", of_members="TRUE", of_lent="TRUE", of_passed="FALSE"
        )
    names = ", ".join(map(quoted, users)) or "NULL"
    return _GRANTED.format(
        of_accounts=f"a.user IN ({names}) OR a.host = '' OR CONCAT(a.user, '@', a.host) = CURRENT_USER()",
        of_grants=f"g.User IN ({names}) OR g.Host = ''",
        of_members=f"g.User IN ({names}) OR g.Host = '' OR CONCAT(g.User, '@', g.Host) = CURRENT_USER()",
        of_lent=f"g.Proxied_user IN ({names})",
        of_passed=f"SUBSTRING_INDEX(g.Grantor, '@', 1) IN ({names})",
    )
