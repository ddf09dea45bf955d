"""/access <resource/role> <time> <reason>: asks in one line, without the form."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from access import operations
from access.durations import parse_when
from access.errors import InvalidInput
from bot.asking import as_sentence
from bot.commands.asked import Asked
from bot.views.answer import asked as asked_for
from bot.views.blocks import Message

USAGE = "<resource/role> <time> <reason>"
EXAMPLE = "customers-db/read 2h why you need it"
_MOST_WORDS_OF_TIME = 6
"""`1 d 2 h 30 min` has six."""

When = tuple[timedelta | None, datetime | None]


async def run(asked: Asked) -> Message:
    face, who = asked.face, asked.who
    entitlement, rest = _split(asked.words)
    (duration, until), reason = read_time(entitlement, rest, now=face.core.clock.now(), zone=who.zone)
    request = await face.do(
        operations.submit,
        requester=who.slack,
        entitlement=entitlement,
        duration=duration,
        until=until,
        reason=reason,
        source="line",
    )
    return asked_for(await face.do(operations.card_of, request.id))


def read_time(entitlement: str, rest: str, *, now: datetime, zone: ZoneInfo) -> tuple[When, str]:
    """The time at the start of `rest`, as many words as make one, and the reason after it.

    Raises InvalidInput with the line that was probably meant.
    """
    words = rest.split()
    problem = ValueError("the time is missing")
    for count in range(min(_MOST_WORDS_OF_TIME, len(words)), 0, -1):
        try:
            when = parse_when(" ".join(words[:count]), now=now, zone=zone)
        except ValueError as error:
            problem = error
            continue
        reason = rest.split(maxsplit=count)[count:]
        return ((when, None) if isinstance(when, timedelta) else (None, when)), "".join(reason)
    meant = f"/access {entitlement} 2h {rest}".rstrip() if rest else f"/access {entitlement} 2h why you need it"
    raise InvalidInput("duration", f"{as_sentence(problem)} Did you mean {meant[:300]}?")


def _split(words: str) -> tuple[str, str]:
    first, *rest = words.split(maxsplit=1)
    return first, "".join(rest)
