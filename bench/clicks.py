"""From pressing "Approve" to the login on the target, and from "Show me how to connect" to being logged in.

Every process of the product runs as in production. Both are watched from outside: the target's own catalogue, and the
page of the person who waits.
"""

import secrets
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.figures import Figure, p50_and_p99
from bench.policy import APPROVER, CHANNEL, Crowd
from bench.product import alive
from bench.servers import KINDS, Kind, Servers, say, wait_for
from bot import ids
from countersign.demo import target
from countersign.demo.prober import Login, login_in
from sandbox.person import Message, Person

LOOK_EVERY = 0.002
"""Seconds between two looks at the target or the page; it is the error of the figures."""
GOAL_MS = 100


@dataclass
class Took:
    """Seconds, one a round."""

    granted: list[float] = field(default_factory=list[float])
    granted_floor: list[float] = field(default_factory=list[float])
    logged_in: list[float] = field(default_factory=list[float])
    logged_in_floor: list[float] = field(default_factory=list[float])


def measure(servers: Servers, *, count: int, kinds: Sequence[Kind] = KINDS) -> list[Figure]:
    """`count` rounds of asking, approving and connecting on each store."""
    return [figure for kind in kinds for figure in _measure(servers, kind, count)]


def _measure(servers: Servers, kind: Kind, count: int) -> Iterator[Figure]:
    say(f"  click → granted, reveal → logged in: {count} rounds on {kind}, each beside its floor")
    crowd, took = Crowd(people=1, roles=count + 1), Took()
    with _stage(servers, kind, crowd) as stage:
        for number, entitlement in enumerate(crowd.entitlements):
            done = took if number else Took()  # the first round warms up
            stage.round(entitlement, done)
    yield from p50_and_p99(f"click → granted, {kind}", took.granted, took.granted_floor, goal_p50=GOAL_MS)
    yield from p50_and_p99(f"reveal → logged in, {kind}", took.logged_in, took.logged_in_floor)


@dataclass
class Stage:
    """Two people in the sandbox, and the target seen by its superuser and by the bot's own account."""

    asker: Person
    approver: Person
    superuser: psycopg.Connection[Any]
    bot: psycopg.Connection[Any]
    background: ThreadPoolExecutor

    def round(self, entitlement: str, took: Took) -> None:
        assert self.asker.command(self.asker.direct_message, "/access", f"{entitlement} 1h INC-12 stuck refunds").ok
        card = self._message(self.approver, CHANNEL, ids.APPROVE, entitlement)
        login, seconds = self._bare_grant()
        took.granted_floor.append(seconds)
        took.granted.append(self._click_to_granted(card))
        answer = self._message(self.asker, self.asker.direct_message, ids.CONNECT, entitlement)
        took.logged_in_floor.append(self._bare_login(login))
        took.logged_in.append(self._reveal_to_logged_in(answer))

    def _click_to_granted(self, card: Message) -> float:
        before, began = self._logins(), time.perf_counter()
        click = self.background.submit(self.approver.click, card, ids.APPROVE)
        wait_for(lambda: self._logins() > before, "the login on the target", every=LOOK_EVERY)
        return _ended(began, click)

    def _reveal_to_logged_in(self, answer: Message) -> float:
        began = time.perf_counter()
        click = self.background.submit(self.asker.click, answer, ids.CONNECT)
        login = wait_for(self._shown, "the password in the modal", every=LOOK_EVERY)
        assert login is not None
        self._log_in(login)
        seconds = _ended(began, click)
        self.asker.close_view(everything=True)
        return seconds

    def _bare_grant(self) -> tuple[str, float]:
        login, began = f"floor_{secrets.token_hex(8)}", time.perf_counter()
        statement = sql.SQL("CREATE ROLE {login} LOGIN; GRANT {role} TO {login}")  # one message is one transaction
        self.bot.execute(statement.format(login=sql.Identifier(login), role=sql.Identifier(target.READ)))
        return login, time.perf_counter() - began

    def _bare_login(self, login: str) -> float:
        password, began = secrets.token_urlsafe(24), time.perf_counter()
        hashed = self.bot.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        self.bot.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), hashed))
        self._log_in(Login(login, password))
        return time.perf_counter() - began

    def _log_in(self, login: Login) -> None:
        address = make_conninfo(self.bot.info.dsn, user=login.user, password=login.password)
        with psycopg.connect(address) as connection:
            connection.execute("SELECT 1")

    def _logins(self) -> int:
        found = self.superuser.execute(r"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'cs\_%'").fetchone()
        assert found is not None
        return found[0]

    def _shown(self) -> Login | None:
        view = self.asker.view()
        return login_in(view) if view else None

    def _message(self, person: Person, channel: str, action: str, entitlement: str) -> Message:
        def newest() -> Message | None:
            messages = person.messages(channel)
            return next((one for one in messages if action in one.actions() and entitlement in one.text), None)

        found = wait_for(newest, f"the message about {entitlement} with {action}")
        assert found is not None
        return found


@contextmanager
def _stage(servers: Servers, kind: Kind, crowd: Crowd) -> Generator[Stage]:
    with (
        alive(servers, kind, crowd) as product,
        psycopg.connect(product.shop.superuser_dsn, autocommit=True) as superuser,
        psycopg.connect(product.shop.bot_dsn, autocommit=True) as bot,
        ThreadPoolExecutor(1) as background,
    ):
        (asker, *_), person = crowd.askers, product.workspace.person
        yield Stage(person(asker.id), person(APPROVER), superuser, bot, background)


def _ended(began: float, click: Future[Any]) -> float:
    """Seconds until now; and the click itself must have been answered."""
    seconds = time.perf_counter() - began
    assert click.result().ok
    return seconds
