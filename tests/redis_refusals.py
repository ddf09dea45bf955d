"""Ways in which a real Redis answers and takes no writes, or not ours."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.waiting import wait_until


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a Redis, how it is mended, and what people read."""

    begin: Callable[[RedisServer], object]
    mend: Callable[[RedisServer], object]
    why: str


def fill(redis: RedisServer) -> None:
    redis.client.set("filler", "x" * 2_000_000)
    redis.client.config_set("maxmemory", "1mb")


def fail_to_save(redis: RedisServer) -> None:
    """The snapshot cannot be put into place, and by its default Redis then takes no changes."""
    (redis.directory / "dump.rdb").mkdir()
    redis.client.config_set("save", "3600 1")
    redis.client.bgsave()
    wait_until(lambda: redis.client.info("persistence")["rdb_last_bgsave_status"] == "err", "the snapshot to fail")


def forbid(*commands: str) -> Refusal:
    def allow(redis: RedisServer, sign: str) -> None:
        redis.client.execute_command("ACL", "SETUSER", "default", *(f"{sign}{one}" for one in commands))

    why = "its user may not use a command or a key that Countersign needs"
    return Refusal(lambda redis: allow(redis, "-"), lambda redis: allow(redis, "+"), why)


REFUSALS = {
    "full": Refusal(fill, lambda redis: redis.client.config_set("maxmemory", "0"), "it is full and takes nothing more"),
    "replica": Refusal(
        lambda redis: redis.client.replicaof("127.0.0.1", free_port()),
        lambda redis: redis.client.replicaof("NO", "ONE"),
        "it is a replica and takes no changes",
    ),
    "too few replicas": Refusal(
        lambda redis: redis.client.config_set("min-replicas-to-write", 1),
        lambda redis: redis.client.config_set("min-replicas-to-write", 0),
        "it has fewer replicas than min-replicas-to-write asks for and takes no changes",
    ),
    "disk": Refusal(
        fail_to_save,
        lambda redis: redis.client.config_set("save", ""),
        "it cannot write to its disk and takes no changes",
    ),
    "no sorted sets": forbid("zadd"),
    "no scripts": forbid("eval", "evalsha", "script"),
    "no waiting": forbid("blpop"),
    "no jobs": forbid("rpush"),
}
