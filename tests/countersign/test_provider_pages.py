"""The page of each provider of ours says the same as its code."""

import re
from pathlib import Path

import pytest
import yaml

from countersign.providers import OURS, ProviderClasses

PAGES = Path(__file__).parents[2] / "docs" / "providers"
CLASSES = ProviderClasses()
NAMES = [name for name in CLASSES if CLASSES.distribution(name)[0] == OURS]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_how_many_calls_its_target_gets(name: str) -> None:
    limits = CLASSES[name].limits
    (said,) = re.findall(r"^.*\*\*Calls\*\*: (.*)$", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE)

    at_once = f"at most {limits.concurrency} at once" if limits.concurrency else "`COUNTERSIGN_CALLS_AT_ONCE`"
    assert at_once in said
    assert not limits.per_second or f"{limits.per_second} a second" in said
    assert "(../policy.md#limits-of-a-target)" in said


@pytest.mark.parametrize("name", NAMES)
def test_every_role_of_a_page_says_what_it_allows(name: str) -> None:
    """A policy that is begun with it would be warned of by the linter."""
    blocks = re.findall(r"```yaml\n(.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    said = [found for found in map(yaml.safe_load, blocks) if "resources" in found]
    roles = [role for found in said for resource in found["resources"] for role in resource["roles"].values()]

    assert roles != []
    assert [role["title"] for role in roles if not role.get("description")] == []
