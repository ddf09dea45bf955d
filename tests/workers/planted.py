"""What somebody who can write to our Redis may plant there; every one of it wants to have `pwn` called."""

import hashlib
import hmac
import json
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import rq
from redis import Redis

from workers.jobs import HAND_OVER, MAX_AGE
from workers.signing import Order, Seal

KEY = bytes(range(32))
SEAL = Seal([KEY])
pwned: list[str] = []


def pwn(*_: object) -> None:
    """What every planted job wants to have called."""
    pwned.append("pwned")


PWN = f"{__name__}.pwn"


@dataclass
class StillClock:
    """Stands still until it is moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.at


@dataclass
class Planter:
    """Somebody who can write to our Redis, and has seen the jobs that went by."""

    redis: Redis
    clock: StillClock

    def order(self, **changes: object) -> Order:
        order = Order(uuid4().hex, "revoke", HAND_OVER, "crm", ("evil",), self.clock.now())
        return replace(order, **cast(dict[str, Any], changes))

    def plant(
        self, order: Order, *, key: bytes = KEY, data: bytes | None = None, queue: str = "revoke", **more: Any
    ) -> None:
        """A hash as our own jobs have it, but for what the test changes, pushed to the queue."""
        sealed = Seal([key]).close(order) if data is None else data
        fields: dict[str, Any] = {
            "data": zlib.compress(sealed),
            "origin": order.queue,
            "status": "queued",
            "result_ttl": 0,
        }
        self.push(order.job, queue, **(fields | more))

    def push(self, job_id: str | bytes, queue: str = "revoke", **fields: Any) -> None:
        if fields:
            self.redis.hset(f"rq:job:{job_id}", mapping=cast(dict[Any, Any], fields))
        self.redis.rpush(f"rq:queue:{queue}", job_id)


class Exploit:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[()]]:
        return pwn, ()


def signed_by_hand(body: object) -> bytes:
    raw = json.dumps(body).encode()
    return hmac.new(KEY, raw, hashlib.sha256).hexdigest().encode() + raw


def _unsigned(planter: Planter) -> None:
    rq.Queue("revoke", connection=planter.redis, serializer="json").enqueue(PWN, "x")


def _pickled(planter: Planter) -> None:
    rq.Queue("revoke", connection=planter.redis).enqueue(PWN, Exploit())
    planter.plant(planter.order(), data=pickle.dumps(Exploit()))


def _with_instance(planter: Planter) -> None:
    order = planter.order()
    fields = {"job": order.job, "queue": "revoke", "function": HAND_OVER, "target": "crm", "ids": ["evil"]}
    fields |= {"created": order.created.timestamp(), "instance": PWN}
    planter.plant(order, data=signed_by_hand(fields))


def _order_of_another_job(planter: Planter) -> None:
    seen = planter.order()
    planter.plant(planter.order(), data=SEAL.close(seen))


def _moved_to_another_queue(planter: Planter) -> None:
    planter.plant(planter.order(queue="grant"), origin="revoke")


def _moved_with_its_origin(planter: Planter) -> None:
    planter.plant(planter.order(queue="grant"), queue="revoke")


def _bomb(planter: Planter) -> None:
    planter.plant(planter.order(), data=bytes(50_000_000))


def _without_data(planter: Planter) -> None:
    planter.push(uuid4().hex, origin="revoke")


def _garbage(planter: Planter) -> None:
    planter.push(uuid4().hex, origin="revoke", data=b"\xff\xfe\x00garbage")
    planter.push(uuid4().hex, origin=b"\xff", data=zlib.compress(SEAL.close(planter.order())))
    planter.plant(planter.order(), data=signed_by_hand(["not", "an", "order"]))


def _unreadable_id(planter: Planter) -> None:
    planter.push(b"\xff\xfe")
    planter.push("../../etc/passwd x")


def _extra(name: str, value: Any) -> Callable[[Planter], None]:
    return lambda planter: planter.plant(planter.order(), **cast(dict[str, Any], {name: value}))


HOSTILE: dict[str, Callable[[Planter], None]] = {
    "unsigned": _unsigned,
    "pickled": _pickled,
    "wrong key": lambda planter: planter.plant(planter.order(), key=bytes(32)),
    "function not on the list": lambda planter: planter.plant(planter.order(function=PWN)),
    "instance": _with_instance,
    "order of another job": _order_of_another_job,
    "moved to another queue": _moved_to_another_queue,
    "moved with its origin": _moved_with_its_origin,
    "too old": lambda p: p.plant(p.order(created=p.clock.now() - MAX_AGE - timedelta(seconds=1))),
    "from the future": lambda p: p.plant(p.order(created=p.clock.now() + timedelta(minutes=2))),
    "bomb": _bomb,
    "without data": _without_data,
    "garbage": _garbage,
    "unreadable id": _unreadable_id,
    "success callback": _extra("success_callback_name", PWN),
    "failure callback": _extra("failure_callback_name", PWN),
    "stopped callback": _extra("stopped_callback_name", PWN),
    "webhook": _extra("webhooks", json.dumps([{"url": "http://127.0.0.1:1", "status": "finished"}])),
    "dependency": _extra("dependency_ids", json.dumps(["other"])),
    "retry": _extra("retries_left", 3),
    "repeat": _extra("repeats_left", 3),
    "group": _extra("group_id", "group"),
    "meta": _extra("meta", pickle.dumps(Exploit())),
    "result": _extra("result", pickle.dumps(Exploit())),
    "exception": _extra("exc_info", zlib.compress(b"words")),
    "rate limit": _extra("rate_limit_key", "key"),
    "description": _extra("description", "\x1b[2J words for the log"),
}
