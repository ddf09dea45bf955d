"""The targets of this process: one provider instance for each target, made when first needed."""

import threading
from collections.abc import Callable, Mapping

from pydantic import JsonValue, ValidationError

from access.canonical import canonical
from access.errors import BadConfig, ProviderError
from access.ports import Provider


class ProviderTargets:
    """Makes instances from the settings that a grant carries, so that it can be ended whatever the policy says now."""

    def __init__(self, classes: Mapping[str, type[Provider]], version: Callable[[str], str]) -> None:
        self._classes = classes
        self._version = version
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Provider] = {}

    def of(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> Provider:
        """Raises BadConfig, BadCredential or another ProviderError when there can be none."""
        key = (provider, canonical(dict(settings)))
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(provider, settings, resource)
            return self._made[key]

    def version(self, name: str) -> str:
        return self._version(name)

    def close(self) -> None:
        with self._lock:
            for provider in self._made.values():
                provider.close()
            self._made.clear()

    def _make(self, provider: str, settings: Mapping[str, JsonValue], resource: str) -> Provider:
        found = self._classes.get(provider)
        if found is None:
            raise BadConfig(f"The provider {provider} is not installed on this worker.")
        try:
            return found(found.Settings.model_validate(settings))
        except ProviderError:
            raise
        except ModuleNotFoundError as error:
            raise BadConfig(
                f"The provider {provider} needs the Python package {error.name}, which this worker does not have. "
                f"Install it; where the provider is one of ours: pip install 'countersign-access[{provider}]'."
            ) from None
        except ValidationError:
            raise BadConfig(f"The provider {provider} cannot read the settings of {resource}.") from None
        except Exception as error:
            # A third party's constructor: it disables this target alone, and its words might hold a secret.
            raise BadConfig(f"The provider {provider} cannot be started ({type(error).__name__}).") from None
