"""Lives that the real workers tell to the sandbox's Slack: each call to it is a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from access.actors import by_slack
from access.grants.revoke import reveal
from access.messages.home import open_home
from access.models import MessageKind
from access.monitor.offboarding import Members
from access.monitor.routing import MEMBERS, Route
from access.monitor.sweep import Schedule
from countersign.wiring import slack_telling
from sandbox.server import Running
from tests.cast import ANN, KIM
from tests.crashes.matrix import OPEN, Life, Steps
from tests.invariants.servers import Points
from tests.invariants.town import Town
from tests.world import deadline
from workers.member_lookup import MemberLookup
from workers.revealing import Revealing

CALL = "slack "
NOBODYS_VIEW = "V0CLOSED"
"""Of a person who has closed it: the secret was made, and nobody sees it."""


class MortalClient(WebClient):
    """Has points on both sides of each call, whatever the method."""

    points: Points

    def api_call(self, api_method: str, **more: Any) -> SlackResponse:
        self.points.reach(f"{CALL}{api_method}.before")
        try:
            return super().api_call(api_method, **more)
        finally:  # a refusal is an answer
            self.points.reach(f"{CALL}{api_method}.after")


@dataclass
class ToldTown(Town):
    """What is said here is said as in a worker."""

    client: MortalClient | None = None

    @property
    def asking(self) -> MemberLookup:
        assert self.client is not None
        return MemberLookup(Members(self.core), self.client)

    def due(self, schedule: Schedule) -> list[Route]:
        routes = schedule.route([item for item, _ in schedule.sweep()]).now
        return [route for route in routes if route.item.startswith(("grant:", "notice:")) or route.target == MEMBERS]

    def tell(self, ids: Sequence[str]) -> None:
        assert self.client is not None
        self._speak(slack_telling(self.core, self.client), ids)
        self._speak(Revealing(self.core, self.targets, self.client), self._to_be_shown())

    def ask_slack(self, looks: Sequence[str]) -> None:
        self._speak(self.asking, looks)

    def _to_be_shown(self) -> list[str]:
        return [one.id for one in self.messages(MessageKind.REVEAL) if one.due_at is not None]

    @staticmethod
    def _speak(business: Any, ids: Sequence[str]) -> None:
        for claimed in business.claim(ids) if ids else []:
            business.commit([business.act(claimed, deadline())])


@dataclass
class ToldLife(Life):
    """One request, and what everybody is told of it."""

    sandbox: Running

    def found(self) -> Town:
        town = ToldTown.found(self.database, self.directory)
        client = MortalClient(self.sandbox.bot_token, base_url=self.sandbox.api_url, timeout=10, retry_handlers=[])
        client.points = town.points
        return replace(town, client=client)

    def all_is_over(self) -> None:
        undelivered = [one for kind in (MessageKind.REVIEW, MessageKind.ANSWER) for one in self.town.messages(kind)]
        assert [one.id for one in undelivered if one.delivered_at is None] == [], "somebody was never told"

    # The steps

    def open_homes(self) -> None:
        for person in (ANN, KIM):
            open_home(self.town.core, person=by_slack(person))

    def want_the_secret(self) -> None:
        reveal(self.town.core, grant_id=self.town.grants()[-1].id, by=by_slack(ANN), view=NOBODYS_VIEW)

    def schedule_checks(self) -> None:
        self.town.clock.tick(seconds=31)
        self.turn()

    def let_a_second_pass(self) -> None:
        """So long a state must stand that another one follows by itself."""
        self.town.clock.tick(seconds=1)

    def let_five_minutes_pass(self) -> None:
        """By then everybody who has something open is asked about."""
        self.town.clock.tick(minutes=5)


TOLD_STEPS: Mapping[str, Steps] = {
    "chat.postMessage": (Life.ask, Life.look),
    "chat.update": (Life.ask, Life.look, Life.approve, ToldLife.let_a_second_pass, Life.look),
    "views.publish": (Life.ask, Life.look, ToldLife.open_homes, Life.look),
    "users.info": (*OPEN, ToldLife.schedule_checks, ToldLife.let_five_minutes_pass, Life.look),
    "views.update": (*OPEN, ToldLife.want_the_secret, Life.look),
}
"""By the call that is made in the last one."""
