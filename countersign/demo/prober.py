"""Knocks at the target as the person would: is the door open, and does a session that was opened still live?"""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, LiteralString

import psycopg

from sandbox.person import SandboxError, View, Workspace

EVERY = 0.5
"""Seconds between two looks."""
KEPT = 2400
"""Looks that are remembered: twenty minutes."""
QUERY = "SELECT id, name, email FROM customers ORDER BY id LIMIT 3"
CARDS = "SELECT card FROM customers LIMIT 1"


@dataclass(frozen=True)
class Login:
    """How a person connects, as it stood in the modal."""

    user: str
    password: str


NOBODY = Login("ann", "none")
"""Who knocks before anything was granted: the person's own name, which the target does not know."""


@dataclass(frozen=True)
class PeriodicCheck:
    """One look at the target."""

    number: int
    at: float
    """Seconds since the epoch."""
    door: Literal["allowed", "refused"]
    login: str
    words: str
    """What the server said, when it refused."""
    rows: tuple[tuple[Any, ...], ...]
    cards: str
    """What the server said to who asked for card numbers."""
    session: Literal["none", "open", "ended"]
    session_words: str

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Prober:
    """Logs in twice a second with what the person was shown; holds one session open as long as the target lets it."""

    def __init__(self, *, host: str, port: int, database: str, people: Workspace, watched: Sequence[str]) -> None:
        self._address = {"host": host, "port": port, "dbname": database}
        self._people = people
        self._watched = watched
        self._login = NOBODY
        self._held: psycopg.Connection[Any] | None = None
        self._session: Literal["none", "open", "ended"] = "none"
        self._session_words = ""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._looks: deque[PeriodicCheck] = deque(maxlen=KEPT)
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def __enter__(self) -> "Prober":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)
        self._let_go()

    def since(self, number: int) -> list[PeriodicCheck]:
        """The looks after that number, oldest first."""
        with self._lock:
            return [look for look in self._looks if look.number > number]

    def newest(self) -> PeriodicCheck | None:
        with self._lock:
            return self._looks[-1] if self._looks else None

    def wait_for(self, condition: Callable[[PeriodicCheck], bool], within: float) -> PeriodicCheck | None:
        """The first look from now on that fulfils the condition; None when none did in that many seconds."""
        end, seen = time.monotonic() + within, self.newest()
        number = seen.number if seen else -1
        while time.monotonic() < end:
            for look in self.since(number):
                if condition(look):
                    return look
                number = look.number
            self._ended.wait(0.05)
        return None

    def _run(self) -> None:
        number = 0
        while not self._ended.wait(EVERY):
            self._take_login()
            look = self._look(number)
            with self._lock:
                self._looks.append(look)
            number += 1

    def _take_login(self) -> None:
        """Reads over the person's shoulder: what the newest modal shows is what they would paste into their client."""
        for person in self._watched:
            try:
                view = self._people.person(person).view()
            except (SandboxError, OSError, http.client.HTTPException):  # the next look asks again
                continue
            login = login_in(view) if view else None
            if login is not None and login != self._login:
                self._login = login
                self._let_go()
                self._session, self._session_words = "none", ""

    def _look(self, number: int) -> PeriodicCheck:
        rows, cards, words = (), "", ""
        try:
            with self._connect() as connection:
                rows = tuple(connection.execute(QUERY).fetchall())
                cards = _refusal(connection, CARDS)
            self._hold()
        except psycopg.Error as error:
            words = _words(error)
        self._check_session()
        return PeriodicCheck(
            number=number, at=time.time(), door="refused" if words else "allowed", login=self._login.user,
            words=words, rows=rows, cards=cards, session=self._session, session_words=self._session_words,
        )  # fmt: skip

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            **self._address, user=self._login.user, password=self._login.password, autocommit=True,
            connect_timeout=2, application_name="window onto the target",
        )  # fmt: skip

    def _hold(self) -> None:
        if self._session == "none":
            self._held = self._connect()
            self._session = "open"

    def _check_session(self) -> None:
        if self._held is None:
            return
        try:
            self._held.execute(QUERY).fetchall()
        except psycopg.Error as error:
            self._session, self._session_words = "ended", _words(error)
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def login_in(view: View) -> Login | None:
    """The login that a modal shows, by its labels; None when it shows none."""
    shown = labelled(view)
    if "Login" not in shown or "Password" not in shown:
        return None
    return Login(shown["Login"], shown["Password"])


def labelled(view: View) -> dict[str, str]:
    """Label → value, for a modal that shows values to copy."""
    found, label = dict[str, str](), ""
    for block in view.blocks:
        if block["type"] == "section":
            label = block.get("text", {}).get("text", "")
        elif block["type"] == "rich_text":
            found[label] = "".join(
                part.get("text", "") for element in block["elements"] for part in element["elements"]
            )
    return found


def _refusal(connection: psycopg.Connection[Any], query: LiteralString) -> str:
    try:
        connection.execute(query)
    except psycopg.Error as error:
        return _words(error)
    return ""


def _words(error: psycopg.Error) -> str:
    """The server's own last word, without the address before it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rpartition("FATAL:")[2].replace("ERROR:", "").strip()
