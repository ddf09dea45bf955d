"""What hostile holders do on a target to keep what they have, and who lets go of what they left."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from access.models import GrantStatus
from tests.invariants.choices import at, places
from tests.invariants.hostile import TRICKS, Trick
from tests.invariants.servers import Server
from tests.invariants.watched import WatchedTown


class Fighting(RuleBasedStateMachine):
    """A part of `Life`."""

    town: WatchedTown

    @precondition(lambda self: self._fighters())
    @rule(trick=st.sampled_from(TRICKS), which=places, size=st.sampled_from([1, 2, 3]))
    def a_holder_fights(self, trick: Trick, which: int, size: int) -> None:
        """While he has access, or is being thrown out; without a right left he can make nothing."""
        server, grant_id = at(self._fighters(), which)
        if grant_id in server.holders or trick != "makes objects":
            server.footholds.play(grant_id, trick, self.town.clock.now(), size)

    @precondition(lambda self: self._left())
    @rule(which=places)
    def a_colleague_lets_go(self, which: int) -> None:
        """Of what a holder made."""
        server, grant_id = at(self._left(), which)
        server.footholds.of[grant_id].being_read = False

    def _fighters(self) -> list[tuple[Server, str]]:
        fighting = (GrantStatus.ACTIVE, GrantStatus.REVOKING)
        ids = sorted({str(one.supersedes_grant_id or one.id) for one in self.town.grants() if one.status in fighting})
        return [
            (server, one)
            for server in self.town.servers.values()
            for one in ids
            if one in server.holders or one in server.footholds.ways_in()
        ]

    def _left(self) -> list[tuple[Server, str]]:
        return [(server, one) for server in self.town.servers.values() for one in sorted(server.footholds.left())]
