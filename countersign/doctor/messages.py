"""The messages: which do not arrive, since when, why, and the cure."""

from collections.abc import Iterator
from datetime import datetime

from access.alerts.undelivered import EVERYWHERE, Undelivered, all_undelivered
from access.durations import format_duration
from access.ports import Finding
from access.unit_of_work import WEBHOOK
from access.words import counted
from bot.views.undelivered import cure, named
from countersign.doctor.surroundings import Surroundings, error, not_looked_at, ok


def look(here: Surroundings) -> Iterator[Finding]:
    database = here.usable_database
    if database is None:
        yield not_looked_at("undelivered", "the database")
        return
    now = database.time()
    with database.read() as session:
        waiting = all_undelivered(session)
    if not waiting:
        yield ok("undelivered", "Every message that was tried has arrived.")
    for each in waiting:
        yield _waits(each, now)


def _waits(waiting: Undelivered, now: datetime) -> Finding:
    where = {EVERYWHERE: "Slack", WEBHOOK: "pages"}.get(waiting.where, waiting.where)
    number = counted(waiting.number, "message waits", "messages wait")
    more = waiting.number - len(waiting.first)
    listed = "; ".join([*(named(one) for one in waiting.first), *([f"and {more} more"] if more else [])])
    sentence = f"{number}, the first for {format_duration(now - waiting.since)}: {listed}. {waiting.problem}"
    return error(where, sentence, cure(waiting.where, waiting.code))
