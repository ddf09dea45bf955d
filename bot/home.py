"""Somebody opens the Home tab: a worker publishes it, then and after every change, so that one hand writes it."""

from access import operations
from bot.face import Face
from bot.identity import Who
from bot.refusals import on_home, refusals


async def opened(face: Face, who: Who) -> None:
    """Slack says so each time, and sometimes twice: once more changes nothing."""
    async with face.turns.work(), refusals(on_home(face, who.slack)):
        await face.do(operations.open_home, person=who.slack)
