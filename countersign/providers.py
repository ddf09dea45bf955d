"""Providers by name: found by their entry point, imported only when the policy or a grant names them."""

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from pydantic import BaseModel, JsonValue, RootModel

from access.errors import BadConfig
from access.ports import CallLimits, Capabilities, Isolation, Provider

GROUP = "countersign.providers"

logger = logging.getLogger(__name__)


class ProviderClasses(Mapping[str, type[Provider]]):
    """Every installed provider; a package is imported only when it is asked for by name."""

    def __init__(self) -> None:
        self._found: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
        self._loaded: dict[str, type[Provider]] = {}

    def __getitem__(self, name: str) -> type[Provider]:
        if name not in self._loaded:
            self._loaded[name] = _load(self._found[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def version(self, name: str) -> str:
        """Name, distribution and version, for the audit event of each grant."""
        point = self._found.get(name)
        if point is None or point.dist is None:
            return f"{name}, of no distribution"
        return f"{name}, {point.dist.name} {point.dist.version}"


def _load(point: EntryPoint) -> type[Provider]:
    try:
        return point.load()
    except Exception as error:
        # A provider that cannot be imported disables itself alone: the policy still loads, its grants alert.
        logger.exception("the provider %s cannot be imported", point.name)
        return _broken(point.name, type(error).__name__)


class _Anything(RootModel[dict[str, JsonValue]]):
    """Nobody is there to check the words."""


def _broken(provider: str, why: str) -> type[Provider]:
    class Broken:
        """Stands where a provider should be; can be named, but never used."""

        name: ClassVar[str] = provider
        Settings: ClassVar[type[BaseModel]] = _Anything
        Role: ClassVar[type[BaseModel]] = _Anything
        Scope: ClassVar[type[BaseModel]] = _Anything
        capabilities: ClassVar[Capabilities] = Capabilities(isolation=Isolation.PER_GRANT)
        limits: ClassVar[CallLimits] = CallLimits()

        @classmethod
        def target_key(cls, settings: Any) -> str:  # noqa: ARG003 -- the interface's
            raise BadConfig(f"The provider {provider} cannot be imported ({why}).")

        def __init__(self, settings: BaseModel) -> None:  # noqa: ARG002 -- the interface's
            raise BadConfig(f"The provider {provider} cannot be imported ({why}); see the log of the worker.")

    return Broken  # pyright: ignore[reportReturnType] -- it has no methods because it never has an instance
