"""Somebody opens the Home tab: a worker publishes it, then and after every change, so that one hand writes it."""

from access.messages import home
from bot.identity import Who
from bot.refusals import on_home, refusals
from bot.slack_context import SlackContext


async def opened(slack: SlackContext, who: Who) -> None:
    """Slack says so each time, and sometimes twice: once more changes nothing."""
    async with slack.ack_priority.work(), refusals(on_home(slack, who.slack)):
        await slack.do(home.open_home, person=who.actor)
