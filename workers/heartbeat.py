"""The sign of life of a process, written into the database, where everyone can see that it stopped."""

from functools import partial

from workers.handlers import Schedule
from workers.repeated import Repeated

BEAT_SECONDS = 5.0


def heartbeat(schedule: Schedule, name: str, kind: str) -> Repeated:
    """Beats every five seconds while it is entered."""
    beat = partial(schedule.beat, name, kind)
    return Repeated("heartbeat", beat, every=BEAT_SECONDS, failed="the sign of life cannot be written")
