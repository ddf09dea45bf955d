"""A third party's package is found by its entry point; one that cannot be used disables itself alone."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from access.errors import BadConfig
from access.provider import target_of
from countersign.cli.policy_lint import lint_file
from countersign.init.texts import policy_text
from countersign.providers import ProviderClasses
from tests.countersign.test_init import ANSWERS

GOOD = """
from workers.providers.command import Command
class Acme(Command):
    name = "acme"
"""
BAD = {
    "an import that fails": (
        "import no_such_driver",
        "The provider acme cannot be imported (the Python package no_such_driver is missing). "
        "Mend or install anew acme-one 1.0; "
        "the log says more.",
    ),
    "an import that ends the process": (
        "import sys; sys.exit('no licence')",
        "The provider acme cannot be imported (SystemExit). Mend or install anew acme-one 1.0; the log says more.",
    ),
    "a function": (
        "def Acme(settings): ...",
        "The entry point acme of acme-one 1.0 names no provider: it is no class. Correct it in that package.",
    ),
    "a class without settings": (
        "class Acme: ...",
        "The entry point acme of acme-one 1.0 names no provider: its Settings is no pydantic model. "
        "Correct it in that package.",
    ),
    "a class that cannot end anything": (
        GOOD + "    revoke = None\n",
        "The entry point acme of acme-one 1.0 names no provider: it has no revoke. Correct it in that package.",
    ),
}


def installed(site: Path, distribution: str, source: str, *, name: str = "acme") -> None:
    """As pip leaves a package behind."""
    module = distribution.replace("-", "_")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[countersign.providers]\n{name} = {module}:Acme\n")
    (site / f"{module}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)
    for module in ("acme_one", "acme_two"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return site


def refusal(classes: Mapping[str, type], name: str = "acme") -> str:
    """What each grant of it says."""
    found = classes[name]
    with pytest.raises(BadConfig) as refused:
        found(found.Settings.model_validate({"anything": "at all"}))
    return refused.value.sentence


def test_a_package_beside_ours_is_a_provider_like_ours(site: Path) -> None:
    installed(site, "acme-one", GOOD)
    classes = ProviderClasses()

    assert classes["acme"].name == "acme"
    assert classes.version("acme") == "acme, acme-one 1.0"
    assert classes.problems == {}


@pytest.mark.parametrize("what", BAD)
def test_a_package_that_is_no_provider_says_so_in_a_sentence_with_the_cure_and_harms_no_other(
    site: Path, what: str
) -> None:
    source, sentence = BAD[what]
    installed(site, "acme-one", source)
    classes = ProviderClasses()

    assert refusal(classes) == sentence
    assert classes.problems == {"acme": sentence}
    assert target_of(classes, "acme", {"program": "/bin/true"}) == ""
    assert classes["webhook"].name == "webhook"


def test_of_two_packages_with_one_name_neither_is_guessed(site: Path) -> None:
    """An end by the wrong one could say that nothing is there."""
    installed(site, "acme-one", GOOD)
    installed(site, "acme-two", GOOD)

    both = "The packages acme-one 1.0 and acme-two 1.0 both provide acme. Uninstall one of them."
    assert refusal(ProviderClasses()) == both


def test_a_package_that_takes_the_name_of_a_provider_of_ours_is_left_out_and_told(site: Path) -> None:
    installed(site, "acme-one", "raise AssertionError('it is run')", name="webhook")
    classes = ProviderClasses()

    assert classes["webhook"].__module__ == "workers.providers.webhook.provider"
    assert classes.version("webhook").startswith("webhook, countersign-access ")
    assert classes.problems == {
        "webhook": "The provider webhook is Countersign's own. Uninstall acme-one 1.0, which claims it."
    }


def test_a_provider_with_another_name_in_its_class_is_told_and_still_ends_what_is_open(site: Path) -> None:
    installed(site, "acme-one", GOOD.replace('"acme"', '"other"'))
    classes = ProviderClasses()

    assert classes["acme"].revoke
    assert classes.problems == {"acme": "The provider acme of acme-one 1.0 has another name in its class."}


def test_the_linter_names_a_provider_of_the_policy_that_cannot_be_used(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, "acme-one", "import no_such_driver")
    policy = yaml.safe_load(policy_text(ANSWERS | {"address": ""}))
    policy["resources"][0] |= {"provider": "acme", "settings": {"place": "here"}}
    file = tmp_path / "access.yml"
    file.write_text(yaml.safe_dump(policy))

    assert lint_file(file) == 0

    assert f"warning: {file}: {BAD['an import that fails'][1]}" in capsys.readouterr().out


def test_to_install_a_package_runs_nothing_of_it(site: Path) -> None:
    installed(site, "acme-one", "raise AssertionError('it is run')")
    listed = "from countersign.providers import ProviderClasses; print('acme' in ProviderClasses())"

    said = subprocess.run(
        [sys.executable, "-c", listed], env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )

    assert said.stdout == "True\n"
