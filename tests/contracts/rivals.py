"""What the owner of a database plants beside all that our statements call by name, and how he sets our sessions.

The names are derived from what the server heard of us: every word and every operator that its catalogue knows.
"""

import re
from collections.abc import Iterator

import psycopg
from psycopg import sql

from countersign.demo.target import DATABASE
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.postgres_world import PASSWORD, PostgresWorld

RAN = "a rival ran"
HOSTILE: dict[str, str] = {
    "search_path": "public, pg_catalog",
    "role": "support_read",
    "local_preload_libraries": "no_such_library",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "transaction_timeout": "1ms",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "exit_on_error": "on",
    "quote_all_identifiers": "on",
    "extra_float_digits": "-15",
    "DateStyle": "SQL, DMY",
    "TimeZone": "Pacific/Kiritimati",
    "client_encoding": "LATIN1",
    "createrole_self_grant": "set, inherit",
    "row_security": "off",
    "password_encryption": "md5",
    "tcp_user_timeout": "1",
}
_POOL = (
    "int4",
    "int8",
    "oid",
    "name",
    "text",
    "bool",
    '"char"',
    "regclass",
    "text[]",
    "float8",
    "timestamptz",
    "jsonb",
)
_PLAIN = "E'BEGIN RAISE LOG ''{ran}: %'', {what}; RAISE EXCEPTION ''{ran}: %'', {what}; END'"

_FUNCTIONS = """
SELECT DISTINCT p.proname::text, pg_catalog.oidvectortypes(p.proargtypes), pg_catalog.format_type(p.prorettype, NULL),
    p.pronargs
FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname::text = ANY (%s)
"""
_RELATIONS = """
SELECT relname::text FROM pg_catalog.pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v') AND relname::text = ANY (%s)
"""
_TYPES = """
SELECT typname::text FROM pg_catalog.pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b'
    AND typname::text = ANY (%s)
"""


def heard(server: EmbeddedPostgres, since: int) -> str:
    """What the server was told after so many letters of its log."""
    return server.log.read_text(encoding="utf-8", errors="replace")[since:]


def logged(server: EmbeddedPostgres) -> int:
    return len(server.log.read_text(encoding="utf-8", errors="replace"))


class Owner:
    """Eve: owns the database of the shop and is nothing else; she plants and sets what she can."""

    def __init__(self, server: EmbeddedPostgres, world: PostgresWorld) -> None:
        world.owner.execute(
            sql.SQL(
                "CREATE ROLE eve LOGIN PASSWORD {}; ALTER DATABASE {} OWNER TO eve; ALTER SCHEMA public OWNER TO eve"
            ).format(sql.Literal(PASSWORD), sql.Identifier(DATABASE))
        )  # fmt: skip
        self._dsn = server.dsn(user="eve", password=PASSWORD, database=DATABASE)
        self._session = psycopg.connect(self._dsn, autocommit=True)

    def close(self) -> None:
        self._session.close()

    def plant(self, told: str) -> list[str]:
        """A rival for everything that was named in it. Returns what could be planted."""
        words = sorted(set(re.findall(r"[a-z_][a-z0-9_]+", told.lower())))
        operators = sorted(set(re.findall(r"(?<![\w'])(?:[<>=~!|]{1,3}|->>|->)(?=[\s)(])", told)))
        planted = list[str]()
        for statement in (*self._functions(words), *self._operators(operators), *self._relations_and_types(words)):
            try:
                self._session.execute(statement.encode())
            except psycopg.Error:
                continue  # the server does not let her: that one is no danger
            planted.append(statement)
        return planted

    def set_for_everybody(self, settings: dict[str, str]) -> list[str]:
        """In all sessions of the database. Returns the names of those she may set."""
        done = list[str]()
        for name, value in settings.items():
            parts = [part.strip() for part in value.split(",")] if name == "search_path" else [value]
            values = sql.SQL(", ").join(sql.Literal(part) for part in parts)
            try:
                self._session.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(sql.Identifier(DATABASE), sql.SQL(name), values)  # pyright: ignore[reportArgumentType] -- names of the server's own
                )
            except psycopg.Error:
                continue
            done.append(name)
        return done

    def extremes(self, *, least: bool) -> dict[str, str]:
        """For each setting that sessions may choose: a value as far from the usual as it goes."""
        found = self._session.execute(
            "SELECT name, vartype, min_val, max_val, enumvals, boot_val FROM pg_catalog.pg_settings "
            "WHERE context IN ('user', 'backend') AND vartype <> 'string'"
        ).fetchall()
        chosen = dict[str, str]()
        for name, kind, low, high, words, usual in found:
            if kind == "bool":
                chosen[name] = "off" if usual == "on" else "on"
            elif kind == "enum":
                others = [word for word in words if word != usual]
                chosen[name] = others[0 if least else -1] if others else usual
            else:
                chosen[name] = low if least else high
        return chosen

    def _functions(self, words: list[str]) -> Iterator[str]:
        for name, arguments, answer, count in self._session.execute(_FUNCTIONS, [words]).fetchall():
            body = _PLAIN.format(ran=RAN, what=f"''{name}''")
            kinds = {(arguments, answer)}
            if count == 1:
                kinds |= {(one, answer) for one in _POOL}
            if count in (2, 3):
                kinds |= {(f"{one}, {other}", answer) for one in _POOL for other in _POOL}
            for taken, given in sorted(kinds):
                yield f'CREATE FUNCTION public."{name}"({taken}) RETURNS {given} LANGUAGE plpgsql AS {body}'

    def _operators(self, operators: list[str]) -> Iterator[str]:
        for index, (one, other) in enumerate((one, other) for one in _POOL for other in _POOL):
            body = _PLAIN.format(ran=RAN, what=f"''an operator of {one} and {other}''")
            function = f"public.rival_{index}"
            yield f"CREATE FUNCTION {function}({one}, {other}) RETURNS bool LANGUAGE plpgsql AS {body}"
            for operator in operators:
                yield f"CREATE OPERATOR public.{operator} (FUNCTION = {function}, LEFTARG = {one}, RIGHTARG = {other})"

    def _relations_and_types(self, words: list[str]) -> Iterator[str]:
        for (name,) in self._session.execute(_RELATIONS, [words]).fetchall():
            yield f'CREATE VIEW public."{name}" AS SELECT * FROM pg_catalog."{name}" WHERE false'
        for (name,) in self._session.execute(_TYPES, [words]).fetchall():
            yield f'CREATE DOMAIN public."{name}" AS pg_catalog."{name}" CHECK (false)'
