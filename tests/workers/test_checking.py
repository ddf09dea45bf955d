"""A worker looks at a target: what comes of providers that answer, that refuse, and that break."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from pydantic import BaseModel

from access.catalog import Resource, Role
from access.errors import BadCredential
from access.ids import TargetCheckId
from access.models import TargetCheck
from access.monitor.target_checks import Claimed, TargetChecks
from access.ports import Deadline, Finding
from tests.fakes import FakeProvider
from tests.world import World
from workers.checking import Checking
from workers.targets import ProviderTargets

WELL = Finding(level="ok", subject="connection", sentence="It answers.")


class Looking(FakeProvider):
    """Says which roles it was asked about, or fails."""

    failure: Exception | None = None

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        if self.failure is not None:
            raise self.failure
        asked = ", ".join(f"{name}: {role.model_dump()['power']}" for name, role in roles.items())
        return [WELL, Finding(level="ok", subject="roles", sentence=asked)]


@pytest.fixture
def checking(world: World) -> Checking:
    return Checking(TargetChecks(world.core), ProviderTargets({"fake": Looking}, lambda name: name))


def claimed(*, known: bool = True, settings: Mapping[str, str] = MappingProxyType({"server": "one"})) -> Claimed:
    read = Role(name="read", title="Read", level="low", definition={"power": "look"}, all_definition={"power": "look"})
    resource = Resource(
        id="customers-db", title="Customers", level="low", owner="leads", tags=frozenset(), provider="fake",
        settings=dict(settings), all_settings=dict(settings), target="fake:one", roles={"read": read},
    )  # fmt: skip
    row = TargetCheck(id=TargetCheckId("c"), resource="customers-db", asked_at=datetime(2026, 11, 23, tzinfo=UTC))
    return Claimed(row, resource if known else None)


def act(checking: Checking, one: Claimed) -> list[Finding]:
    checked = checking.act(one, Deadline.after(5))
    assert checked.healthy, "a look trips no breaker"
    return checked.findings


def test_the_provider_is_asked_about_the_roles_of_the_policy(checking: Checking) -> None:
    assert [finding.sentence for finding in act(checking, claimed())] == ["It answers.", "read: look"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (BadCredential("The server does not accept the bot's password."), "does not accept the bot's password"),
        (RuntimeError("password=canary"), "cannot look at its target (RuntimeError)"),
    ],
)
def test_a_provider_that_fails_is_a_finding_without_its_secrets(
    checking: Checking,
    failure: Exception,
    said: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Looking, "failure", failure)

    (found,) = act(checking, claimed())

    assert (found.level, found.subject) == ("error", "check")
    assert said in found.sentence
    assert found.cure
    assert "canary" not in found.sentence + caplog.text


def test_settings_that_cannot_be_used_are_a_finding(checking: Checking) -> None:
    (found,) = act(checking, claimed(settings={"server": "one", "canary": "canary"}))

    assert "cannot read the settings of customers-db" in found.sentence


def test_a_worker_with_another_policy_says_so(checking: Checking) -> None:
    (found,) = act(checking, claimed(known=False))

    assert found.sentence == "The policy of the worker has no resource customers-db."
    assert found.cure == "Give all processes the same policy file."
