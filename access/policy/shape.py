"""The words of the policy language that this version knows, as shapes that pydantic checks; and those still to come."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from access.catalog import RESOURCE_ID, ROLE_NAME, SLANTED, Entitlement
from access.durations import format_duration, parse_duration, parse_wall_time
from access.policy.decide import REASON_LONGEST, SHORTEST
from access.words import clean

LATER = frozenset(
    (
        *("schedules", "calendars", "trackers", "deny", "never_together", "break_glass"),
        *("open_per_requester", "requests_per_hour"),
        *("step_up", "cooldown", "slack_usergroup", "okta", "subject"),
        *("when", "ticket", "notify", "view", "scope"),
    )
)
"""Words of the policy language that this version cannot enforce, and therefore refuses."""

WARN_BEFORE_END = timedelta(minutes=15)
EXTENSIONS = 1
CANARY_EVERY = timedelta(minutes=5)
CANARY_OFTENEST = timedelta(minutes=1)
CALLS_MOST = 256
BUNDLE_MOST = 10
"""As many as may be asked for at once."""
TITLE_LONGEST = 75
"""What one option of a menu in Slack holds."""
DESCRIPTION_LONGEST = 200
"""A sentence: what needs more is read by no approver."""


def _written(read: Callable[[str], object]) -> BeforeValidator:
    """A value that is written as text; `read` raises ValueError with a sentence."""

    def from_text(value: Any) -> object:
        if not isinstance(value, str):
            raise ValueError("must be text; put it in quotes")
        return read(value)

    return BeforeValidator(from_text)


def _matching(pattern: str, sentence: str) -> BeforeValidator:
    whole = re.compile(pattern)

    def read(text: str) -> str:
        if not whole.fullmatch(text):
            raise ValueError(f"{sentence}, not “{text}”")
        return text

    return _written(read)


def _title(text: str) -> str:
    cleaned = clean(text).text
    if not text or text != cleaned or "\n" in text:
        raise ValueError("a title is one line without hidden characters or spaces around it")
    if len(text) > TITLE_LONGEST:
        raise ValueError(
            f"a title has at most {TITLE_LONGEST} characters, since Slack's menus hold no more; this has {len(text)}"
        )
    return text


def _description(text: str) -> str:
    if not text or text != clean(text).text or "\n" in text:
        raise ValueError("a description is one line without hidden characters or spaces around it")
    if len(text) > DESCRIPTION_LONGEST:
        raise ValueError(
            f"a description is one sentence of at most {DESCRIPTION_LONGEST} characters; this has {len(text)}"
        )
    return text


def _duration(value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be a duration, like 90m or 2h")
    return parse_duration(str(value))


def _longest(value: Any) -> timedelta:
    span = _duration(value)
    if span < SHORTEST:
        raise ValueError(f"the shortest access is {format_duration(SHORTEST)}")
    return span


def _every(value: Any) -> timedelta:
    span = _duration(value)
    if span < CANARY_OFTENEST:
        raise ValueError(f"a canary runs every {format_duration(CANARY_OFTENEST)} at most")
    return span


def _there(value: Any) -> object:
    if value is None:
        raise ValueError("is empty; remove the word, or say what it holds")
    return value


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"unknown time zone “{text}”; write it like Europe/Amsterdam or UTC") from None


_NAME = "a name has small letters, digits and hyphens, at most 63"
Name = Annotated[str, _matching(RESOURCE_ID, _NAME)]
PersonName = Annotated[
    str,
    _matching(
        rf"{SLANTED}[a-z0-9][a-z0-9._-]{{0,62}}",
        "a person's name has small letters, digits and . - _ (no _ after . or -), at most 63",
    ),
]
RoleName = Annotated[
    str,
    _matching(
        ROLE_NAME,
        "a role's name has letters, digits and . - _ (no _ after . or -), at most 63",
    ),
]
TargetName = Annotated[
    str, _matching(r"\S(.{0,254}\S)?", "a name on a target has 1 to 256 characters without spaces around them")
]
SlackTeam = Annotated[str, _matching(r"[TE][A-Z0-9]{2,30}", "a Slack workspace is given by its id, like T0ACME")]
SlackUserId = Annotated[
    str,
    _matching(
        r"[UW][A-Z0-9]{2,30}",
        "a Slack account is given by its member id, like U0ANN (in Slack: profile, ⋮, Copy member ID)",
    ),
]
SlackChannelId = Annotated[
    str,
    _matching(
        r"[CG][A-Z0-9]{2,30}",
        "a Slack channel is given by its id, like C0SEC (in Slack: at the end of the channel's details)",
    ),
]
Title = Annotated[str, _written(_title)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Longest = Annotated[timedelta, BeforeValidator(_longest)]
WallTime = Annotated[time, _written(parse_wall_time)]
Zone = Annotated[ZoneInfo, _written(_zone)]
EntitlementText = Annotated[Entitlement, _written(Entitlement.parse)]
Quorum = Annotated[int, Field(ge=1)]


class Shape(BaseModel):
    """Nothing unknown, nothing converted that is not written so."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class OrganisationShape(Shape):
    slack_team: SlackTeam
    timezone: Zone


