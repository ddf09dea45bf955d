"""What the provider postgres reads in the catalogue: one temporary login, and which roles may be granted."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
