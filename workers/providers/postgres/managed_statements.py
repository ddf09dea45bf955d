"""What the provider postgres asks a server about its temporary logins, for drift."""

from workers.providers.postgres.statements import Statement

LOGINS = Statement(
    """
    SELECT r.oid::pg_catalog.int8, r.rolname::pg_catalog.text,
        coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), ''),
        ARRAY(SELECT g.rolname::pg_catalog.text
            FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
            WHERE m.member = r.oid ORDER BY 1),
        r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
    FROM pg_catalog.pg_roles r
    WHERE r.rolname ~ '^cs_[0-9a-z]{{26}}$' AND (r.rolcanlogin
        OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid))
    """,
    {},
)
"""All that are named as ours are and still give access. One without our mark is a holder like any other."""

_GIVEN = """
    FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
    JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
    LEFT JOIN pg_catalog.pg_database e ON e.oid = s.dbid
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'a'
        AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass AND r.rolname ~ '^cs_[0-9a-z]{{26}}$'
"""
"""What was granted to a login itself, where we only ever give memberships."""

WHERE_GIVEN = Statement(
    "SELECT DISTINCT r.oid::pg_catalog.int8, CASE WHEN s.dbid IN (0, d.oid) THEN '' ELSE e.datname::pg_catalog.text END"
    + _GIVEN
    + "ORDER BY 2, 1",
    {},
)
"""The logins that were granted something themselves, and in which other database; seen from any."""


def rights(*, shared: bool) -> Statement:
    """What was granted to logins themselves in this database, with what all databases share where that is wanted.

    For each login and who gave it: whether that one is a superuser or the bot, whether it is the owner of this
    database, whether it hangs on what a holder made (also once that became the bot's), the database, how many, and one.
    Where it cannot be told who gave it, the name is null.
    """
    return Statement(
        """
        SELECT s.refobjid::pg_catalog.int8, b.rolname::pg_catalog.text,
            coalesce(b.rolsuper OR b.rolname = CURRENT_USER, false),
            coalesce(b.oid = d.datdba OR b.rolname = 'pg_database_owner', false),
            coalesce(o.is_keepsake, false), d.datname::pg_catalog.text,
            pg_catalog.count(*), pg_catalog.pg_describe_object((pg_catalog.array_agg(s.classid))[1],
                (pg_catalog.array_agg(s.objid))[1], (pg_catalog.array_agg(s.objsubid))[1])
        FROM (SELECT s.*"""  # noqa: S608  (all of it is fixed)
        + _GIVEN
        + """AND (s.dbid = d.oid OR (s.dbid = 0 AND {shared}))) s
        JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
        LEFT JOIN LATERAL (
            SELECT true AS is_keepsake FROM pg_catalog.pg_shdepend o JOIN pg_catalog.pg_roles w ON w.oid = o.refobjid
            WHERE o.dbid = s.dbid AND o.classid = s.classid AND o.objid = s.objid AND o.deptype = 'o'
                AND o.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                AND (w.rolname = CURRENT_USER OR w.rolname ~ '^cs_[0-9a-z]{{26}}$') LIMIT 1
        ) o ON true
        LEFT JOIN LATERAL (
            SELECT DISTINCT x.grantor FROM (
                SELECT c.relacl AS acl FROM pg_catalog.pg_class c
                    WHERE s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.attacl FROM pg_catalog.pg_attribute c
                    WHERE s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND c.attrelid = s.objid AND c.attnum = s.objsubid
                UNION ALL SELECT c.proacl FROM pg_catalog.pg_proc c
                    WHERE s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.nspacl FROM pg_catalog.pg_namespace c
                    WHERE s.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.typacl FROM pg_catalog.pg_type c
                    WHERE s.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.lanacl FROM pg_catalog.pg_language c
                    WHERE s.classid = 'pg_catalog.pg_language'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.fdwacl FROM pg_catalog.pg_foreign_data_wrapper c
                    WHERE s.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.srvacl FROM pg_catalog.pg_foreign_server c
                    WHERE s.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.lomacl FROM pg_catalog.pg_largeobject_metadata c
                    WHERE s.classid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.defaclacl FROM pg_catalog.pg_default_acl c
                    WHERE s.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.datacl FROM pg_catalog.pg_database c
                    WHERE s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.spcacl FROM pg_catalog.pg_tablespace c
                    WHERE s.classid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass AND c.oid = s.objid
                UNION ALL SELECT c.paracl FROM pg_catalog.pg_parameter_acl c
                    WHERE s.classid = 'pg_catalog.pg_parameter_acl'::pg_catalog.regclass AND c.oid = s.objid
            ) acls CROSS JOIN LATERAL pg_catalog.aclexplode(acls.acl) x WHERE x.grantee = s.refobjid
        ) given ON true
        LEFT JOIN pg_catalog.pg_roles b ON b.oid = given.grantor
        GROUP BY s.refobjid, b.rolname, b.rolsuper, b.oid, d.datdba, o.is_keepsake, d.datname
        ORDER BY 1, 2
        """,
        {"shared": "on" if shared else "off"},
    )


PREPARED = Statement(
    """
    SELECT x.gid::pg_catalog.text, x.database::pg_catalog.text, x.owner::pg_catalog.text
    FROM pg_catalog.pg_prepared_xacts x WHERE x.owner IS NULL OR x.owner ~ '^cs_[0-9a-z]{{26}}$'
    ORDER BY x.database, x.owner, x.prepared
    """,
    {},
)
"""Of temporary logins and of roles that are gone (no owner): name, database, owner. `doctor` asks it too."""

ORPHANS = Statement(
    """
    SELECT a.usesysid::pg_catalog.int8, pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
    WHERE a.usesysid > 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)
    GROUP BY a.usesysid ORDER BY 1
    """,
    {},
)
"""Sessions of roles that are gone, by their numbers."""
