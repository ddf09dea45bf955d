"""The table of elements: their keys and lengths, and in which blocks each may stand."""

from sandbox.facts import limit
from sandbox.objects import (
    ALL,
    ANY_TIME,
    CHOICE,
    CONFIRM,
    GROUPS,
    IMAGE,
    OPTION,
    OPTIONS,
    OVERFLOW_OPTION,
    plain,
)
from sandbox.rich_text import RICH_TEXT
from sandbox.shapes import Flag, Many, Matching, Number, OneOf, Shape, Spec, Typed, Words

_DATE = Matching(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD")
_TIME = Matching(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:mm")
_NUMBER = Matching(r"-?\d+(\.\d+)?", "a number, written as a string")
_ID = Words(255)
_STYLE = OneOf(("primary", "danger"))

_TOUCHED: dict[str, Spec] = {"action_id": Words(limit("action_id"))}
_ASKED = _TOUCHED | {"confirm": CONFIRM, "focus_on_load": Flag()}
_PLACED = _ASKED | {"placeholder": plain("placeholder")}
_MANY = _PLACED | {"max_selected_items": Number(1, 1000)}
_TYPED = _TOUCHED | {
    "dispatch_action_config": Shape(
        {}, {"trigger_actions_on": Many(OneOf(("on_enter_pressed", "on_character_entered")), 2)}
    ),
    "focus_on_load": Flag(),
    "placeholder": plain("placeholder"),
}
_LISTED: dict[str, Spec] = {"options": OPTIONS, "option_groups": GROUPS}
_SEARCHED: dict[str, Spec] = {"min_query_length": Number(0, limit("option.value"))}
_LABEL: dict[str, Spec] = {"accessibility_label": Words(limit("button.accessibility_label"))}
_FILTER = Shape(
    {},
    {
        "include": Many(OneOf(("im", "mpim", "private", "public")), 4),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
)
_CONVERSATIONS: dict[str, Spec] = {"default_to_current_conversation": Flag(), "filter": _FILTER}
_ANSWERED: dict[str, Spec] = {"response_url_enabled": Flag()}


def _several(of: Spec) -> Many:
    return Many(of, limit("select.options"))


_FEEDBACK = Shape({"text": plain("button.text"), "value": Words(limit("button.value"))}, _LABEL)

ELEMENTS = {
    "button": Shape(
        {"text": plain("button.text")},
        _TOUCHED
        | _LABEL
        | {
            "value": Words(limit("button.value")),
            "url": Words(limit("button.url")),
            "style": _STYLE,
            "confirm": CONFIRM,
        },
    ),
    "static_select": Shape({}, _PLACED | _LISTED | {"initial_option": OPTION}),
    "external_select": Shape({}, _PLACED | _SEARCHED | {"initial_option": OPTION}),
    "users_select": Shape({}, _PLACED | {"initial_user": _ID}),
    "conversations_select": Shape({}, _PLACED | _CONVERSATIONS | _ANSWERED | {"initial_conversation": _ID}),
    "channels_select": Shape({}, _PLACED | _ANSWERED | {"initial_channel": _ID}),
    "multi_static_select": Shape({}, _MANY | _LISTED | {"initial_options": _several(OPTION)}),
    "multi_external_select": Shape({}, _MANY | _SEARCHED | {"initial_options": _several(OPTION)}),
    "multi_users_select": Shape({}, _MANY | {"initial_users": _several(_ID)}),
    "multi_conversations_select": Shape({}, _MANY | _CONVERSATIONS | {"initial_conversations": _several(_ID)}),
    "multi_channels_select": Shape({}, _MANY | {"initial_channels": _several(_ID)}),
    "overflow": Shape({"options": Many(OVERFLOW_OPTION, limit("overflow.options"))}, _TOUCHED | {"confirm": CONFIRM}),
    "datepicker": Shape({}, _PLACED | {"initial_date": _DATE}),
    "timepicker": Shape({}, _PLACED | {"initial_time": _TIME, "timezone": Words(255)}),
    "datetimepicker": Shape({}, _ASKED | {"initial_date_time": ANY_TIME}),
    "checkboxes": Shape(
        {"options": Many(CHOICE, limit("checkboxes.options"))},
        _ASKED | {"initial_options": Many(CHOICE, limit("checkboxes.options"))},
    ),
    "radio_buttons": Shape(
        {"options": Many(CHOICE, limit("radio_buttons.options"))}, _ASKED | {"initial_option": CHOICE}
    ),
    "plain_text_input": Shape(
        {},
        _TYPED
        | {
            "initial_value": Words(limit("input.max_length"), least=0),
            "multiline": Flag(),
            "min_length": Number(0, limit("input.max_length")),
            "max_length": Number(1, limit("input.max_length")),
        },
    ),
    "email_text_input": Shape({}, _TYPED | {"initial_value": Words(ALL, least=0)}),
    "url_text_input": Shape({}, _TYPED | {"initial_value": Words(ALL, least=0)}),
    "number_input": Shape(
        {"is_decimal_allowed": Flag()}, _TYPED | dict.fromkeys(("initial_value", "min_value", "max_value"), _NUMBER)
    ),
    "rich_text_input": Shape(
        {}, _TYPED | {"initial_value": RICH_TEXT, "min_lines": Number(1, 100), "max_lines": Number(1, 100)}
    ),
    "file_input": Shape(
        {}, _TOUCHED | {"filetypes": Many(Words(255), 100), "max_files": Number(1, limit("file_input.files"))}
    ),
    "workflow_button": Shape(
        {
            "text": plain("button.text"),
            "workflow": Shape(
                {
                    "trigger": Shape(
                        {"url": Words(ALL)},
                        {
                            "customizable_input_parameters": Many(
                                Shape({"name": Words(ALL), "value": Words(ALL)}), 1000, least=0
                            )
                        },
                    )
                }
            ),
        },
        _TOUCHED | _LABEL | {"style": _STYLE},
    ),
    "feedback_buttons": Shape({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _TOUCHED),
    "icon_button": Shape(
        {"text": plain("button.text"), "icon": OneOf(("trash",))},
        _TOUCHED
        | _LABEL
        | {
            "value": Words(limit("button.value")),
            "confirm": CONFIRM,
            "visible_to_user_ids": Many(_ID, limit("icon_button.users")),
        },
    ),
    "image": IMAGE,
}

_SELECTS = ("static", "external", "users", "conversations", "channels")
SELECTS = tuple(f"{kind}_select" for kind in _SELECTS) + tuple(f"multi_{kind}_select" for kind in _SELECTS)
_PICKED = ("datepicker", "timepicker", "checkboxes", "radio_buttons", *SELECTS)


def _only(*kinds: str) -> Typed:
    return Typed({kind: ELEMENTS[kind] for kind in kinds})


IN_SECTION = _only("button", "overflow", "image", "workflow_button", *_PICKED)
IN_ACTIONS = _only("button", "overflow", "workflow_button", "datetimepicker", "rich_text_input", *_PICKED)

IN_INPUT = _only(
    "plain_text_input",
    "datetimepicker",
    "rich_text_input",
    *_PICKED,
    "email_text_input",
    "url_text_input",
    "number_input",
    "file_input",
)
IN_CONTEXT_ACTIONS = _only("feedback_buttons", "icon_button")
BUTTONS = _only("button")
