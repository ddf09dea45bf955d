"""Response URLs: five answers within thirty minutes to what one person did."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.blocks import as_kept
from sandbox.emoji import named
from sandbox.errors import SlackError
from sandbox.facts import limit
from sandbox.state import Channel, Message, Team
from sandbox.validator import check_message

RESPONSE_TYPES = ("ephemeral", "in_channel")
FLAGS = ("replace_original", "delete_original", "mrkdwn", "unfurl_links", "unfurl_media")
KEYS = {"text", "blocks", "response_type", "thread_ts", *FLAGS}


@dataclass
class ResponseUrl:
    """Where an answer goes; `source` is the message the person clicked on, if there was one."""

    channel: str
    person: str
    made_at: float
    source: str | None = None
    uses: int = 0


class ResponseUrls:
    """All response URLs given out since the start; `base_url` is where the server answers."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._given: dict[str, ResponseUrl] = {}
        self.base_url = ""

    def give(self, channel: str, person: str, source: str | None = None) -> str:
        """A fresh URL for an answer to this person in this channel."""
        token = secrets.token_urlsafe(18)
        self._given[token] = ResponseUrl(channel, person, self._team.now(), source)
        return f"{self.base_url}/response/{token}"

    def use(self, token: str) -> ResponseUrl:
        """Counts one use; an error when there is no such URL, or it is spent or too old."""
        url = self._given.get(token)
        if url is None:
            raise SlackError("not_found")
        if self._team.now() - url.made_at > limit("response_url.seconds"):
            raise SlackError("expired_url")
        if url.uses >= limit("response_url.uses"):
            raise SlackError("used_url")
        url.uses += 1
        return url

    def answer(self, url: ResponseUrl, body: dict[str, Any]) -> None:
        """Does what the body says: a new message, one that replaces its source, or the source deleted."""
        check_answer(body)
        channel = self._team.channels[url.channel]
        source = channel.messages.get(url.source or "")
        if body.get("delete_original") and source:
            del channel.messages[source.ts]
            self._team.changed()
            return
        if body.get("replace_original") and source:
            _replace(source, body)
            self._team.changed()
            return
        post_answer(self._team, channel, url.person, body)


def check_answer(body: Any) -> None:
    """Slack's error for an answer that has nothing to show, or too much, or blocks or keys it does not take."""
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    if wrong := list(_wrong_keys(body)):
        raise SlackError("invalid_payload", errors=wrong)
    if body.get("delete_original"):
        return
    text = body.get("text") or ""
    if not text and not body.get("blocks"):
        raise SlackError("no_text")
    if len(text) > limit("post.text"):
        raise SlackError("msg_too_long")
    check_message(body.get("blocks") or [], cumulative=False)


def _wrong_keys(body: dict[str, Any]) -> Iterator[str]:
    yield from (f"this sandbox knows no key {key!r} here" for key in sorted(set(body) - KEYS))
    for key in ("text", "thread_ts"):
        if not isinstance(body.get(key, ""), str):
            yield f"must provide a string [json-pointer:/{key}]"
    for key in FLAGS:
        if not isinstance(body.get(key, False), bool):
            yield f"must provide a boolean [json-pointer:/{key}]"
    if body.get("response_type", "ephemeral") not in RESPONSE_TYPES:
        yield f"must be one of {', '.join(RESPONSE_TYPES)} [json-pointer:/response_type]"


def post_answer(team: Team, channel: Channel, person: str, body: dict[str, Any]) -> Message:
    """Posts an answer: for this person's eyes only, unless it says `in_channel`."""
    in_channel = body.get("response_type") == "in_channel"
    return team.post(
        channel,
        team.app.user_id,
        text=named(body.get("text") or ""),
        blocks=as_kept(body.get("blocks") or []),
        only_for=None if in_channel else person,
        thread_ts=body.get("thread_ts"),
    )


def _replace(message: Message, body: dict[str, Any]) -> None:
    message.text = named(body.get("text") or "")
    message.blocks = as_kept(body.get("blocks") or [])
    message.edited = not message.blocks and not message.only_for
