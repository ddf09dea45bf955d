"""A person acting: what he may see and touch, and what every payload about him says."""

from typing import Any

from sandbox.errors import NotPossible
from sandbox.modals import View
from sandbox.parts import Parts
from sandbox.state import Channel, Member, Message


def acting(parts: Parts, person_id: str) -> Member:
    """The person who acts; not one who is deactivated, nor the bot."""
    member = parts.team.people.get(person_id)
    if member is None:
        raise NotPossible(f"nobody here has the id {person_id}")
    if not member.can_act:
        raise NotPossible(f"{member.real_name} cannot sign in")
    return member


def channel_of(parts: Parts, person: Member, channel_id: str) -> Channel:
    """A channel this person is in; his direct message with the app opens by itself."""
    own = parts.team.direct_message(person.id)
    if channel_id in (own.id, parts.team.app.user_id):
        if not parts.team.app.messages_tab:
            raise NotPossible("the app has no Messages tab")
        return own
    channel = parts.team.channels.get(channel_id)
    if channel is None:
        raise NotPossible(f"there is no channel {channel_id}")
    if person.id not in channel.members:
        raise NotPossible(f"{person.real_name} is not in #{channel.name}")
    return channel


def check_writable(parts: Parts, channel: Channel) -> None:
    """Nobody writes in an archived channel, nor where the app takes no messages."""
    if channel.archived:
        raise NotPossible(f"#{channel.name} is archived")
    if channel.with_person and parts.team.app.messages_read_only:
        raise NotPossible("sending messages to this app has been turned off")


def visible(person: Member, message: Message) -> bool:
    """Whether this person, a member of the channel, sees the message."""
    return not message.lost and message.only_for in (None, person.id)


def message_of(person: Member, channel: Channel, ts: str) -> Message:
    """A message this person sees."""
    message = channel.messages.get(ts)
    if message is None or not visible(person, message):
        raise NotPossible(f"{person.real_name} sees no such message in {channel.name}")
    return message


def top_view(parts: Parts, person: Member, view_id: str | None = None) -> View:
    """The view on top of this person's stack, which must be `view_id` when that is given."""
    view = parts.modals.top(person.id)
    if view is None:
        raise NotPossible(f"{person.real_name} has no modal open")
    if view_id not in (None, view.id):
        raise NotPossible("this modal is not on top any more")
    return view


def about(parts: Parts, person: Member, kind: str) -> dict[str, Any]:
    """What every interactive payload begins with; on Grid the team is null when the app is installed for all of it."""
    cast = parts.team.cast
    grid = cast.enterprise
    everywhere = bool(grid and grid.org_install)
    user = {"id": person.id, "username": person.name, "name": person.name}
    user["team_id"] = person.home_team or (grid.id if grid and everywhere else cast.team_id)
    team = {"id": cast.team_id, "domain": cast.team_domain}
    return {
        "type": kind,
        "team": None
        if everywhere
        else team | ({"enterprise_id": grid.id, "enterprise_name": grid.name} if grid else {}),
        "user": user,
        "api_app_id": parts.team.app.id,
        "token": "sandbox",
        "enterprise": {"id": grid.id, "name": grid.name} if grid else None,
        "is_enterprise_install": everywhere,
    }
