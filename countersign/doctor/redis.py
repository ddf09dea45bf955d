"""Redis: there, by its sentinels or alone, new enough, keeps everything, asks for a password; and its clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis
from redis.connection import SSLConnection, UnixDomainSocketConnection
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from access.errors import Unready
from access.ports import Finding
from access.words import counted
from countersign.doctor.clocks import compare
from countersign.doctor.surroundings import Surroundings, error, ok, warning
from workers.agenda import RedisAgenda
from workers.jobs import REFUSED, prove_queues
from workers.redis_connection import connect, connect_without_password, reason, refusal, sentinels_of

_OLDEST = (6, 2)
"""The first with BLMOVE, by which a job survives the death of who took it."""

_ALLOW = (
    "Give the user of REDIS_URL the keys `countersign:*` and `rq:*`, all channels, and `+@all -@dangerous +info` with "
    "ACL SETUSER; docs/set-up.md has the line."
)
_CURES = {
    "OOM": "Raise `maxmemory`, in redis.conf or with CONFIG SET, or find out with `redis-cli --bigkeys` who fills it.",
    "READONLY": "Let REDIS_URL name the primary.",
    "MISCONF": "Make room on its disk; INFO persistence says what failed last.",
    "NOREPLICAS": "Start its replicas, or lower `min-replicas-to-write` with CONFIG SET.",
    "NOPERM": _ALLOW,
}


def look(here: Surroundings) -> Iterator[Finding]:
    url = here.redis_url
    if url is None:
        sentence = "There is no Redis: access starts and ends by the sweep of the database alone, a little slower."
        cure = "Set REDIS_URL, or run pip install '.[local]' in Countersign's clone and let `countersign up` start one."
        yield warning("reachable", sentence, cure)
        return
    try:
        client = connect(url)
    except Unready as unready:
        yield error("address", unready.sentence, "Set REDIS_URL so.")
        return
    with client:
        yield from _sentinels(client)
        try:
            info = cast(dict[str, Any], client.info())
        except NoPermissionError:
            cure = "Let the user of REDIS_URL use INFO, as RQ does; see ACL SETUSER."
            yield error("reachable", "The user of REDIS_URL may not ask Redis how it is.", cure)
            return
        except RedisError as fault:
            cure = (
                "Start it, or correct REDIS_URL: host, port, password, for TLS ssl_ca_certs. Until then the database "
            )
            yield error("reachable", f"Redis: {reason(fault)}.", cure + "alone keeps the time.")
            return
        yield ok("reachable", "Redis answers.")
        yield _version(info)
        yield _role(info)
        if info.get("role") == "master":
            yield _writes(client)
        yield _eviction(info)
        yield _persistence(info)
        yield _password(url)
        yield from _tls(client)
        try:
            yield _jobs(client)
            yield _clock(here, client)
        except NoPermissionError:
            yield error("commands", "The user of REDIS_URL may not use GET or TIME.", _ALLOW)


def _version(info: dict[str, Any]) -> Finding:
    name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        return error("version", f"{name} {version} is too old.", "Upgrade to Redis 6.2 or newer, or any Valkey.")
    return ok("version", f"{name} {version}.")


def _role(info: dict[str, Any]) -> Finding:
    if info.get("role") != "master":
        return error("role", "It is a replica and takes no changes.", "Let REDIS_URL name the primary.")
    return ok("role", "It is a primary.")


def _writes(client: Redis) -> Finding:
    """By writing, as timekeepers and workers do: one that is full answers every question."""
    try:
        RedisAgenda(client).prove_every_command()
        prove_queues(client)
    except RedisError as fault:
        cure = _CURES.get(refusal(fault) or "", "Look into the log of Redis.")
        return error("writes", f"Redis answers but cannot be used: {reason(fault)}.", cure)
    return ok("writes", "It takes all that timekeepers and workers write.")


def _eviction(info: dict[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy")
    if policy != "noeviction":
        cure = "Set `maxmemory-policy noeviction`: in redis.conf, or now with CONFIG SET."
        return error("eviction", f"With {policy} Redis throws timers and jobs away when it is full.", cure)
    return ok("eviction", "Nothing is thrown away (noeviction).")


def _persistence(info: dict[str, Any]) -> Finding:
    if not info.get("aof_enabled"):
        sentence = "Redis writes nothing down at once; after a restart the timers are rebuilt from the database."
        return warning("persistence", sentence, "Set `appendonly yes` and `appendfsync everysec`.")
    if info.get("aof_last_write_status", "ok") != "ok":
        return error("persistence", "Redis cannot write to its disk.", "Look into its log: the disk may be full.")
    return ok("persistence", "What it holds is written down (AOF).")


def _password(url: str) -> Finding:
    with connect_without_password(url) as stranger:
        if stranger.connection_pool.connection_class is UnixDomainSocketConnection:
            return ok("password", "It listens on a unix socket, whose directory says who may enter.")
        try:
            stranger.ping()
        except RedisError:
            return ok("password", "Without the password Redis lets no one in.")
    sentence = "Anyone who reaches its port gets in without a password, and could delay or empty the queues."
    return warning("password", sentence, "Set `requirepass` or an ACL user, and put the password into REDIS_URL.")


def _tls(client: Redis) -> Iterator[Finding]:
    pool = client.connection_pool
    if not issubclass(pool.connection_class, SSLConnection):
        return
    if pool.connection_kwargs.get("ssl_cert_reqs") in ("none", "optional"):
        sentence = "Any certificate is taken for Redis's, so who stands in between can read the password."
        yield warning("tls", sentence, "Take ssl_cert_reqs out of REDIS_URL; ssl_ca_certs=/path names your authority.")
        return
    yield ok("tls", "It shows a certificate that is trusted.")


def _sentinels(client: Redis) -> Iterator[Finding]:
    """Each is asked by itself: who only asks for the primary hears nothing of those that are down."""
    sentinels = sentinels_of(client)
    if not sentinels:
        return
    name = str(getattr(client.connection_pool, "service_name", ""))
    silent = dict[str, str]()
    for address, sentinel in sentinels.items():
        try:
            sentinel.execute_command("SENTINEL CKQUORUM", name)
        except ResponseError as refused:
            silent[address] = f"cannot decide on {name} ({str(refused).split()[0]})"
        except RedisError as fault:
            silent[address] = reason(fault)
    if not silent:
        yield ok("sentinels", f"{len(sentinels)} of {len(sentinels)} can move {name} to a replica.")
        return
    told = "; ".join(f"{address}: {why}" for address, why in silent.items())
    cure = "Start them, or correct REDIS_URL: their addresses, the name, sentinel_password."
    yield warning("sentinels", f"{len(sentinels) - len(silent)} of {len(sentinels)} can move {name}: {told}.", cure)


def _jobs(client: Redis) -> Finding:
    refused = int(cast(bytes | None, client.get(REFUSED)) or 0)
    if refused:
        dropped = counted(refused, "job was", "jobs were")
        sentence = f"{dropped} dropped: not signed by our key, or not for this queue."
        cure = (
            f"Give all workers and timekeepers one COUNTERSIGN_JOB_KEY, look who else writes here, then DEL {REFUSED}."
        )
        return warning("jobs", sentence, cure)
    return ok("jobs", "No job was ever refused.")


def _clock(here: Surroundings, client: Redis) -> Finding:
    before = here.host()
    seconds, microseconds = cast(tuple[int, int], client.time())
    return compare("Redis's", datetime.fromtimestamp(seconds + microseconds / 1e6, UTC), before, here.host())
