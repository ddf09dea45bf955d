"""What the provider postgres does after the end: sessions that show late, and what a holder left behind.

What a holder made is kept, and becomes a keeper's: a role without any right, for it must never run with the bot's.
Recipe and reasons: docs/adr/0021-an-end-that-no-holder-delays.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from access.errors import NotGrantable, Permanent, ProviderError
from access.ports import Cleanup, Deadline
from workers.providers.postgres import cleanup_statements as statements
from workers.providers.postgres import ending_statements, ownership_statements
from workers.providers.postgres.as_login import end_hidden, roll_back, take_passed_on
from workers.providers.postgres.ending import Standing, drop_by_hand, find, still_has
from workers.providers.postgres.ownership import Ownership
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_LOCKS = timedelta(milliseconds=50)
"""What somebody else uses is left for the next time: who waits for a lock makes others queue behind him."""
_BATCH, _BATCH_OF_LARGE_OBJECTS = 500, 5_000
"""Objects in one transaction: their locks must leave room in the server's table of locks."""
NOT_TIDIED = "In the database {database} it is not tidied up yet: {why}"
_TO_ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class Login:
    """A temporary login whose grant has ended."""

    grant_id: str
    name: str
    oid: int | None
    """By the receipt."""
    roles: Sequence[str]
    """Of the grant: with them the holder could make things, and the keeper can own them."""
    began: int | None = None
    """See `ownership`."""


def clean_up(
    connections: "Connections", session: "Session", ended: Sequence[Login], deadline: Deadline
) -> Mapping[str, Cleanup]:
    """First the sessions of all, then what is left of each, as far as the deadline goes."""
    found = dict[str, Cleanup]()
    numbers = {one.oid: one for one in ended if one.oid is not None}
    late = dict[str, int]()
    for oid, _, _ in session.write(ending_statements.sessions_of_numbers(list(numbers))):
        late[numbers[oid].grant_id] = late.get(numbers[oid].grant_id, 0) + 1
    there = {name for (name,) in session.read(statements.there([one.name for one in ended]))}
    for one in ended:
        if one.name in there:
            found[one.grant_id] = _Tidying(connections, session, one, deadline).tidy()
        elif one.grant_id in late:
            found[one.grant_id] = Cleanup(sessions_ended=late[one.grant_id])
    for one, gained in _gained(connections, session, ended, deadline):
        found[one.grant_id] = _with(found.get(one.grant_id, Cleanup()), gained, session)
    return found


def _gained(
    connections: "Connections", session: "Session", ended: Sequence[Login], deadline: Deadline
) -> Iterator[tuple[Login, Ownership]]:
    """Those through which a role may have come to own something; asked once for all, for it hardly ever is so."""
    known = [(one, one.began) for one in ended if one.began is not None]
    roles = sorted({role for one, _ in known for role in one.roles})
    if known:
        ((something,),) = session.read(ownership_statements.owns_anything(roles))
        for one, began in known if something else ():
            yield one, Ownership(connections, session, one.roles, began, deadline)


def _with(found: Cleanup, gained: Ownership, session: "Session") -> Cleanup:
    kept = tuple[str, ...]()
    try:
        if gained.close():
            kept = gained.hand_over(_keeper(session))
    except ProviderError as error:
        gained.left.append(f"What the roles came to own through this access is not another's yet: {error.sentence}")
    left = (*gained.left, *gained.waiting, *gained.unreached)
    return replace(
        found, left=(*found.left, *left), urgent=found.urgent or bool(left), kept=(*found.kept, *kept)
    )  # fmt: skip


