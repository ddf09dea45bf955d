"""Who does something, through what, with which account, and how sure that is. What proves it is checked before."""

from dataclasses import dataclass
from enum import StrEnum

from access.ids import SlackUser


class Via(StrEnum):
    """Through what a person, or a part of ours, acts."""

    SLACK = "slack"
    WEB = "web"
    API = "api"
    CLI = "cli"
    SYSTEM = "system"


class Assurance(StrEnum):
    """What stands for it that it is who it says."""

    SESSION = "session"  # a session that was opened some time ago: a stolen phone has it too
    TOKEN = "token"  # noqa: S105 -- what it is called; a program holds one
    HOST = "host"  # an account of a host that we run on
    OURS = "ours"  # a process of ours


_PROVEN = {
    Via.SLACK: Assurance.SESSION, Via.WEB: Assurance.SESSION, Via.API: Assurance.TOKEN, Via.CLI: Assurance.HOST,
    Via.SYSTEM: Assurance.OURS,
}  # fmt: skip


@dataclass(frozen=True)
class Actor:
    """The log writes it as `via:account`, such as `slack:U0ANN` and `system:timekeeper`."""

    via: Via
    account: str
    """In Slack, of a token or of a host; of a part of ours, its name."""

    def __str__(self) -> str:
        return f"{self.via}:{self.account}"

    @property
    def assurance(self) -> Assurance:
        return _PROVEN[self.via]

    @property
    def slack(self) -> SlackUser:
        """Its account in Slack; empty where it came by another way, which is no person's account."""
        return SlackUser(self.account if self.via == Via.SLACK else "")


def by_slack(account: SlackUser) -> Actor:
    """A person of Slack, as a payload proves whose signature or connection was checked."""
    return Actor(Via.SLACK, account)


def system(part: str) -> Actor:
    """A part of ours that acts by itself."""
    return Actor(Via.SYSTEM, part)


def by_host(account: str) -> Actor:
    """A person at a terminal of a host that we run on, as `account@host`."""
    return Actor(Via.CLI, account)
