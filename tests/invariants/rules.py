"""The town's policy, which changes, and what is on which server."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

RESOURCES = {"customers-db": "one", "ledger-db": "two", "wiki": "commons"}
"""By resource its server; on the last one grants share what they give."""


ADDED_AFTER = timedelta(minutes=10)
"""Without an answer for so long, security may decide too, where the rule has a ladder."""
PEOPLE = ("ann", "ben", "lea", "kim", "sam", "eve")


@dataclass
class Rules:
    """What the policy says, in a second and simpler form: the tests' own opinion of who may do what."""

    people: set[str] = field(default_factory=lambda: set(PEOPLE))
    engineers: set[str] = field(default_factory=lambda: {"ann", "ben", "lea"})
    leads: set[str] = field(default_factory=lambda: {"lea", "kim"})
    two_stages: bool = True
    """Whether security, which is sam, must agree to `fix` after a lead."""
    ladder: bool = True
    power: dict[str, str] = field(default_factory=lambda: {"read": "look", "fix": "mend"})
    broken: bool = False

    def leave(self, who: str) -> None:
        self.people.discard(who)
        self.engineers.discard(who)

    def text(self) -> str:
        if self.broken:
            return "version: 1\npeople: ["
        people = "".join(f"  {name}: {{slack: U0{name.upper()}}}\n" for name in PEOPLE if name in self.people)
        resources = "".join(
            f"  - id: {resource}\n    title: {resource}\n    level: medium\n    owner: leads\n"
            f"    provider: {'commons' if server == 'commons' else 'fake'}\n"
            f"    settings: {{server: {server}}}\n    roles:\n"
            f"      read: {{title: Read, power: {self.power['read']}}}\n"
            f"      fix: {{title: Fix, power: {self.power['fix']}, level: high}}\n"
            for resource, server in RESOURCES.items()
        )
        rules = "".join(
            f"  - id: {role}\n    for: {{groups: [engineers], entitlements: [{self._of(role)}]}}\n    max: 1h\n"
            f"    approve: {{channel: C0PAYAPPR, stages: [{self._stages(role)}]}}\n{self._ladder()}"
            for role in ("read", "fix")
        )
        return (
            "version: 1\norganisation: {slack_team: T0ACME, timezone: Europe/Amsterdam}\n"
            f"people:\n{people}"
            f"groups:\n  engineers: {{people: [{', '.join(sorted(self.engineers))}]}}\n"
            f"  leads: {{people: [{', '.join(sorted(self.leads))}]}}\n  security: {{people: [sam]}}\n"
            "levels:\n  medium: {max: 2h, request_ttl: 1h, alert_after: 5m, reason_min: 5}\n"
            "  high: {max: 1h, request_ttl: 30m, alert_after: 2m, reason_min: 5}\n"
            f"resources:\n{resources}"
            f"rules:\n{rules}"
            "security: {group: security, channel: C0SEC}\n"
            'digest: {channel: C0SEC, at: "09:00"}\n'
        )

    def _of(self, role: str) -> str:
        return ", ".join(f"{resource}/{role}" for resource in RESOURCES)

    def _stages(self, role: str) -> str:
        return ", ".join(f"{{any_of: [{group}], quorum: 1}}" for group in self.chain(role))

    def chain(self, role: str) -> tuple[str, ...]:
        """The groups of its stages."""
        return ("leads", "security") if role == "fix" and self.two_stages else ("leads",)

    def _ladder(self) -> str:
        """The first step reminds, the second adds; where security is asked anyway, it reminds too."""
        after = int(ADDED_AFTER.total_seconds())
        return f"    escalate: [{{after: 5m, to: leads}}, {{after: {after}s, to: security}}]\n" if self.ladder else ""

    def may_approve(self, who: str, role: str, *, waited: timedelta) -> bool:
        """At any stage."""
        asked = "security" in self.chain(role) or (self.ladder and waited >= ADDED_AFTER)
        return who in self.leads or (who == "sam" and asked)

    def write(self, file: Path) -> None:
        """As editors and Git do it: a new file in the place of the old, never the same one half written."""
        new = file.with_suffix(".new")
        new.write_text(self.text(), encoding="utf-8")
        new.replace(file)
