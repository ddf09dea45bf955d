"""What `/access help` answers."""

from collections.abc import Iterable

from bot import ids
from bot.views.blocks import Rendered, actions, button, code, context, header, section


def what_to_type() -> Rendered:
    """To who has written a message to the bot."""
    ask = button("Ask for access", action=ids.ASK, value="ask", label="Ask for access, opens the form", style="primary")
    words = (
        f"*Messages to Countersign are not read.* Type {code('/access')} to ask for access, "
        f"{code('/access mine')} to see what you hold and wait for, or {code('/access help')} for everything else."
    )
    return Rendered(text="Messages to Countersign are not read: type /access", blocks=[section(words), actions(ask)])


def help_message(commands: Iterable[tuple[str, str]]) -> Rendered:
    """`commands`: how each is written, and what it does."""
    lines = [f"{code(f'/access {usage}'.strip())} {meaning}" for usage, meaning in commands]
    times = " ".join(map(code, ("90s", "90m", "2h", "1h30", "1d", "until 17:00")))
    starts = ", ".join(map(code, ("from 9:00", "from tomorrow 9:00", "from monday 9:00", "from 2026-11-27 9:00")))
    return Rendered(
        text="How to use /access",
        blocks=[
            header("How to use /access"),
            section("\n".join(lines)),
            context("Where there is only one thing that can be meant, its id can be left out."),
            context(f"Times are written {times}; a time of day is in your own zone."),
            context(f"To begin later, say when after the time: {starts}."),
        ],
    )
