"""What stories start is what the command line starts."""

import os
from pathlib import Path

from tests.stories.mould import Mould


def test_a_copy_reads_its_own_arguments_and_environment_and_ends_as_the_command_does(
    mould: Mould, tmp_path: Path
) -> None:
    said = tmp_path / "said.log"
    no_queue = mould.start(["worker", "nowhere"], {"PATH": os.environ["PATH"]}, said)
    assert (no_queue.wait(), "nowhere" in said.read_text(encoding="utf-8")) == (2, True)

    no_database = mould.start(["migrate"], {"DATABASE_URL": "mysql://here"}, said)
    assert no_database.wait() == 78
    assert "DATABASE_URL names mysql" in said.read_text(encoding="utf-8")


def test_a_killed_copy_says_by_what(mould: Mould, tmp_path: Path) -> None:
    copy = mould.start(["migrate"], {"DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}"}, tmp_path / "said.log")
    assert copy.poll() is None
    copy.kill()
    assert copy.wait() == -9
