"""What the provider postgres asks about the bot's own might, and about the roles that it may be asked to grant.

Every name is the server's own by its schema: a stranger's function of the same name is never called.
"""

from collections.abc import Sequence
from typing import LiteralString

from workers.providers.postgres.statements import Statement, Value

HARMLESS = ["pg_read_all_data", "pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"]
"""PostgreSQL's own roles that can only read. Any other, of today or of a later version, is refused."""
OF_THE_BOT = [
    *HARMLESS, "pg_signal_backend", "pg_signal_autovacuum_worker", "pg_use_reserved_connections", "pg_checkpoint",
    "pg_database_owner",
]  # fmt: skip
"""PostgreSQL's own roles that the bot's account may use; with any other it could do more than end access."""
ROOT: LiteralString = """(
    SELECT me.rolname AS bot, CASE WHEN me.rolsuper THEN ARRAY['SUPERUSER'] ELSE ARRAY(
        SELECT pg_catalog.concat(power.name, CASE WHEN r.oid <> me.oid THEN ' through ' || r.rolname END)
        FROM pg_catalog.pg_roles r CROSS JOIN LATERAL (
            SELECT 'SUPERUSER' WHERE r.rolsuper UNION ALL
            SELECT 'REPLICATION' WHERE r.rolreplication UNION ALL
            SELECT 'BYPASSRLS' WHERE r.rolbypassrls
        ) AS power(name)
        WHERE pg_catalog.pg_has_role(r.oid, {becomes})
        UNION ALL SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r
        WHERE r.oid < 16384 AND r.rolname ~ '^pg_' AND r.rolname::pg_catalog.text <> ALL ({fine}::pg_catalog.text[])
            AND pg_catalog.pg_has_role(r.oid, {uses})
        ORDER BY 1
    ) END AS powers
    FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER
)"""
"""The bot's account, and what of it is more than it needs."""


def bot_powers(*, apart: bool) -> Statement:
    """`apart`: whether the server tells who may become a role from who merely is a member."""
    told: LiteralString = "SELECT root.bot::pg_catalog.text, root.powers FROM " + ROOT + " AS root"  # noqa: S608  (all of it is fixed)
    return Statement(told, _account_values(apart))


def grantable(roles: Sequence[str], *, apart: bool) -> Statement:
    """The bot and its powers; beside them, for each of the roles that exists, its name, whether we may grant it, which
    powers come with it, and the numbers of all that it reaches.

    Everything a role reaches counts: a harmless name may be a member of a superuser.
    """
    return Statement(
        """
        WITH RECURSIVE reach(start, role, path) AS (
            SELECT oid, oid, rolname::pg_catalog.text FROM pg_catalog.pg_roles
                WHERE rolname::pg_catalog.text = ANY ({roles}::pg_catalog.text[])
            UNION
            SELECT reach.start, m.roleid, reach.path FROM reach
                JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
        ), known AS (
            SELECT reach.path, pg_catalog.pg_has_role(reach.start, 'USAGE WITH ADMIN OPTION') AS ours,
                coalesce(pg_catalog.array_agg(DISTINCT power.name ORDER BY power.name)
                    FILTER (WHERE power.name IS NOT NULL), '{{}}') AS powers,
                pg_catalog.array_agg(DISTINCT reach.role::pg_catalog.int8) AS reached
            FROM reach JOIN pg_catalog.pg_roles r ON r.oid = reach.role
            CROSS JOIN LATERAL (
                SELECT 'SUPERUSER' WHERE r.rolsuper UNION ALL
                SELECT 'CREATEROLE' WHERE r.rolcreaterole UNION ALL
                SELECT 'CREATEDB' WHERE r.rolcreatedb UNION ALL
                SELECT 'REPLICATION' WHERE r.rolreplication UNION ALL
                SELECT 'BYPASSRLS' WHERE r.rolbypassrls UNION ALL
                SELECT r.rolname::pg_catalog.text
                    WHERE r.rolname ~ '^pg_' AND r.rolname::pg_catalog.text <> ALL ({harmless}::pg_catalog.text[])
                UNION ALL
                SELECT 'ADMIN on ' || held.rolname FROM pg_catalog.pg_auth_members m
                    JOIN pg_catalog.pg_roles held ON held.oid = m.roleid
                    WHERE m.member = r.oid AND m.admin_option UNION ALL
                SELECT NULL
            ) AS power(name)
            GROUP BY reach.path, reach.start
        )
        SELECT root.bot::pg_catalog.text, root.powers, known.path, known.ours, known.powers, known.reached FROM """  # noqa: S608  (all of it is fixed)
        + ROOT
        + " AS root LEFT JOIN known ON true",
        {"roles": list(roles), "harmless": HARMLESS, **_account_values(apart)},
    )


def _account_values(apart: bool) -> dict[str, Value]:
    member = "MEMBER"
    return {"fine": OF_THE_BOT, "becomes": "SET" if apart else member, "uses": "USAGE, SET" if apart else member}