@dataclass
class _Tidying:
    """Behind one login that is there still."""

    connections: "Connections"
    session: "Session"
    login: Login
    deadline: Deadline
    left: list[str] = field(default_factory=list[str], init=False)
    kept: list[str] = field(default_factory=list[str], init=False)

    def tidy(self) -> Cleanup:
        """Sessions that showed late; prepared transactions; what it made and was given; the login itself."""
        standing = find(self.session, self.login.name, self.login.oid)
        if standing is None:
            return Cleanup()
        if standing.gives_access:
            # Opened again by another's hand: that is for drift to find and for an end to close.
            return Cleanup(left=(f"The login {standing.name} was opened again on the server.",))
        late = self._end_sessions(standing)
        self.left += roll_back(self.connections, self.session, standing.name, self.deadline)
        self.left += take_passed_on(self.session, standing.name, standing.oid)
        self._hand_over(standing)
        if not self.left and not self._dropped(standing):
            self.left.append(
                f"The locked login {standing.name} could not be dropped; something still depends on it. "
                f"As a superuser: {drop_by_hand(standing.name)}"
            )
        if not self.left:
            return Cleanup(kept=tuple(self.kept), sessions_ended=late)
        others = still_has(standing)
        return Cleanup(
            left=(*self.left, *others), urgent=bool(others), kept=tuple(self.kept), sessions_ended=late
        )  # fmt: skip

    def _end_sessions(self, standing: Standing) -> int:
        end_hidden(self.session, standing.name)
        return len(self.session.write(ending_statements.end_sessions(standing.oid)))

    def _hand_over(self, standing: Standing) -> None:
        rows = self.session.read(statements.databases(standing.oid))
        if not rows:
            return
        try:
            keeper = _keeper(self.session)
        except ProviderError as error:
            self.left.append(error.sentence)
            return
        roles = [role for (role,) in self.session.read(statements.ours_to_give(self.login.roles))]
        for database, may_enter, owned in rows:
            if not may_enter:
                self.left.append(_out_of_reach(standing.name, keeper, database, owned))
                continue
            try:
                with self.connections.session_on(database, self.deadline) as there:
                    self._hand_over_in(there, database, standing, keeper, roles)
            except Permanent as error:
                self.left.append(_refused(standing.name, keeper, database, error.sentence))
            except ProviderError as error:
                self.left.append(NOT_TIDIED.format(database=database, why=error.sentence))

    def _hand_over_in(
        self, there: "Session", database: str, standing: Standing, keeper: str, roles: Sequence[str]
    ) -> None:
        """Batch by batch while there is much, then all that is left in one transaction. Raises ProviderError."""
        ((number, some),) = there.read(statements.owned_here(standing.oid))
        after = (0, 0)
        while number > _BATCH:
            found = there.read(statements.batch(standing.oid, after, _BATCH, _BATCH_OF_LARGE_OBJECTS))
            if not found:
                break
            there.write(
                statements.start_using(standing.name), *statements.lend(keeper, roles), statements.move(found, keeper),
                *statements.unlend(keeper, roles), statements.stop_using(standing.name),
                lock_timeout=_LOCKS,
            )  # fmt: skip
            after = max((classid, objid) for classid, objid in found)
            if self.deadline.left() <= _TO_ANSWER_SECONDS:
                self.left.append(f"In the database {database} so much was made that it takes several turns.")
                return
        there.write(
            statements.start_using(standing.name), *statements.lend(keeper, roles),
            *statements.hand_over(standing.name, keeper),
            *statements.unlend(keeper, roles), statements.stop_using(standing.name),
            lock_timeout=_LOCKS,
        )  # fmt: skip
        if number:
            more = f" and {number - len(some):,} more" if number > len(some) else ""
            self.kept.append(
                f"Made through this access and kept, now owned by {keeper}, which has no rights, in the database "
                f"{database}: {', '.join(some)}{more}. Rights on it that were given to others still stand."
            )

    def _dropped(self, standing: Standing) -> bool:
        with suppress(ProviderError):
            self.session.write(ending_statements.drop(standing.name), lock_timeout=_LOCKS)
        return find(self.session, standing.name, standing.oid) is None


def _keeper(session: "Session") -> str:
    """The bot's keeper, made if need be. Raises ProviderError, NotGrantable where it is not what it must be."""
    ((bot,),) = session.read(statements.BOT)
    name = f"{bot[:55]}_keeper"
    rows = session.read(statements.keeper(name))
    if not rows:
        session.write(*statements.make_keeper(name))
        return name
    ((may_something, users),) = rows
    if may_something or users:
        by = f" It can be used by {', '.join(users)}." if users else ""
        raise NotGrantable(
            f"The role {name} must own what holders leave behind, and so may have no rights, no attributes and no "
            f"other role.{by} Take them away, or rename it: another is then made."
        )
    return name


def _by_hand(login: str, keeper: str) -> str:
    return typed(*statements.hand_over(login, keeper), ending_statements.drop(login))


def _out_of_reach(login: str, keeper: str, database: str, owned: int) -> str:
    what = "owns something" if owned else "was granted something"
    return (
        f"The locked login {login} {what} in the database {database}, which the bot may not enter. "
        f"As a superuser, there: {_by_hand(login, keeper)}"
    )


def _refused(login: str, keeper: str, database: str, why: str) -> str:
    return (
        f"In the database {database} the bot may not tidy up behind the locked login {login}: {why} "
        f"As a superuser, there: {_by_hand(login, keeper)}"
    )
