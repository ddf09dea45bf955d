"""A person types a slash command."""

from typing import Any

from sandbox.acting import acting, channel_of, check_writable
from sandbox.chat import shown
from sandbox.errors import NotPossible, SlackError, Trouble
from sandbox.escaping import escape
from sandbox.parts import Parts
from sandbox.response_urls import check_answer, post_answer
from sandbox.state import Channel, Member, Message

SLACKBOT = "USLACKBOT"


async def command(parts: Parts, person_id: str, channel_id: str, name: str, text: str) -> dict[str, Any]:
    """Sends the command; gives the app's direct answer as `message`, or `error` with Slack's word for it."""
    person = acting(parts, person_id)
    channel = channel_of(parts, person, channel_id)
    check_writable(parts, channel)
    declared = next((each for each in parts.team.app.commands if each.name == name), None)
    if declared is None:
        raise NotPossible(f"{name} is not a valid command.")
    text = text.strip(" \n")  # other kinds of space arrive as they were typed
    text = escape(text, parts.team) if declared.should_escape else text
    try:
        answer = await parts.delivery.send("slash_commands", _payload(parts, person, channel, name, text))
    except Trouble as trouble:
        said = f'{name} failed with the error "{trouble.name}"'
        parts.team.post(channel, SLACKBOT, text=said, only_for=person.id)
        return {"error": trouble.name, "text": said}
    try:
        message = _show(parts, channel, person, answer)
    except SlackError as error:
        parts.violation(name, error.name, error.extra.get("errors", []))
        raise Trouble(error.name, "the app's answer cannot be shown") from error
    return {"message": shown(parts, message)} if message else {}


def _payload(parts: Parts, person: Member, channel: Channel, name: str, text: str) -> dict[str, Any]:
    cast, grid = parts.team.cast, parts.team.cast.enterprise
    kind = "privategroup" if channel.private else channel.name
    return {
        "token": "sandbox",
        "team_id": cast.team_id,
        "team_domain": cast.team_domain,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.with_person else kind,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": parts.team.app.id,
        "is_enterprise_install": "true" if grid and grid.org_install else "false",
        "response_url": parts.response_urls.give(channel.id, person.id),
        "trigger_id": parts.modals.new_trigger(person.id),
    } | ({"enterprise_id": grid.id, "enterprise_name": grid.name} if grid else {})


def _show(parts: Parts, channel: Channel, person: Member, answer: Any) -> Message | None:
    if answer in (None, "", {}):
        return None
    check_answer(answer)
    return post_answer(parts.team, channel, person.id, answer)
