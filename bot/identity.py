"""One middleware before every listener: the right workspace, a person of the policy, a full and active member."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from access.actors import Actor, by_slack
from access.catalog import Policy
from access.core import Core
from access.errors import NotAllowed, Refusal
from access.ids import SlackUser
from access.messages.rate_limits import USERS_INFO, Call
from access.monitor.approver_checks import NO_MEMBER, is_named, learn
from bot.directory import Member, NotAMember
from bot.limits import note
from bot.refusals import Fields, Say, answering, ephemeral, in_modal, on_home, refusal, refusals
from bot.slack_context import SlackContext

HOME_OPENED, MESSAGE = "app_home_opened", "message"
_WRITTEN = (None, "file_share")
"""What a person's own message is called; everything else, such as a change of one, has another word."""


class WrongWorkspace(NotAllowed):
    """This app answers in one workspace only, and this is another."""


@dataclass(frozen=True)
class Who:
    """The one who clicked or typed. The id is from the payload, which Slack vouches for."""

    slack: SlackUser
    zone: ZoneInfo

    @property
    def actor(self) -> Actor:
        return by_slack(self.slack)


async def identify(
    body: dict[str, Any], context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
) -> BoltResponse | None:
    """Puts `who` beside the listener's other arguments, or refuses and lets no listener run."""
    if _looks_elsewhere(body) or _was_not_written_to_us(body):
        return await context.ack()
    async with refusals(_say(body, context)):
        context["who"] = await recognise(context["slack"], body)
    if "who" not in context:
        return context.ack.response or await context.ack()
    await next()
    return None


async def recognise(slack: SlackContext, body: dict[str, Any]) -> Who:
    """Raises a Refusal, which is recorded: a stranger's click is an event too."""
    user = SlackUser(_user(body))
    try:
        policy = await slack.policy()
        _person_of_policy(slack.core, policy, user=user, teams=teams(body))
        member = await slack.directory.member(user)
        _of_this_workspace(policy, team=member.team)
    except Refusal as refused:
        await note(slack, Call(USERS_INFO), refused.__cause__)
        await slack.do(_record, user=user, attempt=attempted(body), refused=refused)
        raise
    return Who(slack=user, zone=_zone(member, policy.timezone))


async def still_member(slack: SlackContext, who: Who, attempt: str) -> None:
    """Slack's word of this moment, for decisions. Raises a Refusal, which is recorded."""
    try:
        member = await slack.directory.member(who.slack, fresh=True)
        _of_this_workspace(await slack.policy(), team=member.team)
    except Refusal as refused:
        await note(slack, Call(USERS_INFO), refused.__cause__)
        await slack.do(_record, user=who.slack, attempt=attempt, refused=refused)
        raise
    await slack.do(_named_again, user=who.slack)


def _named_again(core: Core, *, user: SlackUser) -> None:
    """Who was no full member for a while, and decides, is named again as one who can."""
    with core.database.read() as session:
        if is_named(session, user):
            return
    with core.work(by_slack(user)) as work:
        learn(work, user, "")


def attempted(body: dict[str, Any]) -> str:
    """What a payload is about, for the audit log: a command, an action's id or a modal's."""
    if body.get("type") == "block_actions":
        return str(body["actions"][0]["action_id"])
    if body.get("type") == "view_submission":
        return str(body["view"]["callback_id"])
    return str(body.get("command") or body.get("action_id") or _event(body).get("type") or body.get("type"))


def _person_of_policy(core: Core, policy: Policy, *, user: SlackUser, teams: set[str]) -> None:
    if teams != {policy.slack_team}:
        raise WrongWorkspace
    core.person(by_slack(user), policy)


def _of_this_workspace(policy: Policy, *, team: str) -> None:
    if team != policy.slack_team:
        raise NotAMember


def _record(core: Core, *, user: SlackUser, attempt: str, refused: Refusal) -> None:
    with core.work(by_slack(user)) as work:
        because = type(refused).__name__
        work.record("attempt.refused", None, outcome="refused", attempt=attempt, because=because)
        if isinstance(refused, NotAMember):
            learn(work, user, NO_MEMBER)


def _user(body: dict[str, Any]) -> str:
    return str(body.get("user_id") or (body.get("user") or {}).get("id") or _event(body).get("user") or "")


def _event(body: dict[str, Any]) -> dict[str, Any]:
    return body.get("event") or {}


def _looks_elsewhere(body: dict[str, Any]) -> bool:
    """Slack says too when somebody opens the messages of the app; there is nothing to do then."""
    return _event(body).get("type") == HOME_OPENED and _event(body).get("tab") != "home"


def _was_not_written_to_us(body: dict[str, Any]) -> bool:
    """Slack tells of every message between a person and the bot, of the bot's own and of each change of one too."""
    event = _event(body)
    by_a_person = event.get("subtype") in _WRITTEN and not event.get("bot_id") and event.get("channel_type") == "im"
    return event.get("type") == MESSAGE and not by_a_person


def teams(body: dict[str, Any]) -> set[str]:
    """Every workspace the payload names: where it happened and whose member it was."""
    named = [body.get("team_id"), (body.get("team") or {}).get("id"), (body.get("user") or {}).get("team_id")]
    return {str(team) for team in named if team}


def _zone(member: Member, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(member.zone) if member.zone else otherwise
    except (ZoneInfoNotFoundError, ValueError):
        return otherwise


def _say(body: dict[str, Any], context: AsyncBoltContext) -> Say:
    """The way back that this kind of payload has."""
    slack, ack, respond = context["slack"], context.ack, context["respond"]

    async def say(words: str, fields: Fields) -> None:
        match body.get("type"):
            case "view_submission":
                await ack(response_action="errors", errors={_first_input(body["view"]): words})
            case "block_suggestion":
                await ack(options=[])
            case "event_callback" if _event(body).get("type") == MESSAGE:
                await answering(slack, _event(body))(words, fields)
            case "event_callback":
                await on_home(slack, _user(body))(words, fields)
            case "block_actions" if (body.get("view") or {}).get("type") == "home":
                await on_home(slack, _user(body))(words, fields)
            case "block_actions" if "view" in body:
                await in_modal(slack.client, body["view"]["id"], "Not possible")(words, fields)
            case "block_actions":
                await ephemeral(respond)(words, fields)
            case _:
                said = refusal(words)
                await ack(text=said.text, blocks=said.blocks, response_type="ephemeral")

    return say


def _first_input(view: dict[str, Any]) -> str:
    return next(block["block_id"] for block in view["blocks"] if block["type"] == "input")
