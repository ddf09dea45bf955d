"""The table of providers: what is installed says what it can do, and what was seen of it is what a run wrote down."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import access
from countersign.cli.providers import report
from countersign.conformance import record
from countersign.conformance.facts import facts
from countersign.conformance.promises import PROMISES
from countersign.providers import ProviderClasses
from docs.providers_table import pages
from workers.providers.postgres import Postgres

ROOT = Path(access.__file__).parent.parent
CONTRACT = """
import pytest
from access.ports import Deadline, GrantSpec
from countersign.testing import ProviderContract, TestedOn
from tests.contracts.command_host import settings_by_target, spec_of
from workers.providers.command import Command, Settings

class TestProgram(ProviderContract):
    @pytest.fixture
    def make_provider(self):
        return lambda: Command(Settings(program="/nowhere"))
    @pytest.fixture
    def make_spec(self):
        return lambda principal="ann": spec_of({}, ["x"], principal)
    @pytest.fixture
    def world(self):
        return None
    @pytest.fixture
    def tested_on(self):
        return TestedOn(what="Nothing 1", kind="fake")
    @pytest.fixture
    def targets(self):
        return settings_by_target()[:COUNT]
"""


def run_contract(folder: Path, *words: str, targets: int = 3) -> subprocess.CompletedProcess[str]:
    """The one promise that needs no target, by a pytest of its own."""
    (folder / "conftest.py").write_text('pytest_plugins = ["countersign.testing.recording"]\n', encoding="utf-8")
    module = folder / "test_program.py"
    module.write_text(CONTRACT.replace("COUNT", str(targets)), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "--rootdir",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, "-k", "c41", "--promises", str(folder / "record.json"), *words, str(module)], cwd=folder,
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By two processes, of which neither hears all."""
    folder = tmp_path_factory.mktemp("written")
    done = run_contract(folder, "--write-promises", "-n", "2")
    assert done.returncode == 0, done.stdout
    return folder / "record.json"


def test_a_run_writes_down_which_promise_was_kept_and_on_what(written: Path) -> None:
    (suite,) = record.read(written)

    assert (suite.provider, suite.tests) == ("command", "test_program.py::TestProgram")
    assert (suite.tested_on.what, suite.tested_on.kind) == ("Nothing 1", "fake")
    assert {number: result.state for number, result in suite.promises.items()} == {"C41": "passed"}


def test_a_run_that_shows_something_else_than_is_written_fails(written: Path, tmp_path: Path) -> None:
    said = json.loads(written.read_text())
    said[0]["promises"] = {"C41": {"state": "does not apply", "why": "Typed."}}
    (tmp_path / "record.json").write_text(json.dumps(said))

    done = run_contract(tmp_path)

    assert done.returncode == 1
    assert "TestProgram: C41 is now passed, and the record says otherwise." in done.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"promises": {}}, "C41 is now passed"),
        ({"abilities": {}}, "another word for abilities"),
        ({"implementation": "acme:Command"}, "another word for implementation"),
        ({"tests": "test_other.py::TestProgram"}, "is not in the record"),
        ({"tested_on": record.TestedOn(what="Nothing 2", kind="fake")}, ""),
    ],
    ids=["a promise", "an ability", "a class", "a provider", "another version on another machine"],
)
def test_what_is_not_as_it_is_written_is_named(change: dict[str, Any], told: str, written: Path) -> None:
    seen = record.read(written)

    found = record.differences(seen, [one.model_copy(update=change) for one in seen])

    assert [told in line for line in found] == ([True] if told else [])


def test_a_broken_promise_is_never_written_as_kept(tmp_path: Path) -> None:
    done = run_contract(tmp_path, "--write-promises", targets=1)  # one target alone cannot be told from others

    assert done.returncode == 1
    (suite,) = record.read(tmp_path / "record.json")
    assert suite.promises == {}


