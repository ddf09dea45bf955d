"""What all providers have in common: what they cannot do, how they read a role, and how their target is called."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from access.errors import BadConfig, Unsupported
from access.ids import GrantId
from access.ports import Capabilities, Deadline, Finding, GrantSpec, Isolation, Observation, Outcome, Plan, Removal
from access.provider import BaseProvider, target_of
from countersign.providers import ProviderClasses
from tests.fakes import NOON, FakeProvider, FakeRole, FakeSettings

SPEC = GrantSpec(
    grant_id=GrantId("0" * 26), resource="crm", role="read", definition={"power": "look"}, settings={"server": "one"},
    scope={}, principal="ann", expires_at=NOON + timedelta(hours=1),
)  # fmt: skip


class Bare(BaseProvider[FakeSettings, FakeRole]):
    """It has what every provider must have, and nothing else."""

    name: ClassVar[str] = "bare"
    Settings: ClassVar[type[BaseModel]] = FakeSettings
    Role: ClassVar[type[BaseModel]] = FakeRole
    capabilities: ClassVar[Capabilities] = Capabilities(isolation=Isolation.PER_GRANT)

    @classmethod
    def target_key(cls, settings: FakeSettings) -> str:
        return settings.server

    def check(self, roles: Any, deadline: Any) -> list[Finding]:
        return []

    def plan(self, spec: GrantSpec) -> Plan:
        return Plan(grant=(self.role_of(spec).power,), revoke=())

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise AssertionError("not here")

    def observe(self, spec: GrantSpec, receipt: Any, deadline: Deadline) -> Observation:
        return Observation(present=False)

    def revoke(self, spec: GrantSpec, receipt: Any, deadline: Deadline) -> Removal:
        return Removal(state="absent")


def optional_verbs() -> list[str]:
    own = {name for name, _ in inspect.getmembers(BaseProvider, inspect.isfunction) if not name.startswith("_")}
    return sorted(own - BaseProvider.__abstractmethods__ - {"close", "role_of", "role_to_end", "roles_of"})


@pytest.mark.parametrize("verb", optional_verbs())
def test_what_a_provider_does_not_say_it_can_is_unsupported(verb: str) -> None:
    asked: Callable[..., object] = getattr(Bare(FakeSettings(server="one")), verb)
    with pytest.raises(Unsupported, match="The provider bare cannot "):
        asked(*[None for _ in inspect.signature(asked).parameters])


def test_a_role_is_read_by_the_model_of_its_provider() -> None:
    assert Bare(FakeSettings(server="one")).plan(SPEC).grant == ("look",)


def test_a_role_that_its_provider_cannot_read_is_named_and_not_quoted() -> None:
    spec = replace(SPEC, definition={"power": "look", "pass": "word"})
    with pytest.raises(BadConfig, match="The role read cannot be used by the provider bare: pass: ") as refused:
        Bare(FakeSettings(server="one")).plan(spec)
    assert "word" not in refused.value.sentence


def test_what_may_be_open_under_a_role_of_another_version_has_no_role_here_and_no_error() -> None:
    provider = Bare(FakeSettings(server="one"))
    assert provider.role_to_end(replace(SPEC, definition={"power": "look", "pass": "word"})) is None
    assert provider.role_to_end(SPEC) == provider.role_of(SPEC)


def test_a_provider_is_made_of_its_own_settings_alone() -> None:
    with pytest.raises(TypeError, match="bare is made of its own Settings, not of FakeRole"):
        Bare(FakeRole(power="look"))


def test_a_provider_without_a_name_for_its_target_is_no_provider() -> None:
    nameless = type("Nameless", (Bare,), {"target_key": BaseProvider.target_key})
    with pytest.raises(TypeError, match="target_key"):
        nameless(FakeSettings(server="one"))


def test_two_providers_never_share_a_target() -> None:
    providers: Any = {"fake": FakeProvider, "bare": Bare}
    named = {target_of(providers, name, {"server": "one"}) for name in providers}
    assert named == {"fake:one", "bare:one"}


@pytest.mark.parametrize(("name", "settings"), [("gone", {"server": "one"}), ("fake", {"host": "hunter2"})])
def test_a_provider_that_cannot_name_its_target_stops_nothing(
    name: str, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert target_of({"fake": FakeProvider}, name, settings) == ""
    assert f"the provider {name} does not name its target" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_provider_that_cannot_be_imported_stops_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = ProviderClasses()
    monkeypatch.setitem(classes._found, "postgres", replace_point(classes))
    assert target_of(classes, "postgres", {"dsn": {"env": "SHOP_DSN"}}) == ""


def replace_point(classes: ProviderClasses) -> Any:
    point = classes._found["postgres"]
    return type(point)(point.name, "workers.providers.there_is_none:Gone", point.group)
