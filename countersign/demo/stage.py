"""The whole demo, up: sandbox, Valkey, SQLite, PostgreSQL with the shop, the console, bot, workers, and the window."""

import os
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from access.errors import Unready
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.demo import console, target
from countersign.demo.operator_file import write_operator_file
from countersign.demo.policy import ROLES, SECRET, demo_policy
from countersign.demo.prober import Prober
from countersign.demo.steps import Steps
from countersign.demo.window import Scene, showing
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.valkey import EmbeddedValkey
from countersign.manifest import manifest_file
from countersign.supervisor import Supervisor
from countersign.up import children
from sandbox.cast import DEFAULT, Cast
from sandbox.manifest import app_of
from sandbox.server import Running, running

READY_SECONDS = 60
T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """Where everything is."""

    sandbox: Running
    prober: Prober
    window_url: str
    shop: target.Target
    console: console.Console
    settings: Settings
    operator_file: Path
    """The environment of a second shell."""


@contextmanager
def standing(directory: Path, *, port: int = 0) -> Generator[Stage]:
    """Brings everything up in `directory`; leaves nothing running. Raises Unready.

    The page is at `port` and the window onto the target at the one after it; 0 takes free ones.
    """
    cast, scene = acme(), Scene()
    with ExitStack() as stack:
        # Before what takes long to come up: another program may be on these ports.
        window_url = stack.enter_context(_listening(showing(scene, port=port and port + 1), port))
        sandbox = stack.enter_context(_listening(running(cast, port=port, window_url=window_url), port))
        server = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
        stack.callback(server.remove)
        shop = target.prepare(server)
        scene.console = support = console.prepare(directory / "console")
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey"))
        scene.prober = prober = stack.enter_context(
            Prober(
                host="127.0.0.1", port=server.port, database=target.DATABASE,
                people=sandbox.workspace(), watched=[person.id for person in cast.people if not person.deactivated],
            )
        )  # fmt: skip
        told = _told(directory, cast, sandbox, shop, support, redis_url=valkey.url)
        environment = _kept() | told
        settings = Settings.read(environment)
        database = stack.enter_context(closing(Database(settings.database_url)))
        schema.migrate(database)
        scene.steps = Steps(database, prober)
        stack.callback(scene.close)
        stack.enter_context(_processes(settings, environment))
        _wait_until_connected(sandbox)
        operator_file = write_operator_file(directory, told)
        yield Stage(sandbox, prober, window_url, shop, support, settings, operator_file)


@contextmanager
def _listening(server: AbstractContextManager[T], port: int) -> Generator[T]:
    """Raises Unready where it cannot listen."""
    with ExitStack() as stack:
        try:
            served = stack.enter_context(server)
        except OSError as error:
            wanted = f"{port} and {port + 1}" if port else "any port"
            raise Unready(
                f"The demo cannot listen on {wanted} of this machine: {error.strerror}. Name another: --port."
            ) from None
        yield served


def _kept() -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONPATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def _told(
    directory: Path, cast: Cast, sandbox: Running, shop: target.Target, support: console.Console, *, redis_url: str
) -> dict[str, str]:
    """The settings of this demo."""
    policy = directory / "access.yml"
    policy.write_text(demo_policy(cast, support.settings()), encoding="utf-8")
    return {
        "DATABASE_URL": f"sqlite:///{directory / 'countersign.db'}",
        "REDIS_URL": redis_url,
        "COUNTERSIGN_POLICY": str(policy),
        "COUNTERSIGN_STATE": str(directory / "state"),
        "COUNTERSIGN_SANDBOX": "1",
        "COUNTERSIGN_LOG_LEVEL": os.environ.get("COUNTERSIGN_LOG_LEVEL", "WARNING"),
        "SLACK_API_URL": sandbox.api_url,
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        SECRET: shop.bot_dsn,
    }


def acme() -> Cast:
    """The sandbox's people and what they do, and the app with just the scopes and commands of its manifest."""
    people = tuple(replace(person, title=ROLES.get(person.name, "")) for person in DEFAULT.people)
    return replace(DEFAULT, people=people, app=app_of(manifest_file()))


@contextmanager
def _processes(settings: Settings, environment: Mapping[str, str]) -> Generator[None]:
    database = Database(settings.database_url)
    supervisor = Supervisor(children(settings, database, environment))
    database.close()
    thread = threading.Thread(target=supervisor.run, name="supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join(30)


def _wait_until_connected(sandbox: Running) -> None:
    people, end = sandbox.workspace(), time.monotonic() + READY_SECONDS
    while not people.connections():
        if time.monotonic() > end:
            print("The bot did not come up; its log is above.", file=sys.stderr)
            raise Unready("The bot did not connect to the sandbox.")
        time.sleep(0.05)
