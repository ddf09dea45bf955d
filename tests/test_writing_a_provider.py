"""docs/writing-a-provider.md is true: its commands are typed, and its code is what they write and run."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from countersign.init.texts import policy_text
from tests.countersign.test_init import ANSWERS
from tests.packages import ROOT, environment

PAGE = (ROOT / "docs" / "writing-a-provider.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "provider-valkey"

pytestmark = pytest.mark.timeout(300)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```\n", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all that the page says was typed, in one shell."""
    here = tmp_path_factory.mktemp("newcomer")
    done = subprocess.run(
        ["bash", "-euxc", "".join(blocks("bash"))], cwd=here, env=environment(here / "site"), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout), done.stdout
    return here


def test_what_a_newcomer_types_makes_a_provider_that_keeps_the_contract(typed: Path) -> None:
    assert (typed / "countersign-acme" / "countersign_acme.py").exists()
    assert (typed / "site" / "countersign_acme.py").exists()


def test_the_line_that_makes_it_known_is_the_one_that_was_written(typed: Path) -> None:
    (said,) = blocks("toml")
    written = tomllib.loads((typed / "countersign-acme" / "pyproject.toml").read_text(encoding="utf-8"))

    assert written["project"]["entry-points"] == tomllib.loads(said)["project"]["entry-points"]


def test_all_code_of_the_page_is_in_files_that_are_run(typed: Path) -> None:
    run = [*(typed / "countersign-acme").rglob("*.py"), *EXAMPLE.rglob("*.py")]
    texts = [file.read_text(encoding="utf-8") for file in run]

    assert len(blocks("python")) > 1
    assert [code for code in blocks("python") if not any(code in text for text in texts)] == []


def test_the_resource_of_the_page_can_be_put_into_a_policy(typed: Path) -> None:
    (said,) = blocks("yaml")
    policy = yaml.safe_load(policy_text(ANSWERS | {"address": ""}))
    (resource,) = yaml.safe_load(said)
    here = {word: policy["resources"][0][word] for word in ("owner", "level")}
    policy["resources"].append(resource | here)
    (typed / "access.yml").write_text(yaml.safe_dump(policy), encoding="utf-8")

    linted = subprocess.run(
        ["countersign", "policy", "lint", "access.yml"], cwd=typed, env=environment(typed / "site"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "2 resources" in linted.stdout
    assert "cannot be used" not in linted.stdout


def test_every_fixture_that_a_subclass_brings_is_on_the_page() -> None:
    from countersign.testing import Histories
    from countersign.testing.fixtures import ContractFixtures

    found = {
        name for kind in (ContractFixtures, Histories) for name in vars(kind) if not name.startswith(("_", "test_"))
    }
    wanted = {name for name in found if type(getattr(Histories, name)).__name__ == "FixtureFunctionDefinition"}

    assert len(wanted) > 7
    assert wanted - {"provider"} - set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set()
