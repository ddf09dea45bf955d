"""Pages: whether somebody is paged by webhook, and whether the address took the last one."""

from collections.abc import Iterator

from sqlmodel import col, select

from access.models import Message, MessageKind
from access.ports import Finding
from countersign.doctor.surroundings import Surroundings, not_looked_at, ok, warning


def look(here: Surroundings) -> Iterator[Finding]:
    if here.settings.page_url is None:
        yield ok("webhook", "COUNTERSIGN_PAGE_URL is not set: alerts are told in Slack alone.")
        return
    database = here.usable_database
    if database is None:
        yield not_looked_at("webhook", "the database")
        return
    with database.read() as session:
        newest = select(Message).where(Message.kind == MessageKind.PAGE).order_by(col(Message.id).desc())
        last = session.exec(newest.limit(1)).first()
    if last is None:
        yield ok("webhook", "COUNTERSIGN_PAGE_URL is set; there was no alert to page for yet.")
    elif last.problem:
        cure = "Correct COUNTERSIGN_PAGE_URL, or what answers there, for all processes."
        yield warning("webhook", f"The last page was not taken, and is tried again: {last.problem}", cure)
    elif last.delivered_at is None:
        yield ok("webhook", "COUNTERSIGN_PAGE_URL is set; a page is on its way.")
    else:
        yield ok(
            "webhook", f"COUNTERSIGN_PAGE_URL is set; it took the last page {last.delivered_at:%Y-%m-%d %H:%M:%S} UTC."
        )
