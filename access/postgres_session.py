"""What each of our sessions on PostgreSQL relies on, said at its beginning: defaults of database and role differ."""

from typing import Any

POSTGRES_TIMEOUTS = {"statement_timeout": "10s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "15s"}
"""A stopped holder of a row or of the audit head must not stop the others for longer."""
PINNED = {
    # The slower of two who decide waits for the faster and then sees what he did; any stricter level fails instead.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "timezone": "UTC",
    "datestyle": "ISO",  # the driver reads no other
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    **POSTGRES_TIMEOUTS,
}
_NETWORK: dict[str, object] = {
    "connect_timeout": 5,
    # A peer that is gone without a word is noticed, and what it did not take in time is not delivered later.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
OURS: dict[str, object] = {**PINNED, **_NETWORK}
_ONE_SCHEMA = """
    SELECT pg_catalog.set_config('search_path', coalesce(pg_catalog.quote_ident(coalesce(
        (SELECT nspname FROM pg_catalog.pg_class AS class
         JOIN pg_catalog.pg_namespace AS schema ON schema.oid OPERATOR(pg_catalog.=) relnamespace
         WHERE class.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('alembic_version')),
        pg_catalog.current_schema())) OPERATOR(pg_catalog.||) ', pg_temp', ''), false)
"""
"""Where our tables are, and nowhere else: else a table of another schema, or a temporary one, can stand before them."""


def arguments(options: str) -> dict[str, object]:
    """For the driver; `options` of DATABASE_URL first, so that what we rely on stands."""
    pinned = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in PINNED.items())
    return {**_NETWORK, "client_encoding": "UTF8", "options": f"{options} {pinned}".strip()}


def begin(connection: Any) -> None:
    """On a new connection, in one round trip."""
    connection.autocommit = True
    connection.execute(_ONE_SCHEMA)
    connection.autocommit = False
