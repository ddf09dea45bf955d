"""What stands on a PostgreSQL server with our mark, and what is left of ours without one: for drift, in login mode.

Who gave a right to a temporary login decides what comes of it: what a superuser, the owner of the target's database or
the bot gave ends the access, for nobody decided on it. Anybody else can give away what is theirs, and if that ended
anything, anybody could end another's access; so it is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from access.errors import ProviderError
from access.ports import Deadline, Managed
from workers.providers.postgres import ending_statements
from workers.providers.postgres import managed_statements as statements
from workers.providers.postgres.catalogue import marked_grant
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

ATTRIBUTES = "attributes such as SUPERUSER"
DIRECT = "rights granted to the login itself"
"""What a temporary login never has."""
MOST_DATABASES = 10
"""So many are entered at one look: who may make databases must not be able to hold it up."""
_SECONDS_EACH = 3.0


@dataclass
class _Login:
    """A temporary login, as the catalogue has it."""

    oid: int
    name: str
    grant: str
    roles: Sequence[str]
    has_powers: bool
    ends: bool = False
    """It was given rights by who decides about the target."""
    told: dict[str, str] = field(default_factory=dict[str, str])

    def managed(self) -> Managed:
        words = [ATTRIBUTES] * self.has_powers + [DIRECT] * self.ends
        return Managed(name=self.name, grant_id=self.grant, roles=frozenset([*self.roles, *words]), told=self.told)


def list_managed(connections: "Connections", deadline: Deadline) -> list[Managed]:
    """Of the whole server, for its roles belong to all databases. A login that is shut gives no access."""
    with connections.session(deadline) as session:
        logins = {
            oid: _Login(oid, name, grant, roles, powers)
            for oid, name, marker, roles, powers in session.read(statements.LOGINS)
            if (grant := marked_grant(marker)) and name == f"cs_{grant}"
        }
        # Before version 16 there is no login of ours, nor all that is asked.
        given = session.read(statements.WHERE_GIVEN) if logins and session.tells_grantors_apart else []
        left = [*_prepared(session), *_orphans(session)]
    _look_at_rights(connections, deadline, logins, given)
    return [*(login.managed() for login in logins.values()), *left]


def _look_at_rights(
    connections: "Connections", deadline: Deadline, logins: dict[int, _Login], given: Iterable[tuple[int, str]]
) -> None:
    """In each database where a login was given something; the target's own is the first, and has no name here."""
    places = defaultdict[str, list[_Login]](list)
    for oid, database in given:
        if oid in logins:
            places[database].append(logins[oid])
    for number, database in enumerate(places):
        # Whatever the reason: its owner may let nobody in, or fill it, and that must not hide what stands elsewhere.
        try:
            if number >= MOST_DATABASES:
                raise ProviderError
            _look_in(connections, Deadline.after(min(_SECONDS_EACH, deadline.left() / 2)), logins, database)
        except ProviderError:
            for login in places[database]:
                _note_unseen(login, database)


def _look_in(connections: "Connections", deadline: Deadline, logins: dict[int, _Login], database: str) -> None:
    """Raises ProviderError."""
    there = connections.session_on(database, deadline) if database else connections.session(deadline)
    with there as session:
        rows = session.read(statements.rights(shared=not database))
    for oid, grantor, decides, owns, is_keepsake, here, number, first in rows:
        login = logins.get(oid)
        if login is None:
            continue
        # The owner of another database than the target's has no say: anybody who may make one is that.
        if (decides or (owns and not database)) and not is_keepsake:
            login.ends = True
        else:
            _note_given(login, grantor, here, number, first or "something")


def _note_given(login: _Login, grantor: str | None, database: str, number: int, first: str) -> None:
    by = f"The role {grantor}" if grantor else "Some role"
    more = f" and {number - 1} more" if number > 1 else ""
    login.told[f"rights given by {grantor or 'some role'} in {database}, not ours"] = (
        f"{by} gave the temporary login {login.name} a right of its own on {first[:200]}{more}, in the database "
        f"{database}. That role is neither a superuser nor the bot nor the owner of the target's database, so nothing "
        "is ended for it. Ask why; who gave it can take it back."
    )


def _note_unseen(login: _Login, database: str) -> None:
    where = f"the database {database}, which the bot may not enter" if database else "the target's database"
    login.told[f"rights in {database or 'its own database'}, not looked at"] = (
        f"The temporary login {login.name} was given rights of its own in {where}. What they are and who gave them "
        "could not be looked at, and nothing is ended for it. Look there as a superuser."
    )


def _prepared(session: "Session") -> Iterator[Managed]:
    for (database, owner), rows in groupby(session.read(statements.PREPARED), key=itemgetter(1, 2)):
        gids = [gid for gid, _, _ in rows]
        number, undo = len(gids), typed(ending_statements.undo(gids[0]))
        whose = f"the temporary login {owner}" if owner else "a role that is gone"
        name = f"prepared transactions of {owner or 'a role that is gone'} in {database}"
        many = "a prepared transaction" if number == 1 else f"{number} prepared transactions"
        yield Managed(
            name=name, grant_id=None,
            told={
                "still there": f"The database {database} holds {many} of {whose}. Such a transaction keeps its locks "
                "after its session, and can be finished by its owner. To take it back, in that database, as a "
                f"superuser: {undo}"
            },
        )  # fmt: skip


def _orphans(session: "Session") -> Iterator[Managed]:
    for oid, number in session.read(statements.ORPHANS):
        sessions = "1 session is" if number == 1 else f"{number} sessions are"
        end = f"SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usesysid = {oid};"  # noqa: S608  (a number)
        yield Managed(
            name=f"sessions of the role {oid}, which is gone", grant_id=None, orphan_oid=oid,
            told={
                "still there": f"{sessions} open of a role that is gone, number {oid}, and no receipt of ours for this "
                f"resource has that number. To end them, as a superuser: {end}"
            },
        )  # fmt: skip
