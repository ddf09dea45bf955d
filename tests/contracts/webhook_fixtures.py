"""Fixtures of the tests on the provider webhook: a receiver for the module, and a wire before it for each test."""

from collections.abc import Iterator

import pytest

from tests.contracts.webhook_receiver import HOST, Receiver, receiving
from tests.contracts.webhook_wire import Wire


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture
def wire(receiver: Receiver) -> Iterator[Wire]:
    made = Wire(receiver.port, receiver.authority.server(HOST), receiver.trust)
    yield made
    made.close()
