"""The whole house, process by process, so that a story can take any part of it away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import psycopg
from psycopg import sql
from sqlmodel import col, select

from access.audit import Verified, verify
from access.clock import host_now
from access.models import Alert, AuditEvent, Grant, Request, Review
from access.settings import Settings
from access.store import Database
from countersign.demo import target
from countersign.demo.policy import SECRET
from countersign.demo.prober import Login, login_in
from countersign.doctor.run import FAMILIES
from countersign.doctor.surroundings import Surroundings
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.valkey import EmbeddedValkey
from sandbox.person import Message, Person, Trouble
from sandbox.server import Running, running
from tests.ports import free_port
from tests.stories.crowd import everybody, policy_for
from tests.stories.mould import Copy, Mould
from tests.waiting import wait_until

Way = Literal["Socket Mode", "HTTP mode"]
WAYS: tuple[Way, ...] = get_args(Way)
PAIRS: tuple[tuple[str, Way], ...] = (("sqlite", "Socket Mode"), ("postgresql", "HTTP mode"))
"""Each database and each way once: how Slack reaches the bot knows nothing of where its rows are."""
Process = subprocess.Popen[bytes] | Copy
PREFIX = "/countersign"
CHANNEL = "C0PAYAPPR"
SECURITY = "C0SEC"
ARGUMENTS = {
    "bot": ["bot"],
    "timekeeper": ["timekeeper"],
    "grant": ["worker", "grant"],
    "revoke": ["worker", "revoke"],
    "tell": ["worker", "tell"],
}


@dataclass
class SlackClock:
    """The time at Slack: the host's, and as much `ahead` of it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"


