"""Obstacles that are the server's or the database's own: read-only by default, hostile settings, planted names."""

import psycopg

from countersign.demo.target import BOT
from tests.adversary.attack import Attack
from tests.adversary.leftovers import trap
from tests.adversary.obstacles import Obstacle
from tests.waiting import wait_until


def read_only_database(attack: Attack) -> None:
    _set(attack, "ALTER DATABASE shop SET default_transaction_read_only = on", "ALTER DATABASE shop RESET ALL")
    _drop_warm_sessions(attack)


def read_only_bot(attack: Attack) -> None:
    _set(attack, f"ALTER ROLE {BOT} SET default_transaction_read_only = on", f"ALTER ROLE {BOT} RESET ALL")
    _drop_warm_sessions(attack)


def read_only_server(attack: Attack) -> None:
    superuser = attack.shop.superuser

    def is_read_only(value: str) -> bool:
        with attack.shop.administrator() as session:
            return session.execute("SHOW default_transaction_read_only").fetchone() == (value,)

    def undo() -> None:
        # The superuser's own session is read-only by default as well; ALTER SYSTEM does not mind.
        superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
        superuser.execute("SELECT pg_reload_conf()")
        wait_until(lambda: is_read_only("off"), "the server to be writable again")
        wait_until(
            lambda: superuser.execute("SHOW default_transaction_read_only").fetchone() == ("off",),
            "our own session too",
        )

    attack.stack.callback(undo)
    superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    superuser.execute("SELECT pg_reload_conf()")
    wait_until(lambda: is_read_only("on"), "the server to be read-only")


_HOSTILE = {
    "search_path": "public, pg_catalog",
    "statement_timeout": "'1ms'",
    "lock_timeout": "'1ms'",
    "idle_in_transaction_session_timeout": "'1ms'",
    "default_transaction_isolation": "serializable",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "DateStyle": "'SQL, DMY'",
    "exit_on_error": "off",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
}


def hostile_settings(attack: Attack) -> None:
    """All that the database's owner may set for whoever connects to it."""
    for name, value in _HOSTILE.items():
        attack.shop.superuser.execute(f"ALTER DATABASE shop SET {name} = {value}".encode())
    attack.stack.callback(attack.shop.superuser.execute, b"ALTER DATABASE shop RESET ALL")
    _drop_warm_sessions(attack)


def becomes_the_login(attack: Attack) -> None:
    """The bot's session is to be the holder's, wherever it may."""
    _set(attack, f'ALTER DATABASE shop SET role = "{attack.login}"', "ALTER DATABASE shop RESET ALL")
    _drop_warm_sessions(attack)


def _set(attack: Attack, statement: str, undone: str) -> None:
    attack.by_superuser(statement, afterwards=undone)


def _drop_warm_sessions(attack: Attack) -> None:
    """The bot must connect anew, and gets the new settings."""
    query = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{BOT}'"
    attack.shop.superuser.execute(query.encode())


def rivals(attack: Attack) -> None:
    """Eve, who may create in `public`, has better functions for what the bot calls."""
    eve = attack.of_person("eve")
    for arguments, name, returns, body in (
        ("oid, text", "shobj_description", "text", "RETURN NULL;"),
        ("oid, name, text", "has_database_privilege", "boolean", "RETURN true;"),
        ("oid, text, text", "has_database_privilege", "boolean", "RETURN true;"),
        ("integer, integer", "pg_terminate_backend", "boolean", "RETURN true;"),
        ("pg_catalog.pg_auth_members", "to_jsonb", "jsonb", "RETURN '{}'::jsonb;"),
        ("oid, integer", "oid_is", "boolean", "RETURN false;"),
        ("name, name", "name_like", "boolean", "RETURN false;"),
        ("name, text", "name_is", "boolean", "RETURN false;"),
    ):
        eve.execute(trap(f"public.{name}", returns, body, arguments=arguments))
    for operator, left, right, function in (
        ("=", "oid", "integer", "oid_is"), ("~", "name", "name", "name_like"), ("=", "name", "text", "name_is"),
    ):  # fmt: skip
        made = f"CREATE OPERATOR public.{operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = public.{function})"
        _unless_refused(eve, made)
    eve.execute("CREATE VIEW public.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE rolname !~ 'cs_'")
    eve.execute("CREATE VIEW public.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false")
    # Behind the server's own names a rival is called only where it fits better; before them it is always called.
    _set(attack, "ALTER DATABASE shop SET search_path = public, pg_catalog", "ALTER DATABASE shop RESET ALL")
    _drop_warm_sessions(attack)


def _unless_refused(session: psycopg.Connection, statement: str) -> None:
    try:
        session.execute(statement.encode())
    except psycopg.errors.DuplicateFunction:
        return


HOSTILE = (
    Obstacle("read-only database", read_only_database),
    Obstacle("read-only server", read_only_server),
    Obstacle("read-only bot", read_only_bot),
    Obstacle("hostile settings", hostile_settings),
    Obstacle("becomes the login", becomes_the_login),
    Obstacle("rivals", rivals),
)
