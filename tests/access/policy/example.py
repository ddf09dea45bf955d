"""A small policy and a provider that only has models, for the tests of this folder."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict

from access.catalog import Entitlement, Policy
from access.ids import Person
from access.people import People
from access.policy.decide import Allowed, Ask, Terms, decide
from access.policy.load import load_policy
from access.ports import Provider, SecretReference

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

POLICY = """\
version: 1
organisation: {slack_team: T0ACME, timezone: Europe/Amsterdam}
people:
  ann: {slack: U0ANN, names: {postgres: ann.a}}
  lea: {slack: U0LEA}
  kim: {slack: U0KIM}
  sam: {slack: U0SAM}
  eve: {slack: U0EVE}
levels:
  medium: {max: 8h, quorum: 1, request_ttl: 8h, alert_after: 10m, reason_min: 15}
  high: {max: 2h, request_ttl: 2h, alert_after: 5m}
groups:
  engineers: {people: [ann, lea]}
  leads: {people: [lea, kim, sam]}
  security: {people: [sam]}
resources:
  - id: customers-db
    title: Customer database
    level: medium
    owner: leads
    tags: [pii]
    provider: postgres
    settings: {dsn: {env: CUSTOMERS_DSN}, database: shop}
    roles:
      read: {title: Read customers, grants: [support_read], description: Shows customers.}
      fix-orders: {title: Correct an order, level: high, grants: [orders_fix], description: Changes orders.}
  - id: payroll
    title: Payroll
    level: high
    owner: security
    provider: postgres
    settings: {dsn: {file: /run/payroll}, database: pay}
    roles:
      read: {title: Read salaries, grants: [pay_read], description: Shows salaries.}
rules:
  - id: customers-read
    for: {groups: [engineers], entitlements: [customers-db/read]}
    max: 3h
    approve:
      channel: C0APPROVE
      stages: [{any_of: [leads], quorum: 1}]
  - id: orders-fix
    for: {groups: [engineers], entitlements: [customers-db/fix-orders]}
    approve:
      channel: C0APPROVE
      stages: [{any_of: [leads, security]}]
  - id: payroll-read
    for: {groups: [leads], entitlements: [payroll/read]}
    max: 30m
    approve:
      channel: C0SEC
      stages: [{any_of: [leads]}]
security: {group: security, channel: C0SEC}
digest: {channel: C0SEC, at: "09:00"}
"""


class Postgres:
    name: ClassVar[str] = "postgres"

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

        dsn: SecretReference
        database: str
        port: int = 5432

    class Role(BaseModel):
        # As pydantic is by default: the loader must not let words pass that the provider would ignore.
        grants: list[str]

    @classmethod
    def target_key(cls, settings: Settings) -> str:
        return settings.dsn.place


PROVIDERS = cast("Mapping[str, type[Provider]]", {"postgres": Postgres})


def changed(old: str, new: str, text: str = POLICY) -> str:
    """The text with its one `old` replaced."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def policy(text: str = POLICY) -> Policy:
    return load_policy(text, file="access.yml", providers=PROVIDERS)


def ask(**other: Any) -> Ask:
    """Ann asks for two hours of customers-db/read, or whatever else is said."""
    values: dict[str, Any] = {
        "requester": Person("ann"),
        "entitlement": Entitlement("customers-db", "read"),
        "duration": timedelta(hours=2),
        "until": None,
        "reason": "INC-12 a refund is stuck",
        "at": NOW,
    }
    values |= other
    return Ask(subject=other.get("subject", values["requester"]), **{k: v for k, v in values.items() if k != "subject"})


def terms_of(loaded: Policy, asked: Ask) -> Terms:
    """On which it may be asked for."""
    decision = decide(loaded, People(loaded), asked)
    assert isinstance(decision, Allowed), decision
    return decision.terms
