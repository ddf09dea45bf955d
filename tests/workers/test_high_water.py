"""How far the log had come is remembered in a file and in Redis, and neither is written over unread."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from access.operations.high_water import HighWater
from tests.redis_server import RedisServer
from workers.high_water import FILE, KEY, Remembered
from workers.redis_connection import connect


def at(seq: int) -> HighWater:
    return HighWater(seq, f"{seq:064}", datetime(2026, 11, 23, 12, 0, seq, tzinfo=UTC))


def test_the_next_process_knows_from_either_place(tmp_path: Path, redis: Redis) -> None:
    Remembered(tmp_path / "a", redis).note(at(1))
    process = Remembered(tmp_path / "a", redis)
    assert process.known() == [at(1)], "nothing heard from Redis yet was written over"
    process.note(at(7))

    assert Remembered(tmp_path / "a", redis).known() == [at(7), at(7)]
    assert Remembered(tmp_path / "another host", redis).known() == [at(7)]
    assert Remembered(tmp_path / "a", None).known() == [at(7)]
    redis.flushall()
    assert Remembered(tmp_path / "a", redis).known() == [at(7)]


def test_a_redis_that_was_away_is_asked_before_it_is_told(
    tmp_path: Path, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.high_water._AFTER_FAILURE_SECONDS", 0.0)
    own_redis.start()
    other = Remembered(tmp_path / "other", connect(own_redis.url))
    assert other.known() == []
    other.note(at(9))
    own_redis.stop()
    process = Remembered(tmp_path / "own", connect(own_redis.url))
    assert process.known() == []
    process.note(at(3))

    own_redis.start()

    assert process.known() == [at(3), at(9)]
    process.note(at(4))
    assert Remembered(tmp_path / "third", connect(own_redis.url)).known() == [at(4)]


@pytest.mark.parametrize("text", ["", "{}", '{"seq": 1}', "[1]", "\udcff", '{"seq":1,"hash":"a","at":"soon"}'])
def test_what_cannot_be_read_is_written_anew(tmp_path: Path, redis: Redis, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    redis.set(KEY, text.encode(errors="surrogateescape"))
    process = Remembered(tmp_path, redis)
    assert process.known() == []
    process.note(at(2))
    assert Remembered(tmp_path, redis).known() == [at(2), at(2)]


def test_a_directory_that_takes_nothing_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file")
    process = Remembered(tmp_path / "state", None)
    for seq in (1, 2):
        process.known()
        process.note(at(seq))
    assert process.known() == [at(2)]
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1
