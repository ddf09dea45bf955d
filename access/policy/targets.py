"""Has each resource's settings and roles read by its provider's own models."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, JsonValue, ValidationError

from access.canonical import canonical
from access.policy import explain
from access.policy.document import Path
from access.policy.explain import Finding
from access.policy.shape import PolicyShape, ResourceShape, RoleShape
from access.ports import Provider
from access.provider import target_of


class Words(NamedTuple):
    """What a provider's model makes of the policy's words."""

    said: Mapping[str, JsonValue]
    """Without defaults: an option that an upgrade adds changes nothing of what was asked and granted before."""
    everything: Mapping[str, JsonValue]
    """Defaults filled in."""


class Target(NamedTuple):
    """Of one resource."""

    settings: Words
    definitions: Mapping[str, Words]
    """By the role's name."""
    key: str
    """Where the settings lead, with which other resources may; or the id, where that is not known."""


_UNREADABLE = Words({}, {})


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
        return Target(_UNREADABLE, dict.fromkeys(resource.roles, _UNREADABLE), resource.id)
    definitions = {
        name: _read(
            provider.Role, role.model_extra or {}, (*base, "roles", name), found, beside=tuple(RoleShape.model_fields)
        )
        for name, role in resource.roles.items()
    }
    before = len(found)
    settings = _read(provider.Settings, resource.settings, (*base, "settings"), found)
    readable = len(found) == before
    mode = settings.everything.get("mode")
    if isinstance(mode, str) and mode in provider.capabilities.modes:
        # By its word the core knows what the provider can do: it is always said.
        settings = settings._replace(said={**settings.said, "mode": mode})
    named = target_of(providers, resource.provider, settings.everything) if readable else ""
    return Target(settings, definitions, named or resource.id)


def _read(
    model: type[BaseModel], data: Mapping[str, Any], base: Path, found: list[Finding], beside: tuple[str, ...] = ()
) -> Words:
    try:
        # Whatever the provider's model says of it: a word that would be ignored could be a misspelt `level`.
        read = model.model_validate(data, extra="forbid")
        words = Words(_dumped(read, without_defaults=True), _dumped(read))
        canonical([*words])
    except ValidationError as error:
        found.extend(explain.findings(error, model, base, beside))
        return _UNREADABLE
    except TypeError as error:
        found.append((base, f"this cannot be bound to a request's fingerprint: {error}"))
        return _UNREADABLE
    return words


def _dumped(read: BaseModel, *, without_defaults: bool = False) -> dict[str, JsonValue]:
    """As JSON, alike in every process: a set has another order in each, and what was approved would seem changed."""
    said = read.model_dump(mode="json", exclude_defaults=without_defaults)
    return {
        word: _in_order(value, said[word]) for word, value in read.model_dump(exclude_defaults=without_defaults).items()
    }


def _in_order(value: object, said: JsonValue) -> JsonValue:
    if isinstance(value, set | frozenset) and isinstance(said, list):
        return sorted(said, key=canonical)
    if isinstance(value, Mapping) and isinstance(said, dict):
        inner = cast("Mapping[object, object]", value).values()
        return {word: _in_order(one, below) for one, (word, below) in zip(inner, said.items(), strict=True)}
    if isinstance(value, list | tuple) and isinstance(said, list):
        return [_in_order(one, below) for one, below in zip(cast("Sequence[object]", value), said, strict=True)]
    return said


def spelled_out(model: type[BaseModel], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the defaults of now; as they are where this provider cannot read them."""
    try:
        return _dumped(model.model_validate(values))
    except ValidationError:
        return values


def mean_the_same(model: type[BaseModel], one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether this provider's model reads the same in both, whatever defaults either of them spells out."""
    if canonical(dict(one)) == canonical(dict(other)):
        return True
    try:
        return model.model_validate(one) == model.model_validate(other)
    except ValidationError:
        return False
