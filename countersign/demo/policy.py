"""The demo's policy: the sandbox's cast, the shop's two roles."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.cast import Cast

SECRET = "SHOP_DSN"  # noqa: S105 -- the name of a variable
ROLES = {
    "ann": "asks", "ben": "asks", "lea": "approves", "kim": "approves", "sam": "security", "eve": "may not ask",
}  # fmt: skip
"""What the policy below lets them do, in a word for their profiles."""

_CONSOLE = """
  - id: support-console
    title: Support console
    level: low
    owner: payments-leads
    provider: command
    settings: %s
    roles:
      answer:
        title: Answer customers
        description: "Shows the questions of customers and answers them; it pays nothing back."
        grants: [answer]
      refund:
        title: Answer customers and pay refunds
        description: "Answers customers, and pays back up to 100 euros without another person."
        level: medium
        grants: [refund]
"""
_CONSOLE_RULES = """
  - id: console
    for: {groups: [engineers], entitlements: [support-console/answer, support-console/refund]}
    max: 30m
    approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}
"""


def demo_policy(cast: Cast, console: Mapping[str, Any] | None = None) -> str:
    """The text of an access.yml for this cast: Ann and Ben ask, Lea and Kim approve, Sam is security, Eve may not.

    `console`: the settings of the support console, where there is one.
    """
    resource, rules = (_CONSOLE % json.dumps(console), _CONSOLE_RULES) if console else ("", "")
    names = {person.id: person.name for person in cast.people}
    people = "\n".join(f"  {name}: {{slack: {identifier}}}" for identifier, name in names.items())
    return f"""\
# Written by `countersign demo` from the people of its sandbox.
version: 1
organisation: {{slack_team: {cast.team_id}, timezone: Europe/Amsterdam}}

people:
{people}

groups:
  engineers: {{people: [ann, ben]}}
  payments-leads: {{people: [lea, kim]}}
  security: {{people: [sam]}}

levels:
  low: {{max: 4h, request_ttl: 24h, alert_after: 2m, reason_min: 5}}
  medium: {{max: 1h, request_ttl: 8h, alert_after: 1m, reason_min: 10}}

resources:
  - id: customers-db
    title: Customer database
    level: low
    owner: payments-leads
    tags: [pii]
    provider: postgres
    settings: {{dsn: {{env: {SECRET}}}, database: shop}}
    roles:
      read:
        title: Read customers, without cards
        description: "Shows customers by name, e-mail and region, and their orders; card numbers stay closed."
        grants: [support_read]
      fix-orders:
        title: Correct the status of an order
        description: "Changes the status of orders, and nothing else of them."
        level: medium
        grants: [orders_fix]
      nothing: {{title: Nothing, description: Nothing; it is for the canary alone., grants: [nothing]}}
{resource}
rules:
  - id: customers-read
    for: {{groups: [engineers], entitlements: [customers-db/read]}}
    max: 2h
    approve: {{channel: C0PAYAPPR, stages: [{{any_of: [payments-leads], quorum: 1}}]}}
  - id: orders-fix
    for: {{groups: [engineers], entitlements: [customers-db/fix-orders]}}
    max: 30m
    approve: {{channel: C0PAYAPPR, stages: [{{any_of: [payments-leads], quorum: 1}}]}}
{rules}
security: {{group: security, channel: C0SEC}}
digest: {{channel: C0SEC, at: "09:00"}}
canary: {{entitlements: [customers-db/nothing]}}
"""