def test_the_promises_have_the_words_of_the_documentation() -> None:
    page = (ROOT / "docs" / "writing-a-provider.md").read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| (C\d\d) \| (.*) \|$", page, re.MULTILINE)) == PROMISES


def test_the_tables_of_the_documentation_are_what_was_seen() -> None:
    stale = [page for page, text in pages().items() if page.read_text(encoding="utf-8") != text]

    assert stale == [], "run: python -m docs.providers_table"


def test_what_is_written_down_is_of_tests_that_are_there_and_of_every_promise() -> None:
    for suite in record.read():
        file, _, name = suite.tests.partition("::")
        assert f"class {name}(" in (ROOT / file).read_text(encoding="utf-8"), suite.tests
        assert sorted(suite.promises) == sorted(PROMISES), f"{suite.tests}: run it whole, with --write-promises"


def test_every_provider_of_ours_was_tested_on_something_that_is_named() -> None:
    ours = [one for one in facts(ProviderClasses(), record.read()) if one["distribution"] == "countersign-access"]

    assert [one["provider"] for one in ours if not one["tested"]] == []
    assert [suite["tests"] for one in ours for suite in one["tested"] if suite["tested_on"]["kind"] == "not said"] == []


def of(name: str, known: list[dict[str, Any]]) -> dict[str, Any]:
    return next(one for one in known if one["provider"] == name)


def test_every_installed_provider_is_listed_with_what_it_can_do() -> None:
    known: list[dict[str, Any]] = json.loads(report(in_json=True))

    assert [one["provider"] for one in known] == sorted(ProviderClasses())
    postgres = of("postgres", known)
    assert postgres["grants"] == "Which roles of the database a person gets."
    assert postgres["ways"][""]["native_expiry_seconds"] == 1
    assert postgres["ways"]["membership"]["isolation"] == "shared"
    assert of("webhook", known)["limits"] == {"concurrency": 4, "per_second": 10}
    assert of("webhook", known)["ways"] == {"by settings": {}}
    said = report()
    assert all(re.search(rf"^{one['provider']}, of \S+ \S+$", said, re.MULTILINE) for one in known)
    assert "own end: to the second, can be moved" in said


def install(site: Path, name: str, target: str) -> None:
    """A package of somebody else's, with this entry point."""
    info = site / f"acme_{name}-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 2.1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[countersign.providers]\n{name} = {target}\n", encoding="utf-8")


def claimed(name: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is listed under a name that somebody else's package claims."""
    source = "from workers.providers.postgres import Postgres\nclass Acme(Postgres):\n    name = 'acme'\n"
    (site / "acme_provider.py").write_text(source, encoding="utf-8")
    install(site, name, "acme_provider:Acme")
    monkeypatch.syspath_prepend(str(site))
    return of(name, facts(ProviderClasses(), record.read()))


def test_what_another_package_brings_is_not_tested_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = claimed("acme", tmp_path, monkeypatch)

    assert (known["distribution"], known["version"], known["tested"]) == ("acme-acme", "2.1", [])
    assert record.of_class(record.read(), Postgres) != []


def test_a_name_of_ours_stays_ours_whoever_claims_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = claimed("postgres", tmp_path, monkeypatch)

    assert (known["distribution"], known["usable"]) == ("countersign-access", True)
    assert known["tested"] != []


def test_a_provider_whose_driver_is_missing_is_listed_with_the_package_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driverless.py").write_text("import no_such_driver\n", encoding="utf-8")
    install(tmp_path, "driverless", "driverless:Provider")
    monkeypatch.syspath_prepend(str(tmp_path))

    known = of("driverless", json.loads(report(in_json=True)))

    assert not known["usable"]
    why = "The provider driverless cannot be imported (the Python package no_such_driver is missing)."
    assert known["problem"] == f"{why} Mend or install anew acme-driverless 2.1; the log says more."
    assert "It cannot be used: The provider driverless" in report()
