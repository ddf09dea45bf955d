"""Asks Slack about all who have something open or may decide; works on the queue `tell` beside those who tell."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access import periodic_checks
from access.approvers import account_of, is_at_approver
from access.faults import describe
from access.models import PeriodicCheck
from access.monitor.offboarding import Members, Membership
from access.ports import Deadline
from workers.slack_limits import limited_by
from workers.slack_sender import SLOW_DOWN

logger = logging.getLogger(__name__)

GONE = {
    "deleted": "Slack shows this account as deactivated.",
    "is_restricted": "Slack shows this account as a guest.",
    "is_ultra_restricted": "Slack shows this account as a guest.",
}
_NO_APPROVER = GONE | {
    "is_stranger": "Slack shows this account as one from outside.",
    "is_bot": "Slack shows this account as a bot.",
}
"""Whose clicks the bot refuses too (bot/directory.py)."""
_UNKNOWN = "Slack does not know this account any more."
_ELSEWHERE = "Slack shows this account in another workspace."


@dataclass(frozen=True)
class MemberLookup:
    """Only a definite answer counts: whatever else happens, nothing ends, and it is asked again."""

    members: Members
    client: WebClient

    def claim(self, ids: Sequence[str]) -> list[periodic_checks.Claimed]:
        return self.members.claim(ids)

    def act(self, claimed: periodic_checks.Claimed, deadline: Deadline) -> Membership:  # noqa: ARG002 -- Slack's client has a time-out of its own
        """Never raises."""
        try:
            return Membership(claimed, gone=self._gone(claimed.look))
        except SlackApiError as error:
            return _refused(claimed, error)
        except OSError as error:
            problem = f"Slack cannot be reached ({type(error).__name__})."
            return Membership(claimed, problem=problem, healthy=False)
        except Exception as error:
            logger.error("it is not known whether %s is a member: %s", claimed.look.subject, describe(error))
            return Membership(claimed, problem=f"The answer cannot be read ({type(error).__name__}).")

    def commit(self, results: Sequence[Membership]) -> None:
        self.members.commit(results)

    def release(self, claimed: Sequence[periodic_checks.Claimed]) -> None:
        self.members.release(claimed)

    def _gone(self, seen: PeriodicCheck) -> str:
        """Why this person is no member any more, or cannot decide; empty for one who is. Raises SlackApiError."""
        user, flags = account_of(seen.subject), _NO_APPROVER if is_at_approver(seen) else GONE
        try:
            profile: dict[str, Any] = self.client.users_info(user=user)["user"] or {}
        except SlackApiError as error:
            if error.response.get("error") == "user_not_found" and self._is_our_workspace():
                return _UNKNOWN
            raise
        if profile.get("id") != user:
            raise ValueError("the answer is about another person")
        if because := next((sentence for flag, sentence in flags.items() if profile.get(flag) is True), ""):
            return because
        return _ELSEWHERE if is_at_approver(seen) and self._is_elsewhere(profile) else ""

    def _is_elsewhere(self, profile: dict[str, Any]) -> bool:
        policy, team = self.members.core.known_policy(), profile.get("team_id")
        return policy is not None and bool(team) and team != policy.slack_team

    def _is_our_workspace(self) -> bool:
        """With the token of another workspace nobody would be known, and all access would end."""
        policy = self.members.core.known_policy()
        return policy is not None and self.client.auth_test()["team_id"] == policy.slack_team


def _refused(claimed: periodic_checks.Claimed, error: SlackApiError) -> Membership:
    limited = limited_by(error)
    if limited is not None:
        return Membership(claimed, problem=SLOW_DOWN, limited=limited)
    return Membership(claimed, problem=f"Slack does not say ({error.response.get('error', 'an error')}).")
