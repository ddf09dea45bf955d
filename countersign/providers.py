"""Providers by name: found by their entry point, imported only when the policy or a grant names them."""

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, cast

from pydantic import BaseModel, JsonValue, RootModel

from access.errors import BadConfig
from access.ports import CallLimits, Capabilities, Isolation, Provider

GROUP = "countersign.providers"
OURS = "countersign-access"
_LEAST = ("grant", "observe", "revoke")
"""Without these nothing can be opened or ended. What else is missing fails when it is asked, and ends go on."""

logger = logging.getLogger(__name__)


class ProviderClasses(Mapping[str, type[Provider]]):
    """Every installed provider; a package is imported only when it is asked for by name.

    What cannot be used disables itself alone: the policy still loads, and each grant of it says what is wrong.
    """

    def __init__(self) -> None:
        self._found = dict[str, EntryPoint]()
        self._claimed = dict[str, list[EntryPoint]]()
        for point in entry_points(group=GROUP):
            self._claimed.setdefault(point.name, []).append(point)
        for name, points in self._claimed.items():
            self._found[name] = next((one for one in points if _is_ours(one)), points[0])
        self._loaded: dict[str, type[Provider]] = {}
        self._problems = dict[str, str]()

    def __getitem__(self, name: str) -> type[Provider]:
        if name not in self._loaded:
            self._loaded[name] = self._load(self._found[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def version(self, name: str) -> str:
        """Name, distribution and version, for the audit event of each grant."""
        distribution, version = self.distribution(name)
        return f"{name}, {distribution} {version}".rstrip()

    def distribution(self, name: str) -> tuple[str, str]:
        """The package that brings it, and its version."""
        point = self._found.get(name)
        if point is None or point.dist is None:
            return "of no distribution", ""
        return point.dist.name, point.dist.version

    def broken(self, name: str) -> str | None:
        """Why it cannot be used, as a sentence that says what to do; None where it can."""
        return getattr(self[name], "problem", None)

    @property
    def problems(self) -> Mapping[str, str]:
        """Of those that were asked for: why one cannot be used and what to do, or that another was left out."""
        return self._problems

    def _load(self, point: EntryPoint) -> type[Provider]:
        claims = {_package(one) for one in self._claimed.get(point.name, [])} - {_package(point)}
        if claims and not _is_ours(point):
            # To take one of them would be a guess: an end by the wrong one could say that nothing is there.
            both = " and ".join(sorted({_package(point), *claims}))
            return self._broken(point.name, f"The packages {both} both provide {point.name}. Uninstall one of them.")
        if claims:
            others = " and ".join(sorted(claims))
            self._tell(
                point.name, f"The provider {point.name} is Countersign's own. Uninstall {others}, which claims it."
            )
        try:
            found: object = point.load()
        except (Exception, SystemExit) as error:
            logger.exception("the provider %s cannot be imported", point.name)
            why = f"The provider {point.name} cannot be imported ({_why(error)})."
            return self._broken(point.name, f"{why} Mend or install anew {_package(point)}; the log says more.")
        lacks = _lacks(found)
        if lacks is not None:
            named = f"The entry point {point.name} of {_package(point)} names no provider: {lacks}."
            return self._broken(point.name, f"{named} Correct it in that package.")
        if getattr(found, "name", None) != point.name:
            self._tell(point.name, f"The provider {point.name} of {_package(point)} has another name in its class.")
        return cast(type[Provider], found)

    def _broken(self, name: str, sentence: str) -> type[Provider]:
        self._tell(name, sentence)
        return _broken(name, sentence)

    def _tell(self, name: str, sentence: str) -> None:
        self._problems[name] = sentence
        logger.error("%s", sentence)


def _is_ours(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == OURS


def _package(point: EntryPoint) -> str:
    return "a package without a name" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _lacks(found: object) -> str | None:
    """What keeps it from being a provider."""
    if not isinstance(found, type):
        return "it is no class"
    for word in ("Settings", "Role", "Scope"):
        model: object = getattr(found, word, None)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return f"its {word} is no pydantic model"
    if not isinstance(getattr(found, "capabilities", None), Capabilities):
        return "it has no capabilities"
    missing = [verb for verb in _LEAST if not callable(getattr(found, verb, None))]
    return f"it has no {' and no '.join(missing)}" if missing else None


def _why(error: BaseException) -> str:
    """In a word: what an exception of another's says may hold a secret."""
    if isinstance(error, ModuleNotFoundError):
        return f"the Python package {error.name} is missing"
    return type(error).__name__


class _Anything(RootModel[dict[str, JsonValue]]):
    """Nobody is there to check the words."""


def _broken(provider: str, sentence: str) -> type[Provider]:
    class Broken:
        """Stands where a provider should be; can be named, but never used."""

        problem: ClassVar[str] = sentence
        name: ClassVar[str] = provider
        Settings: ClassVar[type[BaseModel]] = _Anything
        Role: ClassVar[type[BaseModel]] = _Anything
        Scope: ClassVar[type[BaseModel]] = _Anything
        capabilities: ClassVar[Capabilities] = Capabilities(isolation=Isolation.PER_GRANT)
        limits: ClassVar[CallLimits] = CallLimits()

        @classmethod
        def target_key(cls, settings: Any) -> str:  # noqa: ARG003 -- the interface's
            raise BadConfig(sentence)

        def __init__(self, settings: BaseModel) -> None:  # noqa: ARG002 -- the interface's
            raise BadConfig(sentence)

    return Broken  # pyright: ignore[reportReturnType] -- it has no methods because it never has an instance
