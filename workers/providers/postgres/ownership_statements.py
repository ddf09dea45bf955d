"""What the provider postgres says about things that became a granted role's own while it was granted.

`REASSIGN OWNED BY CURRENT_USER TO role` asks for no more than the rights of the role, and before version 16 every
member may become it; a view then runs with the rights of the role. docs/adr/0021-an-end-that-no-holder-delays.md.
"""

from collections.abc import Sequence
from typing import LiteralString

from workers.providers.postgres.cleanup_statements import start_using, stop_using
from workers.providers.postgres.statements import Name, Statement

BATCH = 500
"""Things in one transaction: their locks must leave room in the server's table of locks."""


def began(login: str, roles: Sequence[str]) -> Statement:
    """For a login that was there before: the transaction that gave it the roles, or one of its own that is older.

    What such a one does later, while it is open, it does with what was given. Said in the transaction of the grant.
    """
    return Statement(
        """
        SELECT first.xid::pg_catalog.text::pg_catalog.int8 FROM (
            SELECT m.xmin AS xid FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
            JOIN pg_catalog.pg_roles p ON p.oid = m.member JOIN pg_catalog.pg_roles me ON me.oid = m.grantor
            WHERE p.rolname::pg_catalog.text = {login} AND me.rolname = CURRENT_USER
                AND g.rolname::pg_catalog.text = ANY ({roles}::pg_catalog.text[])
            UNION ALL SELECT l.transactionid FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = l.pid
            JOIN pg_catalog.pg_roles p ON p.oid = a.usesysid
            WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                AND p.rolname::pg_catalog.text = {login}
        ) AS first ORDER BY pg_catalog.age(first.xid) DESC LIMIT 1
        """,
        {"login": login, "roles": list(roles)},
    )


# An owner's row is written anew when the owner changes. One that was written beside this statement has an age below 0,
# and so has one from two thousand million transactions ago.
_OWNED_SINCE: LiteralString = """s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'o'
    AND s.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
    AND pg_catalog.age(s.xmin) BETWEEN -1000000
        AND pg_catalog.age(pg_catalog.current_setting('countersign.began')::pg_catalog.xid)"""
_HERE: LiteralString = (
    "r.rolname::pg_catalog.text = pg_catalog.current_setting('countersign.owner') AND s.dbid = (SELECT d.oid "
    "FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND " + _OWNED_SINCE
)
_OWNERS: LiteralString = "pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid"


def about(owner: str, began: int) -> Statement:
    """Before each of the others: within a block a name could end it, a setting can't."""
    return Statement(
        "SELECT pg_catalog.set_config('countersign.owner', {owner}, true), "
        "pg_catalog.set_config('countersign.began', {began}::pg_catalog.int8::pg_catalog.text, true)",
        {"owner": owner, "began": began},
    )


_REACH: LiteralString = """
    WITH RECURSIVE reach(role) AS (
        SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname::pg_catalog.text = ANY ({roles}::pg_catalog.text[])
        UNION SELECT m.roleid FROM reach JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
    )"""


def owns_anything(roles: Sequence[str]) -> Statement:
    """Whether one of these roles, or of those behind them, owns something in any database: one look for many grants."""
    return Statement(
        _REACH  # noqa: S608  (all of it is fixed)
        + """
        SELECT EXISTS (SELECT FROM reach JOIN pg_catalog.pg_shdepend s ON s.refobjid = reach.role AND s.deptype = 'o'
            AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass)
        """,
        {"roles": list(roles)},
    )


def owned(roles: Sequence[str]) -> Statement:
    """What they own since then: role, database, whether we may enter, how many."""
    return Statement(
        _REACH  # noqa: S608  (all of it is fixed)
        + """
        SELECT r.rolname::pg_catalog.text, d.datname::pg_catalog.text,
            pg_catalog.has_database_privilege(d.oid, 'CONNECT'), pg_catalog.count(*)
        FROM reach JOIN """
        + _OWNERS
        + " ON r.oid = reach.role JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE "
        + _OWNED_SINCE
        + " GROUP BY 1, 2, 3 ORDER BY 2, 1",
        {"roles": list(roles)},
    )


OWNED_HERE = Statement(
    "SELECT s.classid::pg_catalog.int8, s.objid::pg_catalog.int8, "  # noqa: S608  (all of it is fixed)
    "pg_catalog.pg_describe_object(s.classid, s.objid, 0) FROM " + _OWNERS + " WHERE " + _HERE + " ORDER BY 1, 2 "
    "LIMIT {most}",
    {"most": BATCH},
)
"""The same of one role in this database: numbers of catalogue and object, and PostgreSQL's words for it."""


