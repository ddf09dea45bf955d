"""`countersign up`: everything on one host, each process with its own part of the environment only."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from access.errors import PolicyError, Unready
from access.operations import outstanding
from access.operations.policy_source import PolicySource
from access.private_files import state_directory
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.embedded.valkey import EmbeddedValkey, server_binary
from countersign.providers import ProviderClasses
from countersign.supervisor import Child, Supervisor

logger = logging.getLogger(__name__)

_EVERYBODY = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "DATABASE_URL", "REDIS_URL", "COUNTERSIGN_POLICY", "COUNTERSIGN_STATE", "COUNTERSIGN_SANDBOX",
    "COUNTERSIGN_LOG_LEVEL", "COUNTERSIGN_LOG_FORMAT", "COUNTERSIGN_CALLS_AT_ONCE", "SLACK_API_URL",
)  # fmt: skip
_BOT = (
    "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "COUNTERSIGN_HTTP_LISTEN", "COUNTERSIGN_HTTP_PREFIX",
    "COUNTERSIGN_PAGE_URL",
)  # fmt: skip
_SHOWN = ("timekeeper", "grant", "revoke", "tell", "bot")
"""In this order each process has its port for figures; docs/metrics.md says so."""
LAST_PORT = 65535
_WORKERS = ("SLACK_BOT_TOKEN", "COUNTERSIGN_JOB_KEY", "COUNTERSIGN_JOB_KEY_OLD", "COUNTERSIGN_PAGE_URL")


def run_up(settings: Settings) -> int:
    """Brings the schema up to date, and runs everything; where no Redis is named, a Valkey of our own among it."""
    settings.answers_by_http()  # what the bot refuses is refused before anything runs
    state_directory(settings.state_directory)
    database = Database(settings.database_url)
    try:
        schema.migrate(database)
        own = None if settings.redis_url else _own_redis(settings)
        address = settings.redis_url or (own and own.url)
        processes = children(settings, database, _environment(settings, address))
    finally:
        database.close()
    return Supervisor([*([_redis(settings)] if own else []), *processes], log_format=settings.log_format).run()


def children(settings: Settings, database: Database, environment: Mapping[str, str]) -> list[Child]:
    """The processes of one host. Only those that touch targets are given the targets' secrets."""
    targets = sorted(target_secrets(settings, database))
    shown = metrics_addresses(settings)

    def child(name: str, arguments: list[str], *names: str) -> Child:
        env = _only(environment, *_EVERYBODY, *names) | shown.get(name, {})
        return Child(name, [sys.executable, "-m", "countersign", *arguments], env)

    workers = [
        child("grant", ["worker", "grant"], *_WORKERS, *targets),
        child("revoke", ["worker", "revoke"], *_WORKERS, *targets),
        child("tell", ["worker", "tell"], *_WORKERS),
    ]
    return [
        child("timekeeper", ["timekeeper"], "COUNTERSIGN_PING_URL", *_WORKERS, *targets),
        *(workers if "REDIS_URL" in environment else []),  # without Redis the timekeeper does their work
        child("bot", ["bot"], *_BOT),
    ]


def metrics_addresses(settings: Settings) -> dict[str, dict[str, str]]:
    """What tells each process where to show its figures: one port after the other. Raises Unready past the last."""
    if settings.metrics_listen is None:
        return {}
    host, first = settings.metrics_listen
    if first + len(_SHOWN) - 1 > LAST_PORT:
        raise Unready(f"COUNTERSIGN_METRICS_LISTEN: `up` needs {len(_SHOWN)} ports from {first} on, which is too high.")
    known = f"[{host}]" if ":" in host else host
    return {name: {"COUNTERSIGN_METRICS_LISTEN": f"{known}:{first + at}"} for at, name in enumerate(_SHOWN)}


def target_secrets(settings: Settings, database: Database) -> set[str]:
    """The names in the environment that the policy's targets, and those of open grants, refer to."""
    held = outstanding(database)
    try:
        policy = PolicySource(settings.policy_file, ProviderClasses()).current()
    except PolicyError as error:
        if not held:
            raise  # nothing to end, nothing to grant: better said now than in the log
        logger.error("The policy cannot be used, so what is open is ended and nothing is granted: %s", error.sentence)
        return {name for grant in held for name in _references(grant.settings)}
    found = {name for resource in policy.resources.values() for name in _references(resource.settings)}
    return found | {name for grant in held for name in _references(grant.settings)}


def _own_redis(settings: Settings) -> EmbeddedValkey | None:
    """None where the program is missing: the timekeeper then works from the database."""
    try:
        server_binary()
    except Unready as error:
        logger.error("There is no Redis: %s Access starts and ends all the same, a little slower.", error.sentence)
        return None
    return EmbeddedValkey(settings.state_directory / "valkey")


def _redis(settings: Settings) -> Child:
    directory = str(settings.state_directory / "valkey")
    arguments = [sys.executable, "-m", "countersign.embedded.valkey", directory]
    return Child("redis", arguments, _only(os.environ, "PATH", "HOME", "TMPDIR", "PYTHONPATH"))


def _environment(settings: Settings, redis_url: str | None) -> dict[str, str]:
    here = dict(os.environ) | {
        "DATABASE_URL": settings.database_url,
        "COUNTERSIGN_STATE": str(settings.state_directory),
    }
    return here | ({"REDIS_URL": redis_url} if redis_url else {})


def _only(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    wanted = {spelling for name in names for spelling in (name, f"{name}_FILE")}
    return {name: value for name, value in environment.items() if name in wanted}


def _references(settings: Any) -> Iterator[str]:
    if isinstance(settings, Mapping):
        name = settings.get("env")
        if isinstance(name, str):
            yield name
        for inner in settings.values():
            yield from _references(inner)
    elif isinstance(settings, list):
        for inner in settings:
            yield from _references(inner)
