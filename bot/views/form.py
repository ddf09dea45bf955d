"""The form behind `/access`: what, how long, why; and who will be asked, before anything is sent."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from access.catalog import Bundle
from access.choices import Choice, Choices, Found
from access.durations import format_duration
from access.policy.decide import AHEAD
from access.requests.batch import BUNDLE, MOST
from access.requests.submit import Preview
from bot import ids
from bot.views.asked import asked_people
from bot.views.blocks import Block, Rendered, View, channel, code, escaped, note, plain, section, sentence, shortened
from bot.views.rights import rights_note
from bot.views.undelivered import why_not_asked

MOST_OPTIONS = 100
"""A select of Slack's holds no more, over all its groups."""
NOTHING_TO_ASK = "The access policy has nothing that you may ask for. The security team can change that."
_LONGEST_LABEL = 75


Previews = Mapping[str, Preview | str]
"""Of each part that is chosen at the moment, the terms, or why it cannot be asked for."""


def request_form(
    choices: Choices, preview: Preview | str | Previews | None = None, *, bundles: Sequence[Bundle] = (),
    for_others: bool = False, left_out: Mapping[str, str] | None = None,
) -> View:  # fmt: skip
    """`preview` belongs to what is chosen at the moment, or says why there is none. `for_others`: it asks for whom.
    `left_out`: what will not be asked, and why; sent once more, the form asks for the rest.

    Block and action ids stay from one update to the next, so that nothing typed is lost.
    """
    shown = _shown(preview)
    terms = [one for one in shown if isinstance(one, Preview)]
    asked = _parts(preview) if isinstance(preview, Mapping) and len(preview) > 1 else _asked(*shown)
    return {
        "type": "modal",
        "callback_id": ids.FORM,
        "title": plain("Ask for access"),
        "submit": plain("Ask for the rest" if left_out else "Ask"),
        "close": plain("Cancel"),
        **({"private_metadata": json.dumps([*left_out])} if left_out else {}),
        "blocks": [
            *_left_out(left_out or {}), *([_whom()] if for_others else []), _entitlement(choices, bundles),
            *_also(choices), *asked, _duration(terms), _start(), _reason(terms),
        ],
    }  # fmt: skip


def _shown(preview: Preview | str | Previews | None) -> Sequence[Preview | str]:
    if isinstance(preview, Mapping):
        return [*preview.values()]
    return [] if preview is None else [preview]


def nothing_to_ask() -> Rendered:
    """In the place of a form that would have nothing to choose from."""
    return Rendered(text="There is nothing that you may ask for", blocks=[section(NOTHING_TO_ASK)])


def option_groups(choices: Iterable[Choice]) -> list[dict[str, Any]]:
    """Options grouped by resource, in the order they come in. For at most 100 choices."""
    return [
        {"label": plain(shortened(title, _LONGEST_LABEL)), "options": [_option(choice) for choice in same]}
        for (_, title), same in groupby(choices, key=lambda choice: (choice.resource_id, choice.resource_title))
    ]


def suggestions(found: Found, bundles: Iterable[Bundle] = ()) -> list[dict[str, Any]]:
    """As option groups, bundles and then the best first; when there is more than is shown, the first label says so."""
    named = bundle_group(bundles)
    room = MOST_OPTIONS - sum(len(group["options"]) for group in named)
    found = Found(found.best[:room], found.total)
    groups = option_groups(found.best)
    if found.total > len(found.best):
        first = groups[0]["label"]["text"]
        label = f"{len(found.best)} of {found.total:,}, type more to narrow: {first}"
        groups[0]["label"] = plain(shortened(label, _LONGEST_LABEL))
    return [*named, *groups]


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


def _left_out(parts: Mapping[str, str]) -> list[Block]:
    if not parts:
        return []
    what = "This will" if len(parts) == 1 else "These will"
    said = sentence("\n".join(f"{name}: {because}" for name, because in parts.items()))
    return [section(f"*Nothing is asked yet. {what} not be asked:*"), said]


