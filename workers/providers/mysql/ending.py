"""How the provider mysql ends a grant, with its holder on the same server.

Nothing here waits for what a holder can lock; what was measured, and on what: docs/adr/0039-mariadb.md
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from access.errors import NotPermitted, Permanent, ProviderError, TargetConflict, Transient
from access.ports import Deadline, Removal
from workers.providers.mysql import catalogue, statements
from workers.providers.mysql.catalogue import Grants, Held
from workers.providers.mysql.left_behind import given_away, lent_sessions, made_as, makes
from workers.providers.mysql.rights import Right
from workers.providers.mysql.statements import Account, Statement, quoted

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_PATIENCE_SECONDS = 2.0
"""After that a session of a login that is gone, and that was told to end, is one that undoes what it did."""
_LONGEST_SECONDS = 6.0
"""Of one call: who locks again and again must not keep a thread from the ends of others."""
_TO_ANSWER_SECONDS = 1.5
"""Kept back: a statement that waits for a lock takes up to a second."""
_A_MOMENT = "DO SLEEP(0.02)"


@dataclass
class Ending:
    """The end of one grant. Of logins that are there under several hosts, those that are ours are ended."""

    session: "Session"
    user: str
    hosts: frozenset[str]
    """By the settings, and by the receipt."""
    writes: bool
    """Whether its role may write, so that something of it can be prepared."""
    longest: Deadline = field(init=False)
    killed: set[int] = field(default_factory=set[int], init=False)
    lent: list[Held] = field(default_factory=list[Held], init=False)
    """Logins of this grant whose holder has lent their identity to other accounts."""
    made_as: list[str] = field(default_factory=list[str], init=False)
    """Roles in whose name something could be made by this access."""
    given_away: tuple[str, ...] = field(default=(), init=False)
    """What others have of it, in sentences."""
    bot: Held = field(init=False)
    is_blind: bool = field(default=False, init=False)
    """The bot cannot see the sessions of others."""
    why: ProviderError | None = field(default=None, init=False)
    """Of the last statement that did not go through."""

    def end(self) -> Removal:
        """Each step has a second for its locks, and one that is refused stops no other, in a loop:

        1. end the sessions: that waits for no lock at all;
        2. lock the login, so that none comes after; 3. take all its rights, also those that others gave;
        4. drop the login, when it is locked and without sessions;
        and look again, for a session that was half-way in shows only then.
        """
        self.session.read(statements.PATIENCE)
        self.longest = Deadline.after(min(_LONGEST_SECONDS, self.session.deadline.left() - _TO_ANSWER_SECONDS))
        sessions = self._kill()
        logins, others = self._found()
        self._end_lent()
        if self.is_blind:
            self._goes_through(statements.kill_all(self.user))
        if not logins and not sessions:
            self._must_see()
            self._forget()
            return Removal(state="absent", sessions_ended=0, residual=self._doubts(others))
        patience = Deadline.after(_PATIENCE_SECONDS)
        open_logins = {held.account: held for held in logins}
        while True:
            for login in list(open_logins):
                if self._shut(login) and (not sessions or patience.passed) and self._try(statements.drop(login)):
                    del open_logins[login]
            sessions = self._kill()
            if self.is_blind:
                self._goes_through(statements.kill_all(self.user))
            if not open_logins and (not sessions or patience.passed):
                self._must_see()
                return self._proven(len(sessions), _strange(others) if logins else self._doubts(others))
            if self.longest.passed:
                return self._unfinished(list(open_logins), len(sessions))
            self.session.read(_A_MOMENT)

    def _found(self) -> tuple[list[Held], list[Held]]:
        grants = catalogue.read(self.session, [self.user, ""])
        self._note(grants)
        found = grants.named(self.user)
        ours = [held for held in found if held.account.host in self.hosts or held.is_marked]
        return ours, [held for held in found if held not in ours]

    def _note(self, grants: Grants) -> None:
        """What an end has to know beside, while the login still has what it has."""
        self.bot = next((held for held in grants.values() if held.is_bot), Held(Account("")))
        self.is_blind = Right("PROCESS") not in grants.allowed(self.bot)
        self.given_away = given_away(grants, self.user)
        self.lent = [held for account, held in grants.items() if account.user == self.user and held.lent]
        for held in grants.named(self.user):
            if makes(grants, held):
                self.made_as += [role for role in held.roles if role not in self.made_as]

    def _end_lent(self) -> None:
        """Sessions that may be in as this login under another's name; none comes when it is gone."""
        with suppress(ProviderError):
            for session in lent_sessions(self.session, self.lent, self.bot) if self.lent else []:
                self._goes_through(statements.kill(session))

    def _must_see(self) -> None:
        """Raises NotPermitted where the list of sessions is empty because it may not be seen: that proves nothing."""
        if self.is_blind:
            raise NotPermitted(
                "The bot's account lacks PROCESS, so it cannot see whether the sessions of this access have ended. "
                f"They were told to. As an administrator: GRANT PROCESS ON *.* TO {quoted(self.bot.account)};"
            )

    def _kill(self) -> list[int]:
        """The sessions that are there, each told to end."""
        found = catalogue.sessions(self.session, self.user)
        self.killed.update(found)
        if found:
            self._goes_through(statements.kill_all(self.user))
        return found

    def _shut(self, login: Account) -> bool:
        """Whether no one gets in any more. Its rights go even where it cannot be locked, and the other way round."""
        locked = self._try(statements.lock(login))
        return self._try(statements.take_all(login)) and locked

    def _try(self, statement: Statement) -> bool:
        """What is gone already is done."""
        return not self.longest.passed and self._goes_through(statement)

    def _goes_through(self, statement: Statement) -> bool:
        try:
            self.session.write(statement)
        except TargetConflict as error:
            self.why = error
            return not self._is_there(statement)
        except (Permanent, Transient) as error:
            self.why = error
            return False
        return True

    def _is_there(self, statement: Statement) -> bool:
        login = statement.values.get("login")
        return isinstance(login, Account) and catalogue.read(self.session, [login.user])[login].is_there

    def _proven(self, lingering: int, doubts: Sequence[str]) -> Removal:
        """Asked again, now that nothing of it should be there."""
        logins, _ = self._found()
        if logins:
            return self._unfinished([held.account for held in logins], lingering)
        self._end_lent()
        self._forget()
        return Removal(
            state="removed",
            sessions_ended=len(self.killed) - lingering,
            residual=(*_lingers(lingering), *self._prepared(), *self.given_away, *self._made(), *doubts),
            lingering=lingering,
        )

    def _forget(self) -> None:
        """An event of a login that is gone drops nothing; it is tidied up by the server itself at its time."""
        with suppress(ProviderError):
            if catalogue.own_end(self.session, Account(self.user)) is not None:
                self.session.write(statements.forget(Account(self.user)))

    def _doubts(self, others: Sequence[Held]) -> tuple[str, ...]:
        renamed = [
            account for account, held in catalogue.read(self.session, None).items()
            if held.is_there and held.is_marked and not held.is_role and not account.user.startswith("cs_")
            and account != catalogue.bot(self.session)
        ]  # fmt: skip
        said = (
            f"The login {login.user}@{login.host} bears the mark of a temporary login under another name, so it was "
            "renamed by someone. Whether it is of this access can't be told: drop it if it is."
            for login in renamed
        )
        return (*_strange(others), *said)

    def _made(self) -> tuple[str, ...]:
        with suppress(ProviderError):
            return made_as(self.session, self.made_as)
        return ()

    def _prepared(self) -> tuple[str, ...]:
        if not self.writes:
            return ()
        with suppress(ProviderError):
            if number := len(self.session.read("XA RECOVER")):
                are = "1 prepared transaction is" if number == 1 else f"{number} prepared transactions are"
                return (
                    f"{are} on the server. One outlives the session that prepared it and can still be committed; whose "
                    "it is the server does not say. Look with XA RECOVER, and end it with XA ROLLBACK.",
                )
        return ()

    def _unfinished(self, logins: Sequence[Account], sessions: int) -> Removal:
        if isinstance(self.why, Permanent):
            raise self.why  # to try again is of no use before that is mended
        why = f" {self.why.sentence}" if self.why else ""
        sentence = f"Sessions that have not ended yet: {sessions}.{why}"
        if logins:
            sentence = (
                f"The login {logins[0].user} is not removed yet; sessions of it are ended as they come.{why}"
            )  # fmt: skip
        return Removal(
            state="pending", sessions_ended=len(self.killed) - sessions, residual=(sentence,),
            look_again=timedelta(seconds=1),
        )  # fmt: skip


def _lingers(left: int) -> tuple[str, ...]:
    if not left:
        return ()
    sessions = "1 session is" if left == 1 else f"{left} sessions are"
    return (
        f"{sessions} still undoing what was done in it, or in a computation that the database server cannot "
        "interrupt: cut off from its client, without any rights, and told to end.",
    )


def _strange(others: Sequence[Held]) -> tuple[str, ...]:
    return tuple(
        f"The server also has a login {held.account.user}@{held.account.host}, which Countersign did not make; it was "
        "left alone."
        for held in others
    )
