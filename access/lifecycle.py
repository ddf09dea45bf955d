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


def allowed(old: R | G, new: R | G) -> bool:
    """Whether the table has this move."""
    if isinstance(old, R):
        return new in REQUEST_MOVES[old]
    return new in GRANT_MOVES[old]
