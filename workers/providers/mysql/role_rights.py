"""What roles of the policy allow on a MariaDB server, and what everyone may do there, made comparable."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from access.ports import EVERYBODY, RoleRights
from workers.providers.mysql import catalogue
from workers.providers.mysql.catalogue import PUBLIC, Grants
from workers.providers.mysql.rights import Right
from workers.providers.mysql.settings import Role

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_MAKES = {
    "CREATE": "tables", "CREATE VIEW": "views", "CREATE ROUTINE": "procedures and functions", "EVENT": "events",
    "CREATE TEMPORARY TABLES": "temporary tables", "INDEX": "indexes", "TRIGGER": "triggers",
}  # fmt: skip


def role_rights(session: "Session", roles: Mapping[str, Role]) -> list[RoleRights]:
    grants = catalogue.read(session, [])
    told = [_told(title, _words(grants, role), _rights(grants, role)) for title, role in roles.items()]
    everyone = list(_of_role(grants, PUBLIC))
    return [*told, _told(EVERYBODY, everyone, grants.of_role(PUBLIC).rights)]


def _words(grants: Grants, role: Role) -> list[str]:
    if role.server_role is None:
        return [str(right) for right in role.direct]
    return list(_of_role(grants, role.server_role))


def _of_role(grants: Grants, role: str) -> Iterable[str]:
    for reached in grants.reached(role):
        yield from grants.of_role(reached).words


def _rights(grants: Grants, role: Role) -> frozenset[Right]:
    if role.server_role is None:
        return role.direct
    return frozenset[Right]().union(*(grants.of_role(reached).rights for reached in grants.reached(role.server_role)))


def _told(title: str, words: Iterable[str], rights: Iterable[Right]) -> RoleRights:
    ordered = sorted(set(words))
    made = sorted({f"{_MAKES[one.privilege]} in {one.place}" for one in rights if one.privilege in _MAKES})
    return RoleRights(
        role=title,
        fingerprint=hashlib.sha256("\n".join(ordered).encode()).hexdigest(),
        allows=frozenset(ordered),
        creates=tuple(made),
    )
