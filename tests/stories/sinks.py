"""Where words stay or pass through: rows, Redis, logs, and what Slack was sent. None of it may hold a secret."""

import json
import zlib
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote

import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from access.settings import Settings
from countersign.demo.prober import Login
from tests.stories.house import House
from workers.signing import KEY_FILE

Kept = tuple[str, str]
"""Where something was found, and all of it as text."""


def secrets_of(house: House, login: Login) -> dict[str, str]:
    """By what it is. The last one is in the modal, and nowhere else."""
    settings = Settings.read(house.environment())
    tokens = {
        "the bot's token": settings.slack_bot_token,
        "the app's token": settings.slack_app_token,
        "the signing secret": settings.slack_signing_secret,
    }
    database = sa.make_url(house.database_url).password
    return {
        **{what: token.get_secret_value() for what, token in tokens.items() if token},
        "the password of the target": str(conninfo_to_dict(house.shop.bot_dsn)["password"]),
        **({"the password of the database": str(database)} if database else {}),
        "the key of the jobs": (house.directory / KEY_FILE).read_text(encoding="ascii").strip(),
        "the password that was shown": login.password,
    }


def found_in(house: House, words: str) -> list[str]:
    """Where these words are kept, as they are or as an address or JSON would write them."""
    written = {words, quote(words, safe=""), json.dumps(words)[1:-1]}
    return sorted({place for place, text in _kept(house) if any(one in text for one in written)})


def _kept(house: House) -> Iterator[Kept]:
    yield from _rows(house)
    with Redis.from_url(house.valkey.url) as redis:
        yield from _redis(redis)
    for name in house.processes:
        yield "the log of a process", house.log(name)
    for entry in house.sandbox.workspace().journal():
        if not _is_the_modal(entry):
            yield "what went to and from Slack", json.dumps(entry, ensure_ascii=False)


def _rows(house: House) -> Iterator[Kept]:
    engine = sa.create_engine(sa.make_url(house.database_url).set(drivername=_driver(house.database_url)))
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"')):
                yield "the rows", json.dumps([table, *row], default=str, ensure_ascii=False)
    engine.dispose()


def _driver(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"


def _redis(redis: Redis) -> Iterator[Kept]:
    for key in redis.scan_iter():
        yield "Redis", f"{key!r} {[_plain(one) for one in _values(redis, key)]}"


def _values(redis: Redis, key: bytes) -> list[Any]:
    read = {
        b"string": lambda: [redis.get(key)],
        b"hash": lambda: [one for pair in cast(dict[Any, Any], redis.hgetall(key)).items() for one in pair],
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: list(cast(set[Any], redis.smembers(key))),
        b"zset": lambda: redis.zrange(key, 0, -1),
        b"stream": lambda: redis.xrange(key),
        b"none": list[Any],  # it has ended meanwhile
    }
    return cast(list[Any], read[cast(bytes, redis.type(key))]())


def _plain(value: Any) -> str:
    """RQ packs what it keeps."""
    try:
        return str(zlib.decompress(value))
    except (zlib.error, TypeError):
        return str(value)


def _is_the_modal(entry: dict[str, Any]) -> bool:
    """What puts the secret before its holder's eyes, with the answer to it."""
    return (entry["way"], entry["name"]) == ("call", "views.update") and "How to connect" in str(entry["sent"])
