"""The questions, and what makes an answer to each: the policy's own rules, so that what is written loads."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from access.policy import shape
from countersign.manifest import bot_address

Answers = Mapping[str, str]
Reader = Callable[[str, Answers], str]
"""(what was typed, the answers before it): the answer. Raises ValueError with the reason."""
CASTS = ("requesters", "approvers", "security")
SOCKET, HTTP = "socket", "http"
_TOKEN = re.compile(r"[A-Za-z0-9._-]+")
_SIGNING_SECRET = re.compile(r"[A-Za-z0-9]{32,}")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*_DSN")


@dataclass(frozen=True)
class Question:
    """One question. A secret is typed without echo and not kept when the set-up is interrupted."""

    key: str
    words: str
    read: Reader
    default: Callable[[Answers], str] = lambda _answers: ""
    secret: bool = False
    optional: bool = False
    needed: Callable[[Answers], bool] = lambda _answers: True
    """Whether it is asked at all, after the answers before it; one that is not has an empty answer."""


def people_of(text: str) -> dict[str, str]:
    """`ann=U0ANN ben=U0BEN`, by name. Raises ValueError with the reason."""
    found = dict[str, str]()
    for one in text.replace(",", " ").split():
        name, equals, slack = one.partition("=")
        if not equals:
            raise ValueError(f"write each person as name=member id, like ann=U0ANN, not “{one}”")
        found[_checked(shape.PersonName, name)] = _checked(shape.SlackUserId, slack)
    if not found:
        raise ValueError("name at least one person, like ann=U0ANN")
    return found


def _as(kind: Any) -> Reader:
    return lambda text, _answers: _checked(kind, text)


def _checked(kind: Any, text: str) -> str:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return text


def _people(text: str, answers: Answers) -> str:
    """One entry is one person, whatever the parts they play."""
    known = {name: slack for key in CASTS if key in answers for name, slack in people_of(answers[key]).items()}
    names = {slack: name for name, slack in known.items()}
    for name, slack in people_of(text).items():
        if known.get(name, slack) != slack:
            raise ValueError(f"{name} was {known[name]} before, not {slack}")
        if names.get(slack, name) != name:
            raise ValueError(f"{slack} was called {names[slack]} before, not {name}")
        names[slack] = name
    return " ".join(f"{name}={slack}" for name, slack in people_of(text).items())


def _database_role(text: str, _answers: Answers) -> str:
    try:
        return _checked(shape.RoleName, text)
    except ValueError:
        raise ValueError(
            "here it has letters, digits, dots, hyphens and underscores; any other is written into access.yml by hand"
        ) from None


def _description(text: str, _answers: Answers) -> str:
    try:
        shape.RoleShape.model_validate({"title": "It", "description": text})
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return text


def _secret_name(text: str, _answers: Answers) -> str:
    if not _SECRET_NAME.fullmatch(text):
        raise ValueError("the variable has capital letters, digits and underscores and ends in _DSN: CUSTOMERS_DB_DSN")
    return text


def _dsn(text: str, _answers: Answers) -> str:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = conninfo_to_dict(text)
    except ProgrammingError:  # its words quote the password
        found = {}
    if not found.get("host") or not found.get("user"):
        raise ValueError("it looks like postgresql://countersign:password@host:5432/shop")
    return text


def _token(prefix: str, where: str) -> Reader:
    def read(text: str, _answers: Answers) -> str:
        if not text.startswith(prefix) or not _TOKEN.fullmatch(text):
            raise ValueError(f"this token begins with {prefix}; it is under {where} of the app")
        return text

    return read


def _mode(text: str, _answers: Answers) -> str:
    mode = text.lower().removesuffix(" mode")
    if mode not in (SOCKET, HTTP):
        raise ValueError(f"write {SOCKET} or {HTTP}")
    return mode


def _address(text: str, _answers: Answers) -> str:
    return bot_address(text)


def _signing_secret(text: str, _answers: Answers) -> str:
    if not _SIGNING_SECRET.fullmatch(text):
        raise ValueError("it has 32 digits and letters; it is under “Basic Information” of the app")
    return text


def _by_socket(answers: Answers) -> bool:
    return answers["mode"] == SOCKET


def _by_http(answers: Answers) -> bool:
    return answers["mode"] == HTTP


def _variable(answers: Answers) -> str:
    return answers["resource"].replace("-", "_").upper().lstrip("0123456789_") + "_DSN"


WAY = (
    Question("mode", "Connection: `socket` (the bot connects out, nothing to open) or `http` (Slack calls your URL)",
             _mode, lambda _answers: SOCKET),
    Question("address", "Where Slack calls the bot, like https://bot.example.com", _address, needed=_by_http),
)  # fmt: skip
"""Before there is an app: its manifest differs."""
QUESTIONS = (
    *WAY,
    Question("bot_token", "Bot User OAuth Token, xoxb-… (not shown; empty: later)",
             _token("xoxb-", "“OAuth & Permissions”"), secret=True, optional=True),
    Question("app_token", "App-level token, xapp-… (not shown; empty: later)",
             _token("xapp-", "“Basic Information”"), secret=True, optional=True, needed=_by_socket),
    Question("signing_secret", "Signing Secret (not shown; empty: later)", _signing_secret, secret=True, optional=True,
             needed=_by_http),
    Question("team", "Id of your Slack workspace (in the address app.slack.com/client/T…)", _as(shape.SlackTeam)),
    Question("timezone", "Time zone of your team", _as(shape.Zone), lambda _answers: "UTC"),
    Question("requesters", "Who may ask, as name=member id (in Slack: profile, ⋮, Copy member ID)", _people),
    Question("approvers", "Who approves, in the same way; approvers cannot approve their own requests", _people),
    Question("security", "Who is the security team: may end any access, hears of alerts", _people),
    Question("approval_channel", "Id of the channel where approvers are asked", _as(shape.SlackChannelId)),
    Question("security_channel", "Id of the security team's channel", _as(shape.SlackChannelId)),
    Question("resource", "First target, a PostgreSQL database; what to call it", _as(shape.Name),
             lambda _answers: "customers-db"),
    Question("title", "Its title, as people read it", _as(shape.Title), lambda _answers: "Customer database"),
    Question("role", "Role of the database that people get", _database_role, lambda _answers: "support_read"),
    Question("description", "What that role allows, in one sentence, as approvers read it", _description),
    Question("variable", "Variable of the environment for the bot's connection string to it", _secret_name, _variable),
    Question("dsn", "That connection string (not shown; empty: later)", _dsn, secret=True, optional=True),
)  # fmt: skip
"""The tokens first: with the bot's, Slack's own names are said beside the ids that follow."""