def _shared(whose: LiteralString) -> LiteralString:
    """What of it others may use, and who: none is PUBLIC."""
    return (
        """
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
            c.oid::pg_catalog.regclass::pg_catalog.text AS name, x.grantee FROM """  # noqa: S608  (all of it is fixed)
        + _OWNERS
        + """ JOIN pg_catalog.pg_class c ON s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = s.objid
            CROSS JOIN LATERAL (SELECT e.grantee FROM pg_catalog.aclexplode(c.relacl) e
                UNION SELECT e.grantee FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) e
                WHERE a.attrelid = c.oid) x
        WHERE x.grantee <> s.refobjid AND """
        + whose
        + " UNION SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::pg_catalog.text, x.grantee FROM "
        + _OWNERS
        + """ JOIN pg_catalog.pg_proc p ON s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = s.objid
            CROSS JOIN LATERAL pg_catalog.aclexplode(
                coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x
        WHERE x.grantee <> s.refobjid AND """
        + whose
    )


_SHARED = _shared(_HERE)

SHARED = Statement("SELECT pg_catalog.count(*) FROM (" + _SHARED + ") AS shared", {})  # noqa: S608  (all of it is fixed)

TAKE_FROM_OTHERS = Statement(
    "DO $$ DECLARE one record; BEGIN FOR one IN SELECT shared.kind, shared.name, coalesce(pg_catalog.quote_ident("  # noqa: S608  (all of it is fixed)
    "g.rolname::pg_catalog.text), 'PUBLIC') AS other FROM (" + _SHARED + ") AS shared LEFT JOIN pg_catalog.pg_roles g "
    """ON g.oid = shared.grantee LIMIT 500
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE', one.kind, one.name, one.other);
        EXCEPTION WHEN OTHERS THEN NULL; -- it is counted again
        END;
    END LOOP; END $$""",
    {},
)
"""Waits for nobody who uses the thing: rights on a table are changed beside its readers."""


def by_hand_begins(login: str, roles: Sequence[str]) -> Statement:
    """First of all: when the access began is known by what it gave, and typed again it stays what it was."""
    return Statement(
        "SELECT pg_catalog.set_config('countersign.roles', {roles}::pg_catalog.text[]::pg_catalog.text, false), "
        "(SELECT pg_catalog.set_config('countersign.began', q.xmin::pg_catalog.text, false) FROM (SELECT m.xmin "
        "FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles l ON l.oid = m.member "
        "JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles b ON b.oid = m.grantor "
        "WHERE l.rolname::pg_catalog.text = {login} AND g.rolname::pg_catalog.text = ANY ({roles}::pg_catalog.text[]) "
        "AND NOT b.rolsuper ORDER BY pg_catalog.age(m.xmin) DESC LIMIT 1) q)",
        {"login": login, "roles": list(roles)},
    )


_SINCE_IF_KNOWN: LiteralString = _OWNED_SINCE.replace(
    "pg_catalog.current_setting('countersign.began')",
    "nullif(pg_catalog.current_setting('countersign.began', true), '')",
)
_OF_THE_ROLES: LiteralString = (
    """s.refobjid IN (WITH RECURSIVE reach(role) AS (
      SELECT r.oid FROM pg_catalog.pg_roles r
      WHERE r.rolname::pg_catalog.text = ANY (pg_catalog.current_setting('countersign.roles')::pg_catalog.text[])
      UNION SELECT m.roleid FROM reach JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
    ) SELECT role FROM reach) AND """  # noqa: S608  (all of it is fixed)
    + _SINCE_IF_KNOWN
)
_IN_THIS_DATABASE: LiteralString = (
    "s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND "
)

BY_HAND = Statement(
    "DO $$ DECLARE one record; BEGIN\n  FOR one IN SELECT shared.kind, shared.name, "  # noqa: S608  (all of it is fixed)
    "coalesce(pg_catalog.quote_ident(g.rolname::pg_catalog.text), 'PUBLIC') AS other FROM ("
    + _shared(_IN_THIS_DATABASE + _OF_THE_ROLES)
    + """) AS shared LEFT JOIN pg_catalog.pg_roles g ON g.oid = shared.grantee LIMIT 1000
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE', one.kind, one.name, one.other);
    RAISE NOTICE 'became the role''s own through this access, and closed to %: %', one.other, one.name;
  END LOOP;
  FOR one IN SELECT DISTINCT d.datname FROM """
    + _OWNERS
    + """ JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE d.datname <> pg_catalog.current_database() AND """
    + _OF_THE_ROLES
    + """
  LOOP
    RAISE WARNING 'A role of this access came to own something in the database %: look there too.', one.datname;
  END LOOP;
END $$""",
    {},
)
"""In the database where it is typed, by a superuser."""


def borrow(roles: Sequence[str], owner: str, *, apart: bool) -> tuple[Statement, ...]:
    """For the rest of the transaction the bot may do what the owner may; `give_back` is in the same one."""
    if not apart:
        return (Statement("SET LOCAL ROLE {owner}", {"owner": Name(owner)}),)
    return tuple(start_using(role) for role in roles)


def give_back(roles: Sequence[str], *, apart: bool) -> tuple[Statement, ...]:
    if not apart:
        return (Statement("SET LOCAL ROLE NONE", {}),)
    return tuple(stop_using(role) for role in roles)
