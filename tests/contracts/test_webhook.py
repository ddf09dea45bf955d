"""The provider webhook keeps the contract, on the reference receiver over real TLS."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from access.errors import BadConfig, BadCredential, PrincipalNotFound, ProviderError, TargetNotFound
from access.ids import GrantId
from access.ports import GrantSpec, Provider, Receipt
from countersign.testing import Histories, MakeSpec, ProviderContract, TestedOn
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver, make_spec, settings_by_target
from tests.contracts.webhook_world import WebhookWorld
from workers.providers.webhook import Settings, Webhook
from workers.providers.webhook.errors import KINDS, STATUSES

__all__ = ["receiver"]


MORE_ROLES = ({"grants": ["payroll"]}, {"grants": ["sales", "payroll"]})


def specs_to_refuse() -> list[tuple[GrantSpec, type[ProviderError]]]:
    spec = make_spec()
    return [
        (replace(spec, definition={"grants": ["no-such"]}), TargetNotFound),
        (replace(spec, definition={"grants": ["sales", "no-such"]}), TargetNotFound),
        (replace(spec, definition={"grants": []}), BadConfig),
        (replace(spec, definition={"grant": ["sales"]}), BadConfig),
        (replace(spec, principal=""), PrincipalNotFound),
        (replace(spec, grant_id=GrantId("x'; DROP TABLE grants; --")), BadConfig),
    ]


def specs_with(words: str) -> list[GrantSpec]:
    spec = make_spec()
    return [
        replace(spec, principal=words, resource=words, scope={"x": words}),
        replace(spec, grant_id=make_spec().grant_id, role=words),
        replace(spec, grant_id=make_spec().grant_id, definition={"grants": ["sales", words]}),
    ]


def receipts_of_before(receipt: Receipt) -> list[str]:
    """As version 1 wrote it; and with nothing but the name."""
    names, details = {"name": receipt.names["name"]}, {"answer": {"grant": receipt.names["name"][3:]}}
    end = {"native_expiry": "2026-11-30T15:00:00Z", "pre_existing": False}
    return [
        json.dumps({"version": 1, "names": names, **end, "details": details}),
        json.dumps({"version": 1, "names": names}),
    ]


@contextmanager
def made_of(kind: type[Webhook], world: WebhookWorld) -> Iterator[Callable[[], Webhook]]:
    """Makes instances whose way leads over the wire; closes them all at the end."""
    with ExitStack() as made:
        yield lambda: made.enter_context(closing(kind(world.receiver.settings(world.wire.port))))


class WebhookContract(ProviderContract):
    error_table: ClassVar = {
        **{str(status): kind for status, (kind, _) in STATUSES.items()},
        **KINDS,
        "200": BadCredential,
        "204": BadCredential,
        "301": BadConfig,
        "307": BadConfig,
        "418": BadCredential,
        "507": STATUSES[503][0],
    }
    secret_labels: ClassVar[tuple[str, ...]] = ("Token",)
    no_obstacles: ClassVar = {
        "C32": "A call waits for no lock of another's: the receiver answers each in one short transaction.",
        "C33": "A holder makes nothing on the endpoint that could run.",
        "C34": "The endpoint is asked by its address and the grant's id; no name is looked up there.",
        "C35": "Each use of a session looks at the grant again, so that there is no half-way in.",
        "C36": "A holder leaves nothing on the endpoint.",
    }

    @pytest.fixture
    def world(self, receiver: Receiver) -> Iterator[WebhookWorld]:
        world = WebhookWorld(receiver)
        yield world
        world.close()

    @pytest.fixture
    def make_provider(self, world: WebhookWorld) -> Iterator[Callable[[], Provider]]:
        with made_of(Webhook, world) as make:
            yield make

    @pytest.fixture
    def make_spec(self) -> MakeSpec:
        return make_spec

    @pytest.fixture
    def more_roles(self) -> Sequence[Mapping[str, Any]]:
        return MORE_ROLES

    @pytest.fixture
    def tested_on(self) -> TestedOn:
        return TestedOn(what="the reference endpoint in examples/, over TLS", kind="real")

    @pytest.fixture
    def targets(self) -> list[list[Settings]]:
        return settings_by_target()

    @pytest.fixture
    def refused_specs(self) -> list[tuple[GrantSpec, type[ProviderError]]]:
        return specs_to_refuse()

    @pytest.fixture
    def hostile_specs(self) -> Callable[[str], list[GrantSpec]]:
        return specs_with

    @pytest.fixture
    def earlier_receipts(self) -> Callable[[Receipt], list[str]]:
        return receipts_of_before


class TestWebhook(WebhookContract, Histories):
    """An endpoint that can do all that there is."""

    fights: ClassVar = True
