"""The table of blocks, elements and objects the sandbox knows: their keys, lengths, counts and places."""

from sandbox.facts import limit
from sandbox.shapes import Flag, Many, Number, OneOf, Shape, Spec, Typed, Words

_ANY_TIME = Number(1_000_000_000, 9_999_999_999)
_ALL = 3000
_PLAIN = {"emoji": Flag()}
_MARKUP = {"verbatim": Flag()}


def plain(fact_id: str) -> Typed:
    """A plain_text object."""
    return Typed({"plain_text": Shape({"text": Words(limit(fact_id))}, _PLAIN)})


def words(fact_id: str) -> Typed:
    """A text object of either kind."""
    text = {"text": Words(limit(fact_id))}
    return Typed({"plain_text": Shape(text, _PLAIN), "mrkdwn": Shape(text, _MARKUP)})


CONFIRM = Shape(
    {
        "title": plain("confirm.title"),
        "text": words("confirm.text"),
        "confirm": plain("confirm.button"),
        "deny": plain("confirm.button"),
    },
    {"style": OneOf(("primary", "danger"))},
)

_OPTION_KEYS: dict[str, Spec] = {"description": plain("option.description")}
_VALUE = Words(limit("option.value"))
OPTION = Shape({"text": plain("option.text"), "value": _VALUE}, _OPTION_KEYS)
CHOICE = Shape({"text": words("option.text"), "value": _VALUE}, {"description": words("option.description")})
OVERFLOW_OPTION = Shape(
    {"text": plain("option.text"), "value": _VALUE}, _OPTION_KEYS | {"url": Words(limit("option.url"))}
)
GROUP = Shape({"label": plain("group.label"), "options": Many(OPTION, limit("group.options"))})
OPTIONS = Many(OPTION, limit("select.options"))
GROUPS = Many(GROUP, limit("select.groups"))

_TOUCHED: dict[str, Spec] = {"action_id": Words(limit("action_id"))}
_ASKED = _TOUCHED | {"confirm": CONFIRM, "focus_on_load": Flag()}
_SELECT = _ASKED | {"placeholder": plain("placeholder"), "initial_option": OPTION}

ELEMENTS = {
    "button": Shape(
        {"text": plain("button.text")},
        _TOUCHED
        | {
            "value": Words(limit("button.value")),
            "url": Words(limit("button.url")),
            "style": OneOf(("primary", "danger")),
            "confirm": CONFIRM,
            "accessibility_label": Words(limit("button.accessibility_label")),
        },
    ),
    "static_select": Shape({}, _SELECT | {"options": OPTIONS, "option_groups": GROUPS}),
    "external_select": Shape({}, _SELECT | {"min_query_length": Number(0, limit("option.value"))}),
    "overflow": Shape({"options": Many(OVERFLOW_OPTION, limit("overflow.options"))}, _TOUCHED | {"confirm": CONFIRM}),
    "datetimepicker": Shape({}, _ASKED | {"initial_date_time": _ANY_TIME}),
    "checkboxes": Shape(
        {"options": Many(CHOICE, limit("checkboxes.options"))},
        _ASKED | {"initial_options": Many(CHOICE, limit("checkboxes.options"))},
    ),
    "radio_buttons": Shape(
        {"options": Many(CHOICE, limit("radio_buttons.options"))}, _ASKED | {"initial_option": CHOICE}
    ),
    "plain_text_input": Shape(
        {},
        _TOUCHED
        | {
            "initial_value": Words(limit("input.max_length"), least=0),
            "multiline": Flag(),
            "min_length": Number(0, limit("input.max_length")),
            "max_length": Number(1, limit("input.max_length")),
            "dispatch_action_config": Shape(
                {}, {"trigger_actions_on": Many(OneOf(("on_enter_pressed", "on_character_entered")), 2)}
            ),
            "focus_on_load": Flag(),
            "placeholder": plain("placeholder"),
        },
    ),
}


def _only(*kinds: str) -> Typed:
    return Typed({kind: ELEMENTS[kind] for kind in kinds})


