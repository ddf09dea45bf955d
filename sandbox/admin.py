"""Doors for whoever runs the workspace: accounts, channels, the app's settings, the clock, and faults on purpose."""

from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.errors import NotPossible
from sandbox.faults import read_fault
from sandbox.parts import Parts
from sandbox.state import Channel, Member

Door = Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]


async def _admin(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    do = asked["do"]
    if do in ACCOUNTS:
        ACCOUNTS[do](_person(parts, asked), asked)
    elif do in CHANNELS:
        CHANNELS[do](_channel(parts, asked), asked)
        _tell_app(parts, do, asked)
    elif do == "uninstall_app":
        parts.team.uninstalled = True
        parts.events.emit("tokens_revoked", tokens={"oauth": [], "bot": [parts.team.app.user_id]})
        parts.events.emit("app_uninstalled")
    else:
        raise NotPossible(f"an administrator cannot {do!r} here")
    parts.team.changed()
    return {}


def _person(parts: Parts, asked: dict[str, Any]) -> Member:
    person = parts.team.people.get(asked["person"])
    if person is None:
        raise NotPossible(f"nobody here has the id {asked['person']}")
    return person


def _channel(parts: Parts, asked: dict[str, Any]) -> Channel:
    channel = parts.team.channels.get(asked["channel"])
    if channel is None:
        raise NotPossible(f"there is no channel {asked['channel']}")
    return channel


def _deactivate(person: Member, asked: dict[str, Any]) -> None:
    person.deactivated = True
    person.session_lives = bool(asked.get("session_lives"))


def _reactivate(person: Member, _: dict[str, Any]) -> None:
    person.deactivated = person.session_lives = False


def _guest(person: Member, _: dict[str, Any]) -> None:
    person.guest = True


def _member(person: Member, _: dict[str, Any]) -> None:
    person.guest = False


def _add(channel: Channel, asked: dict[str, Any]) -> None:
    channel.members.add(asked["person"])


def _remove(channel: Channel, asked: dict[str, Any]) -> None:
    channel.members.discard(asked["person"])


def _archive(channel: Channel, _: dict[str, Any]) -> None:
    channel.archived = True


def _unarchive(channel: Channel, _: dict[str, Any]) -> None:
    channel.archived = False


def _share(channel: Channel, asked: dict[str, Any]) -> None:
    channel.ext_shared = not asked.get("in_org")
    channel.org_shared = bool(asked.get("in_org"))


def _unshare(channel: Channel, _: dict[str, Any]) -> None:
    channel.ext_shared = channel.org_shared = False


ACCOUNTS = {"deactivate": _deactivate, "reactivate": _reactivate, "make_guest": _guest, "make_member": _member}
CHANNELS = {
    "add_to_channel": _add,
    "remove_from_channel": _remove,
    "archive": _archive,
    "unarchive": _unarchive,
    "share": _share,
    "unshare": _unshare,
}


def _tell_app(parts: Parts, do: str, asked: dict[str, Any]) -> None:
    if do == "remove_from_channel" and asked["person"] == parts.team.app.user_id:
        private = parts.team.channels[asked["channel"]].private
        parts.events.emit("group_left" if private else "channel_left", channel=asked["channel"])


async def _refresh(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    reason = asked.get("reason", "refresh_requested")
    parts.journal.add("socket", f"disconnect: {reason}")
    await parts.sockets.refresh(reason)
    return {}


async def _cut(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    parts.journal.add("socket", "connections broken")
    await parts.sockets.cut()
    return {}


async def _request_url(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    await parts.delivery.use_request_url(asked["url"])
    return {}


async def _check_ssl(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    if parts.delivery.push is None:
        raise NotPossible("the app is in Socket Mode and has no request URL")
    await parts.delivery.push.check_ssl()
    return {}


async def _fault(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    fault = read_fault(asked)
    parts.faults.add(fault)
    parts.journal.add("fault", fault.kind, asked)
    parts.team.changed()
    return {}


async def _clear_faults(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    parts.faults.clear()
    parts.team.changed()
    return {}


async def _move_clock(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    seconds = float(asked["seconds"])
    if seconds < 0:
        raise NotPossible("time passes in one direction")
    parts.team.move_clock(seconds)
    return {"now": parts.team.now()}


DOORS: dict[str, Door] = {
    "admin": _admin,
    "refresh_connections": _refresh,
    "cut_connections": _cut,
    "request_url": _request_url,
    "check_ssl": _check_ssl,
    "fault": _fault,
    "clear_faults": _clear_faults,
    "move_clock": _move_clock,
}
