"""Who holds what the bot can give on a PostgreSQL server: everybody, by whomever and through whatever role.

No pattern of a name leaves anybody out, for everybody may choose a name; a mark of ours is told, and the core looks
whether a grant stands behind it.
"""

from typing import TYPE_CHECKING

from access.ports import Deadline, Holder
from workers.providers.postgres.catalogue import marked_grant
from workers.providers.postgres.statements import Statement

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections

# From version 16 on there is a membership for each grantor, with a number and options of its own; they are read by
# their names in JSON, since a server before that refuses to hear of them. Before, whether a membership is inherited is
# the member's attribute, every member may say SET ROLE (the bot cannot be set up otherwise, so of it that is no news),
# and what tells a role that was made anew is the role's own number.
# ADMIN counts through every role in between, as the server counts it. The bot's own logins are left out of what it
# holds: who makes a role has ADMIN on it, and that alone opens nothing.
HOLDERS = Statement(
    """
    WITH RECURSIVE me AS (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER),
    given AS MATERIALIZED (
        SELECT m.roleid, m.member, m.grantor, m.admin_option AS admin,
            coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool, p.rolinherit) AS inherits,
            coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, p.rolname <> CURRENT_USER) AS becomes,
            coalesce(pg_catalog.to_jsonb(m) ->> 'oid', m.roleid::pg_catalog.text) AS number
        FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles p ON p.oid = m.member
    ),
    held(role) AS (
        SELECT me.oid FROM me UNION SELECT g.roleid FROM held JOIN given g ON g.member = held.role
    ),
    mine AS (SELECT DISTINCT g.roleid FROM held JOIN given g ON g.member = held.role WHERE g.admin),
    reach(grantable, member, via, grantor, number, admin, inherits, becomes) AS (
        SELECT g.roleid, g.member, NULL::pg_catalog.oid, g.grantor, g.number, g.admin, g.inherits, g.becomes
        FROM given g JOIN mine ON mine.roleid = g.roleid
        UNION
        SELECT r.grantable, g.member, g.roleid, g.grantor, g.number, g.admin,
            r.inherits AND g.inherits, r.becomes AND g.becomes
        FROM reach r JOIN given g ON g.roleid = r.member
    )
    SELECT g.rolname::pg_catalog.text, p.rolname::pg_catalog.text, p.oid::pg_catalog.text,
        coalesce(v.rolname::pg_catalog.text, ''), coalesce(b.rolname::pg_catalog.text, r.grantor::pg_catalog.text),
        r.number, pg_catalog.bool_or(r.admin), pg_catalog.bool_or(r.inherits), pg_catalog.bool_or(r.becomes),
        p.rolcanlogin, r.grantor = me.oid, p.oid = me.oid,
        coalesce(pg_catalog.shobj_description(p.oid, 'pg_authid'), '')
    FROM reach r CROSS JOIN me
    JOIN pg_catalog.pg_roles g ON g.oid = r.grantable JOIN pg_catalog.pg_roles p ON p.oid = r.member
    LEFT JOIN pg_catalog.pg_roles v ON v.oid = r.via LEFT JOIN pg_catalog.pg_roles b ON b.oid = r.grantor
    WHERE p.oid <> me.oid OR g.rolname !~ '^cs_[0-9a-z]{{26}}$'
        AND (r.inherits OR r.becomes OR (r.via IS NULL AND r.grantor = me.oid))
    GROUP BY g.rolname, p.rolname, p.oid, v.rolname, b.rolname, r.grantor, r.number, p.rolcanlogin, me.oid
    ORDER BY 2, 1, 4, 5, 6
    """,
    {},
)


def list_holders(connections: "Connections", place: str, deadline: Deadline) -> list[Holder]:
    """In either mode."""
    with connections.session(deadline) as session:
        rows = session.read(HOLDERS)
        apart = session.tells_grantors_apart
    return [_holder(row, place, apart=apart) for row in rows]


def _holder(row: tuple[object, ...], place: str, *, apart: bool) -> Holder:
    """`apart`: else every member of a role may become it, and that is nothing that was added."""
    role, principal, number, via, grantor, given, admin, inherits, becomes, can_log_in, ours, service_account, mark = (
        row
    )
    name, grant = str(principal), marked_grant(str(mark))
    marked = grant is not None and name == f"cs_{grant}"
    options = {"admin": admin, "inherit": inherits, "set": becomes}
    more = {"ADMIN on": admin, "SET ROLE": becomes and apart} if ours and not (service_account or via or marked) else {}
    return Holder(
        principal=name, role=str(role), ours=bool(ours), place=place, service_account=bool(service_account),
        extra_privileges=", ".join(f"{word} {role}" for word, has in more.items() if has),
        member_id=str(number), grantor=str(grantor), given_id=str(given), via=str(via), can_log_in=bool(can_log_in),
        options=frozenset(word for word, has in options.items() if has), grant_id=grant if marked else None,
    )  # fmt: skip
