"""What is said to an endpoint and what it answers, as JSON; docs/providers/webhook.md is the same in words."""

import json
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, SecretStr

from access.ports import GrantSpec, Receipt

Action = Literal["grant", "observe", "revoke", "extend", "reveal", "list", "check"]
CHANGING: frozenset[Action] = frozenset({"grant", "revoke", "extend", "reveal"})
"""Where an answer that is lost leaves open whether it was done."""

_LONGEST = 300
_SOONEST, _LATEST = timedelta(seconds=0.2), timedelta(minutes=10)
Words = Annotated[str, Field(max_length=20_000)]


def request(action: Action, spec: GrantSpec | None = None, receipt: Receipt | None = None) -> bytes:
    """The body of a call: the same bytes for the same question, plain ASCII, without any secret."""
    said = {
        "version": 1,
        "action": action,
        "grant": None if spec is None else _grant(spec),
        "receipt": None if receipt is None else receipt.details.get("endpoint"),
    }
    return json.dumps(said, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def _grant(spec: GrantSpec) -> dict[str, Any]:
    return {
        "id": spec.grant_id,
        "principal": spec.principal,
        "resource": spec.resource,
        "role": spec.role,
        "definition": spec.definition.get("definition", {}),
        "expires_at": spec.expires_at.isoformat(),
    }


class _Part(BaseModel):
    """What it says beside these is left for versions to come."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Problem(_Part):
    kind: Literal["transient", "permanent", "bad_config", "bad_credential", "conflict"]
    sentence: Words


class Revealed(_Part):
    fields: Annotated[
        list[tuple[Annotated[str, Field(min_length=1, max_length=60)], Annotated[SecretStr, Field(max_length=2000)]]],
        Field(min_length=1, max_length=10, strict=False),
    ]


class Listed(_Part):
    id: Annotated[str, Field(max_length=100)]
    roles: list[Words] = []


class Answer(_Part):
    """Every word is optional here: which of them an action needs is said where it is asked."""

    state: Literal["active", "pending", "absent", "removed"] | None = None
    receipt: dict[str, JsonValue] | None = None
    present: bool | None = None
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    sessions: Annotated[int, Field(ge=0, le=10**9)] | None = None
    sessions_ended: Annotated[int, Field(ge=0, le=10**9)] | None = None
    residual: list[Words] = []
    beyond: list[Words] = []
    secret: Revealed | None = None
    look_again_s: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 5.0
    error: Problem | None = None
    grants: list[Listed] | None = None
    can: list[Words] | None = None

    @property
    def look_again(self) -> timedelta:
        seconds = min(self.look_again_s, _LATEST.total_seconds())
        return max(_SOONEST, timedelta(seconds=seconds))


def plain(words: str) -> str:
    """The endpoint's words as a person may be shown them: one line, bounded, nothing that marks up or calls anyone."""
    kept = "".join(letter if letter.isprintable() and letter not in "<>&`*~@|\\" else " " for letter in words)
    line = " ".join(kept.replace("://", ": ").split())  # what looks like an address is one to press in Slack
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