def _entitlement(choices: Choices, bundles: Sequence[Bundle]) -> Block:
    element: dict[str, Any] = {"action_id": ids.CHOOSE, "placeholder": plain("Choose a role on a resource")}
    if len(choices) + len(bundles) > MOST_OPTIONS:
        element |= {"type": "external_select", "min_query_length": 0}
    else:
        groups = [*bundle_group(bundles), *option_groups(choices)]
        element |= {"type": "static_select", "option_groups": groups}
    return {
        "type": "input",
        "block_id": ids.ENTITLEMENT,
        "label": plain("What do you need?"),
        "element": element,
        "dispatch_action": True,
    }


def _also(choices: Choices) -> list[Block]:
    """Several in one request; of more than a menu holds, by the line."""
    if not 1 < len(choices) <= MOST_OPTIONS:
        return []
    element: dict[str, Any] = {
        "type": "multi_static_select", "action_id": ids.CHOOSE_ALSO, "placeholder": plain("More of them"),
        "option_groups": option_groups(choices), "max_selected_items": MOST - 1,
    }  # fmt: skip
    return [
        {
            "type": "input", "block_id": ids.ALSO, "label": plain("What else?"), "element": element,
            "hint": plain(f"Each is asked and answered by itself. At most {MOST} at once."),
            "dispatch_action": True, "optional": True,
        }
    ]  # fmt: skip


def bundle_group(bundles: Iterable[Bundle]) -> list[dict[str, Any]]:
    """One group of options, or none."""
    options = [
        {
            "text": plain(shortened(bundle.title, _LONGEST_LABEL)),
            "description": plain(shortened(", ".join(map(str, bundle.entitlements)), _LONGEST_LABEL)),
            "value": f"{BUNDLE}{bundle.id}",
        }
        for bundle in bundles
    ]
    return [{"label": plain("Bundles"), "options": options}] if options else []


def _option(choice: Choice) -> dict[str, Any]:
    return {
        "text": plain(shortened(choice.role_title, _LONGEST_LABEL)),
        "description": plain(shortened(f"{choice.entitlement}, up to {format_duration(choice.longest)}", 75)),
        "value": choice.entitlement,
    }


def _asked(preview: Preview | str | None = None) -> list[Block]:
    if preview is None:
        return [section("Once you have chosen, this says who will be asked.") | {"block_id": ids.ASKED}]
    if isinstance(preview, str):
        return [sentence(preview) | {"block_id": ids.ASKED}]
    allows = [note(preview.description)] if preview.description else []
    at_the_end = [note(f"When time is up: {preview.end_means}")] if preview.end_means else []
    asked = section(will_be_asked(preview)) | {"block_id": ids.ASKED}
    return [*allows, asked, *at_the_end, *rights_note(preview.rights)]


def _parts(previews: Previews) -> list[Block]:
    return [block for name, one in previews.items() for block in _part(name, one)]


def _part(name: str, preview: Preview | str) -> list[Block]:
    """Of several, each in a few lines: what it allows, who is asked and for how long at most."""
    if isinstance(preview, str):
        return [section(f"{code(name)} *can't be asked for:*"), note(preview)]
    longest = f" At most {format_duration(preview.longest)}."
    allows = [note(preview.description)] if preview.description else []
    return [section(f"{code(name)} {will_be_asked(preview)}{longest}"), *allows, *rights_note(preview.rights)]


def will_be_asked(preview: Preview) -> str:
    """Who, where, and how critical it is."""
    where = f"*Will be asked in {channel(preview.channel)}:*"
    asked = f"{where} {asked_people(preview.asked)} Level {escaped(preview.level)}."
    if preview.unreachable is None:
        return asked
    return f"{asked}\n*Not at once:* {why_not_asked(preview.unreachable, preview.channel)}"


def _duration(terms: Sequence[Preview]) -> Block:
    longest = f" At most {format_duration(min(one.longest for one in terms))}." if terms else ""
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


def _reason(terms: Sequence[Preview]) -> Block:
    least = max((one.reason_min for one in terms), default=0)
    length = f"{least} to 500" if least else "At most 500"
    return {
        "type": "input",
        "block_id": ids.REASON,
        "label": plain("Why?"),
        "hint": plain(f"The approvers decide by this. {length} characters."),
        "element": {"type": "plain_text_input", "action_id": ids.TYPED, "multiline": True},
    }
