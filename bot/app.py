"""The Bolt app: every listener in one place, behind one middleware that knows who is there."""

import logging
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from access.operations.core import Core
from bot import direct_message, home, ids
from bot.actions import (
    accept,
    accept_rights,
    approve,
    ask,
    by_hand,
    cancel,
    choose,
    connect,
    deny,
    done,
    extend,
    follow,
    revoke,
    submit,
    unknown,
)
from bot.commands import access_command
from bot.directory import Directory
from bot.face import Face
from bot.identity import HOME_OPENED, MESSAGE, identify
from bot.refusals import log_fault
from bot.reply import Reply
from bot.turns import Turns, unheard

COMMAND = "/access"
Listener = Callable[..., Awaitable[Any]]

ACTIONS: dict[str, Listener] = {
    ids.APPROVE: approve.approve,
    ids.DENY: deny.ask_why,
    ids.REVOKE: revoke.ask_why,
    ids.DONE: done.done,
    ids.CONNECT: connect.connect,
    ids.EXTEND: extend.ask_how_long,
    ids.CANCEL: cancel.cancel,
    ids.BY_HAND: by_hand.removed,
    ids.ACCEPT_RIGHTS: accept_rights.accept,
    ids.ACCEPT_STANDING: accept.accepted,
    ids.ACCEPT_ALL_STANDING: accept.accepted,
    ids.CHOOSE: choose.chosen,
    ids.ASK: ask.ask,
    ids.FOLLOW: follow.follow,
}
EVENTS: dict[str, Listener] = {HOME_OPENED: home.opened, MESSAGE: direct_message.received}
OPTIONS: dict[str, Listener] = {ids.CHOOSE: choose.suggest}
MODALS: dict[str, Listener] = {
    ids.FORM: submit.submit,
    ids.DENIAL: deny.deny,
    ids.REVOCATION: revoke.revoke,
    ids.EXTENSION: extend.extend,
}


class BoltApp(AsyncApp):
    """Counts who still waits for an acknowledgement: a dispatch ends with it, whatever the listener goes on to do."""

    def __init__(self, turns: Turns, **options: Any) -> None:
        super().__init__(**options)
        self._turns = turns

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        with self._turns.unanswered():
            return await super().async_dispatch(req)


def build_app(
    core: Core, *, client: AsyncWebClient, executor: Executor, answered: Callable[[float], None] = unheard
) -> AsyncApp:
    """`client` holds the bot's token; `executor` has as many threads as the database pool has connections.

    `answered` hears how many seconds each acknowledgement took.
    """
    face = Face(core=core, client=client, directory=Directory(client), executor=executor, turns=Turns(answered))
    app = BoltApp(face.turns, client=client, logger=logging.getLogger("bot.bolt"))

    async def lend(context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]) -> None:
        context["face"] = face
        context["respond"] = Reply(context.response_url, client)
        await next()

    app.middleware(lend)
    app.middleware(identify)
    app.command(COMMAND)(access_command)
    for action, listener in ACTIONS.items():
        app.action(action)(listener)
    for action, listener in OPTIONS.items():
        app.options(action)(listener)
    for event, listener in EVENTS.items():
        app.event(event)(listener)
    for callback, listener in MODALS.items():
        app.view(callback)(listener)
    app.action(re.compile(".*"))(unknown.unknown)
    app.error(_failed)
    return app


async def _failed(error: Exception) -> None:
    """Listeners catch their own; what arrives here is Bolt's or a mistake of ours."""
    log_fault("a payload was not answered", error)
