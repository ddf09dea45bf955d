"""One person's request from the first word to the proof; what is not answered is done again, as people do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import pytest

from access.models import EndedBy, Grant, GrantStatus
from bot import ids
from countersign.demo.prober import Login, login_in
from sandbox.person import Message, Person, SandboxError, Trouble, Workspace
from sandbox.seen import Outcome, View
from tests.stories.house import CHANNEL, House
from tests.waiting import wait_until

ENTITLEMENT = "customers-db/read"
REASON = "INC-12 stuck refunds"
PATIENCE = 90.0
"""Seconds; on a quiet machine nothing takes five."""
Session = psycopg.Connection[Any]
T = TypeVar("T")
Houses = dict[str, House]
"""By way and database, in words."""


@dataclass
class Errand:
    """`asker` has asked for nothing before; Lea decides."""

    house: House
    workspace: Workspace
    asker: Person
    lea: Person
    entitlement: str = ENTITLEMENT
    held: tuple[Login, Session] | None = None
    """The login and the session that were opened with it."""

    @classmethod
    def of(cls, house: House, asker: str, entitlement: str = ENTITLEMENT) -> "Errand":
        workspace = house.sandbox.workspace()
        return cls(house, workspace, workspace.person(asker), workspace.person("U0LEA"), entitlement)

    # Asking

    def ask(self, time: str) -> Message:
        """By line. Returns the card."""
        again(lambda: self.type_line(time).ok, "a line to be answered")
        return self.card()

    def ask_by_form(self, time: str) -> Message:
        self.fill_form(time)
        return self.card()

    def fill_form(self, time: str) -> None:
        again(self._form_opens, "the form to open")
        again(lambda: self._sent(time), "the form to be taken")

    def type_line(self, time: str) -> Outcome:
        return self.asker.command(self.asker.direct_message, "/access", f"{self.entitlement} {time} {REASON}")

    def submit(self, time: str) -> dict[str, str] | None:
        return self.asker.submit({ids.ENTITLEMENT: self.entitlement, ids.DURATION: time, ids.REASON: REASON})

    def form(self) -> View:
        opened = patiently(self.asker.view, "the form to open")
        assert opened is not None
        return opened

    def card(self) -> Message:
        """The newest that is about this person."""
        return patiently(lambda: self.cards()[-1:], f"the card about {self.asker.id}")[0]

    def cards(self) -> list[Message]:
        return [one for one in self.lea.messages(CHANNEL) if self.asker.id in str(one.blocks)]

    def _form_opens(self) -> bool:
        heard = self.heard(self.asker)
        if not self.asker.command(self.asker.direct_message, "/access").ok:
            return False
        patiently(lambda: self.asker.view() or self.heard(self.asker) > heard, "the form, or why it does not open")
        return self.asker.view() is not None

    def _sent(self, time: str) -> bool:
        try:
            refused = self.submit(time)
        except (Trouble, SandboxError):
            return False  # the second: a form that was asked for twice came on top of this one meanwhile
        # When only the answer to the first time was lost, the second time says so.
        return refused is None or "already asked" in refused[ids.ENTITLEMENT]

    # Deciding

    def approve(self, card: Message) -> None:
        again(lambda: self._decided(card), "the card to say that it is approved")

    def is_pending(self, card: Message) -> bool:
        return any(one.ts == card.ts and ids.APPROVE in one.actions() for one in self.cards())

    def _decided(self, card: Message) -> bool:
        heard = self.heard(self.lea, CHANNEL)
        if not pressed(self.lea, card, ids.APPROVE):
            return False
        patiently(lambda: not self.is_pending(card) or self.heard(self.lea, CHANNEL) > heard, "the card to change")
        return not self.is_pending(card)

    # Connecting

    def answer(self) -> Message:
        """The message with the holder's buttons."""
        mine = lambda one: ids.CONNECT in one.actions() and self.entitlement in str(one.blocks)  # noqa: E731
        return self.house.message(self.asker.id, mine, "the way to connect")

    def connect(self) -> None:
        """Presses until a login is shown, and uses it."""
        answer = self.answer()
        again(lambda: self._shown(answer), "a login to be shown")
        self.log_in()

    def log_in(self) -> None:
        """With what the modal shows; the session stays open."""
        login = patiently(self.login, "a login in the modal")
        assert login is not None
        session = self.house.connect(login)
        assert session.execute("SELECT count(*) FROM (SELECT id, name, email FROM customers) AS found").fetchone()
        self.held = login, session

    def give_back(self) -> None:
        """Presses “I'm done” until that is answered."""
        answer = self.answer()
        again(lambda: pressed(self.asker, answer, ids.DONE), "the access to be given back")

    def login(self) -> Login | None:
        view = self.asker.view()
        return login_in(view) if view else None

    def _shown(self, answer: Message) -> bool:
        heard = self.heard(self.asker)
        if not self.asker.click(answer, ids.CONNECT).ok:
            return False
        patiently(lambda: self.login() or self.heard(self.asker) > heard, "a login, or why there is none")
        return self.login() is not None

    # Being told

    def heard(self, person: Person, channel: str = "") -> int:
        """How many whispers this person has read."""
        return len(person.ephemerals(channel or person.direct_message))

    def is_told(self, person: Person, words: str, channel: str = "") -> None:
        place = channel or person.direct_message
        patiently(lambda: [one for one in person.ephemerals(place) if words in one.words], f"a whisper of “{words}”")

    def hears_of_the_end(self) -> None:
        self.house.message(self.asker.id, lambda one: "ended" in one.words.lower(), "the word that it is over")

    # The end

    def open_grant(self) -> Grant:
        """Once its login is on the target."""
        patiently(lambda: self._login_name() in self.house.logins(), "the login on the target")
        return self._grant()

    def over(self, *, by: EndedBy) -> None:
        """It ends, and is proven to; of all that was done twice or more on the way, there is one."""
        patiently(lambda: self._grant().status == GrantStatus.ENDED, "the access to have ended")
        (request,) = self.house.requests(self.asker.id)
        grant = self._grant()
        assert grant.ended_by == by
        assert grant.proven_at is not None
        assert len(self.house.reviews(request)) == 1
        assert self._login_name() not in self.house.logins()
        assert self.house.verified().flaw is None
        if self.held:
            login, session = self.held
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1 FROM customers")
            with pytest.raises(psycopg.OperationalError):
                self.house.connect(login)

    def close(self) -> None:
        """Lets go of the session, which a story that failed may have left open."""
        if self.held:
            self.held[1].close()

    def _grant(self) -> Grant:
        (request,) = self.house.requests(self.asker.id)
        (grant,) = [one for one in self.house.grants() if one.request_id == request.id]
        return grant

    def _login_name(self) -> str:
        return f"cs_{self._grant().id}"


Story = Callable[[Errand], None]


def told(houses: Houses, story: Story, asker: str) -> None:
    """In all of them at once. Afterwards nothing is wrong any more, and nothing was by Slack's rules."""

    def tell(place: str, house: House) -> None:
        errand = Errand.of(house, asker)
        try:
            story(errand)
        except BaseException as error:
            error.add_note(f"{place}; faults that did not happen: {errand.workspace.faults.waiting()}")
            raise
        finally:
            errand.workspace.faults.clear()
            errand.close()
        assert errand.workspace.violations() == []

    with ThreadPoolExecutor(len(houses)) as pool:
        for telling in [pool.submit(tell, *each) for each in houses.items()]:
            telling.result()


def pressed(person: Person, on: Message, action: str) -> bool:
    """Whether that was answered; a button that is gone was answered before."""
    try:
        return person.click(on, action).ok
    except SandboxError:
        return True


def again(attempt: Callable[[], bool], what: str) -> None:
    """Until it succeeds, with a moment between one and the next."""
    wait_until(attempt, what, within=PATIENCE, every=0.2)


def patiently(condition: Callable[[], T], what: str) -> T:
    """Several houses share the machine."""
    return wait_until(condition, what, within=PATIENCE, every=0.05)
