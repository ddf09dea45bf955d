"""What is known of each installed provider: by its own declaration, by its package, and by what its tests showed."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from access.ports import Capabilities, Provider
from countersign.conformance import record
from countersign.conformance.record import Suite
from countersign.providers import ProviderClasses


def facts(classes: ProviderClasses, suites: Sequence[Suite]) -> list[dict[str, Any]]:
    """By name, one entry for each provider that an entry point names; what cannot be imported says so."""
    return [_of(classes, name, suites) for name in sorted(classes)]


def _of(classes: ProviderClasses, name: str, suites: Sequence[Suite]) -> dict[str, Any]:
    provider = classes[name]
    distribution, version = classes.distribution(name)
    known: dict[str, Any] = {"provider": name, "distribution": distribution, "version": version}
    if (broken := classes.broken(name)) is not None:
        return known | {"usable": False, "problem": broken}
    limits = provider.limits
    return known | {
        "usable": True,
        "grants": _said(provider.Role),
        "role": sorted(provider.Role.model_fields),
        "narrows": sorted(provider.Scope.model_fields),
        "ways": dict(_ways(provider)),
        "limits": {"concurrency": limits.concurrency, "per_second": limits.per_second},
        "tested": [suite.model_dump(mode="json") for suite in record.of_class(suites, provider)],
    }


def _ways(provider: type[Provider]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What it can do, by the word `mode` of the settings; the usual way has no word."""
    able = provider.capabilities
    if said_by_settings(able):
        yield "by settings", {}
        return
    yield "", record.abilities(able)
    for mode, other in able.modes.items():
        yield mode, record.abilities(other)


def said_by_settings(able: Capabilities) -> bool:
    """Each of its targets can do something else; only the settings of one say what."""
    return type(able).of is not Capabilities.of


def _said(role: type[BaseModel]) -> str:
    """The first line of what its author wrote about a role; else its words."""
    written = (role.__dict__.get("__doc__") or "").strip().partition("\n")[0]
    return written or f"By the words {', '.join(sorted(role.model_fields))}."
