"""Who and what a sandbox workspace starts with: the team, the app, the people, the channels, the user groups."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A member of the team. A guest is one that Slack marks `is_restricted`, a stranger one of another company.

    `home_team` is the id of the workspace he belongs to, when it is not this one; "" makes no e-mail address known.
    `title` is what the profile says that they do.
    """

    id: str
    name: str
    real_name: str
    tz: str = "Europe/Amsterdam"
    guest: bool = False
    deactivated: bool = False
    stranger: bool = False
    bot: bool = False
    admin: bool = False
    email: str = ""
    home_team: str = ""
    title: str = ""


@dataclass(frozen=True)
class Channel:
    """A channel with the ids of its members; the app's bot user is a member like any other."""

    id: str
    name: str
    members: tuple[str, ...]
    private: bool = False
    archived: bool = False
    ext_shared: bool = False
    org_shared: bool = False


@dataclass(frozen=True)
class UserGroup:
    """A user group; those who left the company stay in its list, as in Slack."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]
    disabled: bool = False


@dataclass(frozen=True)
class Enterprise:
    """A Grid organisation around the team; with `org_install` the app is installed for all of it and `team` is null."""

    id: str = "E0ACME"
    name: str = "Acme Group"
    org_install: bool = False


@dataclass(frozen=True)
class Shortcut:
    """A global shortcut as the manifest declares it."""

    name: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True)
class Command:
    """A slash command as the manifest declares it."""

    name: str
    usage: str = ""
    description: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class App:
    """The one app that is installed in the workspace."""

    name: str = "Countersign"
    id: str = "A0COUNTERSIGN"
    user_id: str = "U0BOT"
    bot_id: str = "B0BOT"
    scopes: tuple[str, ...] = ("commands", "chat:write", "im:write", "users:read", "channels:read", "groups:read")
    commands: tuple[Command, ...] = (
        Command("/access", "[resource/role] [time] [reason]", "Ask for access to sensitive data, for a limited time"),
    )
    shortcuts: tuple[Shortcut, ...] = ()
    events: tuple[str, ...] = ("app_home_opened",)
    home_tab: bool = True
    messages_tab: bool = True
    messages_read_only: bool = False


@dataclass(frozen=True)
class Cast:
    """The whole seed of a workspace.

    `paid` plans have user groups. `edit_window_seconds` is how long an own message can be changed, None for ever.
    """

    people: tuple[Person, ...]
    channels: tuple[Channel, ...]
    app: App = App()
    team_id: str = "T0ACME"
    team_name: str = "Acme"
    team_domain: str = "acme"
    groups: tuple[UserGroup, ...] = ()
    enterprise: Enterprise | None = None
    paid: bool = True
    edit_window_seconds: int | None = None


DEFAULT = Cast(
    people=(
        Person("U0ANN", "ann", "Ann"),
        Person("U0BEN", "ben", "Ben"),
        Person("U0LEA", "lea", "Lea", tz="Europe/Lisbon"),
        Person("U0KIM", "kim", "Kim", tz="Asia/Seoul"),
        Person("U0SAM", "sam", "Sam", tz="America/New_York"),
        Person("U0EVE", "eve", "Eve"),
        Person("U0GUS", "gus", "Gus", guest=True),
        Person("U0DEE", "dee", "Dee", deactivated=True),
    ),
    channels=(
        Channel(
            "C0PAYAPPR",
            "payments-approvals",
            ("U0ANN", "U0BEN", "U0LEA", "U0KIM", "U0SAM", "U0EVE", "U0BOT"),
            private=True,
        ),
        Channel("C0SEC", "security", ("U0SAM", "U0KIM", "U0BOT"), private=True),
        Channel(
            "C0GENERAL",
            "general",
            ("U0ANN", "U0BEN", "U0LEA", "U0KIM", "U0SAM", "U0EVE", "U0GUS"),
        ),
    ),
    groups=(UserGroup("S0PAYMENTS", "payments-leads", "Payments leads", ("U0LEA", "U0KIM", "U0GUS", "U0DEE")),),
)
