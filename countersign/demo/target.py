"""The demo's target: a shop's database with synthetic customers and orders, and the bot's own account on it."""

import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql

from countersign.embedded.postgres import EmbeddedPostgres

DATABASE = "shop"
BOT = "countersign"
READ = "support_read"
"""Reads customers, but no card; reads orders."""
FIX = "orders_fix"
"""Reads orders and corrects their status."""

_SERVER = """
REVOKE CONNECT, TEMPORARY ON DATABASE shop, postgres, template1 FROM PUBLIC;
CREATE ROLE support_read;
CREATE ROLE nothing;
CREATE ROLE orders_fix;
GRANT CONNECT ON DATABASE shop TO support_read, orders_fix, nothing;

CREATE ROLE countersign LOGIN CREATEROLE;
GRANT CONNECT ON DATABASE shop, postgres TO countersign;
GRANT pg_signal_backend TO countersign;
GRANT support_read, orders_fix, nothing TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
"""

# Computed from the number of the row, so that every shop is the same; example.com and the like are nobody's (RFC 2606).
_SHOP = """
CREATE TABLE customers (
    id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, region text NOT NULL, card text NOT NULL
);
CREATE TABLE orders (
    id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers, amount numeric(10, 2) NOT NULL,
    status text NOT NULL CHECK (status IN ('new', 'paid', 'sent', 'returned')), placed date NOT NULL
);
INSERT INTO customers
    SELECT i, 'Customer ' || lpad(i::text, 3, '0'),
        'customer' || lpad(i::text, 3, '0') || '@' || (ARRAY['example.com', 'example.org', 'example.net'])[1 + i % 3],
        (ARRAY['eu', 'us', 'apac'])[1 + i * 7 % 3], '0000 0000 0000 ' || lpad(i::text, 4, '0')
    FROM generate_series(1, 240) AS i;
INSERT INTO orders
    SELECT i, 1 + i * 37 % 240, 5 + (i * 7919 % 49500) / 100.0,
        (ARRAY['new', 'paid', 'sent', 'returned'])[1 + i * 11 % 4], date '2026-01-01' + i % 300
    FROM generate_series(1, 720) AS i;

GRANT USAGE ON SCHEMA public TO support_read, orders_fix;
GRANT SELECT (id, name, email, region) ON customers TO support_read;
GRANT SELECT ON orders TO support_read, orders_fix;
GRANT UPDATE (status) ON orders TO orders_fix;
"""

_READERS = r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'cs\_%%' AND pg_has_role(rolname, %s, 'MEMBER')"


@dataclass(frozen=True)
class Target:
    """The shop, ready: how the bot and how a superuser connect to it."""

    bot_dsn: str
    superuser_dsn: str

    def readers(self) -> list[str]:
        """The temporary logins that may read, as a superuser sees them; the canary's may nothing."""
        with psycopg.connect(self.superuser_dsn, autocommit=True) as connection:
            return [name for (name,) in connection.execute(_READERS, [READ]).fetchall()]


def prepare(server: EmbeddedPostgres) -> Target:
    """Makes the shop on a running server, or finds it there. The bot gets a new password each time."""
    password = secrets.token_urlsafe(24)
    superuser_dsn = server.dsn(database=DATABASE)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        if not _is_there(connection):
            _make(connection, superuser_dsn)
        hashed = connection.pgconn.encrypt_password(password.encode(), BOT.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(BOT), hashed))
    return Target(
        bot_dsn=server.dsn(user=BOT, password=password, database=DATABASE),
        superuser_dsn=superuser_dsn,
    )


def _is_there(connection: psycopg.Connection) -> bool:
    """By what is made last: a shop that was cut short is made anew."""
    shop = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [BOT]).fetchone()
    return shop is not None


def _make(connection: psycopg.Connection, superuser_dsn: str) -> None:
    for database in connection.execute("SELECT datname FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database[0])))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    # Roles are shared by all databases, so one transaction makes both them and what they may do in the shop.
    with psycopg.connect(superuser_dsn) as shop:
        shop.execute(_SERVER)
        shop.execute(_SHOP)
