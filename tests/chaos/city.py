"""All that a chaos run stands on: real processes, a store, a Redis, the network between, and a target in files."""

import json
import os
import signal
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from access.settings import Settings
from access.store import Database
from bench.policy import Crowd, policy
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.supervisor import Supervisor
from countersign.testing.faulty_proxy import FaultyProxy
from countersign.up import children
from tests.chaos.hostile import Holdouts
from tests.chaos.slack import Ears, listening
from tests.chaos.target import NAME, Premises
from tests.redis_server import RedisServer

CROWD = Crowd(people=60, roles=8)
RIGHTS = ("look", "mend", "sweep")
ALERT_AFTER = 15
"""Seconds; of the level of all that is granted here."""
LARGE = {"timekeeper": 2, "grant": 2, "revoke": 2, "tell": 2}
SMALL = {"timekeeper": 2, "grant": 1, "revoke": 1, "tell": 1}
"""How many processes of each kind."""
FOREIGN = 12
_QUICK = {"fsync": "off", "full_page_writes": "off"}  # it is stopped in order; commits are never lost


@dataclass(frozen=True)
class City:
    """Where a chaos run takes place."""

    environment: Mapping[str, str]
    own: Premises
    """Each grant has its own name there."""
    holdouts: Holdouts
    """What hostile holders have there beside it."""
    shared: Premises
    """Grants share what they give, beside what stood there before."""
    redis: RedisServer
    to_redis: FaultyProxy
    postgres: EmbeddedPostgres | None
    """None: the store is a file."""
    to_postgres: FaultyProxy | None
    supervisor: Supervisor
    ears: Ears
    keeper: Executor
    """Whoever starts a server here: it dies with the thread that started it."""

    def start(self, server: RedisServer | EmbeddedPostgres) -> None:
        self.keeper.submit(server.start).result()

    def pid(self, name: str) -> int | None:
        return next(one.pid for one in self.supervisor.status() if one.name == name)

    def names(self) -> list[str]:
        return [one.name for one in self.supervisor.status()]

    def signal(self, pid: int, number: signal.Signals) -> None:
        """To one of our own processes, unless it has ended."""
        if pid in {one.pid for one in self.supervisor.status()}:
            os.kill(pid, number)

    def restarts(self) -> int:
        return sum(one.restarts for one in self.supervisor.status())


@contextmanager
def standing(directory: Path, *, on_postgres: bool, processes: Mapping[str, int]) -> Generator[City]:
    """Everything runs; the target's provider is installed in `site` below the directory."""
    with ExitStack() as stack:
        keeper = stack.enter_context(ThreadPoolExecutor(1))
        own, shared = Premises(directory / "own"), Premises(directory / "shared")
        holdouts = Holdouts(directory / "own")
        for place in (own, shared, holdouts):
            place.build()
        for name in foreign():
            shared.let_in(name)
        redis = RedisServer(directory / "redis")
        stack.callback(redis.close)
        redis.start()
        to_redis = stack.enter_context(FaultyProxy(redis.url.removeprefix("unix://")).running())
        postgres = to_postgres = None
        store = f"sqlite:///{directory / 'store.db'}"
        if on_postgres:
            postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres", settings=_QUICK))
            stack.callback(postgres.remove)
            to_postgres = stack.enter_context(FaultyProxy(("127.0.0.1", postgres.port)).running())
            near = sa.make_url(f"postgresql://postgres@127.0.0.1:{to_postgres.port}/postgres")
            store = near.set(password=_password(postgres)).render_as_string(hide_password=False)
        _migrate(store)
        ears = stack.enter_context(listening())
        environment = _environment(directory, store, f"redis://127.0.0.1:{to_redis.port}/0", ears)
        supervisor = _supervisor(environment, processes, directory / "log")
        with _running(supervisor):
            network = redis, to_redis, postgres, to_postgres
            yield City(environment, own, holdouts, shared, *network, supervisor, ears, keeper)


def foreign() -> set[str]:
    """What people have at the shared premises before us; some of it is what they will ask for."""
    return {f"{RIGHTS[number % 2]}~{person.name}" for number, person in enumerate(CROWD.askers[:FOREIGN])}


def _environment(directory: Path, store: str, redis: str, ears: Ears) -> dict[str, str]:
    file = directory / "access.yml"
    file.write_text(_policy(directory), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent.parent), str(directory / "site")]),
        "DATABASE_URL": store, "REDIS_URL": redis,
        "COUNTERSIGN_POLICY": str(file), "COUNTERSIGN_STATE": str(directory),
        "COUNTERSIGN_SANDBOX": "1", "SLACK_API_URL": ears.url, "SLACK_BOT_TOKEN": "xoxb-chaos",
    }  # fmt: skip


def _policy(directory: Path) -> str:
    """Two resources: in one each grant stands for itself, in the other the roles overlap."""
    settings = {"directory": str(directory / "own"), "milliseconds": 5}
    said = json.loads(policy(CROWD, provider=NAME, settings=settings, role={}))
    said["levels"]["low"] |= {"alert_after": f"{ALERT_AFTER}s"}
    (doors,) = said["resources"]
    roles = {
        f"share{number}": {"title": f"Share {number}", "rights": [RIGHTS[number], RIGHTS[(number + 1) % 3]]}
        for number in range(3)
    }
    rooms = doors | {
        "id": "rooms", "title": "Rooms", "roles": roles,
        "settings": {"directory": str(directory / "shared"), "milliseconds": 5, "mode": "shared"},
    }  # fmt: skip
    said["resources"].append(rooms)
    said["rules"][0]["for"]["entitlements"] += [f"rooms/{role}" for role in roles]
    return json.dumps(said)  # JSON is YAML


def _supervisor(environment: Mapping[str, str], processes: Mapping[str, int], log: Path) -> Supervisor:
    settings = Settings.read(environment)
    database = Database(settings.database_url)
    found = {child.name: child for child in children(settings, database, environment)}
    database.close()
    many = [
        replace(found[kind], name=f"{kind}{number}", env={**environment, **found[kind].env})
        for kind, count in processes.items()
        for number in range(count)
    ]
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock, log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return Supervisor(many, write=write)


@contextmanager
def _running(supervisor: Supervisor) -> Generator[None]:
    thread = threading.Thread(target=supervisor.run, name="supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()


def _migrate(store: str) -> None:
    database = Database(store)
    schema.migrate(database)
    database.close()


def _password(postgres: EmbeddedPostgres) -> str:
    return str(conninfo_to_dict(postgres.superuser_dsn)["password"])
