"""Looks at a target with the key that only workers hold, for the doctor, who holds none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from access.catalog import Resource
from access.errors import ProviderError
from access.faults import describe
from access.monitor.target_checks import Checked, Claimed, TargetChecks
from access.ports import Deadline, Finding
from workers.targets import ProviderTargets

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checking:
    """A part of the queue `grant`."""

    target_checks: TargetChecks
    targets: ProviderTargets

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        return self.target_checks.claim(ids)

    def act(self, claimed: Claimed, deadline: Deadline) -> Checked:
        """Never raises; what a provider's exception says reaches no finding, for it may hold a secret."""
        if claimed.resource is None:
            sentence = f"The policy of the worker has no resource {claimed.target_check.resource}."
            return Checked(claimed, [_error(sentence, "Give all processes the same policy file.")])
        try:
            return Checked(claimed, self._findings(claimed.resource, deadline))
        except ProviderError as error:
            cure = f"Mend the settings of {claimed.resource.id}, or what the worker is given for them."
            return Checked(claimed, [_error(error.sentence, cure)])
        except Exception as error:
            logger.error("the check of %s broke with %s", claimed.resource.id, describe(error))
            sentence = f"The provider {claimed.resource.provider} cannot look at its target ({type(error).__name__})."
            return Checked(claimed, [_error(sentence, "Look into the log of the worker for the cause.")])

    def commit(self, results: Sequence[Checked]) -> None:
        self.target_checks.commit(results)

    def release(self, claimed: Sequence[Claimed]) -> None:
        self.target_checks.release(claimed)

    def _findings(self, resource: Resource, deadline: Deadline) -> list[Finding]:
        provider = self.targets.of(resource.provider, resource.settings, resource.id)
        roles = {role.name: type(provider).Role.model_validate(role.definition) for role in resource.roles.values()}
        return provider.check(roles, deadline)


def _error(sentence: str, cure: str) -> Finding:
    return Finding(level="error", subject="check", sentence=sentence, cure=cure)
