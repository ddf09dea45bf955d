"""`countersign provider new`: what it writes passes the linter and the types; a bad name writes nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from access.errors import Unready
from countersign.cli.provider_new import new_provider
from tests.packages import ROOT, environment


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_new_provider_is_named_all_through(tmp_path: Path) -> None:
    folder = new_provider("data-lake2", tmp_path / "made" / "here")

    assert folder == tmp_path / "made" / "here" / "countersign-data-lake2"
    assert files(folder) == {
        "pyproject.toml", "countersign_data_lake2.py", "tests/world.py", "tests/test_data_lake2.py",
    }  # fmt: skip
    assert not [file for file in files(folder) if "acme" in (folder / file).read_text().lower()]
    assert 'data-lake2 = "countersign_data_lake2:DataLake2"' in (folder / "pyproject.toml").read_text()
    assert list(folder.parent.iterdir()) == [folder], "nothing else is left"


@pytest.mark.timeout(300)
def test_what_is_written_passes_the_linter_and_the_types(tmp_path: Path) -> None:
    folder = new_provider("zebra-lake", tmp_path)
    python = [sys.executable, "-m"]

    for command in (
        [*python, "ruff", "check", "--no-cache", "."],
        [*python, "ruff", "format", "--no-cache", "--check", "--diff", "."],
        [*python, "pyright", "--pythonpath", sys.executable, "."],
    ):
        done = subprocess.run(
            command, cwd=folder, env=environment(tmp_path / "site"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "countersign-acme").mkdir()

    with pytest.raises(Unready, match=r"countersign-acme is there already.*Nothing was written"):
        new_provider("acme", tmp_path)

    assert list((tmp_path / "countersign-acme").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "cannot be the name of a provider"),
        ("Acme", "cannot be the name of a provider"),
        ("acme_db", "cannot be the name of a provider"),
        ("-acme", "cannot be the name of a provider"),
        ("acme-", "cannot be the name of a provider"),
        ("a--b", "cannot be the name of a provider"),
        ("../acme", "cannot be the name of a provider"),
        ("acme\n", "cannot be the name of a provider"),
        ("a" * 41, "cannot be the name of a provider"),
        ("grün", "cannot be the name of a provider"),
        ("postgres", "is installed already"),
        ("access", "is installed already"),
        ("world", "another thing in those files"),
        ("mapping", "another thing in those files"),
        ("none", "another thing in those files"),
        ("testing", "another thing in those files"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_in_a_sentence_and_nothing_is_written(
    tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(Unready, match=f"{why}.*Nothing was written"):
        new_provider(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_command_says_a_refusal_without_a_traceback(tmp_path: Path) -> None:
    typed = [sys.executable, "-m", "countersign", "provider", "new", "Acme", "--directory", str(tmp_path)]
    refused = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=False)

    assert refused.returncode == 2
    assert refused.stderr.startswith("'Acme' cannot be the name of a provider: ")
    assert "Traceback" not in refused.stderr
