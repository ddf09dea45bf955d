"""The few kinds of block every view is made of, and the one place that shows people's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from access.ids import SlackChannel, SlackUser
from access.words import clean

Block = dict[str, Any]
View = dict[str, Any]
Element = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """What is posted. `text` is for notifications and screen readers: ids and fixed words, never a person's."""

    text: str
    blocks: list[Block]


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text)}


def section(markup: str) -> Block:
    """Our own words with markup; whatever was put into them went through `escaped`."""
    return {"type": "section", "text": mrkdwn(markup)}


def sentence(text: str) -> Block:
    """A sentence that is shown letter by letter, such as a provider's or a policy's."""
    return {"type": "section", "text": plain(shortened(_visible(text), 3000))}


def context(markup: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(markup)]}


def note(text: str) -> Block:
    """A sentence in small print, shown letter by letter."""
    return {"type": "context", "elements": [plain(shortened(_visible(text), 3000))]}


def actions(*elements: Element) -> Block:
    return {"type": "actions", "elements": list(elements)}


def line(*elements: Element) -> Block:
    """A line in which titles and people's names stand letter by letter between our own words."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def span(words: str, **style: bool) -> Element:
    """A piece of such a line; `style` is bold, italic or code."""
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def title(words: str) -> Element:
    """A title from the policy, as it stands there."""
    return span(_visible(words), bold=True)


def person(user: SlackUser) -> Element:
    """A mention in such a line, by the id from a row."""
    return {"type": "user", "user_id": user}


def quoted(label: str, words: str) -> Block:
    """What a person wrote, as a quotation labelled as that person's: nothing in it can become a link or a mention."""
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [title(label)]},
            {"type": "rich_text_quote", "elements": [span(_visible(words))]},
        ],
    }


def preformatted(words: str) -> Block:
    """Text to copy: statements, addresses, passwords."""
    element = {"type": "rich_text_preformatted", "elements": [span(words)]}
    return {"type": "rich_text", "elements": [element]}


def button(
    text: str, *, action: str, value: str, label: str, style: Literal["primary", "danger"] | None = None,
    confirm: Element | None = None,
) -> Element:  # fmt: skip
    """`label` is what a screen reader says, because the text repeats from card to card."""
    element: Element = {
        "type": "button",
        "action_id": action,
        "text": plain(text),
        "value": value,
        "accessibility_label": shortened(label, 75),
    }
    if style is not None:
        element["style"] = style
    if confirm is not None:
        element["confirm"] = confirm
    return element


def confirmation(title: str, words: str, *, yes: str, no: str) -> Element:
    """What a button asks before it acts."""
    return {"title": plain(title), "text": plain(words), "confirm": plain(yes), "deny": plain(no)}


def link_button(text: str, *, action: str, url: str, label: str) -> Element:
    """Leads to a message. Slack tells us of the click all the same, so `action` needs a listener."""
    return {
        "type": "button",
        "action_id": action,
        "text": plain(text),
        "url": url,
        "accessibility_label": shortened(label, 75),
    }


def _visible(words: str) -> str:
    """Without what nobody can see or what turns the direction around; Slack takes no empty text."""
    return clean(words).text or "(nothing)"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(markup: str) -> dict[str, Any]:
    # verbatim: otherwise Slack makes mentions of bare @here and #general, whatever was escaped.
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


def escaped(text: str) -> str:
    """A policy's words inside markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    return f"`{escaped(text)}`"


def mention(user: SlackUser) -> str:
    """By the id from a row, never from text."""
    return f"<@{user}>"


def channel(identifier: SlackChannel) -> str:
    """By the id from a row or the policy, never from text."""
    return f"<#{identifier}>"


def linked(words: str, address: str | None) -> str:
    """Words that say by themselves where they lead, for a screen reader lists links without what stands around them."""
    return f"<{escaped(address)}|{words}>" if address else words


def mentions(users: Sequence[SlackUser], most: int = 25) -> str:
    named = ", ".join(mention(user) for user in users[:most])
    return named if len(users) <= most else f"{named} and {len(users) - most} more"


def at(moment: datetime) -> str:
    """A moment in the reader's own zone."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{moment:%Y-%m-%d %H:%M} UTC>"


def at_second(moment: datetime) -> str:
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time_secs}}|{moment:%Y-%m-%d %H:%M:%S} UTC>"


def shortened(text: str, longest: int) -> str:
    """For labels that only help to find something; what an approver decides on is never cut."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
