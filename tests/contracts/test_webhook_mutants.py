"""Each promise that an endpoint can break is failed by a provider webhook that breaks it."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest

from access.errors import Ambiguous, Transient
from access.ports import Deadline, GrantSpec, Managed, Observation, Outcome, Plan, Receipt, Removal, Secret
from tests.contracts.mutants import ForgetsToRevoke, assert_is_caught, with_each_way, wrong
from tests.contracts.test_webhook import WebhookContract, made_of, receipts_of_before, specs_to_refuse, specs_with
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver, make_spec
from tests.contracts.webhook_world import WebhookWorld
from workers.providers.webhook import Webhook, endpoint
from workers.providers.webhook.endpoint import Endpoint

__all__ = ["receiver"]


class TriesItOutFirst(Webhook):
    """With a grant of another name, which stays where the process dies in between."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        trial = replace(spec, grant_id=make_spec().grant_id)
        super().grant(trial, deadline)
        super().revoke(trial, None, deadline)
        return super().grant(spec, deadline)


class SaysNothingOfSessions(Webhook):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return replace(super().revoke(spec, receipt, deadline), sessions_ended=None)


class ListsWhatItRemembers(Webhook):
    made: tuple[Managed, ...] = ()

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self.made = (*self.made, Managed(name=spec.grant_id, grant_id=spec.grant_id))
        return super().grant(spec, deadline)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return list(self.made)


class GrantsWhatItCannotRead(Webhook):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return super().grant(replace(spec, definition={"grants": ["sales"]}), deadline)


class TidiesNames(Webhook):
    """So that two people may be one."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        tidy = "".join(filter(str.isalnum, spec.principal))
        outcome = super().grant(replace(spec, principal=tidy or "unknown"), deadline)
        if tidy != spec.principal:
            super().grant(spec, deadline)  # and the endpoint says that it knows another by this grant
        return outcome


class AlwaysTheSameSecret(Webhook):
    seen: Secret | None = None

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self.seen = self.seen or super().reveal(spec, receipt, deadline)
        return self.seen


class ShowsItsKey(Webhook):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        try:
            return super().grant(spec, deadline)
        except Ambiguous:
            raise Ambiguous(self._endpoint.key().secret.get_secret_value()) from None


class PlansWithItsKey(Webhook):
    def plan(self, spec: GrantSpec) -> Plan:
        return replace(super().plan(spec), where=self._endpoint.key().secret.get_secret_value())


class EndsByItsReceiptAlone(Webhook):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if receipt is not None and "answer" not in receipt.details:
            return Removal(state="absent", sessions_ended=0)
        return super().revoke(spec, receipt, deadline)


class HangsOnTheHolder(Webhook):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        raise Transient


class TrustsAnyAnswer(Webhook):
    """What a server says that cannot sign is as good as what the endpoint says."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(endpoint, "answered_at", lambda *_: spec.expires_at):
            return super().grant(spec, deadline)


class TakesAnyCertificate(Webhook):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        with patch.object(Endpoint, "_trusted", lambda _: ssl._create_unverified_context()):
            return super().grant(spec, deadline)


class TellsItsKey(Webhook):
    """As many endpoints have it: the secret itself as the proof."""

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        real = endpoint.sign_call

        def told(key: endpoint.Key, *rest: object) -> endpoint.SignedCall:
            call = real(key, *rest)  # pyright: ignore[reportArgumentType] -- as it came
            return replace(call, headers=(*call.headers, ("Authorization", key.secret.get_secret_value())))

        with patch.object(endpoint, "sign_call", told):
            return super().observe(spec, receipt, deadline)


class PlansOnlyToLook(Webhook):
    def plan(self, spec: GrantSpec) -> Plan:
        plan = super().plan(spec)
        return replace(plan, revoke=(plan.revoke[0], plan.revoke[2]))


class RevealsItsKey(Webhook):
    """As the holder's token: with it the holder moves the end, and gives access to anyone."""

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        secret = super().reveal(spec, receipt, deadline)
        return replace(secret, fields=(*secret.fields, ("Key", self._endpoint.key().secret)))


MUTANTS: list[tuple[str, type[Webhook]]] = [
    *with_each_way(Webhook),
    ("C05", TriesItOutFirst),
    ("C11", SaysNothingOfSessions),
    ("C12", wrong(ForgetsToRevoke, Webhook)),
    ("C18", ListsWhatItRemembers),
    ("C19", GrantsWhatItCannotRead),
    ("C20", TidiesNames),
    ("C23", AlwaysTheSameSecret),
    ("C23", ShowsItsKey),
    ("C23", PlansWithItsKey),
    ("C27", EndsByItsReceiptAlone),
    ("C29", RevealsItsKey),
    ("C31", HangsOnTheHolder),
    ("C39", TrustsAnyAnswer),
    ("C39", TakesAnyCertificate),
    ("C39", TellsItsKey),
    ("C40", PlansOnlyToLook),
]


@pytest.fixture
def world(receiver: Receiver) -> Iterator[WebhookWorld]:
    world = WebhookWorld(receiver)
    yield world
    world.close()
    receiver.rows("DELETE FROM grants")  # what wrong providers leave behind would meet the other tests


@pytest.mark.parametrize(("promise", "mutant"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_provider_that_breaks_a_promise_fails_it(
    promise: str, mutant: type[Webhook], world: WebhookWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with made_of(mutant, world) as make_provider:
        fixtures = {
            "provider": make_provider(),
            "make_provider": make_provider,
            "world": world,
            "make_spec": make_spec,
            "refused_specs": specs_to_refuse(),
            "hostile_specs": specs_with,
            "earlier_receipts": receipts_of_before,
            "caplog": caplog,
        }
        assert_is_caught(mutant.__name__, promise, WebhookContract(), fixtures)
