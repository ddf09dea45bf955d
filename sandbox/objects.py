"""The objects blocks are composed of: texts, confirmations, options, images."""

from sandbox.facts import limit
from sandbox.shapes import Flag, Many, Number, OneOf, Shape, Spec, Typed, Words

ANY_TIME = Number(1_000_000_000, 9_999_999_999)
ALL = 3000
_PLAIN = {"emoji": Flag()}
_MARKUP = {"verbatim": Flag()}


def plain(fact_id: str) -> Typed:
    """A plain_text object."""
    return Typed({"plain_text": Shape({"text": Words(limit(fact_id))}, _PLAIN)})


def marked(fact_id: str) -> Typed:
    """A mrkdwn object."""
    return Typed({"mrkdwn": Shape({"text": Words(limit(fact_id))}, _MARKUP)})


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

SLACK_FILE = Shape({}, {"id": Words(255), "url": Words(ALL)})
IMAGE_KEYS: dict[str, Spec] = {"image_url": Words(limit("image.url")), "slack_file": SLACK_FILE}
IMAGE = Shape({"alt_text": Words(limit("image.alt_text"))}, IMAGE_KEYS)
"""An image element; that it has one of `image_url` and `slack_file` is checked across."""
