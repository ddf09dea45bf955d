"""What a subclass of the contract brings: the fixtures and attributes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

import pytest
from pydantic import BaseModel

from access.errors import ProviderError
from access.ports import GrantSpec, Provider, Receipt
from countersign.conformance.record import TestedOn
from countersign.testing.world import World


class MakeSpec(Protocol):
    """Makes a spec with a grant id of its own, good for the target."""

    def __call__(self, principal: str = "ann") -> GrantSpec: ...


class ContractFixtures:
    """Each fixture that raises here is for the subclass to write."""

    error_table: ClassVar[Mapping[str, type[ProviderError]]] = {}
    """The target's codes as `World.answer` takes them, and what each becomes in a call that only reads."""
    secret_labels: ClassVar[tuple[str, ...]] = ("Password",)
    """Which of the revealed values are secret."""
    no_obstacles: ClassVar[Mapping[str, str]] = {}
    """By promise (C21, C29, C31 to C36, C39): why there is nothing of that kind on this target."""
    cannot_forbid: ClassVar[Mapping[str, str]] = {}
    """By the words of `World.outlasting` (C29): what the target lets each of its users do, and why. It is told at the
    end."""

    @pytest.fixture
    def make_provider(self) -> Callable[[], Provider] | Iterator[Callable[[], Provider]]:
        """Makes an instance, as a fresh worker would; closes them all when the test is over."""
        raise NotImplementedError("the subclass has a fixture `make_provider`")

    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError("the subclass has a fixture `world`")

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        raise NotImplementedError("the subclass has a fixture `make_spec`")

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        """Specs the target cannot serve (unknown role, unknown person …), each with the error it gives."""
        raise NotImplementedError("the subclass has a fixture `refused_specs`")

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        """Specs with this text in each place where people's or the policy's words get into a call."""
        raise NotImplementedError("the subclass has a fixture `hostile_specs`")

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        """The receipt of an open grant as each version of the provider wrote it, as JSON."""
        raise NotImplementedError("the subclass has a fixture `earlier_receipts`")

    @pytest.fixture
    def targets(self) -> Sequence[Sequence[BaseModel]]:
        """Settings by where they lead: those together to one server by one account, those apart to others.

        What their references name need not exist.
        """
        raise NotImplementedError("the subclass has a fixture `targets`")

    @pytest.fixture
    def tested_on(self) -> TestedOn:
        """What the world is, for the table of providers: the target with its version as it says it itself."""
        return TestedOn()

    @pytest.fixture
    def provider(self, make_provider: Callable[[], Provider]) -> Provider:
        return make_provider()
