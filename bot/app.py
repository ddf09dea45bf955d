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

from access.core import Core
from bot import direct_message, home, ids, threads
from bot.ack_priority import AckPriority, noop
from bot.directory import Directory
from bot.identity import HOME_OPENED, MESSAGE, identify
from bot.refusals import log_fault
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.slash_command import access_command
from bot.verbs import (
    accept_rights,
    accept_standing,
    approve,
    ask,
    batch,
    cancel,
    change,
    claim,
    connect,
    deny,
    details,
    done,
    extend,
    follow,
    removed_by_hand,
    revoke,
    unknown,
)

COMMAND = "/access"
Listener = Callable[..., Awaitable[Any]]

ACTIONS: dict[str, Listener] = {
    ids.APPROVE: approve.button,
    ids.APPROVE_WITH: approve.button_with,
    ids.DENY: deny.button,
    ids.REVOKE: revoke.button,
    ids.DONE: done.button,
    ids.CONNECT: connect.button,
    ids.EXTEND: extend.button,
    ids.CLAIM: claim.button,
    ids.DETAILS: details.button,
    ids.BATCH_APPROVE: batch.approve,
    ids.BATCH_SOME: batch.some,
    ids.BATCH_DENY: batch.deny,
    ids.BATCH_CLAIM: batch.claim,
    ids.CANCEL: cancel.button,
    ids.CHANGE: change.button,
    ids.BY_HAND: removed_by_hand.button,
    ids.ACCEPT_RIGHTS: accept_rights.button,
    ids.ACCEPT_STANDING: accept_standing.button,
    ids.ACCEPT_ALL_STANDING: accept_standing.button,
    ids.CHOOSE: ask.chosen,
    ids.CHOOSE_ALSO: ask.chosen,
    ids.CHOOSE_WHOM: ask.chosen,
    ids.ASK: ask.button,
    ids.FOLLOW: follow.button,
}
EVENTS: dict[str, Listener] = {HOME_OPENED: home.opened, MESSAGE: direct_message.received}
OPTIONS: dict[str, Listener] = {ids.CHOOSE: ask.suggested}
MODALS: dict[str, Listener] = {
    ids.FORM: ask.modal,
    ids.APPROVAL: approve.modal,
    ids.CHANGE_FORM: change.modal,
    ids.DENIAL: deny.modal,
    ids.BATCH_ANSWER: batch.modal,
    ids.REVOCATION: revoke.modal,
    ids.EXTENSION: extend.modal,
}


class BoltApp(AsyncApp):
    """Counts who still waits for an acknowledgement: a dispatch ends with it, whatever the listener goes on to do."""

    def __init__(self, ack_priority: AckPriority, **options: Any) -> None:
        super().__init__(**options)
        self._turns = ack_priority

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        with self._turns.unanswered():
            return await super().async_dispatch(req)


def build_app(
    core: Core, *, client: AsyncWebClient, executor: Executor, answered: Callable[[float], None] = noop
) -> AsyncApp:
    """`client` holds the bot's token; `executor` has as many threads as the database pool has connections.

    `answered` hears how many seconds each acknowledgement took.
    """
    slack = SlackContext(
        core=core, client=client, directory=Directory(client), executor=executor, ack_priority=AckPriority(answered)
    )
    app = BoltApp(slack.ack_priority, client=client, logger=logging.getLogger("bot.bolt"))

    async def inject(context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]) -> None:
        context["slack"] = slack
        context["respond"] = Reply(context.response_url, client)
        await next()

    app.middleware(inject)
    app.middleware(threads.hear)
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
    app.action(re.compile(".*"))(unknown.button)
    app.error(_failed)
    return app


async def _failed(error: Exception) -> None:
    """Listeners catch their own; what arrives here is Bolt's or a mistake of ours."""
    log_fault("a payload was not answered", error)
