"""The whole demo, up: sandbox, Valkey, SQLite, PostgreSQL with the shop, bot, workers, and the window."""

import os
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from access.errors import Unready
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.demo import target
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.prober import Prober
from countersign.demo.window import showing
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.valkey import EmbeddedValkey
from countersign.manifest import manifest_file
from countersign.supervisor import Supervisor
from countersign.up import children
from sandbox.cast import DEFAULT, Cast
from sandbox.manifest import app_of
from sandbox.server import Running, running

READY_SECONDS = 60


@dataclass(frozen=True)
class Stage:
    """Where everything is."""

    sandbox: Running
    prober: Prober
    window_url: str
    shop: target.Target
    settings: Settings


@contextmanager
def standing(directory: Path, *, port: int = 0) -> Generator[Stage]:
    """Brings everything up in `directory`; leaves nothing running. Raises Unready."""
    cast = acme()
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
        stack.callback(server.remove)
        shop = target.prepare(server)
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey"))
        # The window is shown beside the sandbox and looks into it, so each must know where the other will be.
        probers = list[Prober]()
        window_url = stack.enter_context(showing(lambda number: probers[0].since(number) if probers else []))
        sandbox = stack.enter_context(running(cast, port=port, window_url=window_url))
        prober = stack.enter_context(
            Prober(
                host="127.0.0.1", port=server.port, database=target.DATABASE,
                people=sandbox.workspace(), watched=[person.id for person in cast.people if not person.deactivated],
            )
        )  # fmt: skip
        probers.append(prober)
        environment = _environment(directory, cast, sandbox, shop, valkey.url)
        settings = Settings.read(environment)
        _migrate(settings)
        stack.enter_context(_processes(settings, environment))
        _wait_until_connected(sandbox)
        yield Stage(sandbox, prober, window_url, shop, settings)


def _environment(directory: Path, cast: Cast, sandbox: Running, shop: target.Target, redis_url: str) -> dict[str, str]:
    policy = directory / "access.yml"
    policy.write_text(demo_policy(cast), encoding="utf-8")
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONPATH") if name in os.environ
    }
    return kept | {
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


def _migrate(settings: Settings) -> None:
    database = Database(settings.database_url)
    schema.migrate(database)
    database.close()


def acme() -> Cast:
    """The sandbox's people, and the app with just the scopes and commands of its manifest."""
    return replace(DEFAULT, app=app_of(manifest_file()))


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
