"""`countersign up`: everything on one host, each process with its own part of the environment only.

This half looks at everything, and then becomes the half that stays (minding.py).
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from access.errors import AccessError, Misconfigured, PolicyError, Unready
from access.models import Grant
from access.policy.targets import spelled_out
from access.policy_source import PolicySource
from access.private_files import state_directory
from access.queries.mine import outstanding
from access.settings import Settings
from access.store import Database
from countersign import env_file, minding, preflight, schema
from countersign.embedded.valkey import EmbeddedValkey, server_binary
from countersign.providers import ProviderClasses
from countersign.supervisor import Child

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


def run_up(settings: Settings) -> NoReturn:
    """Brings the schema up to date, and runs everything; where no Redis is named, a Valkey of our own among it.

    What is wrong is said before anything is made. While access is open, what is wrong with the bot, the policy or a
    port is only logged: the rest runs, and ends it (docs/adr/0025-the-command-line.md). Raises AccessError.
    """
    preflight.check(settings, "timekeeper")
    wrong = dict(_wrong(settings))
    database = Database(settings.database_url)
    try:
        if wrong and not _may_hold_access(database):
            raise next(iter(wrong.values()))
        state_directory(settings.state_directory)
        schema.migrate(database)
        if wrong and not outstanding(database):
            raise next(iter(wrong.values()))
        settings = _without(settings, wrong)
        server = None if settings.redis_url else _own_server()
        address = settings.redis_url or (server and EmbeddedValkey(_directory(settings)).url)
        processes = children(settings, database, _environment(settings, address))
    finally:
        database.close()
    running = [*([_redis(settings, server)] if server else []), *(one for one in processes if one.name not in wrong)]
    minding.become(running, settings.log_format, settings.state_directory)


def _wrong(settings: Settings) -> Iterator[tuple[str, AccessError]]:
    """By what it concerns: a process by its name, `policy` or `metrics`."""
    try:
        preflight.check(settings, "bot")
        if settings.answers_by_http():
            preflight.check_port(settings.http_listen, "COUNTERSIGN_HTTP_LISTEN")
    except Misconfigured as error:
        yield "bot", error
    except Unready as error:
        yield "port", error  # it may be free again when the bot is started again
    try:
        PolicySource(settings.policy_file, ProviderClasses()).current()
    except PolicyError as error:
        yield "policy", error
    try:
        for host, port in _ports(settings):
            preflight.check_port((host, port), "COUNTERSIGN_METRICS_LISTEN")
    except Unready as error:
        yield "metrics", error


def _may_hold_access(database: Database) -> bool:
    """Rows of another revision can only be read once they are migrated."""
    if database.missing_file is not None:
        return False
    database.reachable()
    found = schema.revision_of(database)
    return bool(outstanding(database)) if found == schema.head() else found is not None


def _without(settings: Settings, wrong: Mapping[str, AccessError]) -> Settings:
    for concerns, error in wrong.items():
        if concerns != "policy":  # said where its targets are looked up
            logger.error("Access is open, so everything else is started to end it: %s", error)
    return settings.model_copy(update={"metrics_listen": None}) if "metrics" in wrong else settings


def children(settings: Settings, database: Database, environment: Mapping[str, str]) -> list[Child]:
    """The processes of one host. Only those that touch targets are given the targets' secrets."""
    targets = sorted(target_secrets(settings, database))
    shown = metrics_addresses(settings)
    unset = [name for name in targets if not environment.get(name) and not environment.get(f"{name}_FILE")]
    if unset:
        logger.error("Targets cannot be reached, for these are not set: %s. %s", ", ".join(unset), env_file.cure(unset))

    def child(name: str, *names: str, shares_imports: bool = True) -> Child:
        env = _only(environment, *_EVERYBODY, *names) | shown.get(name, {})
        return Child(name, [sys.executable, "-m", "countersign.process", name], env, shares_imports=shares_imports)

    workers = [
        child("grant", *_WORKERS, *targets),
        child("revoke", *_WORKERS, *targets),
        child("tell", *_WORKERS),
    ]
    return [
        child("timekeeper", "COUNTERSIGN_PING_URL", *_WORKERS, *targets),
        *(workers if "REDIS_URL" in environment else []),  # without Redis the timekeeper does their work
        child("bot", *_BOT, shares_imports=False),  # who serves strangers is a copy of nobody who holds a key
    ]


def metrics_addresses(settings: Settings) -> dict[str, dict[str, str]]:
    """What tells each process where to show its figures: one port after the other. Raises Misconfigured."""
    addresses = dict(zip(_SHOWN, _ports(settings), strict=False))
    return {
        name: {"COUNTERSIGN_METRICS_LISTEN": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}
        for name, (host, port) in addresses.items()
    }


def _ports(settings: Settings) -> list[tuple[str, int]]:
    if settings.metrics_listen is None:
        return []
    host, first = settings.metrics_listen
    if first + len(_SHOWN) - 1 > LAST_PORT:
        raise Misconfigured(
            f"COUNTERSIGN_METRICS_LISTEN: `up` needs {len(_SHOWN)} ports from {first} on, which is too high."
        )
    return [(host, first + at) for at in range(len(_SHOWN))]


def target_secrets(settings: Settings, database: Database) -> set[str]:
    """The names in the environment that the policy's targets, and those of open grants, refer to."""
    held, classes = outstanding(database), ProviderClasses()
    used = {name for grant in held for name in _references(_all_settings(classes, grant))}
    try:
        policy = PolicySource(settings.policy_file, classes).current()
    except PolicyError as error:
        if not held:
            raise  # nothing to end, nothing to grant: better said now than in the log
        logger.error("The policy cannot be used, so what is open is ended and nothing is granted: %s", error)
        return used
    return used | {name for resource in policy.resources.values() for name in _references(resource.all_settings)}


def _all_settings(classes: ProviderClasses, grant: Grant) -> Mapping[str, Any]:
    """A default may refer to a secret too, and a grant holds what was said alone."""
    known = classes.get(grant.provider)
    return spelled_out(known.Settings, grant.settings) if known else grant.settings


def _own_server() -> Path | None:
    """None where the program is missing: the timekeeper then works from the database."""
    try:
        return server_binary()
    except Unready as error:
        logger.error("There is no Redis: %s Access starts and ends all the same, a little slower.", error.sentence)
        return None


def _directory(settings: Settings) -> Path:
    return settings.state_directory / "valkey"


def _redis(settings: Settings, server: Path) -> Child:
    arguments = [sys.executable, "-m", "countersign.embedded.valkey", str(_directory(settings)), str(server)]
    given = _only(os.environ, "PATH", "HOME", "TMPDIR", "PYTHONPATH")
    return Child("redis", arguments, given, serves_others=True)


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
