"""How far the log had come is remembered in a file and in Redis, and neither is written over unread."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from access.log_checkpoint import LogCheckpoint
from tests.redis_server import RedisServer
from workers.log_checkpoint import FILE, KEY, Signing
from workers.log_checkpoint import CheckpointStore as Unsigned
from workers.redis_connection import connect
from workers.signing import Order, Seal

OURS, OLD, THEIRS = (Seal([bytes([number]) * 32]) for number in range(3))
FIRST_EVENT = "f" * 64


def signing(seal: Seal = OURS, installation: str = FIRST_EVENT) -> Signing:
    return Signing(seal, lambda: installation)


def CheckpointStore(directory: Path, redis: Redis | None, by: Signing | None = None) -> Unsigned:  # noqa: N802
    """Of a process that holds the job key."""
    return Unsigned(directory, redis, by or signing())


def at(seq: int) -> LogCheckpoint:
    return LogCheckpoint(seq, f"{seq:064}", datetime(2026, 11, 23, 12, 0, seq, tzinfo=UTC))


def test_the_next_process_knows_from_either_place(tmp_path: Path, redis: Redis) -> None:
    CheckpointStore(tmp_path / "a", redis).note(at(1))
    process = CheckpointStore(tmp_path / "a", redis)
    assert process.known() == [at(1)], "nothing heard from Redis yet was written over"
    process.note(at(7))

    assert CheckpointStore(tmp_path / "a", redis).known() == [at(7), at(7)]
    assert CheckpointStore(tmp_path / "another host", redis).known() == [at(7)]
    assert CheckpointStore(tmp_path / "a", None).known() == [at(7)]
    redis.flushall()
    assert CheckpointStore(tmp_path / "a", redis).known() == [at(7)]


def test_a_redis_that_was_away_is_asked_before_it_is_told(
    tmp_path: Path, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.log_checkpoint._AFTER_FAILURE_SECONDS", 0.0)
    own_redis.start()
    other = CheckpointStore(tmp_path / "other", connect(own_redis.url))
    assert other.known() == []
    other.note(at(9))
    own_redis.stop()
    process = CheckpointStore(tmp_path / "own", connect(own_redis.url))
    assert process.known() == []
    process.note(at(3))

    own_redis.start()

    assert process.known() == [at(3), at(9)]
    process.note(at(4))
    assert CheckpointStore(tmp_path / "third", connect(own_redis.url)).known() == [at(4)]


@pytest.mark.parametrize("text", ["", "{}", '{"seq": 1}', "[1]", "\udcff", '{"seq":1,"hash":"a","at":"soon"}'])
def test_what_cannot_be_read_is_written_anew(tmp_path: Path, redis: Redis, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    redis.set(KEY, text.encode(errors="surrogateescape"))
    process = CheckpointStore(tmp_path, redis)
    assert process.known() == []
    process.note(at(2))
    assert CheckpointStore(tmp_path, redis).known() == [at(2), at(2)]


def test_a_directory_that_takes_nothing_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file")
    process = CheckpointStore(tmp_path / "state", None)
    for seq in (1, 2):
        process.known()
        process.note(at(seq))
    assert process.known() == [at(2)]
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1


def planted(redis: Redis, kind: str) -> None:
    """What an enemy, a neighbour or an accident may leave where the mark is."""
    old_way = '{"seq": 999, "hash": "a", "at": "2026-11-23T12:00:00+00:00"}'
    redis.delete(KEY)
    match kind:
        case "unsigned":
            redis.set(KEY, old_way)
        case "signed by another key":
            redis.set(KEY, signing(THEIRS).written(at(9)))
        case "of another installation":
            redis.set(KEY, signing(installation="e" * 64).written(at(9)))
        case "changed":
            redis.set(KEY, signing().written(at(9)).replace(b'"seq":9', b'"seq":8'))
        case "an order of a job":
            redis.set(KEY, OURS.close(Order("job", "revoke", "hand_over", "crm", ("a",), at(1).at)))
        case "oversized":
            redis.set(KEY, signing().written(at(9)) + b" " * 5_000_000)
        case "garbage":
            redis.set(KEY, b"\xff\x00" * 40)
        case "a list":
            redis.lpush(KEY, "a")
        case _:
            raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "unsigned", "signed by another key", "of another installation", "changed", "an order of a job", "oversized",
        "garbage", "a list",
    ],
)  # fmt: skip
def test_a_mark_that_we_did_not_write_is_ignored_told_and_written_over(tmp_path: Path, redis: Redis, kind: str) -> None:
    planted(redis, kind)
    process = CheckpointStore(tmp_path, redis)

    assert process.known() == []
    assert len(process.refused()) == 1

    process.note(at(3))
    assert process.refused() == []
    assert CheckpointStore(tmp_path / "another host", redis).known() == [at(3)]


def test_one_that_is_planted_later_is_found_at_the_next_write_and_written_over(tmp_path: Path, redis: Redis) -> None:
    process = CheckpointStore(tmp_path, redis)
    process.known()
    process.note(at(3))
    planted(redis, "signed by another key")

    process.note(at(4))

    assert len(process.refused()) == 1
    assert CheckpointStore(tmp_path / "another host", redis).known() == [at(4)]


def test_while_keys_are_exchanged_the_old_one_is_believed_and_the_mark_signed_anew(
    tmp_path: Path, redis: Redis
) -> None:
    before = CheckpointStore(tmp_path / "a", redis, signing(OLD))
    before.known()
    before.note(at(5))
    both = Signing(Seal([bytes([0]) * 32, bytes([1]) * 32]), lambda: FIRST_EVENT)

    process = CheckpointStore(tmp_path / "b", redis, both)
    assert (process.known(), process.refused()) == ([at(5)], [])
    process.note(at(5))

    alone = CheckpointStore(tmp_path / "c", redis)
    assert (alone.known(), alone.refused()) == ([at(5)], []), "the old key may go"


def test_who_has_no_job_key_neither_reads_nor_writes_what_is_in_redis(tmp_path: Path, redis: Redis) -> None:
    redis.set(KEY, signing().written(at(9)))
    bot = Unsigned(tmp_path, redis)

    assert bot.known() == []
    bot.note(at(2))

    assert CheckpointStore(tmp_path / "another host", redis).known() == [at(9)]
    assert Unsigned(tmp_path, redis).known() == [at(2)], "by the file"


def test_after_the_loss_of_the_whole_database_every_signed_mark_counts(tmp_path: Path, redis: Redis) -> None:
    redis.set(KEY, signing().written(at(9)))

    assert CheckpointStore(tmp_path, redis, signing(installation="")).known() == [at(9)]


def test_a_mark_that_is_further_is_not_lowered_by_a_process_that_has_not_compared_it(
    tmp_path: Path, redis: Redis
) -> None:
    slow, quick = (CheckpointStore(tmp_path, redis) for _ in range(2))
    slow.known()
    quick.known()
    quick.note(at(9))

    slow.note(at(5))

    assert CheckpointStore(tmp_path, redis).known() == [at(9), at(9)]
    assert slow.known() == [at(5), at(9), at(9)], "to be compared with the log"
    slow.note(at(6))  # the log is another one: the gate was closed because of it
    assert CheckpointStore(tmp_path, redis).known() == [at(6), at(6)]


def test_an_older_mark_put_back_lowers_nothing(tmp_path: Path, redis: Redis) -> None:
    process = CheckpointStore(tmp_path, redis)
    process.known()
    process.note(at(2))
    older = redis.get(KEY)
    assert isinstance(older, bytes)
    process.note(at(8))
    redis.set(KEY, older)

    assert CheckpointStore(tmp_path, redis).known() == [at(8), at(2)]
    process.note(at(9))

    assert CheckpointStore(tmp_path / "another host", redis).known() == [at(9)]


def test_what_the_version_before_wrote_into_redis_is_left_to_it(tmp_path: Path, redis: Redis) -> None:
    old = '{"seq": 999, "hash": "a", "at": "2026-11-23T12:00:00+00:00"}'
    redis.set("countersign:high-water", old)
    process = CheckpointStore(tmp_path, redis)

    assert (process.known(), process.refused()) == ([], [])
    process.note(at(1))
    assert redis.get("countersign:high-water") == old.encode()
