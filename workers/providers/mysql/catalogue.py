"""What the grant tables of a MariaDB server say: of one account, of several, and of what roles lead to."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.providers.mysql import statements
from workers.providers.mysql.rights import Right, of_a_database, of_a_table, of_the_server
from workers.providers.mysql.settings import MARK, OWN_DATABASE
from workers.providers.mysql.statements import Account

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

PUBLIC = "PUBLIC"
"""The role that everyone has, since 10.11."""


@dataclass
class Held:
    """What one account has by itself."""

    account: Account
    is_there: bool = False
    is_role: bool = False
    is_bot: bool = False
    locked: bool = False
    rights: set[Right] = field(default_factory=set[Right])
    """Those to pass on the others are among them, as GRANT OPTION."""
    roles: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether it may pass them on."""
    routines: set[str] = field(default_factory=set[str])
    becomes: set[str] = field(default_factory=set[str])
    """Accounts that it may log in as."""
    lent: set[str] = field(default_factory=set[str])
    """Accounts that may log in as this one. Each login can allow that by itself, with GRANT PROXY."""

    passed_on: set[tuple[Account, str, str]] = field(default_factory=set[tuple[Account, str, str]])
    """Whom it gave something of its own, in which database, on what. The server notes that by the name alone."""

    @property
    def is_marked(self) -> bool:
        return MARK in self.roles

    @property
    def is_empty(self) -> bool:
        return not (self.rights or self.roles or self.routines or self.becomes)

    @property
    def words(self) -> frozenset[str]:
        """All that it has but our mark, in words that are compared."""
        roles = (f"the role {role}{' WITH ADMIN OPTION' if admin else ''}" for role, admin in self.roles.items())
        own = {word for role, word in zip(self.roles, roles, strict=True) if role != MARK}
        becomes = {f"the identity of {who}" for who in self.becomes}
        lent = {f"its own identity, lent to {who}" for who in self.lent}
        return frozenset({*map(str, self.rights), *own, *self.routines, *becomes, *lent})


class Grants(Mapping[Account, Held]):
    """Of several accounts, and of all roles."""

    def __init__(self, held: Mapping[Account, Held]) -> None:
        self._held = held

    def __getitem__(self, account: Account) -> Held:
        return self._held.get(account) or Held(account)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def named(self, user: str) -> list[Held]:
        """The login of that name, from whatever host."""
        return [held for account, held in self._held.items() if account.user == user and held.is_there]

    def of_role(self, role: str) -> Held:
        return self[Account(role)]

    def reached(self, role: str) -> list[str]:
        """The role, and those that it has through others."""
        found, ahead = dict[str, None](), [role]
        while ahead:
            one = ahead.pop()
            if one not in found:
                found[one] = None
                ahead += self.of_role(one).roles
        return list(found)

    def allowed(self, held: Held) -> set[Right]:
        """What an account may do in whatever role it takes, with what everyone may."""
        found = set(held.rights)
        for role in (PUBLIC, *held.roles):
            for reached in self.reached(role):
                found |= self.of_role(reached).rights
        return found.union(*(one.rights for account, one in self._held.items() if not account.user))

    def is_role(self, name: str) -> bool:
        return self.of_role(name).is_role


def read(session: "Session", users: Sequence[str] | None) -> Grants:
    """None: of everyone."""
    held = defaultdict[Account, Held](lambda: Held(Account("")))
    for what, user, host, *place, said in session.read(statements.granted(users)):
        account = Account(str(user), str(host))
        if account not in held:
            held[account] = Held(account)
        _add(held[account], str(what), [str(part) for part in place], str(said))
    return Grants(dict(held))


def _add(held: Held, what: str, place: Sequence[str], said: str) -> None:
    first, second, third = place
    match what:
        case "account":
            role, locked, access, bot = said.split(" ")
            held.is_there, held.is_role, held.locked, held.is_bot = True, role == "1", locked == "1", bot == "1"
            held.rights.update(of_the_server(int(access)))
        case "database":
            held.rights.update(of_a_database(first, said))
        case "table":
            held.rights.update(of_a_table(first, second, said))
        case "column":
            held.rights.update(of_a_table(first, second, said, third))
        case "routine":
            held.routines.update(f"{word.upper()} on the routine {first}.{second}" for word in said.split(","))
        case "role":
            held.roles[first] = said == "Y"
        case "passed on":
            held.passed_on.add((Account(first, second), third, said))
        case "lent":
            held.lent.add(first)
        case _:
            held.becomes.add(first or "everyone")


def bot(session: "Session") -> Account:
    ((said,),) = session.read("SELECT CURRENT_USER()")
    user, _, host = str(said).rpartition("@")
    return Account(user, host)


def sessions(session: "Session", user: str) -> list[int]:
    """By the name that the session logged in with; a login that is gone leaves its name there."""
    return [int(number) for number, _ in session.read(statements.Statement(statements.SESSIONS, {"user": user}))]


def own_end(session: "Session", login: Account) -> str | None:
    """When the server itself ends it, by an event that runs with the bot's rights."""
    found = session.read(statements.Statement(statements.EVENT, {"user": login.user}))
    return str(found[0][0]) if found else None


__all__ = ["OWN_DATABASE", "PUBLIC", "Grants", "Held", "bot", "own_end", "read", "sessions"]
