"""Follow: the button has led its presser to a message; Slack only wants to know that we heard of it."""

from slack_bolt.context.ack.async_ack import AsyncAck


async def button(ack: AsyncAck) -> None:
    await ack()
