"""The policy of the benchmarks: so many people and roles that no request is in another one's way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.cast import DEFAULT, Cast, Person

CHANNEL = "C0PAYAPPR"
APPROVER = "U0LEA"
RESOURCE = "customers-db"


@dataclass(frozen=True)
class Crowd:
    """Who asks for what: every pair of a person and a role is a request of its own."""

    people: int
    roles: int

    @property
    def askers(self) -> list[Person]:
        return [Person(f"U0ASK{number:03}", f"asker{number:03}", f"Asker {number}") for number in range(self.people)]

    @property
    def entitlements(self) -> list[str]:
        return [f"{RESOURCE}/role{number:03}" for number in range(self.roles)]

    def pairs(self) -> list[tuple[str, str]]:
        """(Slack id, entitlement)."""
        return [(person.id, entitlement) for entitlement in self.entitlements for person in self.askers]

    def cast(self) -> Cast:
        """The sandbox's people, and the askers beside them in the approvers' channel."""
        return Cast(people=DEFAULT.people + tuple(self.askers), channels=DEFAULT.channels)


def policy(crowd: Crowd, *, provider: str, settings: Mapping[str, Any], role: Mapping[str, Any]) -> str:
    """The text of an access.yml in which Lea approves; `role` is what each role says beside its title."""
    # JSON is YAML.
    return json.dumps({
        "version": 1,
        "organisation": {"slack_team": DEFAULT.team_id, "timezone": "Europe/Amsterdam"},
        "people": {person.name: {"slack": person.id} for person in [*DEFAULT.people, *crowd.askers]},
        "groups": {
            "engineers": {"people": [person.name for person in crowd.askers]},
            "payments-leads": {"people": ["lea", "kim"]},
            "security": {"people": ["sam"]},
        },
        "levels": {"low": {"max": "4h", "request_ttl": "24h", "alert_after": "2m", "reason_min": 5}},
        "resources": [{
            "id": RESOURCE, "title": "Customer database", "level": "low", "owner": "payments-leads",
            "provider": provider, "settings": dict(settings),
            "roles": {name.partition("/")[2]: {"title": name, **role} for name in crowd.entitlements},
        }],
        "rules": [{
            "id": "customers", "for": {"groups": ["engineers"], "entitlements": crowd.entitlements}, "max": "2h",
            "approve": {"channel": CHANNEL, "stages": [{"any_of": ["payments-leads"], "quorum": 1}]},
        }],
        "security": {"group": "security", "channel": "C0SEC"},
        "digest": {"channel": "C0SEC", "at": "09:00"},
    }, indent=1)  # fmt: skip
