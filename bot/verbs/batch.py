"""The buttons of a card of several requests: one click answers all that wait, or those that are chosen."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.errors import InvalidInput, Refusal
from access.models import Request, Verdict
from access.policy.fingerprint import button_value
from access.requests.narrow import TypedTime
from access.requests.review_several import SEPARATOR, Outcome, answerable, claim_all, review_all
from bot import ids
from bot.identity import Who, still_member
from bot.payload import all_chosen, chosen, pack, place, pressed, typed, unpack
from bot.refusals import ephemeral, in_fields, refusals, sentence_of
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.batch_answer import denial_of_several, not_all, not_all_in_message, not_all_in_modal, some_of_it


async def approve(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.BATCH_APPROVE)
        outcomes = await slack.do(
            review_all, buttons=pressed(body), reviewer=who.actor, verdict=Verdict.APPROVE, card=place(body)
        )
        await _told_beside(respond, outcomes, "request.approve")


async def claim(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.BATCH_CLAIM)
        outcomes = await slack.do(claim_all, buttons=pressed(body), by=who.actor)
        await _told_beside(respond, outcomes, "request.claim")


async def some(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    """Who cannot approve any of them may still deny: a no ends it at any stage."""
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        try:
            parts, view = await _answerable(body, slack, who, Verdict.APPROVE), some_of_it
        except Refusal as refused:
            try:
                parts, view = await _answerable(body, slack, who, Verdict.DENY), denial_of_several
            except Refusal:
                raise refused from None
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view(parts, pack("", place(body))))


async def deny(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        parts = await _answerable(body, slack, who, Verdict.DENY)
        view = denial_of_several(parts, pack("", place(body)))
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view)


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.PARTS, ids.COMMENT, ids.DURATION)):
        await still_member(slack, who, ids.BATCH_ANSWER)
        picked = all_chosen(view, ids.PARTS)
        if not picked:
            raise InvalidInput(ids.PARTS, "Tick at least one of them.")
        verdict = Verdict.APPROVE if chosen(view, ids.VERDICT) == Verdict.APPROVE else Verdict.DENY
        less = typed(view, ids.DURATION).strip() if ids.DURATION in view["state"]["values"] else ""
        if less and verdict is Verdict.DENY:
            raise InvalidInput(ids.DURATION, "Leave the time empty to deny.")
        outcomes = await slack.do(
            review_all,
            buttons=SEPARATOR.join(picked),
            reviewer=who.actor,
            verdict=verdict,
            comment=typed(view, ids.COMMENT),
            card=unpack(view)[1],
            less=TypedTime(text=less, zone=who.zone) if less else None,
        )
        left = not_all(outcomes, f"request.{verdict}", sentence_of)
        await (ack(response_action="update", view=not_all_in_modal(left)) if left else ack())


async def _told_beside(respond: Reply, outcomes: list[Outcome], attempt: str) -> None:
    """The card shows what was done; what was not is told to who clicked."""
    left = not_all(outcomes, attempt, sentence_of)
    if left:
        await respond(not_all_in_message(left))


async def _answerable(
    body: dict[str, Any], slack: SlackContext, who: Who, verdict: Verdict
) -> list[tuple[Request, str]]:  # fmt: skip
    """With the button of each, as it is now: it was compared with what was pressed."""
    found = await slack.do(answerable, buttons=pressed(body), reviewer=who.actor, verdict=verdict)
    return [(one, button_value(one.id, one.version, one.fingerprint)) for one in found]
