"""The HTTP doors people act through: the page, story tests and the demo all use these."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from html import escape
from typing import Any

from aiohttp import web

from sandbox import admin, clicks, commands, message_events, shortcuts, submits
from sandbox.acting import acting, channel_of, check_writable, message_of, visible
from sandbox.chat import message_object, shown
from sandbox.errors import NotPossible, Trouble
from sandbox.parts import Parts
from sandbox.state import Channel, Member, Message

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
        "app": {
            "name": team.app.name,
            "user_id": team.app.user_id,
            "commands": [asdict(each) for each in team.app.commands],
            "shortcuts": [asdict(each) for each in team.app.shortcuts],
            "home_tab": team.app.home_tab,
        },
        "people": [asdict(member) for member in team.people.values()],
        "channels": [
            {"id": c.id, "name": c.name, "private": c.private, "archived": c.archived, "members": sorted(c.members)}
            for c in team.channels.values()
            if c.with_person is None
        ],
        "groups": [asdict(group) for group in team.cast.groups],
        "connections": len(parts.sockets),
        "leaving": parts.sockets.leaving,
        "now": team.now(),
        "faults": [asdict(fault) for fault in parts.faults.waiting],
        "request_url": parts.delivery.push.request_url if parts.delivery.push else "",
        "window_url": parts.window_url,
    }


async def _screen(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    if parts.team.app.messages_tab:
        parts.team.direct_message(person.id)
    home = parts.homes.of(person.id)
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
        "home": parts.modals.payload(home) if home else None,
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
    check_writable(parts, channel)
    if not asked["text"].strip():
        raise NotPossible("there is nothing to send")
    thread_ts = asked.get("thread_ts")
    if thread_ts and message_of(person, channel, thread_ts).thread_ts:
        raise NotPossible("a reply has no thread of its own")
    message = parts.team.post(channel, person.id, text=escape(asked["text"], quote=False), thread_ts=thread_ts)
    message_events.posted(parts, channel, message_object(parts, message))
    return {"ts": message.ts}


async def _edit(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    """Changes the words of a message of one's own."""
    person = acting(parts, asked["as"])
    channel = channel_of(parts, person, asked["channel"])
    check_writable(parts, channel)
    message = _own_message(person, channel, asked["ts"])
    before = message_object(parts, message)
    message.text, message.edited = escape(asked["text"], quote=False), True
    message.edited_ts = parts.team.next_ts()
    parts.team.changed()
    message_events.changed(parts, channel, message_object(parts, message), before)
    return {}


async def _delete(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    """Takes a message of one's own away."""
    person = acting(parts, asked["as"])
    channel = channel_of(parts, person, asked["channel"])
    message = _own_message(person, channel, asked["ts"])
    del channel.messages[message.ts]
    parts.team.changed()
    message_events.deleted(parts, channel, message_object(parts, message))
    return {}


def _own_message(person: Member, channel: Channel, ts: str) -> Message:
    message = message_of(person, channel, ts)
    if message.author != person.id:
        raise NotPossible("only one's own messages can be changed or deleted")
    return message


async def _home(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    """Opens the app's Home or Messages tab, of which the app is told, or with `look` only reads the Home."""
    person = acting(parts, asked["as"])
    view = parts.homes.of(person.id)
    shown = parts.modals.payload(view) if view else None
    if asked.get("look"):
        return {"view": shown}
    tab = asked.get("tab", "home")
    if tab == "home" and not parts.team.app.home_tab:
        raise NotPossible("the app has no Home tab")
    told: dict[str, Any] = {"user": person.id, "channel": parts.team.direct_message(person.id).id, "tab": tab}
    if shown and tab == "home":
        told["view"] = shown
    parts.events.emit("app_home_opened", **told)
    return {"view": shown}


async def _reload(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    person = acting(parts, asked["as"])
    for channel in parts.team.channels.values():
        for ts in [message.ts for message in channel.messages.values() if message.only_for == person.id]:
            del channel.messages[ts]
    parts.team.changed()
    return {}


async def _journal(parts: Parts, asked: dict[str, Any]) -> dict[str, Any]:
    return {"entries": parts.journal.after(int(asked.get("after", 0)))}


async def _violations(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    return {"violations": [asdict(violation) for violation in parts.team.violations]}


DOORS: dict[str, Door] = {
    "workspace": _workspace,
    "screen": _screen,
    "messages": _messages,
    "view": _view,
    "command": _command,
    "say": _say,
    "edit": _edit,
    "delete": _delete,
    "act": clicks.act,
    "suggest": clicks.suggest,
    "submit": submits.submit,
    "close": submits.close,
    "violations": _violations,
    "home": _home,
    "shortcut": shortcuts.shortcut,
    "reload": _reload,
    "journal": _journal,
    **admin.DOORS,
}


def _messages_for(parts: Parts, person: Member, channel: Channel) -> list[dict[str, Any]]:
    seen = [message for message in channel.messages.values() if visible(person, message)]
    threads: dict[str, list[Message]] = {}
    for message in seen:
        if message.thread_ts:
            threads.setdefault(message.thread_ts, []).append(message)
    return [shown(parts, message, threads.get(message.ts)) for message in seen[-MESSAGES_SHOWN:]]
