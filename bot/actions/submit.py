"""The form is sent: a request is made, or the field to mend is named."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from bot import ids
from bot.asking import read_when
from bot.face import Face
from bot.identity import Who
from bot.payload import chosen, typed
from bot.refusals import beneath, refusals
from bot.views.answer import asked
from bot.views.modals import done


async def submit(ack: AsyncAck, view: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(beneath(ack, ids.ENTITLEMENT)):
        duration, until = read_when(typed(view, ids.DURATION), now=face.core.clock.now(), zone=who.zone)
        request = await face.do(
            operations.submit,
            requester=who.slack,
            entitlement=chosen(view, ids.ENTITLEMENT),
            duration=duration,
            until=until,
            reason=typed(view, ids.REASON),
            source="form",
        )
        facts = await face.do(operations.card_of, request.id)
        await ack(response_action="update", view=done("Asked", asked(facts).blocks))
