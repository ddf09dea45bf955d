"""What stands on a MariaDB server with our mark, for drift: logins, and what could not be one of ours."""

import re
from typing import TYPE_CHECKING

from access.ports import Managed
from workers.providers.mysql import catalogue
from workers.providers.mysql.catalogue import Held
from workers.providers.mysql.logins import gives_access
from workers.providers.mysql.statements import drop

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_OURS = re.compile(r"cs_([0-9a-z]{26})")


def list_managed(session: "Session") -> list[Managed]:
    """A name alike is no mark; a mark under another name is told, since a login keeps it when it is renamed."""
    bot, found = catalogue.bot(session), list[Managed]()
    for account, held in catalogue.read(session, None).items():
        if not (held.is_there and held.is_marked) or held.is_role or account == bot:
            continue
        named = _OURS.fullmatch(account.user)
        if named is None:
            found.append(_strange(held))
        elif gives_access(held):
            found.append(Managed(name=account.user, grant_id=named[1], roles=held.words))
    return found


def _strange(held: Held) -> Managed:
    name = f"{held.account.user}@{held.account.host}"
    return Managed(
        name=name,
        grant_id=None,
        told={
            "under another name": f"The login {name} bears the mark of a temporary login, but not the name of "
            "one: it was renamed, and no end of ours finds it any more. If no one needs it, as an "
            f"administrator: {drop(held.account)};"
        },
    )
