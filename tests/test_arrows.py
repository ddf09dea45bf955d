"""Each arrow of the house is seen broken once: a contract that nothing can break holds nothing."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise, permutations
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

from tests.test_architecture import ROOT

CONTRACTS = {"layers": LayersContract, "forbidden": ForbiddenContract}
CONFIGURED = read_configuration(str(ROOT / "pyproject.toml"))
Break = tuple[str, str]
"""Who would import, and what."""


@pytest.fixture(scope="module")
def graph() -> Any:
    packages = CONFIGURED["session_options"]["root_packages"]
    return grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)


def layers_of(contract: dict[str, Any]) -> Iterator[list[list[str]]]:
    """From the top, each with those beside one another, by their whole names."""
    for container in contract.get("containers", [""]):
        prefix = f"{container}." if container else ""
        yield [[prefix + name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def breaks_of(contract: dict[str, Any]) -> Iterator[Break]:
    """Every import of a neighbour that the contract forbids; further ones follow from these."""
    if contract["type"] == "forbidden":
        yield from ((one, other) for one in contract["source_modules"] for other in contract["forbidden_modules"])
        return
    for layers in layers_of(contract):
        for upper, lower in pairwise(layers):
            yield from ((one, other) for one in lower for other in upper)
        for beside in layers:
            yield from permutations(beside, 2)


@pytest.mark.parametrize("contract", CONFIGURED["contracts_options"], ids=lambda one: one["name"])
def test_every_import_that_a_contract_forbids_is_seen(graph: Any, contract: dict[str, Any]) -> None:
    checked = CONTRACTS[contract["type"]](
        name=contract["name"], session_options=CONFIGURED["session_options"], contract_options=contract
    )
    assert checked.check(deepcopy(graph), verbose=False).kept
    unseen = list[Break]()
    for importer, imported in breaks_of(contract):
        broken = deepcopy(graph)
        broken.add_import(importer=importer, imported=imported)
        if checked.check(broken, verbose=False).kept:
            unseen.append((importer, imported))
    assert unseen == []
