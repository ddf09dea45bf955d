"""What is refused before a grant and before a reveal: a bot that has too many privileges, and roles that are.

Only these two ask here. Ending goes on as the access was opened; see docs/adr/0018-which-roles-are-granted.md.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from access.errors import BadConfig, NotGrantable, ProviderError, TargetNotFound
from access.ports import Deadline, host_time
from workers.providers.postgres import role_statements
from workers.providers.postgres.statements import Name, Statement, Value
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.postgres.session import Session

_SLOW = timedelta(milliseconds=20)
"""What is found faster is asked anew each time."""
_KEPT = 600.0
"""Seconds; as often as the rights are looked at anyway."""


@dataclass(frozen=True)
class Objection:
    """Why nothing is granted."""

    kind: type[ProviderError]
    told: str
    cure: str = ""
    """To be typed."""

    @property
    def error(self) -> ProviderError:
        return self.kind(f"{self.told} {self.cure}".rstrip())


@dataclass
class Cleared:
    """Of large databases: what was found to pass nothing on, and how often the catalogues were written until then.

    Only "no" is kept, so that a cure helps at once. The rights of a role can change in the moment after any look; that
    is what the regular look at them is for, and why an answer that is late by seconds opens nothing that is not open.
    """

    _at: dict[frozenset[int], tuple[int, Deadline]] = field(default_factory=dict[frozenset[int], tuple[int, Deadline]])
    """By the numbers of all roles that are reached."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def knows(self, reached: frozenset[int], writes: int) -> bool:
        with self._lock:
            known = self._at.get(reached)
        return known is not None and known[0] == writes and not known[1].passed

    def note(self, reached: frozenset[int], writes: int) -> None:
        with self._lock:
            self._at[reached] = writes, Deadline.after(_KEPT)


def refuse_overprivileged_bot(session: "Session") -> None:
    """Raises BadConfig, as the next one does: before a reveal."""
    if objection := overprivileged_bot(session):
        raise objection.error


def refuse_ungrantable(session: "Session", roles: Sequence[str], cleared: Cleared) -> None:
    """Raises BadConfig for a bot with too many privileges, TargetNotFound or NotGrantable for the first role that must
    not be granted."""
    if objection := ungrantable(session, roles, cleared):
        raise objection.error


def overprivileged_bot(session: "Session") -> Objection | None:
    ((bot, powers),) = session.read(role_statements.bot_powers(apart=session.tells_grantors_apart))
    return _overprivileged(bot, powers)


def ungrantable(session: "Session", roles: Sequence[str], cleared: Cleared) -> Objection | None:
    apart = session.tells_grantors_apart
    rows = session.read(role_statements.grantable(roles, apart=apart))
    bot, powers_of_bot = rows[0][:2]
    known = {name: (ours, powers, reached) for _, _, name, ours, powers, reached in rows}
    for role in roles:
        if role not in known:
            return Objection(TargetNotFound, f"The database server has no role {role}.")
        if role.startswith("cs_") and len(role) == 29:
            return Objection(NotGrantable, f"The role {role} is a temporary login and cannot be granted.")
        if powers := known[role][1]:
            return _carries(role, powers)
    if objection := _overprivileged(bot, powers_of_bot):
        return objection
    for role in roles:
        if not known[role][0]:
            cure = typed(gives_to_bot(role, bot, apart=apart))
            return Objection(NotGrantable, f"The bot may not grant the role {role}.", f"As a superuser: {cure}")
    reached = frozenset[int]().union(*(known[role][2] for role in roles))
    return _passes_on(session, roles, reached, cleared)


def bot_cure(bot: str, power: str) -> Statement:
    """What takes a power from the bot's account again."""
    word, _, through = power.partition(" through ")
    match word:
        case "SUPERUSER" if not through:
            return Statement("ALTER ROLE {bot} NOSUPERUSER", {"bot": Name(bot)})
        case "REPLICATION" if not through:
            return Statement("ALTER ROLE {bot} NOREPLICATION", {"bot": Name(bot)})
        case "BYPASSRLS" if not through:
            return Statement("ALTER ROLE {bot} NOBYPASSRLS", {"bot": Name(bot)})
        case _:
            return Statement("REVOKE {role} FROM {bot}", {"role": Name(through or power), "bot": Name(bot)})


def gives_to_bot(role: str, bot: str, *, apart: bool) -> Statement:
    """Lets the bot grant a role, and not use it."""
    values: dict[str, Value] = {"role": Name(role), "bot": Name(bot)}
    if not apart:
        return Statement("GRANT {role} TO {bot} WITH ADMIN OPTION", values)
    return Statement("GRANT {role} TO {bot} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", values)


def _overprivileged(bot: str, powers: Sequence[str]) -> Objection | None:
    if not powers:
        return None
    cures = typed(*(bot_cure(bot, power) for power in powers))
    return Objection(
        BadConfig,
        f"The bot's account {bot} has {', '.join(powers)}, far more than it needs: what is planted for it would have "
        "the whole server. Nothing new is granted or shown until that is taken away; what is open still ends.",
        f"As a superuser: {cures}",
    )


def _passes_on(
    session: "Session", roles: Sequence[str], reached: frozenset[int], cleared: Cleared
) -> Objection | None:  # fmt: skip
    ((writes,),) = session.read(role_statements.CHANGES)
    if cleared.knows(reached, writes):
        return None
    before = host_time()
    found = session.read(role_statements.passed_on(roles, session.version))
    if found:
        first = found[0][0]
        return _carries(first or "PUBLIC", [power for start, power in found if start == first])
    if host_time() - before > _SLOW:
        cleared.note(reached, writes)
    return None


def _carries(role: str, powers: Sequence[str]) -> Objection:
    return Objection(
        NotGrantable,
        f"The role {role} carries {', '.join(powers)}, which can be used to keep or pass on access, "
        "so it is never granted. Make a role that has only the rights on the data.",
    )
