"""What the provider postgres says to a server to tidy up behind a login whose end is proven; in batches."""

from collections.abc import Sequence

from workers.providers.postgres.statements import Name, Statement, Value


def there(logins: Sequence[str]) -> Statement:
    """Those of these logins that are there still."""
    return Statement(
        "SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY ({logins}::text[]) ORDER BY 1",
        {"logins": list(logins)},
    )


def databases(oid: int) -> Statement:
    """Where the login owns something or was granted something: the database, whether we may enter, how much it owns.

    What all databases share can be seen to from any.
    """
    return Statement(
        """
        SELECT coalesce(d.datname::text, pg_catalog.current_database()::text),
            pg_catalog.has_database_privilege(coalesce(d.datname, pg_catalog.current_database()), 'CONNECT'),
            count(*) FILTER (WHERE s.deptype = 'o')
        FROM pg_catalog.pg_shdepend s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
        WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid::bigint = {oid}
            AND s.classid <> 'pg_catalog.pg_auth_members'::regclass
        GROUP BY 1, 2 ORDER BY 1
        """,
        {"oid": oid},
    )


_OWNED_HERE = """FROM pg_catalog.pg_shdepend s
    WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid::bigint = {oid} AND s.deptype = 'o'
    AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"""


def owned_here(oid: int) -> Statement:
    """How much the login made in this database, and some of it in PostgreSQL's own words: `table copy`."""
    return Statement(
        f"""
        SELECT (SELECT count(*) {_OWNED_HERE}),
            ARRAY(SELECT pg_catalog.pg_describe_object(s.classid, s.objid, 0) {_OWNED_HERE} ORDER BY 1 LIMIT 20)
        """,
        {"oid": oid},
    )


def batch(oid: int, after: tuple[int, int], most: int, most_large: int) -> Statement:
    """The next objects that the login owns here, by the numbers of catalogue and object: one kind of lock a batch.

    A sequence of a table's column goes with its table. Of large objects (2613) any number is one lock.
    """
    return Statement(
        """
        WITH owned AS (
            SELECT s.classid::bigint AS classid, s.objid::bigint AS objid """  # noqa: S608  (all of it is fixed)
        + _OWNED_HERE
        + """
            AND (s.classid::bigint, s.objid::bigint) > ({class}, {object})
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = s.classid AND p.objid = s.objid
                AND s.classid = 'pg_catalog.pg_class'::regclass AND p.refclassid = s.classid
                AND p.refobjsubid > 0 AND p.deptype IN ('a', 'i'))
        ), first AS (SELECT classid = 2613 AS large FROM owned ORDER BY classid, objid LIMIT 1)
        SELECT o.classid, o.objid FROM owned o, first f WHERE (o.classid = 2613) = f.large
        ORDER BY 1, 2 LIMIT (SELECT CASE WHEN f.large THEN {many} ELSE {some} END FROM first f)
        """,
        {"oid": oid, "class": after[0], "object": after[1], "some": most, "many": most_large},
    )


def lend(keeper: str, roles: Sequence[str]) -> tuple[Statement, ...]:
    """For the rest of the transaction the keeper may own what the roles may create.

    It needs CREATE on each schema, which the roles of the grant bring. Nobody sees it: `unlend` is in the same
    transaction.
    """
    values: dict[str, Value] = {"keeper": Name(keeper)}
    return (
        Statement("GRANT {keeper} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE", values),
        *(
            Statement("GRANT {role} TO {keeper} WITH INHERIT TRUE, SET FALSE", {"role": Name(role), **values})
            for role in roles
        ),
    )


def unlend(keeper: str, roles: Sequence[str]) -> tuple[Statement, ...]:
    values: dict[str, Value] = {"keeper": Name(keeper)}
    return (
        *(Statement("REVOKE {role} FROM {keeper}", {"role": Name(role), **values}) for role in roles),
        Statement("REVOKE {keeper} FROM CURRENT_USER GRANTED BY CURRENT_USER", values),
    )


def start_using(role: str) -> Statement:
    """For the rest of the transaction the bot may do what this role may; `stop_using` is in the same one."""
    return Statement("GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE", {"role": Name(role)})


def stop_using(role: str) -> Statement:
    return Statement("REVOKE {role} FROM CURRENT_USER GRANTED BY CURRENT_USER", {"role": Name(role)})


def move(objects: Sequence[tuple[int, int]], keeper: str) -> Statement:
    """Gives these to the keeper, but for what another holds: only numbers go in, and the server says the names."""
    return Statement(
        """
        DO $$
        DECLARE
            one record;
            what record;
        BEGIN
            FOR one IN SELECT x.classid, x.objid
                FROM ROWS FROM (pg_catalog.unnest({classes}::bigint[]), pg_catalog.unnest({objects}::bigint[]))
                    AS x(classid, objid)
            LOOP
                BEGIN
                    SELECT i.type, i.identity INTO what
                        FROM pg_catalog.pg_identify_object(one.classid::oid, one.objid::oid, 0) i;
                    EXECUTE pg_catalog.format('ALTER %s %s OWNER TO %I',
                        CASE what.type WHEN 'statistics object' THEN 'statistics' ELSE what.type END,
                        what.identity, {keeper});
                EXCEPTION WHEN OTHERS THEN NULL; -- it is looked at again with what is left
                END;
            END LOOP;
        END $$
        """,
        {
            "classes": [classid for classid, _ in objects],
            "objects": [objid for _, objid in objects],
            "keeper": keeper,
        },
    )


def hand_over(login: str, keeper: str) -> tuple[Statement, ...]:
    """All that is left here: what it owns goes to the keeper, what was granted to it goes away. In this order."""
    values: dict[str, Value] = {"login": Name(login), "keeper": Name(keeper)}
    return (
        Statement("REASSIGN OWNED BY {login} TO {keeper}", values),
        Statement("DROP OWNED BY {login}", values),
    )


def keeper(name: str) -> Statement:
    """Whether the keeper is there; whether it may do anything; who else than the bot may use it."""
    return Statement(
        """
        SELECT k.rolcanlogin OR k.rolsuper OR k.rolcreaterole OR k.rolcreatedb OR k.rolreplication OR k.rolbypassrls
            OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = k.oid),
            ARRAY(SELECT u.rolname::text FROM pg_catalog.pg_auth_members m
                JOIN pg_catalog.pg_roles u ON u.oid = m.member
                WHERE m.roleid = k.oid AND (u.rolname <> CURRENT_USER OR m.inherit_option OR m.set_option) ORDER BY 1)
        FROM pg_catalog.pg_roles k WHERE k.rolname::text = {name}
        """,
        {"name": name},
    )


def make_keeper(name: str) -> tuple[Statement, ...]:
    """Owns what holders leave behind, and may nothing: so what was left runs, if at all, with no right."""
    comment = "Owns what holders of temporary access left behind. It has no rights, and must be given none."
    return (
        Statement("SET LOCAL createrole_self_grant = ''", {}),
        Statement("CREATE ROLE {name} NOLOGIN", {"name": Name(name)}),
        Statement("COMMENT ON ROLE {name} IS {comment}", {"name": Name(name), "comment": comment}),
    )


def ours_to_give(roles: Sequence[str]) -> Statement:
    """Of these roles, those that are there and that the bot may give."""
    return Statement(
        "SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY ({roles}::text[]) "
        "AND pg_catalog.pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') ORDER BY 1",
        {"roles": list(roles)},
    )


BOT = Statement("SELECT CURRENT_USER::text", {})
