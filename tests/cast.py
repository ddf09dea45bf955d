"""Who is who in the tests, and the policy they live under."""

from access.ids import SlackUser

ANN = SlackUser("U0ANN")
BEN = SlackUser("U0BEN")
LEA = SlackUser("U0LEA")
KIM = SlackUser("U0KIM")
SAM = SlackUser("U0SAM")
EVE = SlackUser("U0EVE")
STRANGER = SlackUser("U0STRANGER")

APPROVALS = "C0PAYAPPR"
SECURITY = "C0SEC"

POLICY = """\
version: 1
organisation: {slack_team: T0ACME, timezone: Europe/Amsterdam}
people:
  ann: {slack: U0ANN}
  ben: {slack: U0BEN}
  lea: {slack: U0LEA}
  kim: {slack: U0KIM}
  sam: {slack: U0SAM}
  eve: {slack: U0EVE}
groups:
  engineers: {people: [ann, ben, lea]}
  payments-leads: {people: [lea, kim]}
  security: {people: [sam]}
levels:
  medium: {max: 8h, request_ttl: 8h, alert_after: 10m, reason_min: 10}
resources:
  - id: customers-db
    title: Customer database
    level: medium
    owner: payments-leads
    provider: fake
    settings: {server: one}
    roles:
      read: {title: "Read customers, without cards", power: look}
      fix-orders: {title: Correct the status of an order, power: mend}
rules:
  - id: customers
    for: {groups: [engineers], entitlements: [customers-db/read, customers-db/fix-orders]}
    max: 2h
    approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}
security: {group: security, channel: C0SEC}
digest: {channel: C0SEC, at: "09:00"}
"""
