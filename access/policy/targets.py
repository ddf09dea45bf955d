"""Has each resource's settings and roles read by its provider's own models."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, JsonValue, ValidationError

from access.canonical import canonical
from access.policy import explain
from access.policy.document import Path
from access.policy.explain import Finding
from access.policy.shape import PolicyShape, ResourceShape, RoleShape
from access.ports import Provider


class Target(NamedTuple):
    """What the provider makes of the policy's words, defaults filled in."""

    settings: Mapping[str, JsonValue]
    definitions: Mapping[str, Mapping[str, JsonValue]]
    """By the role's name."""


def targets(shape: PolicyShape, providers: Mapping[str, type[Provider]]) -> tuple[list[Target], list[Finding]]:
    """One target for each resource, in their order; what a provider cannot read is empty and a finding."""
    found: list[Finding] = []
    read = [_target(resource, index, providers, found) for index, resource in enumerate(shape.resources)]
    return read, found


def _target(
    resource: ResourceShape, index: int, providers: Mapping[str, type[Provider]], found: list[Finding]
) -> Target:
    base: Path = ("resources", index)
    provider = providers.get(resource.provider)
    if provider is None:
        present = ", ".join(f"`{name}`" for name in sorted(providers)) or "none"
        sentence = explain.unknown_name("provider", resource.provider, providers, f"this version has {present}")
        found.append(((*base, "provider"), sentence))
        return Target({}, {name: {} for name in resource.roles})
    definitions = {
        name: _read(
            provider.Role, role.model_extra or {}, (*base, "roles", name), found, beside=tuple(RoleShape.model_fields)
        )
        for name, role in resource.roles.items()
    }
    return Target(_read(provider.Settings, resource.settings, (*base, "settings"), found), definitions)


def _read(
    model: type[BaseModel], data: Mapping[str, Any], base: Path, found: list[Finding], beside: tuple[str, ...] = ()
) -> dict[str, JsonValue]:
    try:
        # Whatever the provider's model says of it: a word that would be ignored could be a misspelt `level`.
        values: dict[str, JsonValue] = model.model_validate(data, extra="forbid").model_dump(mode="json")
        canonical(values)
    except ValidationError as error:
        found.extend(explain.findings(error, model, base, beside))
        return {}
    except TypeError as error:
        found.append((base, f"this cannot be bound to a request's fingerprint: {error}"))
        return {}
    return values
