"""What is locked: a file of requirements for each way of installing, each package by its hash, and no index in it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKED = sorted((ROOT / "requirements").glob("*.txt"))
_PACKAGE = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[\w,]+\])?==(\S+)(.*(?:\n    --hash=\S+.*)*)", re.MULTILINE)


def packages(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {found[1].lower(): found[2] for found in _PACKAGE.finditer(text)}


@pytest.mark.parametrize("file", LOCKED, ids=lambda file: file.stem)
def test_a_locked_file_names_no_index_and_every_package_by_its_hash(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert not re.search(r"--(extra-)?index-url|--find-links|https?://|file:", text)
    assert [found[1] for found in _PACKAGE.finditer(text) if "--hash=sha256:" not in found[3]] == []


def test_the_extra_mysql_is_locked_as_what_runs_without_it_and_as_it_is_tested() -> None:
    """Else a worker with a MariaDB would run on something else than its tests did."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    driver = {re.split(r"[<>=]", one)[0] for one in project["optional-dependencies"]["mysql"]}

    assert packages("mysql").keys() - packages("run").keys() == driver
    assert packages("run").items() <= packages("mysql").items() <= packages("dev").items()


def test_every_locked_file_is_made_by_make_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (sets,) = re.findall(r"for set in (.*?); do", makefile, re.DOTALL)

    assert sorted(re.findall(r'"(\w+):', sets)) == [file.stem for file in LOCKED]
