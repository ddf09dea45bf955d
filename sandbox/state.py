"""The workspace and its memory: people, channels, messages and who waits for news of them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from sandbox.cast import Cast
from sandbox.cast import Person as Seed
from sandbox.errors import SlackError

CLOCK_LOOK_SECONDS = 0.05


@dataclass
class Member:
    """A person, or the app's bot user, as the workspace knows him now."""

    id: str
    name: str
    real_name: str
    tz: str
    guest: bool = False
    deactivated: bool = False
    bot: bool = False
    stranger: bool = False
    admin: bool = False
    email: str = ""
    home_team: str = ""
    title: str = ""
    session_lives: bool = False

    @property
    def can_act(self) -> bool:
        """Whether he can still press anything: a session may outlive a deactivation by a moment."""
        return not self.bot and (not self.deactivated or self.session_lives)


@dataclass
class Message:
    """A message as it stands; `only_for` is the one person who sees it when it is ephemeral.

    One that is `lost` was accepted and is seen by nobody, as Slack does with ephemerals in a thread that is not there.
    """

    ts: str
    author: str
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    only_for: str | None = None
    edited: bool = False
    edited_ts: str | None = None
    auto_parse: bool = False
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    lost: bool = False


@dataclass
class Channel:
    """A channel or a direct message; `with_person` names the person a direct message is held with."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    with_person: str | None = None
    archived: bool = False
    ext_shared: bool = False
    org_shared: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class Violation:
    """A call or an answer of the app that Slack would have refused in any workspace."""

    where: str
    error: str
    messages: tuple[str, ...]


class Team:
    """One workspace. Used from one event loop; `clock` gives seconds since the epoch."""

    def __init__(self, cast: Cast, clock: Callable[[], float]) -> None:
        self.cast = cast
        self.app = cast.app
        self._clock = clock
        self._moved = 0.0
        self.people = {seed.id: _member(seed) for seed in cast.people}
        bot = Member(cast.app.user_id, cast.app.name.lower(), cast.app.name, "Etc/UTC", bot=True)
        self.people[bot.id] = bot
        self.channels = {
            seed.id: Channel(
                seed.id,
                seed.name,
                set(seed.members),
                seed.private,
                archived=seed.archived,
                ext_shared=seed.ext_shared,
                org_shared=seed.org_shared,
            )
            for seed in cast.channels
        }
        self.uninstalled = False
        self.violations: list[Violation] = []
        self.version = 0
        self._watchers: set[asyncio.Event] = set()
        self._last_ts = 0

    def now(self) -> float:
        """Seconds since the epoch, by the workspace's clock."""
        return self._clock() + self._moved

    def move_clock(self, seconds: float) -> None:
        """Lets this much time pass at once."""
        self._moved += seconds
        self.changed()

    async def until(self, moment: float) -> None:
        """Waits until the workspace's clock, which tests may move by hand, shows this moment."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - a clock moved from outside tells nobody
            await asyncio.sleep(min(left, CLOCK_LOOK_SECONDS))

    def person(self, person_id: str) -> Member:
        """The member with this id; `user_not_found` otherwise."""
        if person_id not in self.people:
            raise SlackError("user_not_found")
        return self.people[person_id]

    def direct_message(self, person_id: str) -> Channel:
        """The direct message between the app and this person, opened if need be."""
        channel_id = "D" + person_id[1:]
        if channel_id not in self.channels:
            members = {person_id, self.app.user_id}
            self.channels[channel_id] = Channel(channel_id, "directmessage", members, True, person_id)
        return self.channels[channel_id]

    def next_ts(self) -> str:
        """The time as Slack writes it (`seconds.microseconds`), never the same twice."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def post(self, channel: Channel, author: str, **content: Any) -> Message:
        """Adds a message to the channel and tells whoever watches."""
        message = Message(self.next_ts(), author, **content)
        channel.messages[message.ts] = message
        self.changed()
        return message

    def violation(self, where: str, error: str, messages: list[str]) -> None:
        """Keeps what the app did wrong, so that a test suite can insist on none."""
        self.violations.append(Violation(where, error, tuple(messages)))
        self.changed()

    def changed(self) -> None:
        """Tells every watcher that the workspace is not what it was."""
        self.version += 1
        for watcher in self._watchers:
            watcher.set()

    def watch(self) -> asyncio.Event:
        """An event that is set at every change from now on; give it back with `unwatch`."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Ends a watch."""
        self._watchers.discard(watcher)


def new_id(prefix: str) -> str:
    """A fresh id in Slack's manner, such as `V0A1B2C3D4E`."""
    return f"{prefix}0{secrets.token_hex(5).upper()}"


def _member(seed: Seed) -> Member:
    return Member(**{held.name: getattr(seed, held.name) for held in fields(seed)})
