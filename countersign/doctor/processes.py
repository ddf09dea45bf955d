"""The processes: who gives a sign of life, and whether anything is left lying."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from access.durations import format_duration
from access.lifecycle import UNFINISHED
from access.models import Alert, Grant, Heartbeat, Message
from access.monitor.unsent_alerts import LONG
from access.ports import Finding
from access.words import counted
from countersign.doctor.surroundings import Surroundings, error, not_looked_at, ok, warning
from workers.ping import PING

ALIVE = timedelta(seconds=15)
"""Three heartbeats."""
_PINGED = timedelta(minutes=3)
"""Three times as long as between two."""
_LEFT_LYING = timedelta(seconds=30)
_COMMANDS = {
    "timekeeper": "countersign timekeeper",
    "worker grant": "countersign worker grant",
    "worker revoke": "countersign worker revoke",
    "worker tell": "countersign worker tell",
    "bot": "countersign bot",
}
_UNTOLD = (
    "Tell the security team yourself. Then see why Slack takes no message: the log of `countersign worker tell`, and "
    "whether the bot is in the channel under `security`."
)
_NEED_REDIS = ("worker grant", "worker revoke", "worker tell")


def look(here: Surroundings) -> Iterator[Finding]:
    database = here.usable_database
    if database is None:
        yield not_looked_at("alive", "the database")
        return
    now = database.time()
    with database.read() as session:
        beats = session.exec(select(Heartbeat)).all()
        for kind in _COMMANDS:
            if here.redis_url is None and kind in _NEED_REDIS:
                continue  # the timekeeper does their work
            yield _alive(kind, [beat for beat in beats if beat.kind == kind], now)
        yield _ping(here, [beat.beat_at for beat in beats if beat.kind == PING], now)
        yield _left_lying(session, now)
        yield from _alerts(session, now)


def alive(here: Surroundings, *kinds: str) -> bool:
    """Does one of these give a sign of life?"""
    database = here.usable_database
    if database is None:
        return False
    since = database.time() - ALIVE
    with database.read() as session:
        beats = select(Heartbeat).where(col(Heartbeat.kind).in_(kinds), col(Heartbeat.beat_at) >= since)
        return session.exec(beats).first() is not None


def _alive(kind: str, beats: list[Heartbeat], now: datetime) -> Finding:
    living = [beat.name for beat in beats if beat.beat_at >= now - ALIVE]
    if living:
        return ok(kind, f"{len(living)} alive: {', '.join(sorted(living))}.")
    cure = f"Start `{_COMMANDS[kind]}` (`countersign up` starts all), or see its log for why it ended."
    if not beats:
        return error(kind, "Never started.", cure)
    last = max(beats, key=lambda beat: beat.beat_at)
    return error(kind, f"None is alive; the last was {last.name}, {format_duration(now - last.beat_at)} ago.", cure)


def _ping(here: Surroundings, answered: list[datetime], now: datetime) -> Finding:
    last = max(answered, default=None)
    if last is not None and last >= now - _PINGED:
        return ok("ping", f"The ping that all is well was last heard {format_duration(now - last)} ago.")
    if last is None and here.settings.ping_url is None:
        return ok("ping", "COUNTERSIGN_PING_URL is not set: when everything is down, nobody outside notices.")
    heard = "in the last day" if last is None else f"since {format_duration(now - last)} ago"
    cure = (
        "Set COUNTERSIGN_PING_URL for the timekeeper, and see its log for why there is no answer, why the sweep fails, "
        "or which alerts were not told."
    )
    return warning("ping", f"The ping that all is well was not heard {heard}.", cure)


def _left_lying(session: Session, now: datetime) -> Finding:
    late = now - _LEFT_LYING
    grants = session.exec(
        select(func.count()).select_from(Grant).where(col(Grant.status).in_(UNFINISHED), col(Grant.due_at) < late)
    ).one()
    messages = session.exec(select(func.count()).select_from(Message).where(col(Message.due_at) < late)).one()
    if not grants and not messages:
        return ok("work", "No overdue work.")
    late_work = {("grant", "grants"): grants, ("message", "messages"): messages}
    what = " and ".join(counted(number, *words) for words, number in late_work.items() if number)
    sentence = f"Overdue by more than {format_duration(_LEFT_LYING)}: {what}."
    return warning("work", sentence, "See that timekeeper and workers are alive; then look into their logs.")


def _alerts(session: Session, now: datetime) -> Iterator[Finding]:
    for alert in session.exec(select(Alert).where(col(Alert.closed_at).is_(None)).order_by(col(Alert.opened_at))):
        cure = "Mend its cause; it closes by itself. `countersign outstanding` prints what ends access by hand."
        yield warning("alert", alert.sentence, cure)
        if alert.delivered_at is None and alert.opened_at < now - LONG:
            open_for = format_duration(now - alert.opened_at)
            yield error("alert", f"This was not told yet, though it has been open for {open_for}.", _UNTOLD)