class PersonShape(Shape):
    slack: SlackUserId
    names: dict[str, TargetName] = {}
    manager: Annotated[str | None, _written(str)] = None


class LevelShape(Shape):
    max: Longest
    quorum: Quorum = 1
    request_ttl: Duration
    alert_after: Duration
    reason_min: Annotated[int, Field(ge=1, le=REASON_LONGEST)] = 1


class GroupShape(Shape):
    people: list[str]


class RoleShape(Shape):
    """Every other word of a role is its provider's."""

    model_config = ConfigDict(extra="allow")

    title: Title
    level: Annotated[str | None, _written(str)] = None
    description: Annotated[str | None, _written(_description)] = None


class TargetLimitsShape(Shape):
    """What the target of a resource bears from each worker."""

    concurrency: Annotated[int, Field(ge=1, le=CALLS_MOST)] | None = None
    per_second: Annotated[int, Field(ge=1, le=CALLS_MOST)] | None = None


class ResourceShape(Shape):
    id: Name
    title: Title
    level: str
    owner: str
    tags: list[Name] = []
    provider: str
    settings: dict[str, Any] = {}
    limits: Annotated[TargetLimitsShape | None, BeforeValidator(_there)] = None
    roles: Annotated[dict[RoleName, RoleShape], Field(min_length=1)]


class ForShape(Shape):
    groups: Annotated[list[str], Field(min_length=1)]
    entitlements: Annotated[list[EntitlementText], Field(min_length=1)]


class OnBehalfShape(Shape):
    """Who may ask for those whom the rule is for."""

    groups: Annotated[list[str], Field(min_length=1)]


class StageShape(Shape):
    any_of: Annotated[list[str], Field(min_length=1)] = []
    all_of: Annotated[list[str], Field(min_length=1)] = []
    quorum: Quorum = 1

    @model_validator(mode="after")
    def _in_one_way(self) -> Self:
        if bool(self.any_of) == bool(self.all_of):
            raise ValueError("say either `any_of`, so many people of these groups, or `all_of`, one of each of them")
        if self.all_of and "quorum" in self.model_fields_set:
            raise ValueError("`quorum` is for `any_of`; `all_of` wants one person for each of its groups")
        return self

    @property
    def groups(self) -> list[str]:
        return self.any_of or self.all_of


class ApproveShape(Shape):
    channel: SlackChannelId
    stages: Annotated[list[StageShape], Field(min_length=1)]


class EscalateShape(Shape):
    """One step of the ladder that a request climbs while nobody answers."""

    after: Duration
    to: str | None = None
    then: Literal["lapse"] | None = None
    channel: SlackChannelId | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.to is None) == (self.then is None):
            raise ValueError("say either `to`, a group to remind or to add, or `then: lapse`")
        if self.channel is not None and self.to is None:
            raise ValueError("`channel` is where the card is posted for the people of `to`; a request just lapses")
        return self


class RuleShape(Shape):
    id: Name
    who: Annotated[ForShape, Field(alias="for")]
    # Of what is there and empty, nothing may be assumed: `max:` is a mistake, not the level's.
    max: Annotated[timedelta | None, BeforeValidator(_longest)] = None
    on_behalf: Annotated[OnBehalfShape | None, BeforeValidator(_there)] = None
    approve: ApproveShape
    escalate: list[EscalateShape] = []


class BundleShape(Shape):
    id: Name
    title: Title
    entitlements: Annotated[list[EntitlementText], Field(min_length=1, max_length=BUNDLE_MOST)]


class SecurityShape(Shape):
    group: str
    channel: SlackChannelId


class DigestShape(Shape):
    channel: SlackChannelId
    at: WallTime


class CanaryShape(Shape):
    entitlements: Annotated[list[EntitlementText], Field(min_length=1)]
    every: Annotated[timedelta, BeforeValidator(_every)] = CANARY_EVERY
    names: dict[str, TargetName] = {}


class LimitsShape(Shape):
    warn_before_end: Duration = WARN_BEFORE_END
    extensions: Annotated[int, Field(ge=0, le=100)] = EXTENSIONS


class PolicyShape(Shape):
    version: Literal[1]
    organisation: OrganisationShape
    people: dict[PersonName, PersonShape]
    levels: dict[Name, LevelShape]
    groups: dict[Name, GroupShape]
    resources: list[ResourceShape]
    rules: list[RuleShape]
    bundles: list[BundleShape] = []
    security: SecurityShape
    limits: LimitsShape = LimitsShape()
    digest: DigestShape
    canary: Annotated[CanaryShape | None, BeforeValidator(_there)] = None
