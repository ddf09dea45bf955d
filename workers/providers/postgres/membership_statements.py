"""What the provider postgres says to a server about memberships.

From version 16 on there is a membership for each who gave it, and it says whether SET ROLE may use it; the column is
read by its name in JSON, since a server before that refuses to hear of it.
"""

from collections.abc import Iterator, Sequence

from workers.providers.postgres.statements import Name, Statement, Value


def login(name: str) -> Statement:
    """What the catalogue says of a person's own login; the columns are those of `membership.Login`."""
    return Statement(
        """
        SELECT r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolname = current_user,
            r.rolname ~ '^cs_[0-9a-z]{{26}}$',
            (SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid)
        FROM pg_roles r WHERE r.rolname::text = {name}
        """,
        {"name": name},
    )


def memberships(name: str, roles: Sequence[str]) -> Statement:
    """The memberships of a login in these roles; the columns are those of `membership.Membership`."""
    return Statement(
        """
        SELECT g.rolname::text, m.grantor = me.oid, m.admin_option,
            coalesce((to_jsonb(m) ->> 'set_option')::boolean, false)
        FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles p ON p.oid = m.member
        JOIN pg_roles me ON me.rolname = current_user
        WHERE p.rolname::text = {name} AND g.rolname::text = ANY ({roles}::text[]) ORDER BY 1, 2
        """,
        {"name": name, "roles": list(roles)},
    )


HOLDERS = Statement(
    """
    SELECT p.rolname::text, g.rolname::text, m.grantor = me.oid, m.member = me.oid, m.admin_option,
        coalesce((to_jsonb(m) ->> 'set_option')::boolean, false)
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles p ON p.oid = m.member
    JOIN pg_roles me ON me.rolname = current_user
    WHERE p.rolname !~ '^cs_[0-9a-z]{{26}}$' AND g.rolname !~ '^cs_[0-9a-z]{{26}}$'
        AND EXISTS (SELECT FROM pg_auth_members a WHERE a.roleid = m.roleid AND a.member = me.oid AND a.admin_option)
        AND (m.member <> me.oid OR m.grantor = me.oid)
    ORDER BY 1, 2, 3
    """,
    {},
)
"""Who is a member of what the bot can give; of the bot itself only what it gave itself."""


def held_itself(roles: Sequence[str]) -> Statement:
    """Of these roles, those that the bot's account was given with ADMIN, not through another role."""
    return Statement(
        "SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
        "JOIN pg_roles me ON me.oid = m.member AND me.rolname = current_user "
        "WHERE m.admin_option AND g.rolname::text = ANY ({roles}::text[])",
        {"roles": list(roles)},
    )


def add(name: str, roles: Sequence[str], *, apart: bool) -> Iterator[Statement]:
    # By the bot and nobody else: by that a membership of ours is known.
    for role in roles:
        values: dict[str, Value] = {"role": Name(role), "login": Name(name)}
        if apart:
            # SET FALSE: a session that had said SET ROLE would keep reading after the membership is gone.
            yield Statement(
                "GRANT {role} TO {login} WITH INHERIT TRUE, SET FALSE GRANTED BY CURRENT_USER", values
            )  # fmt: skip
        else:
            yield Statement("GRANT {role} TO {login} GRANTED BY CURRENT_USER", values)


def remove(name: str, roles: Sequence[str]) -> Iterator[Statement]:
    """As the bot: only what it gave, with what the login passed on where somebody had allowed it to."""
    for role in roles:
        values: dict[str, Value] = {"role": Name(role), "login": Name(name)}
        yield Statement("REVOKE {role} FROM {login} GRANTED BY CURRENT_USER CASCADE", values)
