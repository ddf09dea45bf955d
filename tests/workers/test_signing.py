"""Job keys: where they come from, and what they may look like."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from access.errors import Unready
from workers.signing import Forged, Order, Seal, job_keys, parse_key

KEY = bytes(range(32))
ORDER = Order("job1", "grant", "hand_over", "crm", ("01a", "01b"), datetime(2030, 1, 1, 12, 0, 0, 250000, UTC))


def test_the_first_start_makes_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    (key,) = job_keys([], tmp_path / "state")

    (made,) = (tmp_path / "state").iterdir()
    assert len(key) == 32
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert job_keys([], tmp_path / "state") == [key]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = {key for (key,) in pool.map(lambda _: job_keys([], tmp_path), range(64))}

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["job.key"]


def test_a_key_that_others_could_read_is_tightened_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = job_keys([], tmp_path)
    (tmp_path / "job.key").chmod(0o644)

    assert job_keys([], tmp_path) == key

    assert stat.S_IMODE((tmp_path / "job.key").stat().st_mode) == 0o600
    assert "could read" in caplog.text
    assert key[0].hex() not in caplog.text


def test_a_key_behind_a_planted_link_signs_nothing(tmp_path: Path) -> None:
    job_keys([], tmp_path)
    (tmp_path / "job.key").rename(tmp_path / "theirs")
    (tmp_path / "job.key").symlink_to(tmp_path / "theirs")

    with pytest.raises(Unready, match="is a link"):
        job_keys([], tmp_path)


def test_the_directory_of_a_key_is_private_whatever_it_was(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)

    job_keys([], tmp_path / "state")

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_what_is_signed_for_one_purpose_is_good_for_no_other_and_no_job() -> None:
    seal = Seal([KEY])
    body = seal.close(ORDER)[64:]

    assert seal.verified("mark", seal.sign("mark", body)) == body
    with pytest.raises(Forged):
        seal.verified("other", seal.sign("mark", body))
    with pytest.raises(Forged):
        seal.open(seal.sign("mark", body))
    with pytest.raises(Forged):
        seal.verified("mark", seal.close(ORDER))


@pytest.mark.parametrize(
    "written", [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode()]
)
def test_a_key_is_read_in_hexadecimal_and_base64(written: str) -> None:
    assert parse_key(f" {written}\n") == KEY


@pytest.mark.parametrize(
    "written", ["", "short", KEY[:31].hex(), "ä" * 64, "secret words that are no key at all, but long"]
)
def test_a_bad_key_is_refused_and_not_quoted(written: str) -> None:
    with pytest.raises(Unready) as refused:
        parse_key(written)

    assert "openssl rand -hex 32" in refused.value.sentence
    assert not written or written not in refused.value.sentence


def test_keys_of_the_environment_come_before_the_state_directory(tmp_path: Path) -> None:
    old = bytes(32)

    assert job_keys([SecretStr(KEY.hex()), SecretStr(old.hex())], tmp_path) == [KEY, old]
    assert list(tmp_path.iterdir()) == []


def test_what_was_signed_with_the_old_key_is_still_accepted() -> None:
    old, new = Seal([KEY]), Seal([bytes(32), KEY])

    assert new.open(old.close(ORDER)) == ORDER
    with pytest.raises(Forged):
        old.open(new.close(ORDER))


def test_a_single_changed_byte_is_refused() -> None:
    seal = Seal([KEY])
    sealed = seal.close(ORDER)

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Forged):
            seal.open(bytes(changed))


def test_a_seal_needs_a_long_key() -> None:
    with pytest.raises(Unready):
        Seal([])
    with pytest.raises(Unready):
        Seal([b"short"])