IN_SECTION = _only("button", "static_select", "external_select", "overflow", "checkboxes", "radio_buttons")
IN_ACTIONS = _only(
    "button", "static_select", "external_select", "overflow", "datetimepicker", "checkboxes", "radio_buttons"
)
IN_INPUT = _only(
    "plain_text_input", "static_select", "external_select", "datetimepicker", "checkboxes", "radio_buttons"
)

_STYLE = Shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), Flag()))
_STYLED: dict[str, Spec] = {"style": _STYLE}
_SPANS = Many(
    Typed(
        {
            "text": Shape({"text": Words(_ALL)}, _STYLED),
            "link": Shape({"url": Words(_ALL)}, _STYLED | {"text": Words(_ALL), "unsafe": Flag()}),
            "user": Shape({"user_id": Words(255)}, _STYLED),
            "channel": Shape({"channel_id": Words(255)}, _STYLED),
            "usergroup": Shape({"usergroup_id": Words(255)}, _STYLED),
            "emoji": Shape({"name": Words(255)}, _STYLED | {"unicode": Words(255)}),
            "broadcast": Shape({"range": OneOf(("here", "channel", "everyone"))}, _STYLED),
            "date": Shape(
                {"timestamp": _ANY_TIME, "format": Words(_ALL)}, _STYLED | {"url": Words(_ALL), "fallback": Words(_ALL)}
            ),
        }
    ),
    most=1000,
)
_SECTION_OF_SPANS = Shape({"elements": _SPANS})
_BORDER = Number(0, 1)
_RICH = Typed(
    {
        "rich_text_section": _SECTION_OF_SPANS,
        "rich_text_quote": Shape({"elements": _SPANS}, {"border": _BORDER}),
        "rich_text_preformatted": Shape({"elements": _SPANS}, {"border": _BORDER}),
        "rich_text_list": Shape(
            {
                "elements": Many(Typed({"rich_text_section": _SECTION_OF_SPANS}), most=1000),
                "style": OneOf(("bullet", "ordered")),
            },
            {"indent": Number(0, limit("rich_text.indent")), "offset": Number(0, 10_000), "border": _BORDER},
        ),
    }
)

_ID: dict[str, Spec] = {"block_id": Words(limit("block_id"))}
_BOTH = {
    "header": Shape({"text": plain("header.text")}, _ID | {"level": Number(1, 4)}),
    "section": Shape(
        {},
        _ID
        | {
            "text": words("text"),
            "fields": Many(words("section.field"), limit("section.fields")),
            "accessory": IN_SECTION,
            "expand": Flag(),
        },
    ),
    "context": Shape({"elements": Many(words("text"), limit("context.elements"))}, _ID),
    "divider": Shape({}, _ID),
    "actions": Shape({"elements": Many(IN_ACTIONS, limit("actions.elements"))}, _ID),
    "input": Shape(
        {"label": plain("input.label"), "element": IN_INPUT},
        _ID | {"hint": plain("input.hint"), "optional": Flag(), "dispatch_action": Flag()},
    ),
    "rich_text": Shape({"elements": Many(_RICH, most=1000)}, _ID),
}
_ALERT = Shape(
    {"text": words("alert.text")}, _ID | {"level": OneOf(("default", "info", "warning", "error", "success"))}
)

MESSAGE_BLOCKS = Many(Typed(_BOTH), limit("message.blocks"), least=0)
MODAL_BLOCKS = Many(Typed(_BOTH | {"alert": _ALERT}), limit("modal.blocks"))
VIEW = Typed(
    {
        "modal": Shape(
            {"title": plain("view.title"), "blocks": MODAL_BLOCKS},
            {
                "submit": plain("view.button"),
                "close": plain("view.button"),
                "private_metadata": Words(limit("view.private_metadata"), least=0),
                "callback_id": Words(limit("view.callback_id"), least=0),
                "external_id": Words(limit("view.external_id"), least=0),
                "notify_on_close": Flag(),
                "clear_on_close": Flag(),
                "submit_disabled": Flag(),
            },
        )
    }
)
SUGGESTION = Shape({}, {"options": Many(OPTION, limit("select.options"), least=0), "option_groups": GROUPS})
