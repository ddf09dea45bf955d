"""What is refused before a grant and before a reveal: a bot that has too many privileges, and roles that are.

Only these two ask here. Ending goes on as the access was opened; see docs/adr/0039-mariadb.md.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from access.errors import BadConfig, NotGrantable, NotPermitted, ProviderError, TargetNotFound
from workers.providers.mysql.catalogue import PUBLIC, Grants, Held
from workers.providers.mysql.left_behind import makes
from workers.providers.mysql.rights import Right
from workers.providers.mysql.settings import MARK, OWN_DATABASE, Role
from workers.providers.mysql.statements import Account, Name, pattern, quoted

_OF_THE_BOT = frozenset({"CREATE USER", "CONNECTION ADMIN", "PROCESS", "SHOW DATABASES", "SLAVE MONITOR"})
"""What the bot may have of the whole server. The last two are worth nothing to it, and many accounts have them."""
NEEDED = {
    "CREATE USER": "make and remove logins",
    "CONNECTION ADMIN": "end the sessions of others",
    "PROCESS": "see the sessions of others",
}
_NEVER = frozenset({"GRANT OPTION", "TRIGGER", "REFERENCES"})
_SYSTEM = ("mysql", "sys", "performance_schema", OWN_DATABASE)
_LOGIN = re.compile(r"cs_[0-9a-z]{26}")


@dataclass(frozen=True)
class Objection:
    """Why nothing is granted."""

    kind: type[ProviderError]
    told: str
    cure: str = ""
    """To be typed."""

    @property
    def error(self) -> ProviderError:
        cure = f" As an administrator: {self.cure}" if self.cure else ""
        return self.kind(f"{self.told}{cure}")


def overprivileged_bot(grants: Grants, bot: Account) -> Objection | None:
    powers = sorted(_powers_of_the_bot(grants, bot))
    if not powers:
        return None
    told = (
        f"The bot's account {bot.user} has {_listed(powers)}, more than it needs: what is planted for it would have "
        "that too. Nothing new is granted or shown until it is taken away; what is open still ends."
    )
    held = grants[bot]
    too_much = sorted((one for one in held.rights if _is_too_much(one)), key=str)
    cures = [f"REVOKE {_privilege(one)} ON {_place(one)} FROM {quoted(bot)};" for one in too_much]
    return Objection(BadConfig, told, " ".join(cures))


def _powers_of_the_bot(grants: Grants, bot: Account) -> Iterator[str]:
    held = grants[bot]
    yield from (str(one) for one in held.rights if _is_too_much(one))
    yield from (f"the identity of {who}" for who in held.becomes)
    for role in held.roles:
        for reached in grants.reached(role):
            through = (one for one in grants.of_role(reached).rights if _is_too_much(one))
            yield from (f"{one} through the role {reached}" for one in through)


def _is_too_much(right: Right) -> bool:
    if not right.database:
        return right.privilege not in _OF_THE_BOT
    if right.database == "mysql":
        # Whole, it would also read there the password of everyone.
        return right.privilege != "SELECT" or right.table in (None, "user", "global_priv")
    return _leads_to(right, ("mysql",)) and right.database != "mysql"


def lacking(grants: Grants, bot: Account, *, events: bool) -> Iterator[tuple[str, Objection]]:
    """What the bot cannot do without: what it opened otherwise it could not end, or not see that it has ended.

    By the name of the right.
    """
    held = grants[bot]
    for privilege, what in NEEDED.items():
        if Right(privilege) not in grants.allowed(held):
            told = f"The bot's account {bot.user} lacks {privilege}, so it cannot {what}."
            yield privilege, Objection(NotPermitted, told, f"GRANT {privilege} ON *.* TO {quoted(bot)};")
    if not held.roles.get(MARK):
        told = f"The bot's account {bot.user} may not give the role {MARK}, which marks its logins."
        yield "mark", Objection(NotPermitted, told, f"GRANT {quoted(Name(MARK))} TO {quoted(bot)} WITH ADMIN OPTION;")
    if events and not any(right.covers(Right("EVENT", OWN_DATABASE)) for right in grants.allowed(held)):
        told = f"The bot's account {bot.user} may make no events in {OWN_DATABASE}: it lacks EVENT there."
        cure = f"GRANT EVENT ON {quoted(Name(OWN_DATABASE))}.* TO {quoted(bot)};"
        yield "own end", Objection(NotPermitted, told, cure)


def ungrantable(grants: Grants, bot: Account, role: Role, *, events: bool) -> Objection | None:
    """All but what the server has to be asked beside."""
    if role.server_role is not None and (objection := _role(grants, role.server_role)):
        return objection
    if objection := overprivileged_bot(grants, bot) or _mark(grants):
        return objection
    for _, objection in lacking(grants, bot, events=events):
        return objection
    if role.server_role is not None:
        return _may_give_role(grants, bot, role.server_role)
    return _may_give(grants[bot], bot, role.direct)


def _mark(grants: Grants) -> Objection | None:
    """Without it no login of ours is told from others; and what it had, each of them would have."""
    if not grants.is_role(MARK):
        return Objection(BadConfig, f"The server has no role {MARK}: run the script in docs/providers/mysql.md.")
    if not grants.of_role(MARK).is_empty:
        return Objection(BadConfig, f"The role {MARK} only marks temporary logins, and has rights: take them away.")
    return None


def _role(grants: Grants, role: str) -> Objection | None:
    if not grants.is_role(role) or role == PUBLIC:
        return Objection(TargetNotFound, f"The database server has no role {role}.")
    if role == MARK or _LOGIN.fullmatch(role):
        return Objection(NotGrantable, f"The role {role} is Countersign's own and cannot be granted.")
    carried = sorted(carries(grants, role))
    if carried:
        return Objection(
            NotGrantable,
            f"The role {role} carries {_listed(carried)}, which can be used to keep or pass on access, so it is never "
            "granted. Make a role that has only the rights on the data.",
        )
    if made_by := makes(grants, Held(Account(""), roles={role: False})):
        return Objection(
            NotGrantable,
            f"Anyone with the role {role} could make something in the name of the role, "
            f"by {_listed(map(str, made_by))}. That runs with its rights when the access is over, so the role is never "
            "granted. Take that away from the "
            "role and from everyone, or write the rights out in the policy.",
        )
    return None


def carries(grants: Grants, role: str) -> Iterator[str]:
    """What no temporary login may have, of a role and all that it has through others."""
    for reached in grants.reached(role):
        held = grants.of_role(reached)
        through = "" if reached == role else f" through the role {reached}"
        yield from (f"{one}{through}" for one in held.rights if is_forbidden(one))
        yield from (f"the role {of} to pass on{through}" for of, admin in held.roles.items() if admin)
        yield from (f"{one}{through}" for one in held.routines if one.startswith("GRANT"))
        yield from (f"the identity of {who}{through}" for who in held.becomes)


def is_forbidden(right: Right) -> bool:
    return not right.database or right.privilege in _NEVER or _leads_to(right, _SYSTEM)


def _leads_to(right: Right, databases: Iterable[str]) -> bool:
    """Whether it is about one of these; in a pattern, _ and % stand for other letters."""
    name = right.database.lower()
    _, is_pattern, written = name.partition("databases like ")
    if not is_pattern:
        return name in databases
    letters = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", written, re.DOTALL)
    expression = re.compile(
        "".join(letters[part] if part in letters else re.escape(part[-1]) for part in parts), re.DOTALL
    )
    return any(expression.fullmatch(database) for database in databases)


def _may_give_role(grants: Grants, bot: Account, role: str) -> Objection | None:
    if grants[bot].roles.get(role):
        return None
    cure = f"GRANT {quoted(Name(role))} TO {quoted(bot)} WITH ADMIN OPTION;"
    return Objection(NotGrantable, f"The bot may not grant the role {role}.", cure)


def _may_give(held: Held, bot: Account, rights: Iterable[Right]) -> Objection | None:
    """Who passes something on must have it, and on the same place the right to pass on."""
    for right in sorted(rights, key=str):
        passes_on = Right("GRANT OPTION", right.database, right.table)
        if not (any(one.covers(right) for one in held.rights) and any(one.covers(passes_on) for one in held.rights)):
            cure = f"GRANT {_privilege(right)} ON {_place(right)} TO {quoted(bot)} WITH GRANT OPTION;"
            return Objection(NotGrantable, f"The bot may not grant {right}.", cure)
    return None


def _privilege(right: Right) -> str:
    return right.privilege if right.column is None else f"{right.privilege} ({quoted(Name(right.column))})"


def _place(right: Right) -> str:
    if not right.database:
        return "*.*"
    if right.table is None:
        _, is_pattern, written = right.database.partition("databases like ")
        return f"{quoted(Name(written if is_pattern else pattern(right.database)))}.*"
    return f"{quoted(Name(right.database))}.{quoted(Name(right.table))}"


def _listed(words: Iterable[str]) -> str:
    some = list(words)
    return ", ".join(some[:5]) + (f" and {len(some) - 5} more" if len(some) > 5 else "")
