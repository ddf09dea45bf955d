"""Who would receive what another asks for: as at a decision, Slack must show a full and active member now."""

from access.errors import InvalidInput
from access.ids import SlackUser
from access.messages.rate_limits import USERS_INFO, Call
from bot.directory import NotAMember, Unverified
from bot.identity import Who
from bot.limits import note
from bot.slack_context import SlackContext

_NO_MEMBER = "Slack does not show that person as a full member of this workspace, so nothing can be asked for them."
_UNVERIFIED = "Slack could not tell just now who that person is, so nothing was asked. Please try again in a minute."


async def not_a_member(slack: SlackContext, who: Who, account: SlackUser | None) -> InvalidInput | None:
    """Told with all else that is wrong. None: a member, who asks himself, or one whom the policy will refuse."""
    policy = await slack.policy()
    if account is None or account == who.slack or policy.person_by_slack(account) is None:
        return None
    try:
        member = await slack.directory.member(account, fresh=True)
    except NotAMember:
        return InvalidInput("subject", _NO_MEMBER)
    except Unverified as unknown:
        await note(slack, Call(USERS_INFO), unknown.__cause__)
        return InvalidInput("subject", _UNVERIFIED)
    return None if member.team == policy.slack_team else InvalidInput("subject", _NO_MEMBER)
