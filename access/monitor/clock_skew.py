"""Clocks that differ: while a host's and the database's are too far apart to grant by, somebody is told."""

from datetime import timedelta

from sqlmodel import Session, col, select

from access.actors import system
from access.core import Core
from access.durations import format_duration
from access.grants.start import SKEW_MOST
from access.models import Alert, AlertKind, Heartbeat

ACTOR = system("clocks")
SILENT = timedelta(minutes=5)
"""A host none of whose processes has given a sign of life for so long grants nothing that its clock could spoil."""


def note_skew(core: Core, host: str) -> None:
    """For every process, when it has measured: opens the alert about its host's clock, or closes it.

    Closes too what was said of hosts that are gone, for nobody else would.
    """
    apart = abs(core.clock.offset)
    with core.database.read() as session:
        told = set(session.exec(select(Alert.subject).filter_by(kind=AlertKind.CLOCKS, closed_at=None)))
        over = told - _living(session, core) - {host}
    if apart <= SKEW_MOST:
        over |= told & {host}
    opened = apart > SKEW_MOST and host not in told
    if not over and not opened:
        return
    channel = core.security_channel()
    sentence = (
        f"The clocks of {host} and of the database are {format_duration(apart)} apart: nothing is granted from there."
    )
    with core.work(ACTOR) as work:
        for subject in sorted(over):
            work.close_alerts(subject, AlertKind.CLOCKS)
        if opened:
            work.open_alert(AlertKind.CLOCKS, host, sentence, channel=channel)


def _living(session: Session, core: Core) -> set[str]:
    """Hosts, by the names that processes go by: `kind@host:pid`."""
    names = session.exec(select(Heartbeat.name).where(col(Heartbeat.beat_at) > core.clock.now() - SILENT))
    return {name.partition("@")[2].rpartition(":")[0] for name in names}
