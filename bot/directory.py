"""Who is a member: Slack's word for it, remembered for a minute, asked anew where something is decided."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access import clock
from access.errors import NotAllowed
from access.ids import SlackUser

REMEMBERED = 60.0
"""Seconds."""
PATIENCE = 2.0
"""Seconds. Slack waits three for our answer, and a modal's answer has to wait for this one."""
_MOST_REMEMBERED = 10_000


class NotAMember(NotAllowed):
    """Countersign is for full members of this workspace. Ask a full member to do this."""


class Unverified(NotAllowed):
    """Slack could not tell just now who you are, so nothing was done. Please try again in a minute."""


@dataclass(frozen=True)
class Member:
    """A full and active member of a workspace."""

    id: SlackUser
    team: str
    zone: str | None
    """The name of the time zone set in Slack."""


@dataclass
class Directory:
    """Asks `users.info`."""

    client: AsyncWebClient
    now: Callable[[], float] = clock.monotonic
    _known: dict[SlackUser, tuple[float, Member]] = field(default_factory=dict)

    async def member(self, user: SlackUser, *, fresh: bool = False) -> Member:
        """Raises NotAMember, or Unverified when Slack does not say."""
        asked_at, known = self._known.get(user, (float("-inf"), None))
        if known is not None and not fresh and self.now() - asked_at < REMEMBERED:
            return known
        self._known.pop(user, None)
        member = await self._ask(user)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[user] = (self.now(), member)
        return member

    async def _ask(self, user: SlackUser) -> Member:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self.client.users_info(user=user)
        except SlackApiError as error:
            if error.response.get("error") in ("user_not_found", "user_not_visible", "users_not_found"):
                raise NotAMember from None
            raise Unverified from error
        except (ClientError, OSError, TimeoutError) as error:
            raise Unverified from error
        profile: dict[str, Any] = answer["user"] or {}
        if any(profile.get(flag) for flag in _BARRED) or profile.get("id") != user or user == "USLACKBOT":
            raise NotAMember
        return Member(id=user, team=str(profile.get("team_id") or ""), zone=profile.get("tz"))


_BARRED = ("deleted", "is_restricted", "is_ultra_restricted", "is_stranger", "is_bot")
