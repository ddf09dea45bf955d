"""Whether somebody else's clock agrees with this host's."""

from datetime import datetime, timedelta

from access.ports import Finding
from countersign.doctor.surroundings import error, ok, warning

_WARN = timedelta(seconds=1)
_REFUSE = timedelta(seconds=30)
"""From here on nothing is granted."""
_CURE = "Let both hosts keep time by NTP; `timedatectl` says whether this one does."


def compare(
    whose: str, theirs: datetime, before: datetime, after: datetime, *, grain: timedelta = timedelta(0)
) -> Finding:
    """`theirs` was read between `before` and `after` of this host; it may be up to `grain` later than it says."""
    skew = max(theirs - after, before - (theirs + grain), timedelta(0))
    seconds = f"{skew.total_seconds():.1f} s"
    if skew > _REFUSE:
        return error("clock", f"{whose} clock and this host's are {seconds} apart: nothing is granted.", _CURE)
    if skew > _WARN:
        return warning("clock", f"{whose} clock and this host's are {seconds} apart.", _CURE)
    return ok("clock", f"{whose} clock agrees with this host's.")
