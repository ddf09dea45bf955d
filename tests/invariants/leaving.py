"""What the machine does to Slack and to who is in it: people leave it or the policy, and come back."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.invariants.choices import slack
from tests.invariants.town_slack import SLACK_WEATHERS, SlackWeather
from tests.invariants.watched import WatchedTown


class Leaving(RuleBasedStateMachine):
    """A part of `Life`."""

    town: WatchedTown
    kept: bool

    @rule(weather=st.sampled_from(("fine", *SLACK_WEATHERS)))
    def weather_in_slack(self, weather: SlackWeather) -> None:
        self.town.slack.weather = weather

    @rule(who=st.sampled_from(["ann", "ben", "lea"]))
    def leaves_slack_or_comes_back(self, who: str) -> None:
        """Clicks that were under way still arrive; a request that is made by them ends as well."""
        if self._leaves(who, "Slack"):
            self.town.slack.deactivated.add(slack(who))
        else:
            self.town.slack.deactivated.discard(slack(who))

    @rule(who=st.sampled_from(["ann", "ben"]))
    def leaves_the_policy_or_comes_back(self, who: str) -> None:
        rules = self.town.rules
        if self._leaves(who, "the policy"):
            rules.leave(who)
        else:
            rules.people.add(who)
        rules.write(self.town.policy_file)

    def _leaves(self, who: str, what: str) -> bool:
        self.kept = False
        return self.town.leavers.leaves_or_returns(who, what, self.town.clock.now())
