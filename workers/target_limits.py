"""How hard a target may be called: what the policy says of it, or else its provider, or else the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from access.errors import PolicyError
from access.policy_source import PolicySource
from access.ports import CallLimits, Provider
from workers.pacing import Limits


@dataclass(frozen=True)
class TargetLimits:
    """By the name of a lane of the queues `grant` and `revoke`, as the newest policy that could be used says it."""

    policy: PolicySource
    providers: Mapping[str, type[Provider]]
    calls_at_once: int

    def __call__(self, target: str) -> Limits:
        said, provider = self._said(target)
        known = self.providers.get(provider)
        own = known.limits if known else CallLimits()
        return Limits(
            threads=said.concurrency or own.concurrency or self.calls_at_once,
            per_second=said.per_second or own.per_second,
        )

    def _said(self, target: str) -> tuple[CallLimits, str]:
        """What the policy says, and which provider the target is of. Access that it no longer has ends there too."""
        try:
            resources = self.policy.last_valid().at(target)
        except PolicyError:
            resources = ()
        provider = resources[0].provider if resources else target.partition(":")[0]
        return next((one.limits for one in resources if one.limits is not None), CallLimits()), provider
