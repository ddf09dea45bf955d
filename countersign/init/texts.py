"""The two files, from the answers."""

import json
import re
import shlex

import yaml

from countersign.init.questions import CASTS, HTTP, Answers, people_of
from countersign.manifest import prefix_of

IGNORED = (".env", ".env.*", ".countersign/", ".countersign-init.json*")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/-]*")


def policy_text(answers: Answers) -> str:
    """A policy with one target, one role and one rule: a start to grow from."""
    casts = {key: people_of(answers[key]) for key in CASTS}
    people = {name: slack for cast in casts.values() for name, slack in cast.items()}
    listed = "\n".join(f"  {_quoted(name)}: {{slack: {_quoted(slack)}}}" for name, slack in people.items())
    groups = {key: ", ".join(_quoted(name) for name in cast) for key, cast in casts.items()}
    role, resource = _quoted(answers["role"]), answers["resource"]
    channel, security = _quoted(answers["approval_channel"]), _quoted(answers["security_channel"])
    return f"""\
# Who may ask for what, who decides, for how long. Keep it in your Git repository; docs/policy.md explains every word.
#   countersign policy lint access.yml     checks it, with the line and the cure of everything that is wrong
version: 1
organisation: {{slack_team: {_quoted(answers["team"])}, timezone: {_quoted(answers["timezone"])}}}

people:
{listed}

groups:
  requesters: {{people: [{groups["requesters"]}]}}
  approvers: {{people: [{groups["approvers"]}]}}
  security: {{people: [{groups["security"]}]}}

levels:
  medium: {{max: 8h, request_ttl: 8h, alert_after: 10m, reason_min: 10}}

resources:
  - id: {_quoted(resource)}
    title: {_quoted(answers["title"])}
    level: medium
    owner: approvers
    provider: postgres
    settings: {{dsn: {{env: {answers["variable"]}}}}}
    roles:
      {role}:
        title: {_quoted(f"The rights of {answers['role']}"[:75])}
        description: {_quoted(answers["description"])}
        grants: [{role}]

rules:
  - id: first
    for: {{groups: [requesters], entitlements: [{_quoted(f"{resource}/{answers['role']}")}]}}
    max: 2h
    approve: {{channel: {channel}, stages: [{{any_of: [approvers], quorum: 1}}]}}

security: {{group: security, channel: {security}}}
digest: {{channel: {security}, at: "09:00"}}
"""


def ignored_text() -> str:
    """What Git must not take, one pattern a line."""
    return "\n".join(["# Secrets and state of Countersign.", *IGNORED, ""])


def environment_text(answers: Answers) -> str:
    """What a shell reads by `set -a; . ./.env; set +a`."""
    by_http = answers["mode"] == HTTP
    secrets = {
        "SLACK_BOT_TOKEN": answers["bot_token"],
        "SLACK_SIGNING_SECRET" if by_http else "SLACK_APP_TOKEN": answers["signing_secret" if by_http else "app_token"],
        answers["variable"]: answers["dsn"],
    }
    lines = [f"{name}={shlex.quote(value) if value else ''}" for name, value in secrets.items()]
    return "\n".join([
        "# Secrets of Countersign: for you alone (mode 600), and never for Git. In a shell:  set -a; . ./.env; set +a",
        *lines,
        *_http_settings(answers["address"] if by_http else ""),
        "# DATABASE_URL=postgresql://user:password@host/countersign   # without it: a SQLite file in .countersign",
        "# REDIS_URL=redis://:password@host:6379/0                    # without it: `countersign up` starts a Valkey",
        "",
    ])  # fmt: skip


def _http_settings(address: str) -> list[str]:
    """What only whoever sets up the proxy knows stands there to be uncommented."""
    listen = ["# COUNTERSIGN_HTTP_LISTEN=127.0.0.1:3000   # where the bot listens for your proxy"] if address else []
    prefix = prefix_of(address)
    return [*listen, f"# COUNTERSIGN_HTTP_PREFIX={prefix}   # if your proxy passes it on"] if prefix else listen


def _quoted(text: str) -> str:
    """As people write it where YAML reads it back as it is; else in quotes: `no` is no text, and `1e3` a number."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)
