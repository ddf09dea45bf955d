"""What a holder made the property of a role that was granted: it would go on with the role's rights after the end.

A view reads and writes as its owner, for everybody who may use it. So others' rights on such things are taken with the
end; where the bot can have a keeper, they become its property afterwards, for the server runs some code as the owner
of a table by itself. What became the role's before the grant is not touched.
docs/adr/0021-an-end-that-no-holder-delays.md
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from access.errors import Permanent, ProviderError
from access.ports import Deadline, Receipt
from workers.providers.postgres import cleanup_statements
from workers.providers.postgres import ownership_statements as statements
from workers.providers.postgres.ending_statements import LOCKS
from workers.providers.postgres.errors import LOCKED, NO_LOCKS
from workers.providers.postgres.statements import Statement

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_TO_ANSWER_SECONDS = 0.5
_SOME = 5
"""Things that are named."""
_ANY = ""


def began_at(receipt: Receipt | None) -> int | None:
    """The oldest transaction that could use the grant. None: a version before this one gave it."""
    number = receipt.details.get("began") if receipt else None
    return number if isinstance(number, int) else None


@dataclass
class Ownership:
    """What the roles of one grant came to own since it began. Nothing is known where that is not."""

    connections: "Connections"
    session: "Session"
    roles: Sequence[str]
    began: int | None
    deadline: Deadline
    left: list[str] = field(default_factory=list[str], init=False)
    """Sentences: what others may use still, and trying again does not help."""
    waiting: list[str] = field(default_factory=list[str], init=False)
    """The same where a lock was in the way; it goes by itself."""
    unreached: list[str] = field(default_factory=list[str], init=False)
    """Where a database could not be entered just now. Its owner may keep it so: no reason to wait with an end."""

    def close(self) -> tuple[str, ...]:
        """Takes from others what they may do with it, and says what it is. What could not be done is in the lists."""
        said = list[str]()
        try:
            rows = self._owned()
        except ProviderError as error:
            self.unreached.append(f"What the roles came to own through this access is not known yet: {error.sentence}")
            return ()
        for owner, database, may_enter, number in rows:
            if not may_enter:
                self.left.append(
                    f"The role {owner} came to own {_things(number)} in the database {database}, which the bot may not "
                    f"enter, and others may use that with the rights of {owner}. As a superuser, take it away there."
                )
                continue
            try:
                with self.connections.session_on(database, Deadline.after(self.deadline.left() / 2)) as there:
                    said += self._close_in(there, owner, database, number)
            except ProviderError as error:
                locked = error.code in (LOCKED, NO_LOCKS)
                (self.waiting if locked else self.unreached).append(
                    f"What the role {owner} came to own through this access in the database {database} is not closed "
                    f"to others yet: {error.sentence}"
                )
        return tuple(said)

    def hand_over(self, keeper: str) -> tuple[str, ...]:
        """To the keeper; what was, in words. Raises ProviderError."""
        kept = list[str]()
        for owner, database, may_enter, _ in self._owned():
            if may_enter:
                with self.connections.session_on(database, self.deadline) as there:
                    kept += self._hand_over_in(there, owner, database, keeper)
        return tuple(kept)

    def _owned(self) -> list[tuple[str, str, bool, int]]:
        if self.began is None:
            return []
        about = statements.about(_ANY, self.began)
        rows = self.session.read(about, statements.owned(self.roles))
        return [(owner, database, may_enter, number) for owner, database, may_enter, number in rows]

    def _close_in(self, there: "Session", owner: str, database: str, number: int) -> tuple[str, ...]:
        """Batch by batch, while it helps. Raises Transient."""
        assert self.began is not None
        about = statements.about(owner, self.began)
        names = [name for _, _, name in there.read(about, statements.OWNED_HERE)][:_SOME]
        more = f" and {number - len(names):,} more" if number > len(names) else ""
        what = f"In the database {database} the role {owner} came to own {', '.join(names)}{more} through this access"
        if not self._taken_from_others(there, owner, about):
            self.left.append(
                f"{what}, and others may use that with the rights of {owner}. The bot may not take it from them. "
                "As a superuser, give it another owner there."
            )
            return ()
        return (
            f"{what}. What others could do with it was taken away. It must get another owner before {owner} can be "
            "granted again.",
        )

    def _taken_from_others(self, there: "Session", owner: str, about: Statement) -> bool:
        before, apart, roles = -1, there.tells_grantors_apart, self._lendable()
        while True:
            ((number,),) = there.read(about, statements.SHARED)
            if number in (0, before):
                return not number
            before = number
            with suppress(Permanent):
                there.write(
                    about, *statements.borrow(roles, owner, apart=apart), statements.TAKE_FROM_OTHERS,
                    *statements.give_back(roles, apart=apart), lock_timeout=LOCKS,
                )  # fmt: skip

    def _hand_over_in(self, there: "Session", owner: str, database: str, keeper: str) -> list[str]:
        assert self.began is not None
        about, roles = statements.about(owner, self.began), self._lendable()
        rows = there.read(about, statements.OWNED_HERE)
        while rows and self.deadline.left() > _TO_ANSWER_SECONDS:
            there.write(
                *statements.borrow(roles, owner, apart=True), *cleanup_statements.lend(keeper, roles),
                cleanup_statements.move([(classid, objid) for classid, objid, _ in rows], keeper),
                *cleanup_statements.unlend(keeper, roles), *statements.give_back(roles, apart=True),
                lock_timeout=LOCKS,
            )  # fmt: skip
            before, rows = rows, there.read(about, statements.OWNED_HERE)
            if before == rows:
                break
        if rows:
            names = ", ".join(name for _, _, name in rows[:_SOME])
            self.left.append(
                f"The role {owner} still owns {names} in the database {database}, by this access. It could not be given"
                f" to {keeper} yet; until it is, {owner} can't be granted. As a superuser, give it another owner there."
            )
            return []
        return [
            f"What the role {owner} came to own through this access in the database {database} is kept, now owned by "
            f"{keeper}, which has no rights. What others could do with it was taken away."
        ]

    def _lendable(self) -> list[str]:
        return [role for (role,) in self.session.read(cleanup_statements.ours_to_give(self.roles))]


def _things(number: int) -> str:
    return "1 thing" if number == 1 else f"{number:,} things"
