"""What we keep on a host is ours alone, whatever the umask and whatever was there before."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from access import private_files
from access.errors import Unready
from access.private_files import open_private, private_directory, state_directory
from access.store import Database

ROOT = Path(__file__).parents[2]
WRITE = os.O_WRONLY | os.O_CREAT


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.fixture
def as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """We run as an account to which nothing here belongs."""
    monkeypatch.setattr(private_files.os, "geteuid", lambda: 4711)
    monkeypatch.setattr(private_files, "_ROOT", -1)


def used(file: Path) -> Database:
    """A database that has written, and has its write-ahead log beside it."""
    database = Database(f"sqlite:///{file}")
    with database.engine().begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS secret (word TEXT)"))
        connection.execute(sa.text("INSERT INTO secret VALUES ('canary')"))
    return database


@pytest.mark.usefixtures("umask")
def test_the_database_and_what_lies_beside_it_are_private_whatever_the_umask(tmp_path: Path) -> None:
    database = used(tmp_path / "countersign.db")

    assert {file.name: mode(file) for file in tmp_path.iterdir()} == {
        "countersign.db": "0o600", "countersign.db-wal": "0o600", "countersign.db-shm": "0o600",
    }  # fmt: skip
    database.close()


def test_a_database_that_others_could_read_is_tightened_with_what_lies_beside_it(tmp_path: Path) -> None:
    first = used(tmp_path / "countersign.db")
    for file in tmp_path.iterdir():
        file.chmod(0o666)

    second = used(tmp_path / "countersign.db")

    assert {mode(file) for file in tmp_path.iterdir()} == {"0o600"}
    first.close()
    second.close()


def test_looking_after_the_database_takes_no_lock_from_who_writes_to_it(tmp_path: Path) -> None:
    """A descriptor of it that is closed takes away every lock of the process: another process could write beside us."""
    database = used(tmp_path / "countersign.db")
    program = (
        "import sqlite3, sys\n"
        "try:\n    sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')\n"
        "except sqlite3.OperationalError as error:\n    sys.exit(str(error))"
    )
    with database.engine().begin() as connection:
        connection.execute(sa.text("INSERT INTO secret VALUES ('second')"))
        private_files.private_database(tmp_path / "countersign.db")
        other = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "countersign.db")],
            capture_output=True,
            text=True,
            check=False,
        )
    database.close()

    assert "locked" in other.stderr


@pytest.mark.usefixtures("as_another")
def test_a_database_of_another_account_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "countersign.db").touch()

    with pytest.raises(Unready, match=r"countersign\.db belongs to another account"):
        Database(f"sqlite:///{tmp_path / 'countersign.db'}").reachable()


@pytest.mark.usefixtures("umask")
def test_a_directory_is_private_whatever_the_umask_and_nobody_else_may_write_above_it(tmp_path: Path) -> None:
    private_directory(tmp_path / "srv" / "countersign" / "state")

    assert mode(tmp_path / "srv" / "countersign" / "state") == "0o700"
    assert {(tmp_path / above).stat().st_mode & 0o022 for above in ("srv", "srv/countersign")} == {0}


def test_a_directory_that_others_could_enter_is_tightened(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)

    private_directory(tmp_path / "state")

    assert mode(tmp_path / "state") == "0o700"


@pytest.mark.usefixtures("as_another")
def test_a_directory_of_another_account_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)

    with pytest.raises(Unready, match="belongs to another account; remove it, or give it"):
        private_directory(tmp_path / "state")


def test_a_directory_of_root_is_used_as_it_is_for_we_cannot_tighten_a_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o770)
    monkeypatch.setattr(private_files, "_ROOT", os.geteuid())
    monkeypatch.setattr(private_files.os, "geteuid", lambda: 4711)

    assert private_directory(tmp_path / "state") == tmp_path / "state"
    assert mode(tmp_path / "state") == "0o770"


def test_the_operators_link_to_the_state_directory_is_followed_and_that_of_another_account_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "volume").mkdir(mode=0o755)
    (tmp_path / "state").symlink_to(tmp_path / "volume")

    assert state_directory(tmp_path / "state") == tmp_path / "volume"
    assert mode(tmp_path / "volume") == "0o700"
    monkeypatch.setattr(private_files.os, "geteuid", lambda: 4711)
    monkeypatch.setattr(private_files, "_ROOT", -1)
    with pytest.raises(Unready, match="belongs to another account"):
        state_directory(tmp_path / "state")


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_no_link_below_it_is_followed(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "planted").symlink_to(tmp_path / "elsewhere" / ("" if kind == "directory" else "file"))

    with pytest.raises(Unready, match=f"is a link, .* put a {kind} in its place"):
        private_directory(tmp_path / "planted") if kind == "directory" else open_private(tmp_path / "planted", WRITE)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.usefixtures("umask")
def test_a_file_is_private_whatever_the_umask_and_tightened_where_it_was_not(tmp_path: Path) -> None:
    os.close(open_private(tmp_path / "new", WRITE))
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o666)
    os.close(open_private(tmp_path / "old", WRITE))

    assert (mode(tmp_path / "new"), mode(tmp_path / "old")) == ("0o600", "0o600")


def test_a_planted_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "planted")

    with pytest.raises(Unready, match="is not a file"):
        open_private(tmp_path / "planted", os.O_RDONLY)
