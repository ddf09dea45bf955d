"""The form is sent: a request is made, or the field to mend is named; for what is open, the form becomes another."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.errors import AlreadyHeld
from access.ids import GrantId
from access.models import Request
from bot import ids
from bot.asking import read_when
from bot.face import Face
from bot.identity import Who
from bot.payload import chosen, picked, typed
from bot.refusals import beneath, refusals
from bot.views.answer import asked_in_modal
from bot.views.extension import extension_form


async def submit(ack: AsyncAck, view: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(beneath(ack, ids.ENTITLEMENT, ids.START, ids.DURATION, ids.REASON)):
        try:
            request = await _submitted(view, face, who)
        except AlreadyHeld as held:
            about = await face.do(operations.may_extend, grant_id=GrantId(held.grant), by=who.slack)
            longer, reason = typed(view, ids.DURATION), typed(view, ids.REASON)
            await ack(response_action="update", view=extension_form(about, longer=longer, reason=reason))
            return
        facts = await face.do(operations.card_of, request.id)
        await ack(response_action="update", view=asked_in_modal(facts))


async def _submitted(view: dict[str, Any], face: Face, who: Who) -> Request:
    starts_at, now = picked(view, ids.START), face.core.clock.now()
    when = read_when(typed(view, ids.DURATION), now=max(starts_at or now, now), zone=who.zone)
    return await face.do(
        operations.submit,
        requester=who.slack,
        entitlement=chosen(view, ids.ENTITLEMENT),
        duration=when.duration,
        until=when.until,
        starts_at=starts_at,
        reason=typed(view, ids.REASON),
        source="form",
        unread=when.unread,
    )