_ACLS: LiteralString = """
    SELECT 1259::pg_catalog.oid, c.oid, 0, c.relacl, c.relowner FROM pg_catalog.pg_class c
        WHERE c.relacl IS NOT NULL AND c.relpersistence <> 't'
    UNION ALL SELECT 1259, a.attrelid, a.attnum, a.attacl, c.relowner FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND c.relpersistence <> 't'
    UNION ALL SELECT 1255, p.oid, 0, CASE WHEN p.prosecdef AND p.oid >= 16384
        THEN coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) ELSE p.proacl END, p.proowner
        FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL OR p.prosecdef
    UNION ALL SELECT 2615, n.oid, 0, n.nspacl, n.nspowner FROM pg_catalog.pg_namespace n
        WHERE n.nspacl IS NOT NULL AND n.nspname !~ '^pg_(temp|toast_temp)_'
    UNION ALL SELECT 1247, t.oid, 0, t.typacl, t.typowner FROM pg_catalog.pg_type t WHERE t.typacl IS NOT NULL
    UNION ALL SELECT 2612, l.oid, 0, l.lanacl, l.lanowner FROM pg_catalog.pg_language l WHERE l.lanacl IS NOT NULL
    UNION ALL SELECT 2328, f.oid, 0, f.fdwacl, f.fdwowner FROM pg_catalog.pg_foreign_data_wrapper f
    UNION ALL SELECT 1417, s.oid, 0, s.srvacl, s.srvowner FROM pg_catalog.pg_foreign_server s
    UNION ALL SELECT 2995, o.oid, 0, o.lomacl, o.lomowner FROM pg_catalog.pg_largeobject_metadata o
        WHERE o.lomacl IS NOT NULL
    UNION ALL SELECT 826, d.oid, 0, d.defaclacl, d.defaclrole FROM pg_catalog.pg_default_acl d
    UNION ALL SELECT 1213, s.oid, 0, s.spcacl, s.spcowner FROM pg_catalog.pg_tablespace s
    UNION ALL SELECT 1262, d.oid, 0, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)), d.datdba
        FROM pg_catalog.pg_database d WHERE d.datallowconn"""
_OF_PARAMETERS: LiteralString = """
    UNION ALL SELECT 6243, p.oid, 0, p.paracl, 10 FROM pg_catalog.pg_parameter_acl p"""
PARAMETERS_SINCE = 150000


def acls(version: int) -> LiteralString:
    """Everything in this database, and what all databases share, that rights were given on: what, its ACL, its owner.

    Not what is temporary, which its maker takes away with the session; of functions that say no rights themselves only
    those that run as their owner, for the others give nobody anything.
    """
    return _ACLS + _OF_PARAMETERS if version >= PARAMETERS_SINCE else _ACLS


def passed_on(roles: Sequence[str], version: int) -> Statement:
    """What these roles reach that can be passed on or lets its holder plant or stop something, and what they own in any
    database; ten at most.

    Default rights of its own are nothing that a role owns: whoever holds it can make some, and it never makes anything.
    Not on what temporary logins and their keepers own: else a holder could have the next person refused. What an owner
    may do with its own is told as ownership.
    """
    return Statement(
        """
        WITH RECURSIVE reach(start, role) AS (
            SELECT rolname::pg_catalog.text, oid FROM pg_catalog.pg_roles
                WHERE rolname::pg_catalog.text = ANY ({roles}::pg_catalog.text[])
            UNION
            SELECT reach.start, m.roleid FROM reach JOIN pg_catalog.pg_auth_members m ON m.member = reach.role
        ), acl(class, object, part, acl, owner) AS ("""  # noqa: S608  (all of it is fixed)
        + acls(version)
        + """
        )
        SELECT DISTINCT coalesce(reach.start, ''), pg_catalog.concat(right_.privilege_type,
                CASE WHEN right_.is_grantable THEN ' WITH GRANT OPTION' END, ' on ',
                pg_catalog.pg_describe_object(acl.class, acl.object, acl.part),
                ' (given by ' || giver.rolname || ')')
        FROM acl CROSS JOIN LATERAL pg_catalog.aclexplode(acl.acl) AS right_
        LEFT JOIN reach ON reach.role = right_.grantee
        JOIN pg_catalog.pg_roles owner ON owner.oid = acl.owner
        LEFT JOIN pg_catalog.pg_roles giver ON giver.oid = right_.grantor
        WHERE owner.rolname !~ '^cs_' AND acl.owner <> right_.grantee AND CASE WHEN right_.grantee = 0
            THEN right_.privilege_type IN ('SET', 'ALTER SYSTEM')
            ELSE reach.role IS NOT NULL AND (right_.is_grantable
                OR right_.privilege_type IN ('TRIGGER', 'REFERENCES', 'MAINTAIN', 'SET', 'ALTER SYSTEM')) END
        UNION SELECT reach.start, pg_catalog.concat('ownership of ',
                CASE WHEN s.dbid = 0 OR d.datname = pg_catalog.current_database()
                    THEN pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid)
                    ELSE 'something in the database ' || d.datname END)
        FROM reach JOIN pg_catalog.pg_shdepend s ON s.refobjid = reach.role AND s.deptype = 'o'
            AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
        ORDER BY 1, 2 LIMIT 10
        """,
        {"roles": list(roles)},
    )


CHANGES = Statement(
    """
    SELECT pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
        + pg_catalog.pg_stat_get_tuples_deleted(c.oid))::pg_catalog.int8
    FROM pg_catalog.pg_class c
    WHERE c.oid = ANY (ARRAY[826, 1213, 1247, 1249, 1255, 1259, 1262, 1417, 2328, 2607, 2612, 2615, 2616,
        2617, 2753, 2995, 3079, 3381, 3456, 3466, 3600, 3602, 6100, 6104, 6243]::pg_catalog.oid[])
    """,
    {},
)
"""How often rows of the catalogues that say who owns and who may do what in this database were written; it lags behind
by up to ten seconds. Who is a member of what is not among them: each of our own grants writes that."""
