"""What the policy says of such a target: which program, as whom, with what; and what the program can do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from access.ports import Capabilities, Isolation, SecretReference

Ability = Literal["expire", "extend", "end_sessions", "reveal", "list", "list_holders"]
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
PLACEHOLDERS = ("name", "principal", "grants")
_STEERS_THE_PROGRAM = ("LD_", "PYTHON", "PERL", "BASH_", "COUNTERSIGN_", "SLACK_")
_NAMES_OF_OURS = ("PATH", "IFS", "ENV", "DATABASE_URL", "REDIS_URL", "NODE_OPTIONS", "RUBYOPT")


def _plain(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("has nothing in it, or an invisible character; write it out")
    return text


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("a program is given by its whole path, such as /usr/local/lib/countersign/sudoers")
    if any(step in ("", ".", "..") for step in path[1:].split("/")):
        raise ValueError("a path has no `.`, no `..` and no `//` in it")
    return path


def _one_of_ours(line: str) -> str:
    unknown = [found for found in _PLACEHOLDER.findall(line) if found not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        raise ValueError(f"{{{unknown[0]}}} is no placeholder; there are {known}")
    return line


def _harmless(name: str) -> str:
    if name.startswith(_STEERS_THE_PROGRAM) or name in _NAMES_OF_OURS:
        raise ValueError(f"{name} belongs to Countersign or decides what is run; a program cannot be given it")
    return name


Text = Annotated[str, AfterValidator(_plain), Field(max_length=1000)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_harmless)]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Settings(BaseModel):
    """`program` and `arguments` are run as they stand, by no shell; what a grant is about goes to standard input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    program: Annotated[Text, AfterValidator(_absolute)]
    arguments: tuple[Text, ...] = ()
    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] | None = None
    """Whose rights it has; needed where the worker is root."""
    where: Text = "the host of the worker"
    """For who has to end access by hand: on which host the program is."""
    environment: dict[VariableName, SecretReference] = {}
    """Variables of the program, each by where the worker has its value."""
    secrets: dict[SecretName, SecretReference] = {}
    """Go to the program's standard input, never into its arguments."""
    shared: bool = False
    """What it gives is no grant's own: membership in a group is either there or not."""
    can: frozenset[Ability] = frozenset()
    by_hand: tuple[Annotated[Text, AfterValidator(_one_of_ours)], ...] = ()
    """Statements that end access without the program; {name}, {principal} and {grants} are filled in, quoted."""
    end_means: Annotated[Text, Field(max_length=200)] = "What the program cannot end may live on."
    """For the approver: what happens to open sessions at the end."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if "extend" in self.can and "expire" not in self.can:
            raise ValueError("`extend` moves an end that the target has: it needs `expire` beside it")
        if self.shared and self.can & {"expire", "list"}:
            raise ValueError(
                "what is shared by grants has no end of its own and no mark: leave out `expire` and `list`"
            )
        return self


class Role(BaseModel):
    """What a role gives, in words that the program knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: Annotated[list[Text], Field(min_length=1, max_length=100)]


@dataclass(frozen=True, kw_only=True)
class CommandCapabilities(Capabilities):
    """Each target's own: its settings say what its program can do."""

    def of(self, settings: Mapping[str, Any]) -> Capabilities:
        can, end_means = frozenset(settings.get("can") or ()), settings.get("end_means")
        return Capabilities(
            isolation=Isolation.SHARED if settings.get("shared") is True else Isolation.PER_GRANT,
            native_expiry=timedelta(seconds=1) if "expire" in can else None,
            ends_sessions="end_sessions" in can,
            extend="extend" in can,
            reveals="reveal" in can,
            list_managed="list" in can,
            list_holders="list_holders" in can,
            end_means=end_means if isinstance(end_means, str) else Settings.model_fields["end_means"].default,
        )
