"""What roles allow, and what everybody does: read in each database that they lead into, and made comparable.

Docs: docs/adr/0018-which-roles-are-granted.md. A row is one kind of right in one place (`SELECT on tables in the schema
sales`), with how many things it is about and the hash of which; the fingerprint is over all rows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from access.errors import Permanent
from access.ports import EVERYBODY, Deadline, RoleRights
from workers.providers.postgres.role_statements import acls
from workers.providers.postgres.statements import Statement

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_MOST_DATABASES = 20
_GRANT_OPTION = " WITH GRANT OPTION"


@dataclass(frozen=True, order=True)
class _Kind:
    """One kind of right in one place; all but the first are the columns of `rights_here`, after the title."""

    database: str
    privilege: str
    passes_on: bool
    what: str
    name: str
    number: int
    hash: str

    def __str__(self) -> str:
        option = _GRANT_OPTION if self.passes_on else ""
        where = f" (database {self.database})" if self.database else ""
        return f"{self.privilege}{option} {self.what} {self.name}".rstrip() + where

    @property
    def creates(self) -> str | None:
        """What can be made with it."""
        where = f" (database {self.database})" if self.database else ""
        match self.privilege, self.what:
            case "CREATE", "on the schema":
                return f"objects in the schema {self.name}{where}"
            case "CREATE", "on the database":
                return f"schemas in the database {self.name}"
            case "TEMPORARY", "on the database":
                return f"temporary tables in the database {self.name}"
            case "USAGE", "on the foreign-data wrapper":
                return f"servers of the foreign-data wrapper {self.name}{where}"
            case _:
                return None


def role_rights(connections: "Connections", roles: Mapping[str, Sequence[str]], deadline: Deadline) -> list[RoleRights]:
    """`roles`: what each role of the policy grants. Raises ProviderError where a database does not answer: what is seen
    in one alone would look as if rights had been taken away."""
    found = defaultdict[str, list[_Kind]](list)
    with connections.session(deadline) as session:
        _add(found, "", session, roles, shared=True)
        others = [database for (database,) in session.read(other_databases(roles))]
    for database in others:
        try:
            with connections.session_on(database, deadline) as there:
                _add(found, database, there, roles, shared=False)
        except Permanent:
            continue  # it lets the bot in no more; `doctor` names what is not looked at
    return [_told(title, found[title], found[EVERYBODY]) for title in (*roles, EVERYBODY)]


def _add(
    found: dict[str, list[_Kind]],
    database: str,
    session: "Session",
    roles: Mapping[str, Sequence[str]],
    *,
    shared: bool,
) -> None:
    rows: Iterable[tuple[Any, ...]] = session.read(rights_here(roles, session.version, shared=shared))
    for title, *columns in rows:
        found[title].append(_Kind(database, *columns))


def _told(title: str, kinds: Sequence[_Kind], everybody: Sequence[_Kind]) -> RoleRights:
    ordered = sorted(kinds)
    lines = "\n".join(repr(kind) for kind in ordered)
    # A login has what everybody has, and may make temporary tables only where it gets in.
    entered = {kind.name for kind in (*kinds, *everybody) if (kind.privilege, kind.what) == _ENTERS}
    made = (
        kind.creates
        for kind in (*ordered, *sorted(everybody))
        if kind.what != "on the database" or kind.name in entered
    )
    return RoleRights(
        role=title,
        fingerprint=hashlib.sha256(lines.encode()).hexdigest(),
        allows=frozenset(str(kind) for kind in ordered),
        creates=tuple(dict.fromkeys(one for one in made if one)),
    )


_ENTERS = ("CONNECT", "on the database")


def other_databases(roles: Mapping[str, Sequence[str]]) -> Statement:
    """Into which one of the roles leads, by itself or because everybody may, and the bot too."""
    return Statement(
        """
        SELECT d.datname::pg_catalog.text FROM pg_catalog.pg_database d
        WHERE d.datallowconn AND d.datname <> pg_catalog.current_database()
            AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            AND EXISTS (SELECT FROM pg_catalog.pg_roles r
                WHERE r.rolname::pg_catalog.text = ANY ({names}::pg_catalog.text[])
                AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'))
        ORDER BY 1 LIMIT {most}
        """,
        {"names": sorted({name for names in roles.values() for name in names}), "most": _MOST_DATABASES},
    )


def rights_here(roles: Mapping[str, Sequence[str]], version: int, *, shared: bool) -> Statement:
    """In this database; `shared`: and what all databases share.

    By title: privilege, whether it can be passed on, on what kind of thing, its name or that of its schema, how many,
    and the hash of which.

    The whole of a table is a kind of its own where some columns of it are granted too: more than what was shown of it.
    """
    pairs = [(title, name) for title, names in roles.items() for name in names]
    return Statement(
        """
        WITH RECURSIVE reach(title, role) AS (
            SELECT asked.title, r.oid
            FROM ROWS FROM (pg_catalog.unnest({titles}::pg_catalog.text[]),
                pg_catalog.unnest({names}::pg_catalog.text[])) AS asked(title, name)
            JOIN pg_catalog.pg_roles r ON r.rolname::pg_catalog.text = asked.name
            UNION
            SELECT reach.title, m.roleid FROM reach JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
        ), grantee(title, role) AS (
            SELECT title, role FROM reach UNION ALL SELECT {everybody}, 0::pg_catalog.oid
        ), acl(class, object, part, acl, owner) AS ("""  # noqa: S608  (all of it is fixed)
        + acls(version)
        + """
        ), given AS MATERIALIZED (
            SELECT grantee.title, acl.class, acl.object, acl.part, x.privilege_type, x.is_grantable
            FROM acl CROSS JOIN LATERAL pg_catalog.aclexplode(acl.acl) AS x
            JOIN grantee ON grantee.role = x.grantee
            WHERE {shared}::pg_catalog.bool OR acl.class NOT IN (1262, 1213, 6243)
        ), partly AS (
            SELECT DISTINCT title, object, privilege_type FROM given WHERE class = 1259 AND part > 0
        ), told(title, privilege, passes_on, what, name, line) AS (
            SELECT given.title, given.privilege_type, given.is_grantable,
                CASE
                    WHEN given.part > 0 THEN 'on the column'
                    WHEN partly.object IS NOT NULL THEN 'on the whole of'
                    WHEN c.relkind = 'S' THEN 'on sequences in the schema'
                    WHEN given.class = 1259 THEN 'on tables in the schema'
                    WHEN p.prosecdef THEN 'on functions that run as their owner in the schema'
                    WHEN given.class = 1255 THEN 'on functions in the schema'
                    WHEN given.class = 1247 THEN 'on types in the schema'
                    WHEN given.class = 2615 THEN 'on the schema'
                    WHEN given.class = 1262 THEN 'on the database'
                    WHEN given.class = 2328 THEN 'on the foreign-data wrapper'
                    WHEN given.class = 2995 THEN 'on large objects'
                    ELSE 'on'
                END,
                CASE
                    WHEN given.part > 0 THEN pg_catalog.concat(n.nspname, '.', c.relname, '.', (SELECT a.attname
                        FROM pg_catalog.pg_attribute a WHERE a.attrelid = given.object AND a.attnum = given.part))
                    WHEN partly.object IS NOT NULL THEN pg_catalog.concat(n.nspname, '.', c.relname)
                    WHEN given.class IN (1259, 1255, 1247, 2615) THEN n.nspname::pg_catalog.text
                    WHEN given.class = 1262 THEN d.datname::pg_catalog.text
                    WHEN given.class = 2328 THEN f.fdwname::pg_catalog.text
                    WHEN given.class = 2995 THEN ''
                    ELSE pg_catalog.pg_describe_object(given.class, given.object, given.part)
                END,
                pg_catalog.concat_ws(' ', given.object, given.part, c.relrowsecurity, c.relforcerowsecurity)
            FROM given
            LEFT JOIN partly ON given.class = 1259 AND partly.title = given.title AND partly.object = given.object
                AND partly.privilege_type = given.privilege_type
            LEFT JOIN pg_catalog.pg_class c ON given.class = 1259 AND c.oid = given.object
            LEFT JOIN pg_catalog.pg_proc p ON given.class = 1255 AND p.oid = given.object
            LEFT JOIN pg_catalog.pg_type t ON given.class = 1247 AND t.oid = given.object
            LEFT JOIN pg_catalog.pg_database d ON given.class = 1262 AND d.oid = given.object
            LEFT JOIN pg_catalog.pg_foreign_data_wrapper f ON given.class = 2328 AND f.oid = given.object
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace,
                CASE WHEN given.class = 2615 THEN given.object END)
            UNION ALL
            SELECT reach.title, CASE WHEN s.classid = 826 THEN 'default rights of its own' ELSE 'ownership' END, false,
                'in', coalesce('the database ' || d.datname, 'all databases'),
                pg_catalog.concat_ws(' ', s.classid, s.objid)
            FROM reach JOIN pg_catalog.pg_shdepend s ON s.refobjid = reach.role AND s.deptype = 'o'
                AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
            LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE {shared}::pg_catalog.bool
            UNION ALL
            SELECT reach.title, 'membership', m.admin_option, 'of', g.rolname::pg_catalog.text,
                m.roleid::pg_catalog.text
            FROM reach JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
            JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE {shared}::pg_catalog.bool
            UNION ALL
            SELECT reach.title, power.name, false, 'through', r.rolname::pg_catalog.text, ''
            FROM reach JOIN pg_catalog.pg_roles r ON r.oid = reach.role CROSS JOIN LATERAL (
                SELECT 'SUPERUSER' WHERE r.rolsuper UNION ALL SELECT 'CREATEROLE' WHERE r.rolcreaterole UNION ALL
                SELECT 'CREATEDB' WHERE r.rolcreatedb UNION ALL SELECT 'REPLICATION' WHERE r.rolreplication UNION ALL
                SELECT 'BYPASSRLS' WHERE r.rolbypassrls
            ) AS power(name) WHERE {shared}::pg_catalog.bool
            UNION ALL
            SELECT grantee.title, 'row policy', false, 'on',
                pg_catalog.concat(n.nspname, '.', c.relname, ': ', q.polname),
                pg_catalog.concat_ws(' ', q.oid, q.polcmd, q.polpermissive, q.polqual, q.polwithcheck)
            FROM grantee JOIN pg_catalog.pg_policy q ON grantee.role = ANY (q.polroles)
            JOIN pg_catalog.pg_class c ON c.oid = q.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        )
        SELECT title, privilege, passes_on, what, name, pg_catalog.count(*),
            pg_catalog.md5(pg_catalog.string_agg(line, ',' ORDER BY line COLLATE "C"))
        FROM (SELECT title, privilege, passes_on, what, name COLLATE "C", line FROM told) AS told
        GROUP BY title, privilege, passes_on, what, name
        """,
        {
            "titles": [title for title, _ in pairs],
            "names": [name for _, name in pairs],
            "everybody": EVERYBODY,
            "shared": shared,
        },
    )
