"""What the provider postgres reads in the catalogue: one temporary login, and which roles may be granted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.errors import NotGrantable, TargetNotFound
from workers.providers.postgres import statements

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.postgres.session import Session


@dataclass(frozen=True)
class Login:
    """What the catalogue says of a temporary login; the fields are the columns of `statements.look`."""

    oid: int
    can_log_in: bool
    expires: float | None
    marker: str
    has_powers: bool
    """Somebody gave it SUPERUSER or the like."""
    has_direct_rights: bool
    """Somebody granted it something that is no membership."""
    memberships: list[str]
    sessions: int


def marked_grant(marker: str) -> str | None:
    """Whose mark the comment on a login is; None where it is not ours."""
    try:
        said = json.loads(marker)
    except ValueError:
        return None
    if not isinstance(said, dict) or "countersign" not in said or not isinstance(said.get("grant"), str):
        return None
    return said["grant"]


def look(session: "Session", name: str) -> Login | None:
    rows = session.read(statements.look(name))
    return Login(*rows[0]) if rows else None


def refuse_ungrantable(session: "Session", roles: Sequence[str]) -> None:
    """Raises TargetNotFound or NotGrantable for the first of the roles that must not be granted."""
    known = {name: (ours, powers) for name, ours, powers in session.read(statements.grantable(roles))}
    for role in roles:
        if role not in known:
            raise TargetNotFound(f"The database server has no role {role}.")
        ours, powers = known[role]
        if role.startswith("cs_") and len(role) == 29:
            raise NotGrantable(f"The role {role} is somebody's temporary login and cannot be granted.")
        if powers:
            raise NotGrantable(
                f"The role {role} carries {', '.join(powers)}, which can be used to keep or pass on access, "
                "so it is never granted. Make a role that has only the rights on the data."
            )
        if not ours:
            raise NotGrantable(
                f"The bot may not grant the role {role}; as a superuser: "
                f"GRANT {role} TO <the bot> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE."
            )
