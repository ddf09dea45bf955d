"""What Slack makes of a typed command's text when its manifest says `should_escape`."""

import re

from sandbox.state import Team

_FOUND = re.compile(r"(?P<url>https?://[^\s<>|]+)|(?<![\w@])@(?P<person>[\w.-]+)|(?<![\w#])#(?P<channel>[\w-]+)")
_GROUPS = ("here", "channel", "everyone")


def escape(text: str, team: Team) -> str:
    """`&`, `<` and `>` as entities; names and addresses that Slack knows in angle brackets."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _FOUND.sub(lambda found: _marked(found, team), plain)


def _marked(found: re.Match[str], team: Team) -> str:
    if found["url"]:
        return f"<{found['url']}>"
    if found["person"]:
        return _person(found[0], found["person"], team)
    channel = next((one for one in team.channels.values() if one.name == found["channel"]), None)
    if channel is None:
        return found[0]
    # The name of a private channel is not told: https://docs.slack.dev/interactivity/implementing-slash-commands
    return f"<#{channel.id}|{'' if channel.private else channel.name}>"


def _person(typed: str, name: str, team: Team) -> str:
    if name in _GROUPS:
        return f"<!{name}>"
    member = next((one for one in team.people.values() if one.name == name), None)
    return f"<@{member.id}|{name}>" if member else typed