@dataclass
class House:
    directory: Path
    database_url: str
    sandbox: Running
    shop_server: EmbeddedPostgres
    shop: target.Target
    valkey: EmbeddedValkey
    mould: Mould
    way: Way = "Socket Mode"
    port: int = field(default_factory=free_port)
    """Where the bot listens in HTTP mode."""
    slack_clock: SlackClock = field(default_factory=SlackClock)
    more: dict[str, str] = field(default_factory=dict)
    """What those that are started next are told beside the usual."""
    processes: dict[str, Process] = field(default_factory=dict)
    sessions: list[psycopg.Connection[Any]] = field(default_factory=list[psycopg.Connection[Any]])
    """What people opened on the target."""

    # The processes

    def start(self, *names: str) -> None:
        self.spawn(*names)
        if not names or "bot" in names:
            self.wait_until_reached()

    def spawn(self, *names: str) -> None:
        """Starts processes, all when none is named, and does not wait."""
        for name in names or ARGUMENTS:
            self.processes[name] = self._started(ARGUMENTS[name], self.directory / f"{name}.log")

    def _started(self, arguments: list[str], file: Path) -> Process:
        environment = self.environment()
        file.touch()
        if "PYTHONPATH" not in environment:
            return self.mould.start(arguments, environment, file)
        with file.open("ab") as log:  # other code than what the mould has imported
            command = [sys.executable, "-m", "countersign", *arguments]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_until_reached(self) -> None:
        wait_until(self._reached, "the sandbox to reach the bot", within=90)

    def _reached(self) -> bool:
        people = self.sandbox.workspace()
        if self.way == "Socket Mode":
            return people.connections() > 0
        try:
            people.use_request_url(f"http://127.0.0.1:{self.port}{PREFIX}/slack/events")
        except Trouble:
            return False
        return True

    def kill(self, name: str) -> None:
        """SIGKILL: no time for anything."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def ask_to_end(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Nobody has the database open afterwards."""
        self.ask_to_end()
        if "_database" in vars(self):
            self._database.close()
        for name, process in self.processes.items():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{name} did not end when asked to; its log:\n{self.log(name)}") from None

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
        return kept | {
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": self.database_url,
            "COUNTERSIGN_POLICY": str(self.directory / "access.yml"),
            "COUNTERSIGN_STATE": str(self.directory),
            "COUNTERSIGN_SANDBOX": "1",
            "SLACK_API_URL": self.sandbox.api_url,
            "SLACK_BOT_TOKEN": self.sandbox.bot_token,
            SECRET: self.shop.bot_dsn,
        } | self._way() | self.more  # fmt: skip

    def unwell(self, family: str) -> list[str]:
        """What the doctor finds wrong there."""
        here = Surroundings(Settings.read(self.environment()), host_now, 20, lambda _: None)
        try:
            return [finding.subject for finding in FAMILIES[family](here) if finding.level != "ok"]
        finally:
            here.close()

    def _way(self) -> dict[str, str]:
        if self.way == "Socket Mode":
            return {"SLACK_APP_TOKEN": self.sandbox.app_token}
        return {
            "SLACK_SIGNING_SECRET": self.sandbox.signing_secret,
            "COUNTERSIGN_HTTP_LISTEN": f"127.0.0.1:{self.port}",
            "COUNTERSIGN_HTTP_PREFIX": PREFIX,
        }

    # The people

    def person(self, identifier: str) -> Person:
        return self.sandbox.workspace().person(identifier)

    def ask(self, time: str, *, entitlement: str = "customers-db/read", by: str = "U0ANN") -> Message:
        """By one line; returns the card in the approvers' channel."""
        before = len(self.cards())
        outcome = self.person(by).command(CHANNEL, "/access", f"{entitlement} {time} INC-12 stuck refunds")
        assert outcome.ok, outcome
        wait_until(lambda: len(self.cards()) > before, "the card in the approvers' channel")
        return self.cards()[-1]

    def approve(self, card: Message, *, by: str = "U0LEA") -> None:
        assert self.person(by).click(card, "request.approve").ok

    def cards(self) -> list[Message]:
        return [one for one in self.person("U0LEA").messages(CHANNEL) if one.blocks]

    def card(self) -> Message:
        return self.cards()[-1]

    def secret(self, *, by: str = "U0ANN") -> Login:
        """Presses “Show me how to connect” until that opens the modal in time, and reads it."""
        ann = self.person(by)
        answer = self.message(by, lambda one: "grant.connect" in one.actions(), "the button that shows how to connect")
        wait_until(lambda: _opened(ann, answer), "the modal that shows how to connect", within=60)
        shown = wait_until(lambda: (view := ann.view()) and login_in(view), "the secret in the modal")
        assert shown is not None
        return shown

    def message(self, person: str, which: Callable[[Message], Any], what: str) -> Message:
        found = wait_until(
            lambda: next((one for one in reversed(self.person(person).direct_messages()) if which(one)), None),
            what,
            within=90,
        )
        assert found is not None
        return found

    # The target

    def connect(self, login: Login) -> psycopg.Connection[Any]:
        session = psycopg.connect(
            host="127.0.0.1", port=self.shop_server.port, dbname=target.DATABASE, user=login.user,
            password=login.password, autocommit=True, connect_timeout=3,
        )  # fmt: skip
        self.sessions.append(session)
        return session

    def logins(self) -> list[str]:
        """The temporary logins, as the server's superuser sees them."""
        with psycopg.connect(self.shop.superuser_dsn, autocommit=True) as connection:
            found = connection.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'cs\_%' ORDER BY 1").fetchall()
        return [name for (name,) in found]

    def clear_target(self) -> None:
        """What a story that failed has left there is no other story's trouble, its open sessions neither."""
        for session in self.sessions:
            session.close()
        with psycopg.connect(self.shop.superuser_dsn, autocommit=True) as connection:
            for login in self.logins():
                connection.execute(_END_SESSIONS, [login])
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))

    # The rows

    def grants(self) -> list[Grant]:
        return self._all(select(Grant).order_by(col(Grant.id)))

    def alerts(self) -> list[Alert]:
        return self._all(select(Alert).order_by(col(Alert.id)))

    def requests(self, by: str) -> list[Request]:
        return self._all(select(Request).filter_by(requester_slack=by).order_by(col(Request.id)))

    def reviews(self, request: Request) -> list[Review]:
        return self._all(select(Review).filter_by(request_id=request.id))

    def actions(self) -> list[str]:
        return [event.action for event in self._all(select(AuditEvent).order_by(col(AuditEvent.seq)))]

    def verified(self) -> Verified:
        with self._database.read() as session:
            return verify(session)

    def _all(self, statement: Any) -> list[Any]:
        with self._database.read() as session:
            return list(session.exec(statement))

    @cached_property
    def _database(self) -> Database:
        return Database(self.database_url)


def _opened(person: Person, answer: Message) -> bool:
    """Presses once; False when the modal came too late to be opened, and the person was told so."""
    heard = len(person.ephemerals(person.direct_message))
    person.click(answer, "grant.connect")
    wait_until(lambda: person.view() or len(person.ephemerals(person.direct_message)) > heard, "the modal, or why not")
    return person.view() is not None


@contextmanager
def standing(
    directory: Path,
    database_url: str,
    shop_server: EmbeddedPostgres,
    shop: target.Target,
    *,
    mould: Mould,
    way: Way,
    strict_rates: bool = False,
) -> Generator[House]:
    """Everything but our own processes is up; a story starts those. At the end, nothing was wrong by Slack's rules.

    With `strict_rates` as much may be posted and asked as Slack's tiers say; without, one story may be a busy hour.
    """
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey"))
        cast, clock = everybody(), SlackClock()
        sandbox = stack.enter_context(running(cast, clock=clock, strict_rates=strict_rates))
        (directory / "access.yml").write_text(policy_for(cast), encoding="utf-8")
        house = House(directory, database_url, sandbox, shop_server, shop, valkey, mould, way, slack_clock=clock)
        try:
            yield house
            assert house.sandbox.workspace().violations() == []
        finally:
            house.end()
            house.clear_target()
