"""Everything that can happen to a request and to a grant."""

from collections.abc import Mapping

from access.models import GrantStatus as G
from access.models import RequestStatus as R

REQUEST_MOVES: Mapping[R, frozenset[R]] = {
    R.PENDING: frozenset({R.APPROVED, R.DENIED, R.CANCELLED, R.LAPSED}),
    R.APPROVED: frozenset(),
    R.DENIED: frozenset(),
    R.CANCELLED: frozenset(),
    R.LAPSED: frozenset(),
}

GRANT_MOVES: Mapping[G, frozenset[G]] = {
    # Revoking, because a restored database does not know whether it was begun.
    G.SCHEDULED: frozenset({G.ACTIVATING, G.ENDED, G.REVOKING}),
    G.ACTIVATING: frozenset({G.ACTIVE, G.REVOKING, G.FAILED}),  # failed only after reading back that nothing is there
    G.ACTIVE: frozenset({G.REVOKING}),
    G.REVOKING: frozenset({G.ENDED}),  # no way back, and no giving up
    G.ENDED: frozenset(),
    G.FAILED: frozenset(),
}


ANSWERED = (R.APPROVED, R.DENIED)
"""An approver has answered the request."""

UNFINISHED = (G.SCHEDULED, G.ACTIVATING, G.ACTIVE, G.REVOKING)
FINISHED = (G.ENDED, G.FAILED)
OPENING = (G.SCHEDULED, G.ACTIVATING)
"""On the way to the holder."""
HELD = (G.ACTIVATING, G.ACTIVE)
"""Needed on the target: a role that is shared stays while one of these is left."""
REVOCABLE = (G.SCHEDULED, G.ACTIVATING, G.ACTIVE)
"""A person may still end it."""
CLOSING = (G.ACTIVE, G.REVOKING)
"""What is taken away when it is due."""
ON_TARGET = (G.ACTIVATING, G.ACTIVE, G.REVOKING)
"""It may stand on the target."""
TRANSIENT = (G.ACTIVATING, G.REVOKING)
"""Another state follows by itself, most often within a second."""


def allowed(old: R | G, new: R | G) -> bool:
    """Whether the table has this move."""
    if isinstance(old, R):
        return new in REQUEST_MOVES[old]
    return new in GRANT_MOVES[old]
