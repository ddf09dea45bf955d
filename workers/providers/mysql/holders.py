"""Who holds what the bot can give on a MariaDB server: by whomever it was given, and through whatever role."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from access.ports import EVERYBODY, Holder
from workers.providers.mysql import catalogue
from workers.providers.mysql.catalogue import PUBLIC, Grants, Held
from workers.providers.mysql.rights import Right
from workers.providers.mysql.settings import MARK
from workers.providers.mysql.statements import Account

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_OURS = re.compile(r"cs_([0-9a-z]{26})")


def list_holders(session: "Session", place: str) -> list[Holder]:
    grants, bot = catalogue.read(session, None), catalogue.bot(session)
    given = {role for role, admin in grants[bot].roles.items() if admin and role != MARK}
    return [*_of_roles(grants, bot, given, place), *_of_rights(grants, bot, place)]


def _of_roles(grants: Grants, bot: Account, given: set[str], place: str) -> Iterator[Holder]:
    for account, held in sorted(grants.items(), key=lambda one: (one[0].user, one[0].host)):
        for direct, admin in sorted(held.roles.items()):
            for role in sorted(given.intersection(grants.reached(direct))):
                if account == bot and direct == role:
                    continue  # who may pass a role on has it, on this server; `check` says so
                via = "" if direct == role else direct
                yield _holder(account, held, f"the role {role}", place, bot, via=via, options=["admin"] * admin)


def _of_rights(grants: Grants, bot: Account, place: str) -> Iterator[Holder]:
    """What the bot may give directly, as its holder has it: who may read the whole server is told once."""
    passes = [one for one in grants[bot].rights if one.privilege == "GRANT OPTION" and one.database]
    wanted = {
        right for right in grants[bot].rights
        if right.privilege != "GRANT OPTION" and any(_same_place(one, right) for one in passes)
    }  # fmt: skip
    for account, held in sorted(grants.items(), key=lambda one: (one[0].user, one[0].host)):
        if account == bot:
            continue
        for own in sorted(held.rights, key=str):
            if any(own.covers(right) or right.covers(own) for right in wanted):
                admin = any(one.privilege == "GRANT OPTION" and _same_place(one, own) for one in held.rights)
                yield _holder(account, held, str(own), place, bot, options=["admin"] * admin)


def _same_place(one: Right, other: Right) -> bool:
    return one.database in ("", other.database) and one.table in (None, other.table)


def _holder(
    account: Account, held: Held, role: str, place: str, bot: Account, *, via: str = "", options: list[str]
) -> Holder:  # fmt: skip
    """Of a membership the server does not note by whom it was given; our mark says that the whole login is ours."""
    named = _OURS.fullmatch(account.user) if held.is_marked else None
    everyone = held.is_role and account.user == PUBLIC
    return Holder(
        principal=EVERYBODY if everyone else account.user,
        role=role, ours=True if named else None, place=place, service_account=account == bot,
        member_id=account.host, via=via, can_log_in=not held.is_role and not held.locked,
        options=frozenset(options), grant_id=named[1] if named else None,
    )  # fmt: skip
