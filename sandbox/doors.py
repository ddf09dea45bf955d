"""The HTTP doors people act through: the page, story tests and the demo all use these."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from html import escape
from typing import Any

from aiohttp import web

from sandbox import clicks, commands, submits
from sandbox.acting import acting, channel_of, visible
from sandbox.chat import shown
from sandbox.errors import NotPossible, Trouble
from sandbox.parts import Parts
from sandbox.state import Channel, Member

MESSAGES_SHOWN = 300
HEARTBEAT_SECONDS = 15

Door = Callable[[Parts, dict[str, Any]], Awaitable[dict[str, Any]]]


async def answer(parts: Parts, request: web.Request) -> web.Response:
    """Answers one door: 200 with what happened, 409 with `not_possible` when the person could not do that."""
    door = DOORS.get(request.match_info["door"])
    if door is None:
        raise web.HTTPNotFound(text="there is no such door")
    try:
        asked = json.loads(await request.text() or "{}")
        return web.json_response(await door(parts, asked))
    except NotPossible as error:
        return web.json_response({"not_possible": str(error), "fields": error.fields}, status=409)
    except Trouble as trouble:
        return web.json_response({"error": trouble.name, "text": str(trouble)})
    except (KeyError, json.JSONDecodeError) as error:
        raise web.HTTPBadRequest(text=f"the request is not what this door takes: {error}") from error


async def changes(parts: Parts, request: web.Request) -> web.StreamResponse:
    """Server-sent events: the version of the workspace, now and after every change."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    watcher = parts.team.watch()
    try:
        await stream.prepare(request)
        while True:
            await stream.write(f"data: {parts.team.version}\n\n".encode())
            with suppress(TimeoutError):
                await asyncio.wait_for(watcher.wait(), HEARTBEAT_SECONDS)
            watcher.clear()
    except ConnectionError:
        return stream  # the page was closed
    finally:
        parts.team.unwatch(watcher)


async def _workspace(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    team = parts.team
    return {
        "team": {"id": team.cast.team_id, "name": team.cast.team_name},
        "app": {"name": team.app.name, "user_id": team.app.user_id, "commands": [asdict(c) for c in team.app.commands]},
        "people": [asdict(member) for member in team.people.values()],
        "channels": [
            {"id": c.id, "name": c.name, "private": c.private, "members": sorted(c.members)}
            for c in team.channels.values()
            if c.with_person is None
        ],
        "connections": len(parts.sockets),
        "request_url": parts.delivery.push.request_url if parts.delivery.push else "",
        "window_url": parts.window_url,
    }


async def _screen(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    parts.team.direct_message(person.id)
    mine = [channel for channel in parts.team.channels.values() if person.id in channel.members]
    return {
        "version": parts.team.version,
        "connections": len(parts.sockets),
        "violations": len(parts.team.violations),
        "channels": [
            {
                "id": channel.id,
                "name": channel.name,
                "private": channel.private,
                "direct": channel.with_person is not None,
                "messages": _messages_for(parts, person, channel),
            }
            for channel in mine
        ],
        "views": [parts.modals.payload(view) for view in parts.modals.stack(person.id)],
    }


async def _messages(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    channel = channel_of(parts, person, asked["channel"])
    return {"channel": channel.id, "messages": _messages_for(parts, person, channel)}


async def _view(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    return {"views": [parts.modals.payload(view) for view in parts.modals.stack(person.id)]}


async def _command(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    return await commands.command(parts, asked["as"], asked["channel"], asked["command"], asked.get("text", ""))


async def _say(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    channel = channel_of(parts, person, asked["channel"])
    if not asked["text"].strip():
        raise NotPossible("there is nothing to send")
    parts.team.post(channel, person.id, text=escape(asked["text"], quote=False))
    return {}


async def _violations(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    return {"violations": [asdict(violation) for violation in parts.team.violations]}


async def _admin(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = parts.team.people[asked["person"]]
    match asked["do"]:
        case "deactivate":
            person.deactivated = True
            person.session_lives = bool(asked.get("session_lives"))
        case "reactivate":
            person.deactivated = person.session_lives = False
        case "make_guest":
            person.guest = True
        case "make_member":
            person.guest = False
        case "add_to_channel":
            parts.team.channels[asked["channel"]].members.add(person.id)
        case "remove_from_channel":
            parts.team.channels[asked["channel"]].members.discard(person.id)
        case unknown:
            raise NotPossible(f"an administrator cannot {unknown!r} here")
    parts.team.changed()
    return {}


async def _refresh(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    await parts.sockets.refresh()
    return {}


async def _request_url(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    await parts.delivery.use_request_url(asked["url"])
    return {}


async def _check_ssl(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    if parts.delivery.push is None:
        raise NotPossible("the app is in Socket Mode and has no request URL")
    await parts.delivery.push.check_ssl()
    return {}


DOORS: dict[str, Door] = {
    "workspace": _workspace,
    "screen": _screen,
    "messages": _messages,
    "view": _view,
    "command": _command,
    "say": _say,
    "act": clicks.act,
    "suggest": clicks.suggest,
    "submit": submits.submit,
    "close": submits.close,
    "violations": _violations,
    "admin": _admin,
    "refresh_connections": _refresh,
    "request_url": _request_url,
    "check_ssl": _check_ssl,
}


def _messages_for(parts: Parts, person: Member, channel: Channel) -> list[dict[str, Any]]:
    seen = [message for message in channel.messages.values() if visible(person, message)]
    return [shown(parts, message) for message in seen[-MESSAGES_SHOWN:]]
