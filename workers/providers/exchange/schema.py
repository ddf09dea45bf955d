"""What a program or an endpoint is asked and what it may answer: one JSON object each way, version 1.

This file imports nothing of ours, so that a copy of it serves every program that speaks the same.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

VERSION = 1
LONGEST_SENTENCE = 300
MOST_DETAILS = 16384
Verb = Literal["grant", "observe", "revoke", "extend", "reveal", "list", "list_holders", "check"]
CHANGES: frozenset[str] = frozenset({"grant", "revoke", "extend", "reveal"})
"""What may have been done although no answer came."""


def _one_line(text: str) -> str:
    """It is shown to people: no line breaks, no invisible characters, not without end."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:LONGEST_SENTENCE]


def _small(details: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """It is kept with the grant."""
    if len(json.dumps(details)) > MOST_DETAILS:
        raise ValueError(f"details of more than {MOST_DETAILS} characters")
    return details


Sentence = Annotated[str, AfterValidator(_one_line)]
Sentences = Annotated[tuple[Sentence, ...], Field(max_length=50)]
Details = Annotated[dict[str, JsonValue], AfterValidator(_small)]
Seconds = Annotated[float, Field(ge=0, le=86400)]


class Strict(BaseModel):
    """A word that is not known here is an error: ignored, it would be a promise that is not kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# What is asked


class Grant(Strict):
    """What it is about."""

    id: str
    """26 small letters and digits: the same grant twice is one effect."""
    name: str
    """`cs_` and the id: what the program makes on its target bears this name."""
    resource: str
    role: str
    principal: str
    """What the target calls the person who receives."""
    grants: tuple[str, ...]
    """What the role of the policy gives, in the target's words."""
    kept: tuple[str, ...] = ()
    """Of these, what is neither to be added nor removed nor counted: it stood there before, or others need it."""
    expires_at: AwareDatetime


class Question(Strict):
    """What is written to the program's standard input."""

    version: Literal[1] = VERSION
    verb: Verb
    deadline: AwareDatetime | None = None
    """Later than this it must change nothing; None when a person runs it by hand."""
    grant: Grant | None = None
    """None for `list`, `list_holders` and `check`."""
    details: dict[str, JsonValue] = {}
    """What the answer to `grant` or `extend` had under the same word; empty where that answer was lost."""
    roles: dict[str, tuple[str, ...]] = {}
    """For `check`: what each role of the policy gives."""
    secrets: dict[str, str] = {}

    def as_json(self) -> str:
        """In ASCII, and each question always the same."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True)


# What is answered


class Granted(Strict):
    """To `grant` and `extend`."""

    state: Literal["active", "pending"]
    expires_at: AwareDatetime | None = None
    """When the target itself ends it; None where it does not."""
    details: Details = {}
    """Given back with every later question about this grant. No secrets."""
    look_again: Seconds | None = None


class Observed(Strict):
    """To `observe`."""

    present: bool
    sessions: int | None = None
    only_sessions: bool = False
    expires_at: AwareDatetime | None = None
    standing: frozenset[str] = frozenset()
    """Of `grants`, what is there and was not given by the program, or cannot be told from that."""
    extra_privileges: frozenset[Sentence] = frozenset()
    """What was added by hand to what the grant made."""


class Removed(Strict):
    """To `revoke`."""

    state: Literal["removed", "absent", "pending"]
    sessions_ended: int | None = None
    residual: Sentences = ()
    """What may outlive the end."""
    lingering: int = 0
    look_again: Seconds | None = None


class Line(Strict):
    """A labelled value of what is revealed."""

    label: Sentence
    value: str


class Revealed(Strict):
    """To `reveal`."""

    fields: tuple[Line, ...] = Field(max_length=20)
    note: Sentence = ""
    made: bool = True


class Managed(Strict):
    """Something on the target that the program made."""

    name: str
    grant_id: str | None
    grants: frozenset[str] = frozenset()


class Listed(Strict):
    """To `list`: everything that the program made and that gives access."""

    managed: tuple[Managed, ...]


class Holder(Strict):
    """A member of the target has something that a role gives."""

    principal: str
    grants: str
    ours: bool | None = None
    extra_privileges: Sentence = ""
    member_id: str = ""
    via: str = ""


class Held(Strict):
    """To `list_holders`: everyone who has what the roles give, no matter who gave it."""

    holders: tuple[Holder, ...]


class Finding(Strict):
    """One line of a check."""

    level: Literal["ok", "warning", "error"]
    subject: Sentence
    sentence: Sentence
    cure: Sentence = ""


class Checked(Strict):
    """To `check`."""

    findings: tuple[Finding, ...] = Field(max_length=100)


Kind = Literal[
    "transient", "rate_limited", "ambiguous", "conflict", "permanent", "bad_config", "bad_credential", "not_permitted",
    "target_not_found", "principal_not_found", "not_grantable", "unsupported", "standing_access",
]  # fmt: skip


class Failure(Strict):
    """Why it was not done."""

    kind: Kind
    sentence: Sentence = ""
    """Is shown to people: no secrets, no hosts."""
    retry_after: Seconds | None = None


class Failed(Strict):
    """To every question, instead of the answer."""

    error: Failure


ANSWERS: dict[Verb, type[Strict]] = {
    "grant": Granted, "extend": Granted, "observe": Observed, "revoke": Removed, "reveal": Revealed,
    "list": Listed, "list_holders": Held, "check": Checked,
}  # fmt: skip


def read_answer(verb: Verb, written: bytes) -> Strict:
    """The answer, or a Failed. Raises ValueError, whose words may hold what was written."""
    try:
        said: Any = json.loads(written.decode("utf-8"))
        if "\\u0000" in json.dumps(said, allow_nan=False):
            raise ValueError("a NUL character, which no database keeps")
    except RecursionError:
        raise ValueError("nested too deep") from None
    if isinstance(said, dict) and "error" in said:
        return Failed.model_validate(said)
    return ANSWERS[verb].model_validate_json(written)


def json_schema() -> dict[str, Any]:
    """All of it, for those who write a program in another language."""
    kinds = {"question": Question, "failure": Failed} | {f"answer to {verb}": kind for verb, kind in ANSWERS.items()}
    schemas = {name: TypeAdapter(kind).json_schema() for name, kind in kinds.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "version": VERSION, "messages": schemas}
