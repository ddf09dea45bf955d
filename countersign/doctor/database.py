"""The database: there, on this version's revision, writable, and its clock."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from access import audit_guards
from access.errors import Unready
from access.ports import Finding
from access.store import Database
from countersign import schema
from countersign.doctor.clocks import compare
from countersign.doctor.surroundings import Surroundings, error, ok, warning

_MIGRATE = "Run `countersign migrate`."


def look(here: Surroundings) -> Iterator[Finding]:
    try:
        database = here.database
    except Unready as unready:
        yield error("address", unready.sentence, "Set DATABASE_URL so, or leave it out for a SQLite file on this host.")
        return
    if database.missing_file is not None:
        cure = f"Set DATABASE_URL, if yours is elsewhere; for a new one: {_MIGRATE}"
        yield error("reachable", f"There is no file {database.missing_file}.", cure)
        return
    try:
        found = _revision(database)
    except (DBAPIError, OSError) as fault:
        cure = "Start the server, or correct DATABASE_URL: host, name, user, password."
        yield error("reachable", f"{database.shown} does not answer: {database.address.cause(fault)}.", cure)
        return
    yield ok("reachable", f"{database.shown} answers.")
    yield from _odd(database)
    yield from _state(database, found)
    yield _clock(here, database)


def _odd(database: Database) -> Iterator[Finding]:
    for setting in database.overruled:
        sentence = f"DATABASE_URL sets {setting}, which every process of Countersign sets itself; it is not used."
        yield warning("address", sentence, f"Take {setting} out of DATABASE_URL.")
    encoding = database.encoding()
    if encoding is not None:
        sentence = f"The database stores text as {encoding}, which does not hold all that people write."
        cure = "Move it: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8', then pg_dump and pg_restore."
        yield error("encoding", sentence, cure)


def _clock(here: Surroundings, database: Database) -> Finding:
    if database.dialect == "sqlite":
        return ok("clock", "SQLite takes this host's clock.")
    before = here.host()
    return compare("The database's", database.time(), before, here.host())


def _state(database: Database, found: str | None) -> Iterator[Finding]:
    wanted = schema.head()
    if found is None:
        yield error("revision", "The database is empty.", _MIGRATE)
        return
    if found not in schema.revisions():
        cure = "Install the version that made it, or a newer one."
        yield error("revision", f"It is at revision {found}, which this version does not know.", cure)
        return
    if found != wanted:
        yield error("revision", f"It is at revision {found}; this version needs {wanted}.", _MIGRATE)
        return
    yield ok("revision", f"It is at revision {wanted}.")
    try:
        database.check(wanted)
    except Unready as unready:
        cure = "Let DATABASE_URL name the primary, and a user (for SQLite: a file and directory) that may write."
        yield error("writable", unready.sentence, cure)
        return
    yield ok("writable", "It takes changes.")
    yield _log(database)


def _log(database: Database) -> Finding:
    """Whether the database itself refuses to change the audit log, also to us."""
    with database.read() as session:
        connection = session.connection()
        unguarded, owner = audit_guards.missing(connection), audit_guards.may_be_taken_away_by(connection)
    if unguarded:
        cure = "Run `countersign audit verify`, ask who changed the schema, and restore these triggers from a backup."
        return error("audit log", f"Its triggers are gone or switched off: {', '.join(unguarded)}.", cure)
    if owner is not None:
        sentence = f"It is append-only, but {owner}, the role of our processes, may switch that off."
        cure = "Give the processes a role of their own that does not own the tables; see docs/set-up.md."
        return warning("audit log", sentence, cure)
    return ok("audit log", "It is append-only.")


def _revision(database: Database) -> str | None:
    with database.engine().connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return MigrationContext.configure(connection).get_current_revision()
