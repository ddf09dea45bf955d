"""The form behind `/access`: what, how long, why; and who will be asked, before anything is sent."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from access.choices import Choice, Choices, Found
from access.durations import format_duration
from access.policy.decide import AHEAD
from access.requests.submit import Preview
from bot import ids
from bot.views.asked import asked_people
from bot.views.blocks import Block, Rendered, View, channel, escaped, note, plain, section, sentence, shortened
from bot.views.rights import rights_note
from bot.views.undelivered import why_not_asked

MOST_OPTIONS = 100
"""A select of Slack's holds no more, over all its groups."""
NOTHING_TO_ASK = "The access policy has nothing that you may ask for. The security team can change that."
_LONGEST_LABEL = 75


def request_form(choices: Choices, preview: Preview | str | None = None, *, for_others: bool = False) -> View:
    """`preview` belongs to what is chosen at the moment, or says why there is none. `for_others`: it asks for whom.

    Block and action ids stay from one update to the next, so that nothing typed is lost.
    """
    terms = preview if isinstance(preview, Preview) else None
    return {
        "type": "modal",
        "callback_id": ids.FORM,
        "title": plain("Ask for access"),
        "submit": plain("Ask"),
        "close": plain("Cancel"),
        "blocks": [
            *([_whom()] if for_others else []),
            _entitlement(choices),
            *_asked(preview),
            _duration(terms),
            _start(),
            _reason(terms),
        ],
    }


def nothing_to_ask() -> Rendered:
    """In the place of a form that would have nothing to choose from."""
    return Rendered(text="There is nothing that you may ask for", blocks=[section(NOTHING_TO_ASK)])


def option_groups(choices: Iterable[Choice]) -> list[dict[str, Any]]:
    """Options grouped by resource, in the order they come in. For at most 100 choices."""
    return [
        {"label": plain(shortened(title, _LONGEST_LABEL)), "options": [_option(choice) for choice in same]}
        for (_, title), same in groupby(choices, key=lambda choice: (choice.resource_id, choice.resource_title))
    ]


def suggestions(found: Found) -> list[dict[str, Any]]:
    """As option groups, the best first; when there is more than is shown, the first label says so."""
    groups = option_groups(found.best)
    if found.total > len(found.best):
        first = groups[0]["label"]["text"]
        label = f"{len(found.best)} of {found.total:,}, type more to narrow: {first}"
        groups[0]["label"] = plain(shortened(label, _LONGEST_LABEL))
    return groups


def _whom() -> Block:
    return {
        "type": "input",
        "block_id": ids.SUBJECT,
        "label": plain("For whom?"),
        "hint": plain("For you, unless you choose another person, who then holds the access."),
        "element": {"type": "users_select", "action_id": ids.CHOOSE_WHOM, "placeholder": plain("You")},
        "dispatch_action": True,
        "optional": True,
    }


def _entitlement(choices: Choices) -> Block:
    element: dict[str, Any] = {"action_id": ids.CHOOSE, "placeholder": plain("Choose a role on a resource")}
    if len(choices) > MOST_OPTIONS:
        element |= {"type": "external_select", "min_query_length": 0}
    else:
        element |= {"type": "static_select", "option_groups": option_groups(choices)}
    return {
        "type": "input",
        "block_id": ids.ENTITLEMENT,
        "label": plain("What do you need?"),
        "element": element,
        "dispatch_action": True,
    }


def _option(choice: Choice) -> dict[str, Any]:
    return {
        "text": plain(shortened(choice.role_title, _LONGEST_LABEL)),
        "description": plain(shortened(f"{choice.entitlement}, up to {format_duration(choice.longest)}", 75)),
        "value": choice.entitlement,
    }


def _asked(preview: Preview | str | None) -> list[Block]:
    if preview is None:
        return [section("Once you have chosen, this says who will be asked.") | {"block_id": ids.ASKED}]
    if isinstance(preview, str):
        return [sentence(preview) | {"block_id": ids.ASKED}]
    allows = [note(preview.description)] if preview.description else []
    at_the_end = [note(f"When time is up: {preview.end_means}")] if preview.end_means else []
    asked = section(will_be_asked(preview)) | {"block_id": ids.ASKED}
    return [*allows, asked, *at_the_end, *rights_note(preview.rights)]


def will_be_asked(preview: Preview) -> str:
    """Who, where, and how critical it is."""
    where = f"*Will be asked in {channel(preview.channel)}:*"
    asked = f"{where} {asked_people(preview.asked)} Level {escaped(preview.level)}."
    if preview.unreachable is None:
        return asked
    return f"{asked}\n*Not at once:* {why_not_asked(preview.unreachable, preview.channel)}"


def _duration(preview: Preview | None) -> Block:
    longest = f" At most {format_duration(preview.longest)}." if preview else ""
    return {
        "type": "input",
        "block_id": ids.DURATION,
        "label": plain("For how long?"),
        "hint": plain(f"Like 90m, 2h, 1h30 or until 17:00.{longest}"),
        "element": {"type": "plain_text_input", "action_id": ids.TYPED, "placeholder": plain("2h")},
    }


def _start() -> Block:
    return {
        "type": "input",
        "block_id": ids.START,
        "label": plain("From when?"),
        "hint": plain(f"At once, unless you choose a later time, at most {format_duration(AHEAD)} ahead."),
        "element": {"type": "datetimepicker", "action_id": ids.TYPED},
        "optional": True,
    }


def _reason(preview: Preview | None) -> Block:
    length = f"{preview.reason_min} to 500" if preview and preview.reason_min else "At most 500"
    return {
        "type": "input",
        "block_id": ids.REASON,
        "label": plain("Why?"),
        "hint": plain(f"The approvers decide by this. {length} characters."),
        "element": {"type": "plain_text_input", "action_id": ids.TYPED, "multiline": True},
    }
